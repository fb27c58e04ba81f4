/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fragments of packets that a service has to do with. Only the first has ports, so what was decided for it is kept for
 * the others of the same packet, by its identification. Those that arrive before the first wait a moment for it.
 *
 * All fragments of a packet come from one node, and so in one data thread: each thread has a table of its own, and a
 * node has one set of it, so that none can drive out another's with a flood of fragments. What doesn't fit is lost.
 */
#pragma once

#include "edge/nat/rewrite.h"
#include "proto/device.h"

#define EW_NAT_FRAGMENT_SETS 32
#define EW_NAT_FRAGMENT_WAYS 16 /* packets in pieces of a node, at one time */
#define EW_NAT_FRAGMENT_NS G_GUINT64_CONSTANT (2000000000)
#define EW_NAT_HELD 16         /* fragments that wait, of a thread */
#define EW_NAT_HELD_PER_NODE 8 /* … and of a node */
#define EW_NAT_HELD_NS G_GUINT64_CONSTANT (1000000000)
#define EW_NAT_HELD_SIZE 2048 /* bytes; a larger one is lost */

/* Which packet a fragment is of. */
typedef struct
{
  gconstpointer node; /* whom it came from; only compared */
  EwIp source, destination;
  guint32 id;
  guint8 protocol;
} EwNatPieces;

typedef enum
{
  EW_NAT_PIECES_UNKNOWN,
  EW_NAT_PIECES_UNTOUCHED,
  EW_NAT_PIECES_TRANSLATED,
  EW_NAT_PIECES_REFUSED
} EwNatFate;

typedef struct
{
  EwNatPieces pieces;
  EwNatFate fate;
  guint64 at_ns;
  EwNatState state; /* of TRANSLATED: how the first one went; only compared and copied */
  gboolean renumbered;
  guint32 id; /* … and then what it's sent as */
} EwNatFragmentEntry;

typedef struct
{
  EwNatPieces pieces;
  guint64 at_ns; /* 0: nothing is held */
  gsize len;
  guint8 bytes[EW_HEADROOM + EW_NAT_HELD_SIZE + EW_TAILROOM];
} EwNatHeld;

/* A data thread's. Zeroed: empty. */
typedef struct
{
  EwNatFragmentEntry entries[EW_NAT_FRAGMENT_SETS][EW_NAT_FRAGMENT_WAYS];
  guint8 next[EW_NAT_FRAGMENT_SETS];
  EwNatHeld held[EW_NAT_HELD];
  guint32 ids; /* how many new identifications were drawn */
} EwNatFragments;

/* UNKNOWN: the first one hasn't been seen, or too long ago. Otherwise *out is valid until the next call. */
EwNatFate ew_nat_fragments_find (EwNatFragments *self, const EwNatPieces *pieces, guint64 now_ns,
                                 const EwNatFragmentEntry **out);
/* pieces, fate and what belongs to it are copied. */
void ew_nat_fragments_note (EwNatFragments *self, const EwNatFragmentEntry *entry, guint64 now_ns);
/* Copies a fragment whose first isn't there yet. FALSE: there's no room for it. */
gboolean ew_nat_fragments_hold (EwNatFragments *self, const EwNatPieces *pieces, const guint8 *packet, gsize len,
                                guint64 now_ns);
/* The next one that was held of that packet, with room around it, until the next is held. FALSE: none. */
gboolean ew_nat_fragments_release (EwNatFragments *self, const EwNatPieces *pieces, guint64 now_ns, EwPacket *out);
/* An identification that no other thread gives to another packet soon. */
guint32 ew_nat_fragments_draw_id (EwNatFragments *self, guint lane, EwFamily family);
