/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/table.h"

#include <stdlib.h>

#define SMALLEST 16

void
ew_table_clear (EwTable *table)
{
  free (table->slots);
  *table = (EwTable){ 0 };
}

static void
place (EwTable *table, uint32_t hash, void *value)
{
  size_t i = hash & table->mask;
  while (table->slots[i].value != NULL)
    i = (i + 1) & table->mask;
  table->slots[i] = (EwTableSlot){ hash, value };
  table->count++;
}

bool
ew_table_reserve (EwTable *table)
{
  size_t size = table->slots == NULL ? 0 : table->mask + 1;
  if (2 * (table->count + 1) <= size)
    return true;
  EwTable larger = { .mask = (size == 0 ? SMALLEST : 2 * size) - 1 };
  larger.slots = calloc (larger.mask + 1, sizeof *larger.slots);
  if (larger.slots == NULL)
    return false;
  for (size_t i = 0; i < size; i++)
    if (table->slots[i].value != NULL)
      place (&larger, table->slots[i].hash, table->slots[i].value);
  free (table->slots);
  *table = larger;
  return true;
}

bool
ew_table_insert (EwTable *table, uint32_t hash, void *value)
{
  if (!ew_table_reserve (table))
    return false;
  place (table, hash, value);
  return true;
}

void
ew_table_remove (EwTable *table, uint32_t hash, const void *value)
{
  if (table->slots == NULL)
    return;
  size_t hole = hash & table->mask;
  while (table->slots[hole].value != value)
    {
      if (table->slots[hole].value == NULL)
        return;
      hole = (hole + 1) & table->mask;
    }
  table->count--;
  /* Whoever probed past the hole moves into it, so that no search ends early. */
  for (size_t i = (hole + 1) & table->mask; table->slots[i].value != NULL; i = (i + 1) & table->mask)
    if (((i - table->slots[i].hash) & table->mask) >= ((i - hole) & table->mask))
      {
        table->slots[hole] = table->slots[i];
        hole = i;
      }
  table->slots[hole] = (EwTableSlot){ 0 };
}
