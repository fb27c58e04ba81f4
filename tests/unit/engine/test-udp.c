/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Real sockets on the loopback interface.
 */
#include <poll.h>
#include <string.h>

#include "engine/buffers.h"
#include "engine/udp.h"

typedef struct
{
  EwUdp *a, *b;
  EwBuffers buffers;
  EwPacket packets[EW_BATCH_MAX];
} Pair;

static void
pair_set_up (Pair *pair, gconstpointer data)
{
  pair->a = ew_udp_open (NULL, 0, 0, NULL);
  pair->b = ew_udp_open (NULL, 0, 0, NULL);
  g_assert_nonnull (pair->a);
  g_assert_nonnull (pair->b);
  g_assert_cmpuint (pair->a->port, !=, 0);
  ew_buffers_init (&pair->buffers);
}

static void
pair_tear_down (Pair *pair, gconstpointer data)
{
  ew_udp_free (pair->a);
  ew_udp_free (pair->b);
  ew_buffers_clear (&pair->buffers);
}

static EwEndpoint
endpoint (const char *ip, guint16 port)
{
  EwIp parsed;

  g_assert_true (ew_ip_parse (ip, &parsed));
  return ew_endpoint_udp (&parsed, port);
}

static void
send_one (EwUdp *udp, EwDatagram *datagram)
{
  EwUdpSendStats stats = { 0 };

  udp->class->send (udp, datagram, 1, &stats);
  g_assert_cmpuint (stats.sent, ==, 1);
}

static gsize
receive (Pair *pair, EwUdp *udp, guint which)
{
  struct pollfd wait = { .fd = udp->fds[which], .events = POLLIN };

  g_assert_cmpint (poll (&wait, 1, 5000), ==, 1);
  for (gsize i = 0; i < EW_BATCH_MAX; i++)
    {
      pair->packets[i].data = ew_buffers_at (&pair->buffers, i);
      pair->packets[i].len = EW_BUFFER_CAPACITY;
    }
  return udp->class->receive (udp, which, pair->packets, EW_BATCH_MAX);
}

static void
assert_ip (const EwIp *ip, const char *expected)
{
  char text[EW_IP_STRLEN];

  ew_ip_format (ip, text);
  g_assert_cmpstr (text, ==, expected);
}

/* The reply leaves from the address that was asked, although the kernel would have chosen 127.0.0.1. */
static void
test_local_address (Pair *pair, gconstpointer data)
{
  guint8 question[] = "question", reply[] = "reply";
  EwDatagram ask = { .to = endpoint ("127.0.0.5", pair->b->port), .data = question, .len = 8 };

  send_one (pair->a, &ask);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  g_assert_cmpmem (pair->packets[0].data, pair->packets[0].len, "question", 8);
  assert_ip (&pair->packets[0].endpoint.local, "127.0.0.5");
  g_assert_cmpuint (pair->packets[0].endpoint.remote_port, ==, pair->a->port);

  EwDatagram answer = { .to = pair->packets[0].endpoint, .data = reply, .len = 5 };
  send_one (pair->b, &answer);
  g_assert_cmpuint (receive (pair, pair->a, 0), ==, 1);
  assert_ip (&pair->packets[0].endpoint.remote, "127.0.0.5");
}

/* The address that a peer reached us at has left this host. */
static void
test_refused_local (Pair *pair, gconstpointer data)
{
  guint8 bytes[] = "x";
  EwDatagram datagram = { .to = endpoint ("127.0.0.1", pair->b->port), .data = bytes, .len = 1 };

  g_assert_true (ew_ip_parse ("192.0.2.77", &datagram.to.local));
  send_one (pair->a, &datagram);
  g_assert_true (datagram.local_refused);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  assert_ip (&pair->packets[0].endpoint.remote, "127.0.0.1");
}

static void
test_ecn (Pair *pair, gconstpointer data)
{
  guint8 bytes[] = "x";

  for (guint which = 0; which < EW_UDP_FDS; which++)
    for (guint8 ecn = 0; ecn < 4; ecn++)
      {
        EwDatagram datagram = { .to = endpoint (which == 0 ? "127.0.0.1" : "::1", pair->b->port),
                                .data = bytes,
                                .len = 1,
                                .traffic_class = (guint8)(0x88 | ecn) }; /* AF41 */
        EwUdpSendStats stats = { 0 };
        pair->a->class->send (pair->a, &datagram, 1, &stats);
        if (which == 1 && stats.sent == 0)
          {
            g_test_message ("no IPv6 here");
            return;
          }
        g_assert_cmpuint (receive (pair, pair->b, which), ==, 1);
        g_assert_cmpuint (pair->packets[0].ecn, ==, ecn);
      }
}

