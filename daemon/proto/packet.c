/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/packet-private.h"

#include <string.h>

#define TTL 64
#define EXTENSIONS_MAX 8
#define EXTENSION_MIN 8 /* bytes of the smallest */
#define UPPER_MIN 8     /* … that tell what a packet is: ports, type and code */

/* IPv4, RFC 791 section 3.1; the word at 6 holds flags and offset */
#define V4_MORE_FRAGMENTS 0x2000
#define V4_DONT_FRAGMENT 0x4000
#define V4_OFFSET 0x1fff

/* IPv4 options, RFC 791 section 3.1 */
enum
{
  V4_END_OF_OPTIONS = 0,
  V4_NO_OPERATION = 1,
  V4_LOOSE_ROUTE = 131,
  V4_STRICT_ROUTE = 137
};

/* IPv6 extension headers, RFC 8200 section 4 */
enum
{
  HOP_BY_HOP = 0,
  ROUTING = 43,
  FRAGMENT = 44,
  DESTINATION = 60
};

/* The word at 2 of a fragment header, RFC 8200 section 4.5 */
#define V6_OFFSET 0xfff8
#define V6_MORE_FRAGMENTS 1

/* Sum of the 32-bit halves of words, two words side by side. */
typedef uint64_t Words __attribute__ ((vector_size (16)));

/* The sum of native 16-bit words, unfolded; out may be NULL. Inline, so that each caller has a loop of its own. */
static inline uint64_t
sum_words (uint8_t *out, const uint8_t *data, size_t len)
{
  const Words low = { 0xffffffff, 0xffffffff };
  Words sums = { 0 };
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + 2 * sizeof (Words) <= len; at += 2 * sizeof (Words))
    {
      Words a, b;
      memcpy (&a, data + at, sizeof a);
      memcpy (&b, data + at + sizeof a, sizeof b);
      sums += (a & low) + (a >> 32) + (b & low) + (b >> 32);
      if (out != NULL)
        {
          memcpy (out + at, &a, sizeof a);
          memcpy (out + at + sizeof a, &b, sizeof b);
        }
    }
  if (out != NULL)
    memcpy (out + at, data + at, len - at);
  for (; at + 4 <= len; at += 4)
    {
      uint32_t word;
      memcpy (&word, data + at, 4);
      sum += word;
    }
  uint8_t rest[4] = { 0 };
  for (size_t i = 0; at + i < len; i++)
    rest[i] = data[at + i];
  uint32_t last;
  memcpy (&last, rest, 4);
  return sums[0] + sums[1] + sum + last;
}

/* The sum of 16-bit words does not care for their byte order (RFC 1071 section 2.B): whole native words are added and
 * swapped once. */
