/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets to and from services: a record each of who sends it, how much time has passed, its length and its bytes.
 * Checksums are fixed first where a bit says so, since no fuzzer finds them; what was right must still be right after.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "edge/nat/nat-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define SENDERS 4 /* 100.96.1.N and fd12::N, N from 1; 0 is the edge's own host */

typedef struct
{
  EwNat *nat;
  EwNatTable *table;
  EwNatOwner owners[SENDERS];
  EwIp own[2];
  uint64_t now_ns;
  uint8_t sender;
} World;

static EwIp
ip (const char *text)
{
  EwIp result = { 0 };
  bool parsed = ew_ip_parse (text, &result);
  assert (parsed);
  return result;
}

static EwNatTable *
make_table (const EwIp own[2])
{
  static const EwNatPorts ports[] = { { EW_NAT_TCP | EW_NAT_UDP, 80, 89, 8080 }, { EW_NAT_UDP, 1000, 65535, 0 } };
  const EwNatTarget targets[] = { { .ips = { ip ("100.96.1.1"), ip ("fd12::1") }, .healthy = TRUE },
                                  { .ips = { ip ("100.96.1.2"), ip ("fd12::2") }, .healthy = TRUE } };
  EwNatService services[] = {
    { .id = "a",
      .addresses = { ip ("100.111.0.1"), ip ("fdaa::1") },
      .ports = ports,
      .n_ports = 2,
      .targets = targets,
      .n_targets = 2 },
    { .id = "b",
      .addresses = { ip ("100.111.0.2"), ip ("fdaa::2") },
      .ports = ports,
      .n_ports = 1,
      .targets = targets + 1,
      .n_targets = 1,
      .source = EW_NAT_SOURCE_EDGE },
    { .id = "c",
      .addresses = { ip ("100.111.0.3"), ip ("fdaa::3") },
      .ports = ports,
      .n_ports = 1,
      .targets = targets,
      .n_targets = 2,
      .choice = EW_NAT_CHOOSE_SPREAD },
  };
  return ew_nat_table_new (services, G_N_ELEMENTS (services), own, NULL, NULL);
}

static EwNatReach
reach (gpointer user, const EwIp *address)
{
  const World *world = user;
  const uint8_t n = address->family == EW_FAMILY_V4 ? address->bytes[3] : address->bytes[15];
  const EwIp first = address->family == EW_FAMILY_V4 ? ip ("100.96.1.0") : ip ("fd12::");
  if (memcmp (address->bytes, first.bytes, address->family == EW_FAMILY_V4 ? 3 : 15) != 0 || n == 0 || n >= SENDERS)
    return EW_NAT_ABSENT;
  return n == world->sender ? EW_NAT_SENDER : EW_NAT_THERE;
}

static void
put16 (uint8_t *out, uint16_t value)
{
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
}

static uint32_t
pseudo_sum (const EwIpHeader *header, size_t size)
{
  uint32_t sum = header->upper == IPPROTO_ICMP ? 0 : header->upper + (uint32_t)size;
  for (size_t i = 0; i < ew_ip_size (&header->source) && header->upper != IPPROTO_ICMP; i += 2)
    sum += (uint32_t)(header->source.bytes[i] << 8 | header->source.bytes[i + 1])
           + (uint32_t)(header->destination.bytes[i] << 8 | header->destination.bytes[i + 1]);
  return sum;
}

/* Where the upper layer's checksum is; 0: it has none, or this isn't a whole packet. */
static size_t
find_checksum (const uint8_t *packet, const EwIpHeader *header)
{
  const size_t field = header->upper == IPPROTO_UDP                                       ? 6
                       : header->upper == IPPROTO_TCP                                     ? 16
                       : header->upper == IPPROTO_ICMP || header->upper == IPPROTO_ICMPV6 ? 2
                                                                                          : 0;
  EwNatFragment fragment;
  ew_nat_read_fragment (&fragment, packet, header);
  return field != 0 && !fragment.is && header->upper_at + field + 2 <= header->total_length ? header->upper_at + field
                                                                                            : 0;
}

