/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/fragments.h"

#include <string.h>

#define LANES (1 + EW_LANES_MAX)

static gboolean
same_pieces (const EwNatPieces *a, const EwNatPieces *b)
{
  return a->node == b->node && a->id == b->id && a->protocol == b->protocol && ew_ip_equal (&a->source, &b->source)
         && ew_ip_equal (&a->destination, &b->destination);
}

/* The set of a node. Nodes are allocated one by one, so their addresses are as good as drawn. */
static guint
set_of (gconstpointer node)
{
  return (guint)(((guint64)(guintptr)node * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> 32) % EW_NAT_FRAGMENT_SETS;
}

EwNatFate
ew_nat_fragments_find (EwNatFragments *self, const EwNatPieces *pieces, guint64 now_ns, const EwNatFragmentEntry **out)
{
  const EwNatFragmentEntry *set = self->entries[set_of (pieces->node)];

  for (guint i = 0; i < EW_NAT_FRAGMENT_WAYS; i++)
    if (set[i].fate != EW_NAT_PIECES_UNKNOWN && same_pieces (&set[i].pieces, pieces)
        && now_ns - set[i].at_ns <= EW_NAT_FRAGMENT_NS)
      {
        *out = &set[i];
        return set[i].fate;
      }
  return EW_NAT_PIECES_UNKNOWN;
}

void
ew_nat_fragments_note (EwNatFragments *self, const EwNatFragmentEntry *entry, guint64 now_ns)
{
  const guint set = set_of (entry->pieces.node);
  EwNatFragmentEntry *place = NULL;

  for (guint i = 0; i < EW_NAT_FRAGMENT_WAYS && place == NULL; i++)
    if (same_pieces (&self->entries[set][i].pieces, &entry->pieces))
      place = &self->entries[set][i];
  if (place == NULL)
    place = &self->entries[set][self->next[set]++ % EW_NAT_FRAGMENT_WAYS];
  *place = *entry;
  place->at_ns = now_ns;
}

gboolean
ew_nat_fragments_hold (EwNatFragments *self, const EwNatPieces *pieces, const guint8 *packet, gsize len, guint64 now_ns)
{
  EwNatHeld *place = NULL;
  guint mine = 0;

  if (len > EW_NAT_HELD_SIZE)
    return FALSE;
  for (guint i = 0; i < EW_NAT_HELD; i++)
    {
      EwNatHeld *held = &self->held[i];

      if (held->at_ns == 0 || now_ns - held->at_ns > EW_NAT_HELD_NS)
        place = held;
      else if (held->pieces.node == pieces->node)
        mine++;
    }
  if (place == NULL || mine >= EW_NAT_HELD_PER_NODE)
    return FALSE;
  place->pieces = *pieces;
  place->at_ns = now_ns;
  place->len = len;
  memcpy (place->bytes + EW_HEADROOM, packet, len);
  return TRUE;
}

gboolean
ew_nat_fragments_release (EwNatFragments *self, const EwNatPieces *pieces, guint64 now_ns, EwPacket *out)
{
  for (guint i = 0; i < EW_NAT_HELD; i++)
    {
      EwNatHeld *held = &self->held[i];

      if (held->at_ns == 0 || now_ns - held->at_ns > EW_NAT_HELD_NS || !same_pieces (&held->pieces, pieces))
        continue;
      held->at_ns = 0;
      *out = (EwPacket){ .data = held->bytes + EW_HEADROOM, .len = held->len, .room = EW_TAILROOM };
      return TRUE;
    }
  return FALSE;
}

/* IPv4 has 2^16 of them: each thread has those of one remainder. */
guint32
ew_nat_fragments_draw_id (EwNatFragments *self, guint lane, EwFamily family)
{
  const guint32 range = family == EW_FAMILY_V4 ? 0x10000 / LANES : G_MAXUINT32 / LANES;

  return self->ids++ % range * LANES + lane;
}
