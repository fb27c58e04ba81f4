/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receiver indices (whitepaper section 5.4): the random 32-bit numbers by which incoming messages name a handshake or a
 * session of ours. Being random, they are their own hash.
 */
#pragma once

#include "proto/device.h"
#include "proto/table.h"

typedef enum
{
  EW_INDEX_NONE, /* in no table */
  EW_INDEX_HANDSHAKE,
  EW_INDEX_KEYPAIR
} EwIndexKind;

/* The first member of an EwKeypair; a member of a peer for its handshake. */
typedef struct
{
  uint32_t index;
  uint8_t kind; /* EwIndexKind */
  EwPeer *peer;
} EwIndexEntry;

typedef struct
{
  EwTable table;
} EwIndexTable;

static inline EwIndexEntry *
ew_index_find (const EwIndexTable *indices, uint32_t index)
{
  size_t cursor = EW_TABLE_START;
  return ew_table_next (&indices->table, index, &cursor);
}

/* False: memory is gone. */
static inline bool
ew_index_insert (EwIndexTable *indices, EwIndexEntry *entry)
{
  return ew_table_insert (&indices->table, entry->index, entry);
}

static inline void
ew_index_remove (EwIndexTable *indices, EwIndexEntry *entry)
{
  ew_table_remove (&indices->table, entry->index, entry);
}
