/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/table.h"

#include <stdlib.h>

#define SMALLEST 16

static EwTableArray *
get_array (const EwTable *table)
{
  return atomic_load_explicit (&table->array, memory_order_relaxed);
}

static void
release_array (EwGraceItem *item)
{
  free (item); /* it is the first member */
}

void
ew_table_clear (EwTable *table)
{
  free (get_array (table));
  atomic_store_explicit (&table->array, NULL, memory_order_relaxed);
  table->count = table->used = 0;
}

static void *
value_at (const EwTableArray *array, size_t i)
{
  return atomic_load_explicit (&array->slots[i].value, memory_order_relaxed);
}

/* True when the slot was empty. The hash first: a thread that sees the value sees it, too. */
static bool
place (EwTableArray *array, uint32_t hash, void *value)
{
  size_t i = hash & array->mask;
  while (value_at (array, i) != NULL && value_at (array, i) != EW_TABLE_GONE)
    i = (i + 1) & array->mask;
  bool empty = value_at (array, i) == NULL;
  atomic_store_explicit (&array->slots[i].hash, hash, memory_order_relaxed);
  atomic_store_explicit (&array->slots[i].value, value, memory_order_release);
  return empty;
}

bool
ew_table_reserve (EwTable *table)
{
  EwTableArray *old = get_array (table);
  size_t size = old == NULL ? 0 : old->mask + 1, wanted = SMALLEST;
  if (2 * (table->used + 1) <= size)
    return true;
  /* If most entries have been removed, the same size is enough. Some room is left, so that this is rare. */
  while (wanted < 2 * (table->count + 1) + table->count / 2)
    wanted *= 2;
  EwTableArray *array = calloc (1, sizeof *array + wanted * sizeof array->slots[0]);
  if (array == NULL)
    return false;
  array->mask = wanted - 1;
  for (size_t i = 0; i < size; i++)
    if (value_at (old, i) != NULL && value_at (old, i) != EW_TABLE_GONE)
      place (array, atomic_load_explicit (&old->slots[i].hash, memory_order_relaxed), value_at (old, i));
  table->used = table->count;
  atomic_store (&table->array, array);
  if (old != NULL)
    ew_grace_retire (table->grace, &old->item, release_array);
  return true;
}

bool
ew_table_insert (EwTable *table, uint32_t hash, void *value)
{
  if (!ew_table_reserve (table))
    return false;
  table->used += place (get_array (table), hash, value);
  table->count++;
  return true;
}

void
ew_table_remove (EwTable *table, uint32_t hash, const void *value)
{
  EwTableArray *array = get_array (table);
  if (array == NULL)
    return;
  size_t i = hash & array->mask;
  while (value_at (array, i) != value)
    {
      if (value_at (array, i) == NULL)
        return;
      i = (i + 1) & array->mask;
    }
  atomic_store (&array->slots[i].value, EW_TABLE_GONE);
  table->count--;
}
