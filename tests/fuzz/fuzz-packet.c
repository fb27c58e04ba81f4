/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inner packets as the switch treats them. Checksums are fixed first, since no fuzzer finds them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/icmp-quote.h"
#include "proto/link.h"
#include "proto/packet.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_error (const uint8_t *packet, size_t size, const EwIpHeader *header, EwIcmpError error)
{
  uint8_t *out = malloc (1280); /* exactly what is promised to be enough */
  size_t n = ew_packet_build_error (out, packet, size, &header->destination, error, 1420);
  EwIpHeader answer;
  assert (n <= 1280);
  if (n > 0)
    {
      assert (ew_packet_parse (out, n, &answer));
      assert (answer.total_length == n && ew_ip_equal (&answer.destination, &header->source));
      uint8_t *again = malloc (1280);
      assert (ew_packet_build_error (again, out, n, &header->source, error, 0)
              == 0); /* never an error about an error */
      free (again);
    }
  free (out);
}

static void
check_echo (uint8_t *packet, size_t size)
{
  uint16_t id, sequence;
  const uint8_t *payload;
  size_t length;
  if (ew_packet_answer_echo (packet, size))
    {
      assert (ew_packet_parse_echo_reply (packet, size, &id, &sequence, &payload, &length));
      assert (payload >= packet && payload + length <= packet + size);
      assert (!ew_packet_answer_echo (packet, size));
    }
  else
    ew_packet_parse_echo_reply (packet, size, &id, &sequence, &payload, &length);
}

static void
check_link (const uint8_t *packet, size_t size)
{
  EwIp from, to;
  EwLinkMessage message;
  uint8_t again[EW_LINK_PACKET_MAX];
  if (ew_link_parse (packet, size, &from, &to, &message))
    {
      size_t n = ew_link_build (again, &from, &to, &message);
      assert (n > 0 && n <= size);
      assert (ew_link_parse (again, n, &from, &to, &message));
    }
}

/* What an error quotes lies inside the packet, and its receiver sent it. */
static void
check_quote (const uint8_t *packet, size_t size, const EwIpHeader *header)
{
  EwIp towards;
  if (!ew_icmp_quotes (packet, size, &towards))
    return;
  const uint8_t *quoted = packet + header->upper_at + 8;
  const size_t address = ew_ip_size (&header->source);
  assert (ew_icmp_is_report (packet, size));
  assert (towards.family == header->source.family);
  assert (quoted + (address == 4 ? 28 : 48) <= packet + header->total_length);
  assert (memcmp (quoted + (address == 4 ? 12 : 8), header->destination.bytes, address) == 0);
}

/* The checksums of an unfragmented packet's IPv4 header and of its ICMP, ICMPv6 or UDP, made right. */
static void
mend (uint8_t *packet, const EwIpHeader *header)
{
  size_t at = header->header_length, size = header->total_length - at;
  size_t field = header->protocol == 17 ? 6 : 2;
  uint32_t pseudo = header->protocol == 1 ? 0 : header->protocol + (uint32_t)size;
  if (packet[0] >> 4 == 4)
    {
      packet[10] = packet[11] = 0;
      uint16_t sum = ew_checksum (packet, at, 0);
      packet[10] = (uint8_t)(sum >> 8);
      packet[11] = (uint8_t)sum;
    }
  if (size < 8 || (header->protocol != 1 && header->protocol != 58 && header->protocol != 17))
    return;
  for (size_t i = 0; i < ew_ip_size (&header->source) && header->protocol != 1; i += 2)
    pseudo += (uint32_t)(header->source.bytes[i] << 8 | header->source.bytes[i + 1])
              + (uint32_t)(header->destination.bytes[i] << 8 | header->destination.bytes[i + 1]);
  packet[at + field] = packet[at + field + 1] = 0;
  uint16_t sum = ew_checksum (packet + at, size, pseudo);
  packet[at + field] = (uint8_t)(sum >> 8);
  packet[at + field + 1] = (uint8_t)sum;
}

static void
check (const uint8_t *data, size_t size, int mended)
{
  EwIpHeader header;
  uint8_t *packet = malloc (size > 0 ? size : 1);
  memcpy (packet, data, size);
  if (ew_packet_parse (packet, size, &header))
    {
      assert (header.total_length <= size && header.header_length <= header.total_length);
      assert (header.unsafe || header.fragment
              || (header.upper_at >= header.header_length && header.upper_at <= header.total_length));
      if (mended)
        mend (packet, &header);
      check_quote (packet, size, &header);
      for (int error = EW_ICMP_TTL_EXCEEDED; error <= EW_ICMP_TOO_BIG; error++)
        check_error (packet, size, &header, (EwIcmpError)error);
    }
  check_link (packet, size);
  check_echo (packet, size);
  ew_packet_decrement_ttl (packet, size);
  free (packet);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  check (data, size, 0);
  check (data, size, 1);
  return 0;
}
