/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joining and cutting: TCP and UDP flows, IPv4 and IPv6, alone, mixed, and with whatever must keep packets apart.
 */
#include <string.h>

#include "engine/segment.h"
#include "engine/transport.h"
#include "offload-check.h"

#define PACKETS EW_COALESCE_MAX

typedef struct
{
  guint8 bytes[PACKETS][2048];
  EwPacket packets[PACKETS];
  gsize n;
} Stack;

typedef struct
{
  gboolean v6, udp;
  guint16 port;
  guint32 sequence;
  guint8 flags; /* TCP */
  guint16 payload;
} Shape;

static guint8 *
add (Stack *stack, const Shape *shape)
{
  guint8 *packet = stack->bytes[stack->n];
  const gsize ip = shape->v6 ? 40 : 20, transport = shape->udp ? 8 : 32, len = ip + transport + shape->payload;

  memset (packet, 0, len);
  packet[0] = shape->v6 ? 0x60 : 0x45;
  if (shape->v6)
    {
      packet[6] = shape->udp ? 17 : 6;
      packet[7] = 63;
      packet[8] = packet[24] = 0xfd;
    }
  else
    {
      ew_store_be16 (packet + 4, (guint16)g_test_rand_int ());
      packet[6] = 0x40;
      packet[8] = 63;
      packet[9] = shape->udp ? 17 : 6;
      packet[12] = packet[16] = 100;
    }
  ew_store_be16 (packet + ip, 5000);
  ew_store_be16 (packet + ip + 2, shape->port);
  for (gsize i = 0; i < shape->payload; i++)
    packet[ip + transport + i] = (guint8)g_test_rand_int ();
  if (shape->udp)
    ew_store_be16 (packet + ip + 4, (guint16)(8 + shape->payload));
  else
    {
      ew_store_be32 (packet + ip + 4, shape->sequence);
      packet[ip + 12] = 0x80; /* 12 bytes of options */
      packet[ip + 13] = shape->flags;
      memcpy (packet + ip + 20, "\1\1\10\12abcdefgh", 12);
    }
  ew_transport_set_ip_length (packet, ip, len);
  offload_set_checksum (packet, ip, len, shape->udp ? 17 : 6);
  stack->packets[stack->n++] = (EwPacket){ .data = packet, .len = len };
  return packet;
}

/* n packets of a flow, one after another. */
static void
add_flow (Stack *stack, Shape shape, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      add (stack, &shape);
      shape.sequence += shape.payload;
    }
}

static gsize
check (Stack *stack)
{
  return offload_check (stack->packets, stack->n, TRUE);
}

static void
test_flows (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);

  for (guint kind = 0; kind < 4; kind++)
    {
      const Shape shape = { .v6 = kind & 1, .udp = kind & 2, .port = 80, .flags = EW_TCP_ACK, .payload = 1000 };
      Shape last = shape;
      stack->n = 0;
      add_flow (stack, shape, 40);
      g_assert_cmpuint (check (stack), ==, 1);
      last.sequence = 40000;
      last.payload = 13; /* a shorter one may end it, and nothing follows that */
      last.flags |= EW_TCP_PSH;
      add (stack, &last);
      g_assert_cmpuint (check (stack), ==, 1);
      last.sequence += 13;
      add (stack, &last);
      g_assert_cmpuint (check (stack), ==, 2);
      g_assert_cmpuint (offload_check (stack->packets, stack->n, FALSE), ==, shape.udp ? 42 : 2);
    }
}

/* No more than 64 KB, no more than EW_COALESCE_PARTS. */
static void
test_limits (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);
  const Shape large = { .flags = EW_TCP_ACK, .payload = 1900 }, small = { .flags = EW_TCP_ACK, .payload = 1 };

  add_flow (stack, large, 40);
  g_assert_cmpuint (check (stack), ==, 2);
  stack->n = 0;
  add_flow (stack, small, PACKETS);
  g_assert_cmpuint (check (stack), ==, PACKETS / EW_COALESCE_PARTS);
}

static void
test_mixed (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);

  for (guint i = 0; i < 20; i++) /* six flows, in turns */
    for (guint flow = 0; flow < 6; flow++)
      {
        const Shape shape = { .v6 = flow & 1,
                              .udp = flow == 5,
                              .port = (guint16)(80 + flow / 2),
                              .flags = EW_TCP_ACK,
                              .sequence = i * 500,
                              .payload = 500 };
        add (stack, &shape);
      }
  g_assert_cmpuint (check (stack), ==, 6);
}

/* Each change to the third of five packets of a flow, after its checksum is right again, keeps it apart: what would be
   cut from the joined one differs. */
static void
test_apart (void)
{
  static const struct
  {
    const char *what;
    guint8 at, value; /* added to this byte of the packet */
  } changes[] = {
    { "traffic class", 1, 1 },
    { "fragment", 7, 1 },
    { "may be fragmented", 6, 0xc0 },
    { "TTL", 8, 1 },
    { "other port", 23, 1 },
    { "sequence", 27, 1 },
    { "acknowledgement", 31, 1 },
    { "SYN", 33, 2 },
    { "window", 35, 1 },
    { "urgent", 39, 1 },
    { "option", 45, 1 },
  };
  g_autofree Stack *stack = g_new0 (Stack, 1);
  const Shape shape = { .port = 80, .flags = EW_TCP_ACK, .payload = 700 };

  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      stack->n = 0;
      add_flow (stack, shape, 5);
      guint8 *packet = stack->packets[2].data;
      packet[changes[i].at] = (guint8)(packet[changes[i].at] + changes[i].value);
      ew_transport_set_ip_length (packet, 20, stack->packets[2].len);
      offload_set_checksum (packet, 20, stack->packets[2].len, 6);
      g_test_message ("%s", changes[i].what);
      g_assert_cmpuint (check (stack), ==, 3); /* two before it, itself, two after it */
    }
}

