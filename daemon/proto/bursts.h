/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether bursts arrive: many datagrams that are handed to the kernel as one message (UDP_SEGMENT). Some kernels and
 * network cards damage them and report no error: Linux 7.0 to 7.1.4 writes wrong UDP headers into bursts of equal
 * datagrams, so that no receiver accepts one of them, while each datagram alone arrives.
 *
 * The evidence is the peer's: from time to time one burst is picked, and the peer is asked (proto/link.h) how many of
 * its datagrams, known by their counters, its replay window has. Random loss takes some of a burst, damage all of it.
 *
 *              bursts wholly lost                  some datagrams arrived alone
 *   TOGETHER ─────────────────────→ ALONE ────────────────────────────────────→ ALONE, proven
 *     ↑  ↑                            │  ↑                                            │
 *     │  └── alone, all is lost, too ─┘  └──────── lost ──────── TRIAL ←── EW_BURSTS_HOLD, then twice as long …
 *     └───────────────────────────────────────── arrived ───────────┘
 *
 * In a TRIAL only the bursts that are picked go together, one at a time: so few datagrams are at stake.
 *
 * Pure: bursts, answers and a time in, decisions out. Many lanes may look at once; the rest is for one at a time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EW_BURSTS_MS UINT64_C (1000000)     /* in ns */
#define EW_BURSTS_CALM (300 * EW_BURSTS_MS) /* between two bursts that are picked, unless some were lost */
/* From a burst to the question, so that the question doesn't overtake it. The replay window holds so long at 1.6
   million packets a second. */
#define EW_BURSTS_ASK (5 * EW_BURSTS_MS)
#define EW_BURSTS_ASK_AGAIN (300 * EW_BURSTS_MS)
#define EW_BURSTS_QUESTIONS 5                  /* about one burst; then it is forgotten */
#define EW_BURSTS_UNASKED (200 * EW_BURSTS_MS) /* the peer can't be asked (yet) */

/* When bursts are taken for damaged: wholly lost ones, of these within EW_BURSTS_FRESH, none of their kind having
   arrived since; over so long a time, as a full queue on the way may drop two in a row. Random loss of one in ten does
   that once in 10^10 times. */
#define EW_BURSTS_LOST 2
#define EW_BURSTS_LOST_DATAGRAMS 10
#define EW_BURSTS_LOST_FOR (200 * EW_BURSTS_MS)
#define EW_BURSTS_FRESH (3000 * EW_BURSTS_MS)

#define EW_BURSTS_ARRIVED 3 /* so many in a row prove a way of sending */
#define EW_BURSTS_HOLD (600000 * EW_BURSTS_MS)
#define EW_BURSTS_HOLD_MAX (8 * EW_BURSTS_HOLD)
#define EW_BURSTS_INNOCENT (60000 * EW_BURSTS_MS) /* alone they are lost, too: bursts aren't looked at for so long */

/* Datagrams with consecutive counters. */
typedef struct
{
  uint32_t index; /* the session, as its receiver calls it */
  uint64_t first; /* the first one's counter */
  uint8_t n;
  bool equal;    /* all have one size, the last one too */
  bool together; /* they were one message */
} EwBurstSample;

typedef enum
{
  EW_BURSTS_TOGETHER,
  EW_BURSTS_ALONE,
  EW_BURSTS_TRIAL
} EwBurstsMode;

/* What an answer led to. */
typedef enum
{
  EW_BURSTS_SAME,
  EW_BURSTS_OFF, /* it is proven that bursts are damaged and datagrams alone arrive */
  EW_BURSTS_ON   /* bursts arrive again */
} EwBurstsNews;

/* Wholly lost since one of its kind last arrived. */
typedef struct
{
  uint64_t first_ns, last_ns;
  uint32_t bursts, datagrams;
} EwBurstsLost;

#define EW_BURSTS_KINDS 4 /* of equal datagrams or with a shorter last one; of fewer than eight or more */

typedef struct
{
  _Atomic uint64_t due_ns; /* the next burst from then on is looked at */
  _Atomic uint8_t mode;    /* EwBurstsMode */
  _Atomic bool waiting; /* a sample is out: single datagrams are looked at, too, as they may take the question along */

  EwBurstSample sample;
  uint64_t sent_ns;
  uint8_t questions;  /* about it */
  uint8_t arrived;    /* in a row, in this mode */
  uint8_t unanswered; /* in a row */
  bool proven;        /* ALONE: datagrams alone arrive */
  _Atomic bool told;  /* the latest news were OFF */
  uint8_t failures;   /* in a row: how often bursts were given up */
  uint64_t until_ns;  /* ALONE: when a trial begins */
  EwBurstsLost lost[EW_BURSTS_KINDS];
} EwBursts;

/* Another path: all is forgotten. */
void ew_bursts_reset (EwBursts *bursts);

/* How a burst leaves, and whether ew_bursts_note() is to be called after it has: any lane may ask, for each burst. */
typedef struct
{
  bool together, note;
} EwBurstsLook;

static inline EwBurstsLook
ew_bursts_look (EwBursts *bursts, unsigned n, uint64_t now_ns)
{
  const EwBurstsMode mode = (EwBurstsMode)atomic_load_explicit (&bursts->mode, memory_order_relaxed);
  uint64_t due_ns = atomic_load_explicit (&bursts->due_ns, memory_order_relaxed);
  EwBurstsLook look = { mode == EW_BURSTS_TOGETHER, false };
  if (now_ns < due_ns)
    return look;
  const bool waiting = atomic_load_explicit (&bursts->waiting, memory_order_relaxed);
  if (n < 2 && !waiting)
    return look;
  /* One lane is enough. */
  look.note = atomic_compare_exchange_strong_explicit (&bursts->due_ns, &due_ns, now_ns + EW_BURSTS_ASK,
                                                       memory_order_relaxed, memory_order_relaxed);
  look.together = look.together || (look.note && !waiting && mode == EW_BURSTS_TRIAL);
  return look;
}

/* A burst that was to be noted has left. sample: what it was, n 0: its counters aren't consecutive. True: *question is
   what the peer is to be asked about now; ew_bursts_unasked() where it can't be. */
bool ew_bursts_note (EwBursts *bursts, const EwBurstSample *sample, uint64_t now_ns, EwBurstSample *question);
void ew_bursts_unasked (EwBursts *bursts, uint64_t now_ns);
/* The peer's answer: how many of those arrived; EW_BURSTS_UNKNOWN: it doesn't know any more. */
#define EW_BURSTS_UNKNOWN 255
EwBurstsNews ew_bursts_counted (EwBursts *bursts, uint32_t index, uint64_t first, unsigned seen, uint64_t now_ns);