static void
fix_checksums (uint8_t *packet, const EwIpHeader *header)
{
  const size_t at = find_checksum (packet, header), size = header->total_length - header->upper_at;
  if (header->source.family == EW_FAMILY_V4)
    {
      put16 (packet + 10, 0);
      put16 (packet + 10, ew_checksum (packet, header->header_length, 0));
    }
  if (at == 0)
    return;
  put16 (packet + at, 0);
  const uint16_t sum = ew_checksum (packet + header->upper_at, size, pseudo_sum (header, size));
  put16 (packet + at, sum == 0 && header->upper == IPPROTO_UDP ? 0xffff : sum);
}

static void
check_checksums (const uint8_t *packet, const EwIpHeader *header)
{
  const size_t at = find_checksum (packet, header), size = header->total_length - header->upper_at;
  if (header->source.family == EW_FAMILY_V4)
    assert (ew_checksum (packet, header->header_length, 0) == 0);
  if (at != 0)
    assert (ew_checksum (packet + header->upper_at, size, pseudo_sum (header, size)) == 0);
}

static void
send_packet (World *world, uint8_t *packet, size_t len, bool fixed)
{
  EwIpHeader header, after;
  EwNatPlan *plan;
  EwNatPieces pieces;
  if (!ew_packet_parse (packet, len, &header) || header.unsafe)
    return;
  if (fixed)
    fix_checksums (packet, &header);
  const EwNatContext context = {
    .nat = world->nat,
    .table = world->table,
    .sender = &world->owners[world->sender],
    .owner = &world->owners[world->sender],
    .from_edge = world->sender == 0,
    .own = world->own,
    .now_ns = world->now_ns,
    .now = (guint32)(world->now_ns / 1000000000),
    .reach = reach,
    .user = world,
  };
  const EwNatOutcome outcome = ew_nat_look (&context, &header, packet, &plan);
  if (outcome == EW_NAT_NO_PORT && header.upper == IPPROTO_TCP)
    {
      uint8_t *reset = malloc (60);
      const size_t n = ew_packet_build_reset (reset, packet, &header);
      if (n > 0)
        {
          assert (ew_packet_parse (reset, n, &after) && ew_packet_build_reset (packet, reset, &after) == 0);
          check_checksums (reset, &after);
        }
      free (reset);
    }
  if (outcome != EW_NAT_TRANSLATED || !ew_nat_apply (&context, plan, &header, packet))
    return;
  assert (ew_packet_parse (packet, len, &after) && !after.unsafe);
  assert (after.total_length == header.total_length && after.upper == header.upper
          && after.upper_at == header.upper_at);
  assert (ew_ip_equal (&after.destination, ew_nat_plan_destination (plan)));
  if (fixed)
    check_checksums (packet, &after);
  EwPacket held;
  while (ew_nat_plan_begins (&context, plan, &header, &pieces) && ew_nat_release (&context, &pieces, &held))
    assert (held.len <= EW_NAT_HELD_SIZE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static EwNat *nat; /* large: only what was used is cleared */
  World world = { .own = { ip ("100.96.0.1"), ip ("fd12::ed9e") }, .now_ns = UINT64_C (1000000000000) };
  if (nat == NULL)
    nat = g_new0 (EwNat, 1);
  memset (&nat->lanes[0], 0, sizeof nat->lanes[0]);
  world.nat = nat;
  world.nat->states = ew_nat_states_new (1, 256);
  world.nat->started = 1000;
  world.table = make_table (world.own);
  assert (world.table != NULL);
  while (size > 3)
    {
      const uint8_t control = data[0], wait = data[1];
      size_t len = (size_t)data[2] * 8;
      data += 3;
      size -= 3;
      len = len < size ? len : size;
      uint8_t *packet = malloc (len > 0 ? len : 1);
      memcpy (packet, data, len);
      data += len;
      size -= len;
      world.sender = control % SENDERS;
      world.now_ns += wait * UINT64_C (100000000);
      if (len > 0)
        send_packet (&world, packet, len, (control & 0x80) != 0);
      free (packet);
    }
  ew_nat_table_free (world.table);
  ew_nat_states_free (world.nat->states);
  return 0;
}
