/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/identity.h"

#include <string.h>

#include "edge/switch/presence.h"

/* Two computers take the session from each other at least as often as both probe: every 25 s. */
#define TWO_MACHINES_NS (600 * EW_SECOND_NS)
/* While the edge's handshakes keep the session up, a computer that was set back sends none of its own. */
#define BEHIND_NS (900 * EW_SECOND_NS)
#define REFUSED_NS (30 * EW_SECOND_NS)
/* Between a handshake from somewhere else and the PROBE after it. */
#define MOVE_NS (30 * EW_SECOND_NS)

static gboolean
is_recent (guint64 then_ns, guint64 within_ns, guint64 now_ns)
{
  return then_ns != 0 && (then_ns >= now_ns || now_ns - then_ns < within_ns);
}

EwInstanceChange
ew_switch_instances_note (EwInstances *instances, guint32 number)
{
  gboolean known = FALSE;

  if (number == 0 || number == instances->newest)
    return EW_INSTANCE_SAME;
  for (guint i = 0; i < EW_IDENTITY_FORMERS; i++)
    known = known || instances->formers[i] == number;
  memmove (instances->formers + 1, instances->formers, sizeof instances->formers - sizeof instances->formers[0]);
  instances->formers[0] = instances->newest;
  instances->newest = number;
  return known ? EW_INSTANCE_BACK : EW_INSTANCE_NEW;
}

void
ew_switch_identity_note_stats (EwIdentity *identity, const EwPeerStats *stats, guint64 realtime_ns)
{
  identity->refused_ns = stats->refused_ns;
  if (stats->behind_ns == identity->behind_ns)
    return;
  identity->behind_ns = stats->behind_ns;
  identity->behind_s
    = ((gint64)MIN (realtime_ns, (guint64)G_MAXINT64) - (gint64)MIN (stats->behind_stated_ns, (guint64)G_MAXINT64))
      / (gint64)EW_SECOND_NS;
}

void
ew_switch_identity_note_move (EwIdentity *identity, const EwEndpoint *from, guint64 now_ns)
{
  identity->former = *from;
  identity->moved_ns = now_ns;
}

const EwEndpoint *
ew_switch_identity_whom_to_call (EwIdentity *identity, guint64 appeared_ns)
{
  if (appeared_ns == identity->appeared_ns)
    return NULL;
  identity->appeared_ns = appeared_ns;
  return is_recent (identity->moved_ns, MOVE_NS, appeared_ns) ? &identity->former : NULL;
}

EwNodeProblem
ew_switch_identity_get_problem (const EwIdentity *identity, guint64 back_ns, guint64 now_ns)
{
  if (is_recent (back_ns, TWO_MACHINES_NS, now_ns))
    return EW_NODE_PROBLEM_TWO_MACHINES;
  if (!is_recent (identity->behind_ns, BEHIND_NS, now_ns))
    return EW_NODE_PROBLEM_NONE;
  return identity->behind_s >= EW_IDENTITY_CLOCK_BEHIND_S ? EW_NODE_PROBLEM_CLOCK_BEHIND : EW_NODE_PROBLEM_RESTORED;
}

guint64
ew_switch_identity_get_problem_end (const EwIdentity *identity, guint64 back_ns, guint64 now_ns)
{
  if (is_recent (back_ns, TWO_MACHINES_NS, now_ns))
    return back_ns + TWO_MACHINES_NS;
  return is_recent (identity->behind_ns, BEHIND_NS, now_ns) ? identity->behind_ns + BEHIND_NS : G_MAXUINT64;
}

gboolean
ew_switch_identity_is_refused (const EwIdentity *identity, guint64 now_ns)
{
  return is_recent (identity->refused_ns, REFUSED_NS, now_ns);
}
