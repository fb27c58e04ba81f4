/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How large a packet the path takes, in each direction: events and a time in, probes and a deadline out. Pure; the
 * clock is handed in (µs, counting while suspended), so that a simulated path tests it.
 *
 *   begin ──→ SEARCHING ──every size settled──→ CHECKING ──answer, or none──→ SETTLED
 *                 ↑                                                              │  busy, 3 s
 *                 ├── ten minutes, where the path is narrow ─────────────────────┤
 *                 └── three checks in a row unanswered ←── CHECKING ←────────────┘
 *
 * A probe asks two questions at once: does a packet of this size reach the edge, and does an answer of that size come
 * back. The search sends a few sizes together: at first the largest, what this network took the last time, and a small
 * one, which arrives on any path; so a path that takes all is known after one round trip. What has no answer is sent
 * twice. As soon as the largest is known to fail, the best of those that passed counts until the search is over: that's
 * one more round trip and a margin.
 *
 * What isn't answered although the small one isn't either says nothing: the edge may be an earlier version. Sizes are
 * multiples of 16, because sealed packets are padded to those.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PATH_SECOND ((gint64)G_USEC_PER_SEC)
#define EW_PATH_FLOOR 512                        /* bytes inside; IPv4's 576 (RFC 791) less the tunnel's own headers */
#define EW_PATH_STEP 16                          /* how exact */
#define EW_PATH_SPREAD 4                         /* sizes that are tried together */
#define EW_PATH_TRIES 2                          /* of a size without an answer */
#define EW_PATH_ROUNDS 12                        /* of a search: 600 sizes take four; late answers cost more */
#define EW_PATH_WAIT (1 * EW_PATH_SECOND)        /* for an answer, before there was one … */
#define EW_PATH_MARGIN (3 * EW_PATH_SECOND / 20) /* … and two round trips and this, since there was */
#define EW_PATH_CHECK_EVERY (3 * EW_PATH_SECOND) /* while traffic flows: for a path that has become narrower */
#define EW_PATH_CHECK_WAIT (1 * EW_PATH_SECOND / 2)
#define EW_PATH_CHECK_TRIES 3
#define EW_PATH_RAISE (600 * EW_PATH_SECOND) /* RFC 4821 section 3 and RFC 8899 section 5.3.3: ten minutes */
#define EW_PATH_LATE 3                       /* searches begun again because an answer was late */

typedef enum
{
  EW_PATH_UP,  /* to the edge */
  EW_PATH_DOWN /* from it */
} EwPathWay;
#define EW_PATH_WAYS 2

typedef enum
{
  EW_PATH_OFF,
  EW_PATH_SEARCHING,
  EW_PATH_CHECKING,
  EW_PATH_SETTLED
} EwPathState;

/* A probe to send: its size, and that of the answer that it asks for. Bytes of the inner packet; 0: as small as it
   can be. */
typedef struct
{
  guint16 size, answer;
} EwPathProbe;

#define EW_PATH_PROBES_MAX (EW_PATH_WAYS * EW_PATH_SPREAD)

typedef struct
{
  guint n;
  EwPathProbe probes[EW_PATH_PROBES_MAX];
} EwPathProbes;

/* Private. */
typedef struct
{
  guint16 fits, fails; /* the largest that passed, the smallest that didn't: 0 and more than the top: none */
  guint16 sizes[EW_PATH_SPREAD];
  guint n;
} EwPathSearch;

typedef struct
{
  EwPathState state;
  guint32 generation; /* of the search: an answer to another one says nothing */
  guint16 top;        /* the largest packet that is ever sent */
  guint16 known[EW_PATH_WAYS];
  EwPathSearch ways[EW_PATH_WAYS];
  gint64 sent;       /* the try at hand */
  gint64 round_trip; /* the longest yet; 0: unknown */
  guint tries, rounds, late;
  gboolean telling; /* the check only tells the edge what was found */
  gint64 checked, settled;
} EwPathMtu;

/* Another path, or it's to be measured again. remembered: what it took the last time, 0: unknown. */
void ew_path_mtu_begin (EwPathMtu *self, guint16 top, const guint16 remembered[EW_PATH_WAYS], gint64 now,
                        EwPathProbes *out);
/* The path is lost, or one without a limit (a stream). forget: what was known isn't true any more. */
void ew_path_mtu_stop (EwPathMtu *self, gboolean forget);
/* The edge answered a probe of that size with an answer of that size. */
void ew_path_mtu_answered (EwPathMtu *self, guint32 generation, guint16 size, guint16 answer, gint64 now,
                           EwPathProbes *out);
/* Traffic flows: called as often as one likes. */
void ew_path_mtu_busy (EwPathMtu *self, gint64 now, EwPathProbes *out);
/* The deadline passed (harmless before it). */
void ew_path_mtu_tick (EwPathMtu *self, gint64 now, EwPathProbes *out);
/* When that is due; G_MAXINT64: never. */
gint64 ew_path_mtu_deadline (const EwPathMtu *self);
/* The largest packet that is known to pass that way; 0: unknown. */
guint16 ew_path_mtu_get (const EwPathMtu *self, EwPathWay way);

G_END_DECLS
