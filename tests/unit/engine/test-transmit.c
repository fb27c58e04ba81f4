/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How datagrams become bursts. The socket writes down what it is given.
 */
#include <string.h>

#include "engine/transmit.h"
#include "proto/messages.h"

typedef struct
{
  EwUdp udp;
  guint n_bursts[2], n_datagrams[2]; /* to strangers, to peers */
  gboolean refuses_local;
  GString *order; /* the first byte of each datagram to a peer */
  EwStreams streams;
  EwBuffers buffers;
  EwTransmit transmit;
} Fixture;

static void
note_bursts (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats)
{
  Fixture *f = (Fixture *)udp;

  for (gsize i = 0; i < n; i++)
    {
      EwBurstCursor cursor = { 0 };
      const gboolean peer = bursts[i].peer != NULL;

      bursts[i].local_refused = f->refuses_local;
      f->n_bursts[peer]++;
      g_assert_cmpuint (bursts[i].n, <=, EW_BURST_MAX);
      g_assert_cmpuint (bursts[i].len, <=, EW_BURST_BYTES);
      while (ew_burst_next (&bursts[i], &cursor))
        {
          f->n_datagrams[peer]++;
          if (peer)
            g_string_append_c (f->order, (char)cursor.data[0]);
        }
    }
}

/* "s" and "b" for each datagram of a sparse flow and of others, "|" after a burst. */
static GString *streamed;

static void
note_streamed (EwStreams *streams, const EwBurst *burst, EwUdpSendStats *stats)
{
  g_assert_cmpint (burst->traffic_class & EW_OUTER_SPARSE, ==, 0);
  for (guint i = 0; i < burst->n; i++)
    g_string_append_c (streamed, burst->sparse ? 's' : 'b');
  g_string_append_c (streamed, '|');
}

static const EwStreamsClass streamed_class = { .send = note_streamed };

static const EwUdpClass noting_class = { .send = note_bursts };

static void
set_up (Fixture *f, gconstpointer data)
{
  f->udp.class = &noting_class;
  f->order = g_string_new (NULL);
  ew_buffers_init (&f->buffers);
  ew_transmit_init (&f->transmit, &f->buffers, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ew_transmit_clear (&f->transmit);
  ew_buffers_clear (&f->buffers);
  g_string_free (f->order, TRUE);
}

/* number 0: a stranger. The transmitter never looks into a peer. */
static void
add (Fixture *f, guint number, guint port, guint8 *data, gsize len)
{
  static guint8 peers[16];
  const EwIp ip = ew_ip_from_v4 (0x0a000001);
  const EwEndpoint to = ew_endpoint_udp (&ip, (guint16)port);

  ew_transmit_add (&f->transmit, &f->udp, number > 0 ? (EwPeer *)&peers[number] : NULL, &to, data, len, 0);
}

static void
test_strangers_part_nothing (Fixture *f, gconstpointer data)
{
  guint8 cookie[64] = { 3 };

  for (guint i = 0; i < 30; i++)
    {
      guint8 *packet = ew_buffers_at (&f->buffers, i);
      packet[0] = (guint8)('A' + i);
      add (f, 1, 1, packet, 1452);
      add (f, 0, 1000 + i, cookie, sizeof cookie);
    }
  ew_transmit_flush (&f->transmit, &f->udp);
  g_assert_cmpuint (f->n_datagrams[0], ==, 30);
  g_assert_cmpuint (f->n_datagrams[1], ==, 30);
  g_assert_cmpuint (f->n_bursts[1], ==, 1);
  g_assert_cmpstr (f->order->str, ==, "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^");
}

/* A datagram that does not fit its path's latest burst joins no earlier one. */
static void
test_order_of_a_path (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 1000, 1000, 500, 1000, 1000, 1200, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      guint8 *packet = ew_buffers_at (&f->buffers, i);
      packet[0] = (guint8)('a' + i);
      add (f, 1, 1, packet, sizes[i]);
      add (f, 0, 1000 + i, packet, 100);
    }
  ew_transmit_flush (&f->transmit, &f->udp);
  g_assert_cmpuint (f->n_bursts[1], ==, 3); /* one ends with the short one, one before the longer one */
  g_assert_cmpstr (f->order->str, ==, "abcdefg");
}

