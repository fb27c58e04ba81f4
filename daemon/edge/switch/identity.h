/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a node one computer, and does its clock agree with the edge's? What the edge sees of a cloned or restored
 * computer, decided from times alone, so that a test can be the clock. All times are the engine's now_ns; 0 means
 * never.
 *
 * A node draws a number each time its program starts, and names it in every PROBE (proto/link.h). A number that returns
 * after another one was there belongs to a second computer. So that an idle one is not overlooked, the edge calls where
 * the first was when the second shows up; a program that was just restarted doesn't answer there. * A
 *computer
 * whose state was restored sends handshakes that are older than those before. Anyone can replay such, so nothing is
 * said of a node before it has answered a call (ew_peer_call()) from where they came.
 */
#pragma once

#include <glib.h>
#include "proto/device.h"
#include "proto/link.h"

#define EW_IDENTITY_FORMERS 3
/* A smaller difference doesn't mean a wrong clock: timestamps are coarse, and go on from what was reserved before a
   crash. */
#define EW_IDENTITY_CLOCK_BEHIND_S 60

/* The numbers that a node's PROBEs named, newest first: the data thread's own. */
typedef struct
{
  guint32 newest, formers[EW_IDENTITY_FORMERS]; /* 0: none */
} EwInstances;

typedef enum
{
  EW_INSTANCE_SAME,
  EW_INSTANCE_NEW,
  EW_INSTANCE_BACK /* another one was there in between */
} EwInstanceChange;

EwInstanceChange ew_switch_instances_note (EwInstances *instances, guint32 number);

typedef struct
{
  guint64 refused_ns; /* its last handshake that was refused as too old */
  guint64 behind_ns;  /* it answered a call that was made because of those */
  gint64 behind_s;    /* how far its timestamp was behind this host's clock then */
  EwEndpoint former;  /* where it was online until it moved */
  guint64 moved_ns;
  guint64 appeared_ns; /* the new number that was last looked at */
} EwIdentity;

void ew_switch_identity_note_stats (EwIdentity *identity, const EwPeerStats *stats, guint64 realtime_ns);
/* It is somewhere else than before, where it was online. */
void ew_switch_identity_note_move (EwIdentity *identity, const EwEndpoint *from, guint64 now_ns);
/* Where to call because a new number appeared then; NULL: nowhere, it hadn't moved before, or that's done already. */
const EwEndpoint *ew_switch_identity_whom_to_call (EwIdentity *identity, guint64 appeared_ns);
/* back_ns: when a number was last back. */
EwNodeProblem ew_switch_identity_get_problem (const EwIdentity *identity, guint64 back_ns, guint64 now_ns);
/* When get_problem() will say something else though nothing happens; G_MAXUINT64: there is no problem. */
guint64 ew_switch_identity_get_problem_end (const EwIdentity *identity, guint64 back_ns, guint64 now_ns);
/* Its handshakes are refused at present: not proved, for its own eyes only. */
gboolean ew_switch_identity_is_refused (const EwIdentity *identity, guint64 now_ns);
