/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The flow table: conversations that a verdict has let pass, so that it is asked once for each and not for each packet,
 * and so that replies pass that it would not let begin.
 *
 * Read without locks, by any number of data threads: an entry is eight atomic words under a version, which a writer
 * makes odd while it changes the rest; a reader that meets a change takes the flow for unknown and asks the verdict. A
 * writer that meets another gives up, too. Nothing waits, nothing allocates.
 *
 * Bounded: a fixed number of entries in sets of four, chosen by a secret hash, and EW_FLOWS_PER_NODE for each node that
 * opened them. A node at its bound replaces flows of its own; a set that is full of others' fresh flows keeps them.
 * What was not stored is asked about again.
 */
#pragma once

#include <stdatomic.h>
#include "edge/switch/flow.h"

#define EW_FLOWS_DEFAULT 65536 /* 4 MB, of which only what is used becomes real */
#define EW_FLOWS_PER_NODE 1024

/* Seconds without a packet after which a flow is forgotten. */
#define EW_FLOW_IDLE_NEW 30   /* no reply yet */
#define EW_FLOW_IDLE_TCP 7440 /* RFC 5382, REQ-5: 2 h 4 min */
#define EW_FLOW_IDLE 300      /* RFC 4787, REQ-5 */

typedef struct EwFlowTable EwFlowTable;

/* How many flows a node has in the table. Zeroed: none. It stays in place until ew_switch_flow_table_forget(). */
typedef struct
{
  _Atomic guint32 n;
} EwFlowOwner;

typedef enum
{
  EW_FLOW_UNKNOWN, /* ask */
  EW_FLOW_STALE,   /* it was let pass, before ew_switch_flow_table_invalidate(): ask, in the direction that opened it */
  EW_FLOW_PASSES
} EwFlowState;

/* capacity: entries, a power of two from 4; 0: EW_FLOWS_DEFAULT. seed: random. */
EwFlowTable *ew_switch_flow_table_new (guint64 seed, gsize capacity);
void ew_switch_flow_table_free (EwFlowTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwFlowTable, ew_switch_flow_table_free)

/* now: seconds of any clock that does not go back. Notes the packet where the flow passes. *opener, where the flow is
   not unknown: what `reversed` was when it was opened. */
EwFlowState ew_switch_flow_table_find (EwFlowTable *self, const EwFlow *flow, guint32 now, gboolean *opener);
/* Remembers that the flow passes, opened in the direction that flow->reversed names, or refreshes it. FALSE: there is
   no room for it. */
gboolean ew_switch_flow_table_store (EwFlowTable *self, const EwFlow *flow, EwFlowOwner *owner, guint32 now);
void ew_switch_flow_table_remove (EwFlowTable *self, const EwFlow *flow);
/* Changes with ew_switch_flow_table_invalidate(): what passed under another is to be looked up again. */
guint32 ew_switch_flow_table_generation (EwFlowTable *self);
/* The policy, or the owner of an address, has changed: asks the policy again about every flow. */
void ew_switch_flow_table_invalidate (EwFlowTable *self);
/* Removes all flows of an owner that is to go, and that opens no more. Not in a data thread: it looks at every entry.
 */
void ew_switch_flow_table_forget (EwFlowTable *self, EwFlowOwner *owner);