static uint16_t
fold (uint64_t sum, uint32_t partial)
{
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  uint16_t native = (uint16_t)sum;
  uint8_t bytes[2];
  memcpy (bytes, &native, 2);
  sum = (uint64_t)ew_load_be16 (bytes) + partial;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

uint16_t
ew_checksum (const uint8_t *data, size_t len, uint32_t partial)
{
  return fold (sum_words (NULL, data, len), partial);
}

uint16_t
ew_checksum_copy (uint8_t *out, const uint8_t *data, size_t len, uint32_t partial)
{
  return fold (sum_words (out, data, len), partial);
}

/* Options that can't be followed lead nowhere good either. */
static bool
has_source_route (const uint8_t *packet, size_t header)
{
  for (size_t at = EW_IPV4_HEADER; at < header && packet[at] != V4_END_OF_OPTIONS;)
    {
      if (packet[at] == V4_NO_OPERATION)
        {
          at++;
          continue;
        }
      if (packet[at] == V4_LOOSE_ROUTE || packet[at] == V4_STRICT_ROUTE || at + 1 == header || packet[at + 1] < 2
          || packet[at + 1] > header - at)
        return true;
      at += packet[at + 1];
    }
  return false;
}

static bool
parse_v4 (const uint8_t *packet, size_t len, EwIpHeader *out)
{
  if (len < EW_IPV4_HEADER)
    return false;
  uint16_t header = (uint16_t)((packet[0] & 0xf) * 4), total = ew_load_be16 (packet + 2);
  if (header < EW_IPV4_HEADER || total < header || total > len)
    return false;
  const uint16_t place = ew_load_be16 (packet + 6);
  *out = (EwIpHeader){
    .source = ew_ip_from_bytes (EW_FAMILY_V4, packet + 12),
    .destination = ew_ip_from_bytes (EW_FAMILY_V4, packet + 16),
    .total_length = total,
    .protocol = packet[9],
    .ttl = packet[8],
    .traffic_class = packet[1],
    .header_length = header,
    .fragment = (place & V4_OFFSET) != 0,
    .unsafe = (place & (V4_OFFSET | V4_MORE_FRAGMENTS)) == V4_MORE_FRAGMENTS && total - header < UPPER_MIN,
    .upper = packet[9],
    .upper_at = header,
  };
  if (header > EW_IPV4_HEADER && has_source_route (packet, header))
    out->unsafe = true;
  return true;
}

static bool
is_extension (uint8_t protocol)
{
  return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT || protocol == DESTINATION;
}

/* Follows the extension headers and sets upper, upper_at and fragment. False: the packet is unsafe. */
static bool
follow_extensions (const uint8_t *packet, EwIpHeader *header)
{
  bool first_fragment = false;
  size_t at = EW_IPV6_HEADER;
  for (unsigned i = 0; is_extension (header->upper); i++)
    {
      if (i == EXTENSIONS_MAX || at + EXTENSION_MIN > header->total_length || (header->upper == HOP_BY_HOP && i > 0)
          || (header->upper == ROUTING && packet[at + 3] != 0))
        return false;
      const bool is_fragment = header->upper == FRAGMENT;
      const uint16_t place = is_fragment ? ew_load_be16 (packet + at + 2) : 0;
      header->upper = packet[at];
      if ((place & V6_OFFSET) != 0)
        {
          header->fragment = true;
          return true;
        }
      first_fragment = first_fragment || (place & V6_MORE_FRAGMENTS) != 0;
      at += is_fragment ? EXTENSION_MIN : ((size_t)packet[at + 1] + 1) * 8;
      if (at > header->total_length)
        return false;
    }
  header->upper_at = (uint16_t)at;
  return !first_fragment || header->total_length - at >= UPPER_MIN;
}

static bool
parse_v6 (const uint8_t *packet, size_t len, EwIpHeader *out)
{
  if (len < EW_IPV6_HEADER)
    return false;
  size_t total = EW_IPV6_HEADER + (size_t)ew_load_be16 (packet + 4);
  if (total > len || total > UINT16_MAX)
    return false;
  *out = (EwIpHeader){
    .source = ew_ip_from_bytes (EW_FAMILY_V6, packet + 8),
    .destination = ew_ip_from_bytes (EW_FAMILY_V6, packet + 24),
    .total_length = (uint16_t)total,
    .protocol = packet[6],
    .ttl = packet[7],
    .traffic_class = (uint8_t)(ew_load_be16 (packet) >> 4),
    .header_length = EW_IPV6_HEADER,
    .upper = packet[6],
    .upper_at = EW_IPV6_HEADER,
  };
  if (is_extension (out->upper))
    out->unsafe = !follow_extensions (packet, out);
  return true;
}

bool
ew_packet_parse (const uint8_t *packet, size_t len, EwIpHeader *out)
{
  if (len == 0)
    return false;
  if (packet[0] >> 4 == 4)
    return parse_v4 (packet, len, out);
  return packet[0] >> 4 == 6 && parse_v6 (packet, len, out);
}

bool
ew_packet_parse_plain (const uint8_t *packet, size_t len, EwIpHeader *out)
{
  if (!ew_packet_parse (packet, len, out))
    return false;
  if (out->source.family == EW_FAMILY_V6)
    return !out->fragment && out->protocol != FRAGMENT;
  return out->header_length == EW_IPV4_HEADER && (ew_load_be16 (packet + 6) & (V4_OFFSET | V4_MORE_FRAGMENTS)) == 0
         && ew_checksum (packet, EW_IPV4_HEADER, 0) == 0;
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'); m is the word of TTL and protocol, m' is m − 0x100. */
static void
mend_checksum (uint8_t *packet)
{
  uint32_t after = ew_load_be16 (packet + 8), before = after + 0x100;
  uint32_t sum = (uint16_t)~ew_load_be16 (packet + 10) + (uint32_t)(uint16_t)~before + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ew_store_be16 (packet + 10, (uint16_t)~sum);
}

bool
ew_packet_decrement_ttl (uint8_t *packet, size_t len)
{
  bool v4 = len >= EW_IPV4_HEADER && packet[0] >> 4 == 4, v6 = len >= EW_IPV6_HEADER && packet[0] >> 4 == 6;
  uint8_t *ttl = packet + (v4 ? 8 : 7);
  if ((!v4 && !v6) || *ttl <= 1)
    return false;
  --*ttl;
  if (v4)
    mend_checksum (packet);
  return true;
}

static void
write_v4 (uint8_t *out, const EwIp *from, const EwIp *to, uint8_t protocol, uint8_t traffic_class, uint16_t total)
{
  memset (out, 0, EW_IPV4_HEADER);
  out[0] = 0x45;
  out[1] = traffic_class;
  ew_store_be16 (out + 2, total);
  ew_store_be16 (out + 6,
                 V4_DONT_FRAGMENT); /* never in pieces, so its identification says nothing (RFC 6864 section 4.1) */
  out[8] = TTL;
  out[9] = protocol;
  memcpy (out + 12, from->bytes, 4);
  memcpy (out + 16, to->bytes, 4);
  ew_store_be16 (out + 10, ew_checksum (out, EW_IPV4_HEADER, 0));
}

static void
write_v6 (uint8_t *out, const EwIp *from, const EwIp *to, uint8_t protocol, uint8_t traffic_class, uint16_t payload_len)
{
  memset (out, 0, EW_IPV6_HEADER);
  ew_store_be16 (out, (uint16_t)(0x6000 | traffic_class << 4));
  ew_store_be16 (out + 4, payload_len);
  out[6] = protocol;
  out[7] = TTL;
  memcpy (out + 8, from->bytes, 16);
  memcpy (out + 24, to->bytes, 16);
}

size_t
ew_packet_write_header (uint8_t *out, const EwIp *from, const EwIp *to, uint8_t protocol, uint8_t traffic_class,
                        size_t payload_len)
{
  size_t header = from->family == EW_FAMILY_V4 ? EW_IPV4_HEADER : EW_IPV6_HEADER;
  if (from->family != to->family || from->family == EW_FAMILY_NONE || payload_len > UINT16_MAX - header)
    return 0;
  if (from->family == EW_FAMILY_V4)
    write_v4 (out, from, to, protocol, traffic_class, (uint16_t)(header + payload_len));
  else
    write_v6 (out, from, to, protocol, traffic_class, (uint16_t)payload_len);
  return header;
}

uint32_t
ew_packet_pseudo_sum (const EwIp *from, const EwIp *to, uint8_t protocol, size_t payload_len)
{
  uint32_t sum = protocol + (uint32_t)payload_len; /* < 2^16 each, as is every address word: no overflow */
  for (size_t i = 0; i < ew_ip_size (from); i += 2)
    sum += (uint32_t)ew_load_be16 (from->bytes + i) + ew_load_be16 (to->bytes + i);
  return sum;
}
