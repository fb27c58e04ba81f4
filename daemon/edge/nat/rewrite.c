/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/rewrite.h"

#include <netinet/in.h>
#include <string.h>

#define V4_MORE_FRAGMENTS 0x2000
#define V4_DONT_FRAGMENT 0x4000
#define V4_OFFSET 0x1fff
#define V6_OFFSET 0xfff8
#define V6_MORE_FRAGMENTS 1
#define FRAGMENT_HEADER 44 /* RFC 8200 section 4.5 */
#define TCP_MIN 20
#define UDP_MIN 8
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define ICMP_HEADER 8

static guint16
read16 (const guint8 *bytes)
{
  return (guint16)(bytes[0] << 8 | bytes[1]);
}

static void
write16 (guint8 *bytes, guint16 value)
{
  bytes[0] = (guint8)(value >> 8);
  bytes[1] = (guint8)value;
}

/* Reading. */

/* Where the fragment header is; 0: there is none. What comes before it was followed by ew_packet_parse() already. */
static gsize
find_fragment_header (const guint8 *packet, const EwIpHeader *header)
{
  guint8 next = header->protocol;
  gsize at = header->header_length;

  while (next != FRAGMENT_HEADER)
    {
      if ((next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
          || at + 16 > header->total_length)
        return 0;
      next = packet[at];
      at += ((gsize)packet[at + 1] + 1) * 8;
    }
  return at + 8 <= header->total_length ? at : 0;
}

void
ew_nat_read_fragment (EwNatFragment *out, const guint8 *packet, const EwIpHeader *header)
{
  *out = (EwNatFragment){ 0 };
  if (header->source.family == EW_FAMILY_V4)
    {
      const guint16 place = read16 (packet + 6);

      out->is = (place & (V4_OFFSET | V4_MORE_FRAGMENTS)) != 0;
      out->first = (place & V4_OFFSET) == 0;
      out->id = read16 (packet + 4);
      out->id_at = out->is || (place & V4_DONT_FRAGMENT) == 0 ? 4 : 0;
      return;
    }
  if (header->protocol == header->upper && !header->fragment)
    return;
  const gsize at = find_fragment_header (packet, header);
  if (at == 0)
    return;
  const guint16 place = read16 (packet + at + 2);
  out->is = (place & (V6_OFFSET | V6_MORE_FRAGMENTS)) != 0;
  out->first = (place & V6_OFFSET) == 0;
  memcpy (&out->id, packet + at + 4, sizeof out->id);
  out->id_at = at + 4;
}

static gboolean
has_upper (const EwIpHeader *header)
{
  const gsize size = (gsize)header->total_length - header->upper_at;

  return !header->fragment && header->upper_at <= header->total_length
         && ((header->upper == IPPROTO_TCP && size >= TCP_MIN) || (header->upper == IPPROTO_UDP && size >= UDP_MIN));
}

static void
fill_tuple (EwNatTuple *out, const guint8 *packet, const EwIpHeader *header)
{
  *out = (EwNatTuple){ .source = header->source,
                       .destination = header->destination,
                       .source_port = read16 (packet + header->upper_at),
                       .destination_port = read16 (packet + header->upper_at + 2),
                       .protocol = header->upper };
}

gboolean
ew_nat_read_tuple (EwNatTuple *out, const guint8 *packet, const EwIpHeader *header)
{
  if (!has_upper (header))
    return FALSE;
  fill_tuple (out, packet, header);
  return TRUE;
}

guint8
ew_nat_read_flags (const guint8 *packet, const EwIpHeader *header)
{
  return header->upper == IPPROTO_TCP ? packet[header->upper_at + 13] : 0;
}

gboolean
ew_nat_read_quoted (EwNatTuple *out, EwIpHeader *quoted, gsize *at, const guint8 *packet, const EwIpHeader *header)
{
  if (!ew_packet_parse_quoted (packet, header->total_length, header, quoted, at) || quoted->fragment
      || (quoted->upper != IPPROTO_TCP && quoted->upper != IPPROTO_UDP))
    return FALSE;
  fill_tuple (out, packet + *at, quoted);
  return TRUE;
}

/* Writing. A change is the sum of the complements of the words that leave and of those that come, as native words: the
   sum doesn't care for their byte order (RFC 1071 section 2.B). */

static inline guint16
fold (guint64 sum)
{
  sum = (sum & 0xffffffff) + (sum >> 32); /* 33 bits */
  sum = (sum & 0xffff) + (sum >> 16);     /* 18 */
  sum = (sum & 0xffff) + (sum >> 16);     /* 17 */
  return (guint16)((sum & 0xffff) + (sum >> 16));
}

static inline guint64
replace32 (guint8 *at, const guint8 *bytes)
{
  guint32 before, after;

  memcpy (&before, at, sizeof before);
  memcpy (&after, bytes, sizeof after);
  memcpy (at, &after, sizeof after);
  return (guint64)(guint32)~before + after;
}

static inline guint64
replace16 (guint8 *at, guint16 value)
{
  guint16 before, after;

  memcpy (&before, at, sizeof before);
  write16 (at, value);
  memcpy (&after, at, sizeof after);
  return (guint64)(guint16)~before + after;
}

static inline guint64
replace_address (guint8 *at, const EwIp *ip)
{
  guint64 change = replace32 (at, ip->bytes);

  for (gsize i = 4; i < 16 && ip->family == EW_FAMILY_V6; i += 4)
    change += replace32 (at + i, ip->bytes + i);
  return change;
}

/* Returns how the checksum itself has changed. */
static inline guint64
mend_checksum (guint8 *at, guint64 change, gboolean udp)
{
  guint16 before, after;

  memcpy (&before, at, sizeof before);
  if (udp && before == 0)
    return 0;
  after = (guint16)~fold ((guint64)(guint16)~before + fold (change));
  if (udp && after == 0)
    after = 0xffff;
  memcpy (at, &after, sizeof after);
  return (guint64)(guint16)~before + after;
}

/* Both addresses, and IPv4's own checksum. *sum: how the addresses have changed; returns how all has. */
static inline guint64
replace_addresses (guint8 *packet, const EwIp *source, const EwIp *destination, guint64 *sum)
{
  const gboolean v6 = source->family == EW_FAMILY_V6;

  *sum = replace_address (packet + (v6 ? 8 : 12), source);
  *sum += replace_address (packet + (v6 ? 24 : 16), destination);
  return v6 ? *sum : *sum + mend_checksum (packet + 10, *sum, FALSE);
}

/* Ports, and the checksum if it's within size bytes; change: of the addresses before it. Returns how all has changed. */
static inline guint64
replace_ports (guint8 *upper, gsize size, const EwNatTuple *after, guint64 change)
{
  const gboolean udp = after->protocol == IPPROTO_UDP;
  const gsize checksum = udp ? UDP_CHECKSUM : TCP_CHECKSUM;
  guint64 sum = replace16 (upper, after->source_port);

  sum += replace16 (upper + 2, after->destination_port);
  return size >= checksum + 2 ? sum + mend_checksum (upper + checksum, change + sum, udp) : sum;
}

void
ew_nat_rewrite (guint8 *packet, const EwIpHeader *header, const EwNatTuple *after, gboolean ports)
{
  guint64 change;

  replace_addresses (packet, &after->source, &after->destination, &change);
  if (ports)
    replace_ports (packet + header->upper_at, (gsize)header->total_length - header->upper_at, after, change);
}

void
ew_nat_rewrite_error (guint8 *packet, const EwIpHeader *header, const EwIp *source, const EwIp *destination,
                      const EwIpHeader *quoted, gsize at, const EwNatTuple *after)
{
  const gboolean v6 = source->family == EW_FAMILY_V6;
  guint8 *inside = packet + at;
  guint64 outer, inner, change;

  replace_addresses (packet, source, destination, &outer);
  change = replace_addresses (inside, &after->source, &after->destination, &inner);
  change
    += replace_ports (inside + quoted->upper_at, (gsize)header->total_length - at - quoted->upper_at, after, inner);
  mend_checksum (packet + header->upper_at + 2, v6 ? change + outer : change, FALSE);
}

void
ew_nat_rewrite_id (guint8 *packet, const EwIpHeader *header, const EwNatFragment *fragment, guint32 id)
{
  if (header->source.family == EW_FAMILY_V6)
    memcpy (packet + fragment->id_at, &id, sizeof id);
  else
    mend_checksum (packet + 10, replace16 (packet + fragment->id_at, (guint16)id), FALSE);
}
