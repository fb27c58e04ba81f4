/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the edge is there: events and a time in, things to do and a deadline out. Pure; the clock is handed in (µs,
 * counting while suspended), so that a table of events tests it.
 *
 *                   answer                       no answer in time
 *      CONNECTING ──────────→ CONNECTED ─────────────────────────────→ RECONNECTING
 *                                 ↑                                          │
 *                                 └───────────────── answer ─────────────────┘
 *
 * Quiet, one probe every 25 s replaces a persistent keepalive, and the edge must have answered within 30 s. In between,
 * a NAT may forget this computer, and then nothing from the edge arrives until the next probe. Nothing tells a quiet
 * computer so; but the edge's answer does afterwards, and from then on probes are more frequent in this network. While
 * traffic flows or a viewer looks it's asked every 3 s and must have answered within 5.5 s. A probe without an answer
 * is repeated every second.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_LIVENESS_SECOND ((gint64)G_USEC_PER_SEC) /* the macro is an int */
#define EW_LIVENESS_QUIET_PROBE (25 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_QUIET_LOST (30 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_BUSY_PROBE (3 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_BUSY_LOST (11 * EW_LIVENESS_SECOND / 2)
#define EW_LIVENESS_RETRY (1 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_SLOW_RETRY (5 * EW_LIVENESS_SECOND) /* once it has been away for LONG and nobody waits for it */
#define EW_LIVENESS_LONG (15 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_NEXT_ENDPOINT (3 * EW_LIVENESS_SECOND) /* without an answer, each endpoint gets so long */
#define EW_LIVENESS_INVESTIGATE (2 * EW_LIVENESS_SECOND)   /* then the layer that fails is looked for, and every … */
#define EW_LIVENESS_INVESTIGATE_AGAIN (30 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_BUSY_FOR (10 * EW_LIVENESS_SECOND) /* after the last packet or look */
#define EW_LIVENESS_DOUBT_FOR (6 * EW_LIVENESS_SECOND) /* as if traffic flowed: until it's answered or lost */
/* A NAT that had forgotten this computer: quiet, it's probed twice as often, but not more often than this, … */
#define EW_LIVENESS_NAT_PROBE (6 * EW_LIVENESS_SECOND)
/* … and for so long, then for twice as long each time, as it may only have been restarted. */
#define EW_LIVENESS_NAT_FIRST (600 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_NAT_LAST (86400 * EW_LIVENESS_SECOND)
#define EW_LIVENESS_NAT_TRIES 3 /* so often in vain */

typedef enum
{
  EW_LINK_CONNECTING,
  EW_LINK_CONNECTED,
  EW_LINK_RECONNECTING
} EwLinkState;

typedef enum
{
  EW_LIVENESS_TICK,   /* the deadline passed (harmless before it) */
  EW_LIVENESS_ANSWER, /* the edge answered a probe */
  EW_LIVENESS_BUSY,   /* traffic was seen, or a viewer looks */
  EW_LIVENESS_DOUBT,  /* the edge may be elsewhere now */
  EW_LIVENESS_MOVED, /* before an ANSWER: the edge saw that probe come from another address or port than the one before,
                         though nothing has changed here */
  EW_LIVENESS_NETWORK /* another network, or back from sleep */
} EwLivenessEvent;

/* What the caller does, in this order. */
typedef enum
{
  EW_DO_NEXT_ENDPOINT = 1 << 0, /* the edge's next address, then */
  EW_DO_REBIND = 1 << 1,        /* forget the local address packets left from */
  EW_DO_INITIATE = 1 << 2,      /* a new handshake, at once */
  EW_DO_PROBE = 1 << 3,
  EW_DO_INVESTIGATE = 1 << 4, /* ask the API why the tunnel is silent */
  EW_DO_SHOW = 1 << 5         /* the state changed */
} EwLivenessAction;

typedef struct
{
  EwLinkState state;
  gint64 answered;     /* last answer; 0: never */
  gint64 silent_since; /* the first probe without an answer; 0: nothing is outstanding */
  gint64 probed;
  gint64 busy_until;
  gint64 endpoint_since;
  gint64 investigated; /* 0: not since the edge fell silent */
  gint64 nat_probe;    /* so long until the next probe while it's quiet; 0: EW_LIVENESS_QUIET_PROBE */
  gint64 nat_until;    /* … until then */
  gint64 nat_for;      /* how long that was; 0: never yet in this network */
  guint nat_vain;      /* how often it had forgotten although it was probed that often */
} EwLiveness;

/* Returns the actions to begin with. */
guint ew_liveness_start (EwLiveness *self, gint64 now);
guint ew_liveness_event (EwLiveness *self, EwLivenessEvent event, gint64 now);
/* When EW_LIVENESS_TICK is due, as seen from now: may be past. */
gint64 ew_liveness_deadline (const EwLiveness *self, gint64 now);

G_END_DECLS
