/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which inner packets are of flows that send little: a call, keystrokes, a question to a DNS server, acknowledgements.
 * Where a queue is Edgeway's own (stream/queue.h), they don't wait there behind the flows that fill it (RFC 8290
 * section 1 calls them sparse). A flow is known by addresses, protocol and ports; several may share a place, and are then
 * taken for one. Pure; the clock is handed in.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_SPARSE_FLOWS 256 /* a power of two */

typedef struct
{
  guint64 due_ns;        /* when all that it sent would have left at the rate of a sparse flow */
  guint64 bulk_until_ns; /* it sent more than that */
} EwSparseFlow;

typedef struct
{
  EwSparseFlow flows[EW_SPARSE_FLOWS];
} EwSparse; /* zeroed: no flow has sent anything */

/* Counts the packet. FALSE as well for what isn't IP. */
gboolean ew_sparse_look (EwSparse *self, const guint8 *packet, gsize length, guint64 now_ns);

G_END_DECLS