/* The host has to detect a wrong checksum: joining the packet would correct it. */
/* A packet that was damaged before it reached the tunnel isn't joined, and keeps its wrong checksum. */
static void
test_wrong_checksum (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);
  const Shape shape = { .port = 80, .flags = EW_TCP_ACK, .payload = 700 };

  for (gsize wrong = 0; wrong < 5; wrong++)
    {
      stack->n = 0;
      add_flow (stack, shape, 5);
      stack->packets[wrong].data[100] ^= 1;
      g_assert_cmpuint (check (stack), ==, wrong == 0 || wrong == 4 ? 2 : 3);
    }
}

static void
test_random (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);

  for (guint round = 0; round < 300; round++)
    {
      guint32 sequences[4] = { 0 };
      stack->n = 0;
      while (stack->n < PACKETS)
        {
          const guint flow = (guint)g_test_rand_int_range (0, 4);
          Shape shape
            = { .v6 = flow & 1, .udp = flow == 3, .port = (guint16)flow, .flags = EW_TCP_ACK, .payload = 300 };
          if (g_test_rand_int_range (0, 10) == 0)
            shape.payload = (guint16)g_test_rand_int_range (0, 400);
          if (g_test_rand_int_range (0, 20) == 0)
            shape.flags |= (guint8)(1 << g_test_rand_int_range (0, 8));
          if (g_test_rand_int_range (0, 30) == 0)
            sequences[flow] += 7;
          shape.sequence = sequences[flow];
          sequences[flow] += shape.payload;
          guint8 *packet = add (stack, &shape);
          if (g_test_rand_int_range (0, 40) == 0)
            packet[g_test_rand_int_range (0, (gint)stack->packets[stack->n - 1].len)] ^= 1;
        }
      check (stack);
    }
}

/* What the host hands over that could not be cut. */
static void
test_bad_headers (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);
  const Shape shape = { .port = 80, .flags = EW_TCP_ACK, .payload = 1000 };
  const struct virtio_net_hdr good = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                       .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                       .gso_size = 100,
                                       .csum_start = 20,
                                       .csum_offset = 16 };
  struct virtio_net_hdr bad;
  EwSegmenter segmenter;
  guint8 *packet = add (stack, &shape);
  const gsize len = stack->packets[0].len;

  g_assert_true (ew_segmenter_init (&segmenter, &good, packet, len));
  for (gsize short_len = 0; short_len <= 52; short_len++)
    g_assert_false (ew_segmenter_init (&segmenter, &good, packet, short_len));
  bad = good, bad.gso_size = 0;
  g_assert_false (ew_segmenter_init (&segmenter, &bad, packet, len));
  bad = good, bad.flags = 0;
  g_assert_false (ew_segmenter_init (&segmenter, &bad, packet, len));
  bad = good, bad.gso_type = VIRTIO_NET_HDR_GSO_UDP;
  g_assert_false (ew_segmenter_init (&segmenter, &bad, packet, len));
  bad = good, bad.csum_start = 24;
  g_assert_false (ew_segmenter_init (&segmenter, &bad, packet, len));
  packet[32] = 0x40; /* a TCP header of 16 bytes */
  g_assert_false (ew_segmenter_init (&segmenter, &good, packet, len));
  packet[32] = 0xf0; /* … of 60, in a packet of 80 with options of 40: nothing after it */
  g_assert_false (ew_segmenter_init (&segmenter, &good, packet, 80));
}

static void
test_finish_checksum (void)
{
  g_autofree Stack *stack = g_new0 (Stack, 1);

  for (guint kind = 0; kind < 4; kind++)
    {
      const Shape shape = { .v6 = kind & 1, .udp = kind & 2, .port = 80, .flags = EW_TCP_ACK, .payload = 333 };
      const guint16 ip = shape.v6 ? 40 : 20, field = shape.udp ? 6 : 16, protocol = shape.udp ? 17 : 6;
      struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = ip, .csum_offset = field };
      stack->n = 0;
      guint8 *packet = add (stack, &shape);
      const gsize len = stack->packets[0].len;
      ew_store_be16 (packet + ip + field, ew_transport_pseudo_sum (packet, len - ip, (guint8)protocol));
      g_assert_true (ew_segment_finish_checksum (&header, packet, len));
      g_assert_true (ew_transport_checksum_is_right (packet, ip, len, (guint8)protocol));
      header.csum_offset = (guint16)(len - ip - 1);
      g_assert_false (ew_segment_finish_checksum (&header, packet, len));
      header.csum_start = (guint16)(len + 1);
      header.csum_offset = 0;
      g_assert_false (ew_segment_finish_checksum (&header, packet, len));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/offload/flows", test_flows);
  g_test_add_func ("/offload/limits", test_limits);
  g_test_add_func ("/offload/mixed", test_mixed);
  g_test_add_func ("/offload/apart", test_apart);
  g_test_add_func ("/behaviour/inner-checksum-verified-before-coalescing", test_wrong_checksum);
  g_test_add_func ("/offload/random", test_random);
  g_test_add_func ("/offload/bad-headers", test_bad_headers);
  g_test_add_func ("/offload/finish-checksum", test_finish_checksum);
  return g_test_run ();
}
