/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receiver indices (whitepaper section 5.4): the random 32-bit numbers with which incoming messages name one of this
 * device's handshakes or sessions. Being random, they are their own hash. The first byte on the wire, the lowest, also
 * says which lane a session belongs to, if there are several.
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
  EwTable sessions;   /* lanes look here without a lock */
  EwTable handshakes; /* a peer's entry is used again and again */
} EwIndexTable;

static inline EwIndexEntry *
ew_index_find_in (const EwTable *table, uint32_t index)
{
  size_t cursor = EW_TABLE_START;
  EwIndexEntry *entry;
  do
    entry = ew_table_next (table, index, &cursor);
  while (entry != NULL && entry->index != index); /* a slot may be changing hands */
  return entry;
}

/* Of a keypair; from any lane. */
static inline EwIndexEntry *
ew_index_find_session (const EwIndexTable *indices, uint32_t index)
{
  return ew_index_find_in (&indices->sessions, index);
}

static inline EwIndexEntry *
ew_index_find_handshake (const EwIndexTable *indices, uint32_t index)
{
  return ew_index_find_in (&indices->handshakes, index);
}

static inline EwIndexEntry *
ew_index_find (const EwIndexTable *indices, uint32_t index)
{
  EwIndexEntry *entry = ew_index_find_session (indices, index);
  return entry != NULL ? entry : ew_index_find_handshake (indices, index);
}

static inline EwTable *
ew_index_table_of (EwIndexTable *indices, const EwIndexEntry *entry)
{
  return entry->kind == EW_INDEX_KEYPAIR ? &indices->sessions : &indices->handshakes;
}

/* False: out of memory. */
static inline bool
ew_index_insert (EwIndexTable *indices, EwIndexEntry *entry)
{
  return ew_table_insert (ew_index_table_of (indices, entry), entry->index, entry);
}

static inline void
ew_index_remove (EwIndexTable *indices, EwIndexEntry *entry)
{
  ew_table_remove (ew_index_table_of (indices, entry), entry->index, entry);
}
