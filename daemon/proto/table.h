/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hash table of borrowed pointers: open addressing, linear probing, at most half full. The caller hashes and
 * compares:
 *
 *   size_t cursor = EW_TABLE_START;
 *   while ((value = ew_table_next (&table, hash, &cursor)) != NULL)
 *     if (value is the one) …
 *
 * Hashes must be unpredictable for anyone who chooses the keys. One thread changes it; others may search it at the same
 * time if it was given an EwGrace and they are inside that: they find what is there before and after, and may come upon
 * a value of another hash.
 */
#pragma once

#include "proto/grace.h"

#define EW_TABLE_START SIZE_MAX
#define EW_TABLE_GONE ((void *)1) /* was taken out: searches go on after it */

typedef struct
{
  _Atomic uint32_t hash;
  _Atomic (void *) value; /* NULL: empty */
} EwTableSlot;

typedef struct
{
  EwGraceItem item;
  size_t mask;
  EwTableSlot slots[];
} EwTableArray;

typedef struct
{
  _Atomic (EwTableArray *) array; /* NULL while nothing was ever added */
  size_t count, used;             /* values; slots that are not empty */
  EwGrace *grace;                 /* NULL: no one searches while it's changed */
} EwTable;                        /* zeroed: empty */

void ew_table_clear (EwTable *table); /* frees the slots, not the values */
/* Makes sure that the next insertion needs no memory. False: out of memory. */
bool ew_table_reserve (EwTable *table);
/* False: out of memory. The same value must not be in it. */
bool ew_table_insert (EwTable *table, uint32_t hash, void *value);
/* Does nothing when the value is not there. */
void ew_table_remove (EwTable *table, uint32_t hash, const void *value);

/* The next value with this hash, NULL: no more. */
static inline void *
ew_table_next (const EwTable *table, uint32_t hash, size_t *cursor)
{
  const EwTableArray *array = atomic_load (&table->array);
  if (array == NULL)
    return NULL;
  for (size_t i = (*cursor == EW_TABLE_START ? hash : *cursor + 1) & array->mask;; i = (i + 1) & array->mask)
    {
      void *value = atomic_load (&array->slots[i].value);
      if (value == NULL)
        return NULL;
      if (value != EW_TABLE_GONE && atomic_load_explicit (&array->slots[i].hash, memory_order_relaxed) == hash)
        {
          *cursor = i;
          return value;
        }
    }
}
