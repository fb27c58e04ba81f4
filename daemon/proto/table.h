/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hash table of borrowed pointers: open addressing, linear probing, at most half full. The caller hashes and
 * compares:
 *
 *   size_t cursor = EW_TABLE_START;
 *   while ((value = ew_table_next (&table, hash, &cursor)) != NULL)
 *     if (value is the one) …
 *
 * Hashes must be unpredictable for whoever chooses the keys.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EW_TABLE_START SIZE_MAX

typedef struct
{
  uint32_t hash;
  void *value; /* NULL: empty */
} EwTableSlot;

typedef struct
{
  EwTableSlot *slots; /* NULL while nothing was ever added */
  size_t mask, count;
} EwTable; /* zeroed: empty */

void ew_table_clear (EwTable *table); /* frees the slots, not the values */
/* Makes sure that the next insertion needs no memory. False: memory is gone. */
bool ew_table_reserve (EwTable *table);
/* False: memory is gone. The same value must not be in it. */
bool ew_table_insert (EwTable *table, uint32_t hash, void *value);
/* Does nothing when the value is not there. */
void ew_table_remove (EwTable *table, uint32_t hash, const void *value);

/* The next value with this hash, NULL: no more. */
static inline void *
ew_table_next (const EwTable *table, uint32_t hash, size_t *cursor)
{
  if (table->slots == NULL)
    return NULL;
  size_t i = *cursor == EW_TABLE_START ? hash & table->mask : (*cursor + 1) & table->mask;
  for (; table->slots[i].value != NULL; i = (i + 1) & table->mask)
    if (table->slots[i].hash == hash)
      {
        *cursor = i;
        return table->slots[i].value;
      }
  return NULL;
}
