/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/probe.h"

#include <netinet/in.h>
#include <string.h>

#include "proto/bytes.h"

/* RFC 9293 section 3.1 */
#define TCP_HEADER 20
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define MSS 1220 /* RFC 879: what 1280 bytes of IPv6 leave */
#define UDP_HEADER 8
#define PING_PAYLOAD 8

/* Slots. */

static guint64
make_word (guint32 secret, EwProbeState state)
{
  return (guint64)secret << 32 | state;
}

static guint32
get_secret (guint64 word)
{
  return (guint32)(word >> 32);
}

static EwProbeState
get_state (guint64 word)
{
  return (EwProbeState)(word & 0xff);
}

gint
ew_switch_probe_take (EwProbes *self, guint32 secret)
{
  for (gint i = 0; i < EW_PROBE_SLOTS; i++)
    if (atomic_load (&self->slots[i].word) == 0)
      {
        atomic_store (&self->slots[i].node, NULL);
        atomic_store (&self->slots[i].word, make_word (secret, EW_PROBE_WAITING));
        return i;
      }
  return -1;
}

EwProbeState
ew_switch_probe_get (EwProbes *self, gint slot)
{
  return get_state (atomic_load (&self->slots[slot].word));
}

void
ew_switch_probe_set_node (EwProbes *self, gint slot, gconstpointer node)
{
  atomic_store (&self->slots[slot].node, node);
}

void
ew_switch_probe_free (EwProbes *self, gint slot)
{
  atomic_store (&self->slots[slot].node, NULL);
  atomic_store (&self->slots[slot].word, 0);
}

/* word: as it was when the packet was looked at: of another probe nothing is said. */
static void
settle (EwProbeSlot *slot, guint64 word, EwProbeState state)
{
  const EwProbeState before = get_state (word);
  if (before == EW_PROBE_WAITING || before == EW_PROBE_PINGED)
    atomic_compare_exchange_strong (&slot->word, &word, make_word (get_secret (word), state));
}

void
ew_switch_probe_settle (EwProbes *self, gint slot, EwProbeState state)
{
  settle (&self->slots[slot], atomic_load (&self->slots[slot].word), state);
}

/* Packets that ask. */

static gsize
finish_segment (guint8 *out, gsize header, const EwIp *from, const EwIp *to, gsize size)
{
  guint8 *tcp = out + header;
  ew_store_be16 (tcp + 16, 0);
  ew_store_be16 (tcp + 16, ew_checksum (tcp, size, ew_packet_pseudo_sum (from, to, IPPROTO_TCP, size)));
  return header + size;
}

static gsize
build_segment (guint8 *out, const EwIp *from, const EwIp *to, guint16 source, guint16 destination, guint32 sequence,
               guint8 flags)
{
  const gsize size = flags == TCP_SYN ? TCP_HEADER + 4 : TCP_HEADER;
  const gsize header = ew_packet_write_header (out, from, to, IPPROTO_TCP, 0, size);
  guint8 *tcp = out + header;
  if (header == 0)
    return 0;
  memset (tcp, 0, size);
  ew_store_be16 (tcp, source);
  ew_store_be16 (tcp + 2, destination);
  ew_store_be32 (tcp + 4, sequence);
  tcp[12] = (guint8)(size / 4 << 4);
  tcp[13] = flags;
  ew_store_be16 (tcp + 14, flags == TCP_SYN ? G_MAXUINT16 : 0);
  if (flags == TCP_SYN)
    {
      tcp[TCP_HEADER] = 2; /* maximum segment size */
      tcp[TCP_HEADER + 1] = 4;
      ew_store_be16 (tcp + TCP_HEADER + 2, MSS);
    }
  return finish_segment (out, header, from, to, size);
}

static gsize
build_datagram (guint8 *out, const EwIp *from, const EwIp *to, guint16 source, guint16 destination)
{
  const gsize header = ew_packet_write_header (out, from, to, IPPROTO_UDP, 0, UDP_HEADER);
  guint8 *udp = out + header;
  if (header == 0)
    return 0;
  ew_store_be16 (udp, source);
  ew_store_be16 (udp + 2, destination);
  ew_store_be16 (udp + 4, UDP_HEADER);
  ew_store_be16 (udp + 6, 0);
  const guint16 sum = ew_checksum (udp, UDP_HEADER, ew_packet_pseudo_sum (from, to, IPPROTO_UDP, UDP_HEADER));
  ew_store_be16 (udp + 6, sum != 0 ? sum : G_MAXUINT16); /* RFC 768: 0 means none */
  return header + UDP_HEADER;
}