/* Streams are told of sparse flows, handshakes and keepalives; to UDP it's all one. */
static void
test_sparse (Fixture *f, gconstpointer data)
{
  static const guint8 classes[] = { 0, EW_OUTER_SPARSE, EW_OUTER_SPARSE | 1, 0, EW_HANDSHAKE_DSCP, 0 };
  static const gsize sizes[] = { 1000, 1000, 1000, 1000, 148, EW_DATA_OVERHEAD };
  const EwIp ip = ew_ip_from_v4 (0x0a000001);
  const EwEndpoint udp = ew_endpoint_udp (&ip, 1), stream = { .kind = EW_ENDPOINT_STREAM, .id = 1 };
  f->streams.class = &streamed_class;
  f->transmit.streams = &f->streams;
  streamed = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    ew_transmit_add (&f->transmit, &f->udp, (EwPeer *)f, &stream, ew_buffers_at (&f->buffers, i), sizes[i], classes[i]);
  g_assert_false (f->transmit.streamed);
  ew_transmit_flush (&f->transmit, &f->udp);
  g_assert_true (f->transmit.streamed);
  g_assert_cmpstr (streamed->str, ==, "b|s|s|b|s|s|");
  for (guint i = 0; i < 4; i++)
    ew_transmit_add (&f->transmit, &f->udp, (EwPeer *)f, &udp, ew_buffers_at (&f->buffers, i), 1000,
                     i % 2 ? EW_OUTER_SPARSE : 0);
  ew_transmit_flush (&f->transmit, &f->udp);
  g_assert_cmpuint (f->n_bursts[1], ==, 1);
  g_string_free (streamed, TRUE);
}

static void
no_random (void *user, uint8_t *out, size_t len)
{
  memset (out, 1, len);
}

/* In one call a peer is sent to and removed, another is only sent to; the kernel refuses the address that both sent
   from. AddressSanitizer would report an access to the removed peer. */
static void
test_stale_local_of_removed (Fixture *f, gconstpointer data)
{
  static const guint8 keys[2][EW_KEY_SIZE] = { "a peer that goes", "a peer that stays" };
  const EwDeviceHooks hooks = { .random = no_random };
  const EwIp remote = ew_ip_from_v4 (0x0a000001), local = ew_ip_from_v4 (0x0a000002);
  EwEndpoint endpoint = ew_endpoint_udp (&remote, 1);
  EwDevice *device = ew_device_new (&hooks, f, 1420);
  EwPeer *peers[2];

  endpoint.local = local;
  f->refuses_local = TRUE;
  ew_lane_enter (ew_device_get_lane (device)); /* the batch */
  for (guint i = 0; i < 2; i++)
    {
      peers[i] = ew_device_add_peer (device, keys[i]);
      ew_peer_set_endpoint (peers[i], &endpoint);
      ew_transmit_add (&f->transmit, &f->udp, peers[i], &endpoint, ew_buffers_at (&f->buffers, i), 32, 0);
    }
  ew_peer_remove (peers[0]);
  ew_transmit_flush (&f->transmit, &f->udp);
  ew_transmit_settle_stale (&f->transmit, ew_device_get_lane (device));
  ew_lane_leave (ew_device_get_lane (device));
  g_assert_cmpuint (f->transmit.n_stale, ==, 0);
  g_assert_cmpint (ew_peer_get_endpoint (peers[1])->local.family, ==, EW_FAMILY_NONE);
  g_assert_true (ew_endpoint_same_remote (ew_peer_get_endpoint (peers[1]), &endpoint));
  ew_device_free (device);
}

#define ADD(path, function) g_test_add ("/transmit/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("strangers-part-nothing", test_strangers_part_nothing);
  ADD ("order-of-a-path", test_order_of_a_path);
  ADD ("sparse", test_sparse);
  ADD ("stale-local-of-a-removed-peer", test_stale_local_of_removed);
  return g_test_run ();
}
