/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether another of the edge's addresses is better than the one in use (IPv6 and IPv4, two providers): events and a
 * time in, things to do and a deadline out. Pure; the clock is handed in (µs, counting while suspended).
 *
 * The race at connect (race.c) takes whichever address answers first, and one that is tried 250 ms later rarely does.
 * So while UDP is in use, the others are measured once, one after the other, and again every EW_BETTER_AGAIN; only when
 * an answer comes anyway, so that nothing wakes an idle computer up:
 *
 *           an answer, and it's time           it answers the handshake                 3 round trips
 *   RESTING ────────────────────────→ CALLING ──────────────────────────→ MEASURING ─────────────────────→ RESTING
 *                                        │ too late: LEAVE                    │ 1 s: LEAVE       KEEP or LEAVE
 *                                        ↓                                    ↓
 *                                     RESTING                              RESTING
 *
 * A handshake's answer moves the session to where it came from (as WireGuard does), so packets take that path while it
 * is measured: one that works in both directions. LEAVE moves it back.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_BETTER_FIRST (2 * (gint64)G_USEC_PER_SEC) /* after the tunnel is connected */
#define EW_BETTER_NEXT (11 * (gint64)G_USEC_PER_SEC) /* between two addresses: proto/ allows a call in 10 s */
#define EW_BETTER_AGAIN (600 * (gint64)G_USEC_PER_SEC)
#define EW_BETTER_PATIENCE (1 * (gint64)G_USEC_PER_SEC)
/* A handshake that takes longer than twice the round trip and this comes by no better path. The edge answers where it
   heard the latest: what it sends in the meantime is lost if that path works in one direction only. */
#define EW_BETTER_CALL_PATIENCE (G_USEC_PER_SEC / 10)
#define EW_BETTER_LATE (5 * (gint64)G_USEC_PER_SEC) /* an answer after so long is no longer to be expected */
#define EW_BETTER_ROUNDS 3                          /* the shortest of these counts */
/* Better by less than a fifth and 2 ms isn't worth a change. */
#define EW_BETTER_SHARE 5
#define EW_BETTER_LEAST 2000

typedef enum
{
  EW_BETTER_RESTING,
  EW_BETTER_CALLING,
  EW_BETTER_MEASURING
} EwBetterState;

/* What the caller does. */
typedef enum
{
  EW_BETTER_NOTHING,
  EW_BETTER_CALL,  /* a handshake to the next of the others; where there is none: ew_better_skip () */
  EW_BETTER_PROBE, /* measure the address that has just answered */
  EW_BETTER_LEAVE, /* back to the address in use, and a probe from there, so that the edge follows */
  EW_BETTER_KEEP   /* the address that was measured is the one in use from now on */
} EwBetterAction;

typedef struct
{
  EwBetterState state;
  gint64 since;                    /* of the state */
  gint64 due;                      /* RESTING: not before */
  gint64 recent[EW_BETTER_ROUNDS]; /* round trips by the address in use; 0: none yet */
  guint n_recent;
  gint64 other; /* the shortest round trip by the one that is measured */
  guint rounds;
  gint64 called; /* the latest CALL; 0: none */
} EwBetter;

/* The tunnel is connected, by whichever address. */
void ew_better_start (EwBetter *self, gint64 now);
/* A probe that was sent then was answered now. */
EwBetterAction ew_better_answered (EwBetter *self, gint64 sent, gint64 now);
/* The address that was called has answered the handshake. */
EwBetterAction ew_better_moved (EwBetter *self, gint64 now);
/* The deadline may have passed. */
EwBetterAction ew_better_tick (EwBetter *self, gint64 now);
/* There is nothing (more) to call in this round. */
void ew_better_skip (EwBetter *self, gint64 now);
/* G_MAXINT64: none. */
gint64 ew_better_deadline (const EwBetter *self);

G_END_DECLS