gsize
ew_switch_probe_build (EwProbes *self, gint slot, guint part, const EwIp *from, const EwIp *to, guint8 protocol,
                       guint16 port, guint8 *out)
{
  const guint32 secret = get_secret (atomic_load (&self->slots[slot].word));
  const guint16 source = (guint16)(EW_PROBE_PORT + slot);
  guint8 payload[PING_PAYLOAD] = { 0 };
  if (protocol == IPPROTO_TCP)
    return part == 0 ? build_segment (out, from, to, source, port, secret, TCP_SYN) : 0;
  if (protocol == IPPROTO_UDP && part == 0)
    return build_datagram (out, from, to, source, port);
  if (part != (protocol == IPPROTO_UDP ? 1 : 0))
    return 0;
  ew_store_be32 (payload, secret);
  return ew_packet_build_echo (out, from, to, EW_PROBE_ECHO_ID, (guint16)slot, payload, sizeof payload);
}

/* What comes back. */

/* NULL: the port is of no probe that waits for something from there. */
static EwProbeSlot *
find_slot (EwProbes *self, gconstpointer node, guint16 port, guint64 *word)
{
  if (port < EW_PROBE_PORT || port >= EW_PROBE_PORT + EW_PROBE_SLOTS)
    return NULL;
  EwProbeSlot *slot = &self->slots[port - EW_PROBE_PORT];
  *word = atomic_load_explicit (&slot->word, memory_order_acquire);
  return get_state (*word) != EW_PROBE_FREE && atomic_load (&slot->node) == node ? slot : NULL;
}

static gboolean
hear_segment (EwProbes *self, gconstpointer node, const EwIpHeader *header, const guint8 *upper, guint8 *out,
              gsize *answer)
{
  guint64 word;
  const guint16 port = ew_load_be16 (upper + 2);
  EwProbeSlot *slot = find_slot (self, node, port, &word);
  const guint32 acknowledged = ew_load_be32 (upper + 8);
  if (slot == NULL || (upper[13] & TCP_ACK) == 0 || acknowledged != get_secret (word) + 1)
    return FALSE;
  if ((upper[13] & TCP_RST) != 0)
    settle (slot, word, EW_PROBE_REFUSED);
  else if ((upper[13] & TCP_SYN) != 0)
    {
      settle (slot, word, EW_PROBE_ANSWERED);
      *answer
        = build_segment (out, &header->destination, &header->source, port, ew_load_be16 (upper), acknowledged, TCP_RST);
    }
  return TRUE;
}

static gboolean
hear_echo (EwProbes *self, gconstpointer node, const guint8 *packet, gsize len)
{
  guint16 id, sequence;
  const guint8 *payload;
  gsize payload_len;
  guint64 word;
  if (!ew_packet_parse_echo_reply (packet, len, &id, &sequence, &payload, &payload_len) || id != EW_PROBE_ECHO_ID
      || payload_len < sizeof (guint32) || sequence >= EW_PROBE_SLOTS)
    return FALSE;
  EwProbeSlot *slot = find_slot (self, node, (guint16)(EW_PROBE_PORT + sequence), &word);
  if (slot && ew_load_be32 (payload) == get_secret (word) && get_state (word) == EW_PROBE_WAITING)
    settle (slot, word, EW_PROBE_PINGED);
  return TRUE;
}

/* RFC 792, RFC 4443 section 3.1 */
static gboolean
is_port_unreachable (const EwIpHeader *header, const guint8 *upper)
{
  return header->source.family == EW_FAMILY_V4 ? upper[0] == 3 && upper[1] == 3 : upper[0] == 1 && upper[1] == 4;
}

static gboolean
hear_error (EwProbes *self, gconstpointer node, const EwIpHeader *header, const guint8 *packet, gsize len)
{
  EwFlow flow;
  guint64 word;
  if (!ew_switch_flow_init_quoted (&flow, header, packet, len)
      || (flow.protocol != IPPROTO_TCP && flow.protocol != IPPROTO_UDP))
    return FALSE;
  EwProbeSlot *slot = find_slot (self, node, flow.reversed ? flow.high_port : flow.low_port, &word);
  if (slot)
    settle (slot, word,
            is_port_unreachable (header, packet + header->upper_at) ? EW_PROBE_REFUSED : EW_PROBE_UNREACHABLE);
  return slot != NULL;
}

gboolean
ew_switch_probe_hear (EwProbes *self, gconstpointer node, const EwIpHeader *header, const guint8 *packet, gsize len,
                      guint8 *out, gsize *answer)
{
  const guint8 *upper = packet + header->upper_at;
  const gsize size = len > header->upper_at ? len - header->upper_at : 0;
  guint64 word;
  *answer = 0;
  if (header->fragment || header->unsafe)
    return FALSE;
  switch (header->upper)
    {
    case IPPROTO_TCP:
      return size >= TCP_HEADER && hear_segment (self, node, header, upper, out, answer);
    case IPPROTO_UDP:
      {
        EwProbeSlot *slot = size >= UDP_HEADER ? find_slot (self, node, ew_load_be16 (upper + 2), &word) : NULL;
        if (slot)
          settle (slot, word, EW_PROBE_ANSWERED);
        return slot != NULL;
      }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return hear_echo (self, node, packet, len) || hear_error (self, node, header, packet, len);
    default:
      return FALSE;
    }
}
