/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When may memory be freed that other threads may be reading? Readers take no lock: each says when it is inside, once a
 * batch. A writer first unlinks what it wants to free, then retires it here; it is released when every reader that was
 * inside at that moment has been outside (epoch-based reclamation, Fraser 2004, section 5.2.3).
 *
 * There is one writer at a time. Pointers that readers follow are atomic, stored and loaded in the one order that all
 * threads agree on (memory_order_seq_cst): either the writer sees that a reader is inside, or the reader does not see
 * what was taken out of sight.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EW_GRACE_READERS_MAX 17

/* Part of everything that is retired. */
typedef struct EwGraceItem EwGraceItem;
struct EwGraceItem
{
  EwGraceItem *next;
  void (*release) (EwGraceItem *item);
  uint64_t epoch;
};

typedef struct
{
  _Atomic uint64_t inside; /* the epoch it came in; 0: it is outside */
  uint64_t apart[15];      /* no two readers write to one cache line, nor to neighboring ones */
} EwGraceReader;

typedef struct
{
  EwGraceReader readers[EW_GRACE_READERS_MAX];
  _Atomic uint64_t epoch;
  EwGraceItem *first, **last; /* retired, the oldest first */
} EwGrace;

void ew_grace_init (EwGrace *grace);
/* No reader is inside any more: releases everything. */
void ew_grace_clear (EwGrace *grace);

/* A full barrier: what the reader loads from here on isn't older than what a writer sees of it. */
static inline void
ew_grace_enter (EwGrace *grace, unsigned reader)
{
  atomic_exchange (&grace->readers[reader].inside, atomic_load (&grace->epoch));
}

static inline void
ew_grace_leave (EwGrace *grace, unsigned reader)
{
  atomic_store_explicit (&grace->readers[reader].inside, 0, memory_order_release);
}

/* The writer's. */

/* What is out of sight now has been left by all readers when ew_grace_passed() says so of what this returns. */
uint64_t ew_grace_begin (EwGrace *grace);
bool ew_grace_passed (EwGrace *grace, uint64_t epoch);
/* release is called, by the writer, now or later. grace NULL: now. */
void ew_grace_retire (EwGrace *grace, EwGraceItem *item, void (*release) (EwGraceItem *item));
/* Releases what can be. True: something is left. */
bool ew_grace_collect (EwGrace *grace);