static void
test_batch (Pair *pair, gconstpointer data)
{
  EwDatagram datagrams[EW_BATCH_MAX] = { 0 };
  EwUdpSendStats stats = { 0 };
  guint8 bytes[EW_BATCH_MAX][1472];
  gsize got = 0;

  for (gsize i = 0; i < EW_BATCH_MAX; i++)
    {
      memset (bytes[i], (int)i, sizeof bytes[i]);
      datagrams[i] = (EwDatagram){ .to = endpoint ("127.0.0.1", i == 30 ? 0 : pair->b->port),
                                   .data = bytes[i],
                                   .len = i == 31 ? 0 : sizeof bytes[i] };
    }
  pair->a->class->send (pair->a, datagrams, EW_BATCH_MAX, &stats);
  g_assert_cmpuint (stats.failed, ==, 1); /* the bad one; those behind it went out */
  g_assert_cmpuint (stats.sent, ==, EW_BATCH_MAX - 1);
  while (got < EW_BATCH_MAX - 1)
    {
      gsize n = receive (pair, pair->b, 0);
      for (gsize i = 0; i < n; i++, got++)
        {
          guint expected = got < 30 ? (guint)got : (guint)got + 1;
          g_assert_cmpuint (pair->packets[i].len, ==, expected == 31 ? 0 : 1472);
          if (expected != 31)
            g_assert_cmpuint (pair->packets[i].data[1471], ==, expected);
        }
    }
}

/* A datagram larger than the interface is fragmented, not refused: the loopback's MTU is 65536, so IP's own limit
 * decides. */
static void
test_too_large (Pair *pair, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (65535);
  EwDatagram datagram = { .to = endpoint ("127.0.0.1", pair->b->port), .data = bytes, .len = 65507 };
  EwUdpSendStats stats = { 0 };

  send_one (pair->a, &datagram);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  g_assert_cmpuint (pair->packets[0].len, ==, 65507);
  datagram.len = 65535;
  pair->a->class->send (pair->a, &datagram, 1, &stats);
  g_assert_cmpuint (stats.failed, ==, 1);
  datagram.to = (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY };
  pair->a->class->send (pair->a, &datagram, 1, &stats);
  g_assert_cmpuint (stats.failed, ==, 2);
}

/* A datagram that its buffer cannot hold is none. */
static void
test_truncated (Pair *pair, gconstpointer data)
{
  guint8 bytes[100] = { 0 };
  EwDatagram datagram = { .to = endpoint ("127.0.0.1", pair->b->port), .data = bytes, .len = sizeof bytes };
  EwPacket packet = { .data = ew_buffers_at (&pair->buffers, 0), .len = 99 };
  struct pollfd wait = { .fd = pair->b->fds[0], .events = POLLIN };

  send_one (pair->a, &datagram);
  g_assert_cmpint (poll (&wait, 1, 5000), ==, 1);
  g_assert_cmpuint (pair->b->class->receive (pair->b, 0, &packet, 1), ==, 1);
  g_assert_cmpuint (packet.len, ==, 0);
}

static void
test_port_in_use (void)
{
  g_autoptr (EwUdp) first = ew_udp_open (NULL, 0, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ew_udp_open (NULL, first->port, 0, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
}

static void
test_listen_address (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwUdp) v4 = ew_udp_open ("127.0.0.3", 0, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (v4->fds[0], >=, 0);
  g_assert_cmpint (v4->fds[1], ==, -1);
  g_assert_null (ew_udp_open ("localhost", 0, 0, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (ew_udp_open ("192.0.2.77", 0, 0, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
}

static void
add (const char *path, void (*test) (Pair *pair, gconstpointer data))
{
  g_test_add (path, Pair, NULL, pair_set_up, test, pair_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/udp/local-address", test_local_address);
  add ("/udp/refused-local", test_refused_local);
  add ("/udp/ecn", test_ecn);
  add ("/udp/batch", test_batch);
  add ("/udp/too-large", test_too_large);
  add ("/udp/truncated", test_truncated);
  g_test_add_func ("/udp/port-in-use", test_port_in_use);
  g_test_add_func ("/udp/listen-address", test_listen_address);
  return g_test_run ();
}
