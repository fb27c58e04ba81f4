/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a node there? Decided from times alone, so that a test can be the clock. All times are the engine's now_ns (a
 * clock that counts while suspended); 0 means never.
 */
#pragma once

#include <glib.h>

#define EW_SECOND_NS G_GUINT64_CONSTANT (1000000000)
/* An Edgeway node probes every 25 s, a plain one sends a keepalive every 25 s: one lost packet doesn't mean offline. */
#define EW_PRESENCE_ONLINE_NS (40 * EW_SECOND_NS)
/* What was under way when a node said goodbye still arrives: for so long only a handshake or a PROBE means that it is
 * back. */
#define EW_PRESENCE_GOODBYE_NS (2 * EW_SECOND_NS)
/* A round trip measured longer ago means nothing any more. */
#define EW_PRESENCE_RTT_NS (10 * EW_SECOND_NS)
#define EW_PRESENCE_ROAM_NS (60 * EW_SECOND_NS)

typedef struct
{
  guint64 last_rx_ns; /* any authenticated packet */
  guint64 last_handshake_ns;
  guint64 last_probe_ns; /* link PROBE */
  guint64 goodbye_ns;
} EwPresence;

gboolean ew_switch_presence_is_online (const EwPresence *presence, guint64 now_ns);
/* When to look again though the data thread says nothing: one that is online may be offline then, and one that said
 * goodbye may have sent keepalives since. G_MAXUINT64: never, as what comes after EW_SILENCE is told. */
guint64 ew_switch_presence_get_due (const EwPresence *presence, guint64 now_ns);
/* It said goodbye and has not been back: packets to it can be answered "unreachable" at once. */
gboolean ew_switch_presence_has_departed (const EwPresence *presence);
/* Milliseconds, or -1: never measured, or too long ago. */
gdouble ew_switch_presence_get_rtt (guint64 rtt_ns, guint64 measured_ns, guint64 now_ns);

/* The NOTICE that a node's document has changed: said at once, repeated after 1, 2 and 4 s until the node shows that it
   knows, then left to its next PROBE, whose ANSWER says the same. */
typedef struct
{
  guint64 due_ns; /* 0: nothing to say */
  guint sent;
} EwNotice;

void ew_switch_notice_start (EwNotice *notice, guint64 now_ns);
void ew_switch_notice_stop (EwNotice *notice);
/* True when one is to be sent now; moves on to the next. */
gboolean ew_switch_notice_take (EwNotice *notice, guint64 now_ns);
