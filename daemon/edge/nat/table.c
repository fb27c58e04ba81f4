/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/table.h"

#include <netinet/in.h>
#include <string.h>

/* Multiply and fold. Nothing is secret: who fills the table is an administrator, and it has eight times as many slots
   as addresses. */
gsize
ew_nat_table_place (const EwNatTable *self, const EwIp *ip, guint8 *tag)
{
  guint64 words[2];

  memcpy (words, ip->bytes, sizeof words);
  const unsigned __int128 product = (unsigned __int128)(words[0] ^ G_GUINT64_CONSTANT (0x9e3779b97f4a7c15))
                                    * (words[1] ^ ip->family ^ G_GUINT64_CONSTANT (0xd6e8feb86659fd93));
  const guint64 hash = (guint64)product ^ (guint64)(product >> 64);
  *tag = (guint8)(hash >> 56) | 1;
  return (gsize)hash & self->mask;
}

EwNatWho
ew_nat_table_who (const EwNatTable *self, const EwIp *ip, guint32 *index)
{
  guint8 tag;

  for (gsize at = ew_nat_table_place (self, ip, &tag); self->tags[at] != 0; at = (at + 1) & self->mask)
    if (self->tags[at] == tag && ew_ip_equal (&self->slots[at].ip, ip))
      {
        *index = self->slots[at].index;
        return (EwNatWho)self->slots[at].who;
      }
  return EW_NAT_NOBODY;
}

const EwNatEntry *
ew_nat_table_numbered (const EwNatTable *self, guint16 number)
{
  const guint16 index = number <= EW_NAT_NUMBER_MAX ? self->by_number[number] : 0;

  return index != 0 ? &self->entries[index - 1] : NULL;
}

/* 0: TCP, 1: UDP, 2: neither. */
static guint
protocol_index (guint8 protocol)
{
  return protocol == IPPROTO_TCP ? 0 : protocol == IPPROTO_UDP ? 1 : 2;
}

const EwNatRange *
ew_nat_entry_range (const EwNatEntry *entry, guint8 protocol, guint16 port)
{
  const guint p = protocol_index (protocol);
  gsize low = 0, high = p < 2 ? entry->n_ranges[p] : 0;

  while (low < high)
    {
      const gsize middle = (low + high) / 2;
      const EwNatRange *range = &entry->ranges[p][middle];

      if (port > range->last)
        low = middle + 1;
      else if (port < range->first)
        high = middle;
      else
        return range;
    }
  return NULL;
}

guint16
ew_nat_target_port (const EwNatTarget *target, const EwNatRange *range, guint16 port)
{
  return (guint16)((target->port != 0 ? target->port : range->to) + (port - range->first));
}

gboolean
ew_nat_entry_leads (const EwNatEntry *entry, guint8 protocol, guint16 port, const EwIp *ip, guint16 to,
                    gboolean *healthy)
{
  const EwNatRange *range = ew_nat_entry_range (entry, protocol, port);

  for (gsize i = 0; range != NULL && i < entry->n_targets; i++)
    if (ew_ip_equal (&entry->targets[i].ips[ip->family == EW_FAMILY_V6], ip)
        && ew_nat_target_port (&entry->targets[i], range, port) == to)
      {
        *healthy = entry->targets[i].healthy;
        return TRUE;
      }
  return FALSE;
}

gboolean
ew_nat_entry_has_address (const EwNatEntry *entry, const EwIp *ip)
{
  return ew_ip_equal (&entry->addresses[ip->family == EW_FAMILY_V6], ip);
}

const EwNatClaim *
ew_nat_table_claim (const EwNatTable *self, guint32 index, guint8 protocol, guint16 port)
{
  const guint p = protocol_index (protocol);
  const EwNatClaims *claims = &self->claims[index];
  gsize low = 0, high = p < 2 ? claims->n_claims[p] : 0;

  while (low < high)
    {
      const gsize middle = (low + high) / 2;
      const EwNatClaim *claim = &claims->claims[p][middle];

      if (port > claim->last)
        low = middle + 1;
      else if (port < claim->first)
        high = middle;
      else
        return claim;
    }
  return NULL;
}
