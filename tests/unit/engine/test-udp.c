/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Real sockets on the loopback interface.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/buffers.h"
#include "engine/udp-private.h"
#include "engine/udp-socket.h"

typedef struct
{
  EwUdp *a, *b;
  EwBuffers buffers;
  EwArrival arrivals[EW_BATCH_MAX];
} Pair;

/* As if the kernel had neither UDP_GRO nor UDP_SEGMENT. */
static void
forbid_offloads (EwUdp *udp)
{
  EwUdpSockets *sockets = (EwUdpSockets *)udp;

  ew_udp_sockets_set_gather (udp->fds, FALSE);
  udp->gathers = sockets->segments = FALSE;
}

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

static EwBurst *
burst (EwEndpoint to)
{
  EwBurst *one = g_new0 (EwBurst, 1);

  one->to = to;
  return one;
}

static void
send_one (EwUdp *udp, EwBurst *one)
{
  EwUdpSendStats stats = { 0 };

  udp->class->send (udp, one, 1, &stats);
  g_assert_cmpuint (stats.sent, ==, one->n);
}

static gsize
receive (Pair *pair, EwUdp *udp, guint which)
{
  struct pollfd wait = { .fd = udp->fds[which], .events = POLLIN };

  g_assert_cmpint (poll (&wait, 1, 5000), ==, 1);
  for (gsize i = 0; i < EW_BATCH_MAX; i++)
    {
      pair->arrivals[i].data = ew_buffers_at (&pair->buffers, i);
      pair->arrivals[i].len = EW_BUFFER_CAPACITY;
    }
  return udp->class->receive (udp, which, pair->arrivals, EW_BATCH_MAX);
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
  g_autofree EwBurst *ask = burst (endpoint ("127.0.0.5", pair->b->port));

  ew_burst_append (ask, question, 8);
  send_one (pair->a, ask);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  g_assert_cmpmem (pair->arrivals[0].data, pair->arrivals[0].len, "question", 8);
  assert_ip (&pair->arrivals[0].from.local, "127.0.0.5");
  g_assert_cmpuint (pair->arrivals[0].from.remote_port, ==, pair->a->port);

  g_autofree EwBurst *answer = burst (pair->arrivals[0].from);
  ew_burst_append (answer, reply, 5);
  send_one (pair->b, answer);
  g_assert_cmpuint (receive (pair, pair->a, 0), ==, 1);
  assert_ip (&pair->arrivals[0].from.remote, "127.0.0.5");
}

/* The address at which a peer reached this node was removed. */
static void
test_refused_local (Pair *pair, gconstpointer data)
{
  guint8 bytes[] = "x";
  g_autofree EwBurst *datagram = burst (endpoint ("127.0.0.1", pair->b->port));

  ew_burst_append (datagram, bytes, 1);
  g_assert_true (ew_ip_parse ("192.0.2.77", &datagram->to.local));
  send_one (pair->a, datagram);
  g_assert_true (datagram->local_refused);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  assert_ip (&pair->arrivals[0].from.remote, "127.0.0.1");
}

/* A datagram's age counts from when the kernel took it; a kernel that was never asked for times before needs a moment
   until it notes them, and says until then when it was asked. */
static void
test_arrival_time (Pair *pair, gconstpointer data)
{
  const gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  guint8 bytes[] = "x";
  guint64 after;

  do
    {
      g_autofree EwBurst *datagram = burst (endpoint ("127.0.0.1", pair->b->port));
      const guint64 before = (guint64)g_get_real_time () * 1000;
      ew_burst_append (datagram, bytes, 1);
      send_one (pair->a, datagram);
      after = (guint64)(g_get_real_time () + 1) * 1000;
      g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
      g_assert_cmpuint (pair->arrivals[0].arrived_ns, >=, before);
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
  while (pair->arrivals[0].arrived_ns > after);
}

static void
test_ecn (Pair *pair, gconstpointer data)
{
  guint8 bytes[] = "x";

  for (guint which = 0; which < EW_UDP_FDS; which++)
    for (guint8 ecn = 0; ecn < 4; ecn++)
      {
        g_autofree EwBurst *datagram = burst (endpoint (which == 0 ? "127.0.0.1" : "::1", pair->b->port));
        EwUdpSendStats stats = { 0 };
        ew_burst_append (datagram, bytes, 1);
        datagram->traffic_class = (guint8)(0x88 | ecn); /* AF41 */
        pair->a->class->send (pair->a, datagram, 1, &stats);
        if (which == 1 && stats.sent == 0)
          {
            g_test_message ("no IPv6 here");
            return;
          }
        g_assert_cmpuint (receive (pair, pair->b, which), ==, 1);
        g_assert_cmpuint (pair->arrivals[0].ecn, ==, ecn);
      }
}

static void
test_batch (Pair *pair, gconstpointer data)
{
  g_autofree EwBurst *bursts = g_new0 (EwBurst, EW_BATCH_MAX);
  EwUdpSendStats stats = { 0 };
  guint8 bytes[EW_BATCH_MAX][1472];
  gsize got = 0;

  for (gsize i = 0; i < EW_BATCH_MAX; i++)
    {
      memset (bytes[i], (int)i, sizeof bytes[i]);
      bursts[i].to = endpoint ("127.0.0.1", i == 30 ? 0 : pair->b->port);
      ew_burst_append (&bursts[i], bytes[i], i == 31 ? 0 : sizeof bytes[i]);
    }
  forbid_offloads (pair->b);
  pair->a->class->send (pair->a, bursts, EW_BATCH_MAX, &stats);
  g_assert_cmpuint (stats.failed, ==, 1); /* the bad one; those after it were sent */
  g_assert_cmpuint (stats.sent, ==, EW_BATCH_MAX - 1);
  while (got < EW_BATCH_MAX - 1)
    {
      gsize n = receive (pair, pair->b, 0);
      for (gsize i = 0; i < n; i++, got++)
        {
          guint expected = got < 30 ? (guint)got : (guint)got + 1;
          g_assert_cmpuint (pair->arrivals[i].len, ==, expected == 31 ? 0 : 1472);
          if (expected != 31)
            g_assert_cmpuint (pair->arrivals[i].data[1471], ==, expected);
        }
    }
}

/* A burst in pieces of memory, the last datagram shorter: it arrives whole and in order, as one message where both
   sides can, else as many. */
static void
test_burst (Pair *pair, gconstpointer data)
{
  for (guint mode = 0; mode < 4; mode++)
    {
      guint8 bytes[2 * 20 * 1000];
      g_autofree EwBurst *out = burst (endpoint ("127.0.0.5", pair->b->port));
      gsize got = 0, messages = 0;
      for (gsize i = 0; i < 20; i++)
        {
          guint8 *datagram = bytes + i * 1000 + (i < 7 ? 0 : 20000);
          memset (datagram, (int)i, 1000);
          g_assert_true (i == 0 || ew_burst_takes (out, 1000));
          ew_burst_append (out, datagram, i < 19 ? 1000 : 999);
        }
      g_assert_false (ew_burst_takes (out, 999)); /* the shorter one was the last */
      g_assert_cmpuint (out->n_parts, ==, 2);
      if (mode & 1)
        forbid_offloads (pair->a);
      if (mode & 2)
        forbid_offloads (pair->b);
      send_one (pair->a, out);
      while (got < 19999)
        {
          gsize n = receive (pair, pair->b, 0);
          for (gsize i = 0; i < n; i++, messages++)
            {
              const EwArrival *arrival = &pair->arrivals[i];
              for (gsize k = 0; k < arrival->len; k++, got++)
                g_assert_cmpuint (arrival->data[k], ==, got / 1000);
              g_assert_cmpuint (arrival->segment, ==, arrival->len > 1000 ? 1000 : 0);
              assert_ip (&arrival->from.local, "127.0.0.5"); /* to answer from, also where many came as one */
            }
        }
      g_assert_cmpuint (got, ==, 19999);
      if (mode >= 2 || !pair->b->gathers)
        g_assert_cmpuint (messages, ==, 20);
      else if (mode == 0)
        g_assert_cmpuint (messages, ==, 1);
    }
}

/* Larger than the path: the burst is refused as such, its datagrams are fragmented each. The loopback's MTU is 65536,
   so this one is larger than a burst may be. */
static void
test_burst_refused (Pair *pair, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (3 * 40000);
  g_autofree EwBurst *out = burst (endpoint ("127.0.0.1", pair->b->port));
  EwUdpSendStats stats = { 0 };
  gsize got = 0;

  for (gsize i = 0; i < 3; i++)
    ew_burst_append (out, bytes + i * 40000, 40000); /* past ew_burst_takes(): what the kernel refuses */
  pair->a->class->send (pair->a, out, 1, &stats);
  g_assert_cmpuint (stats.sent, ==, 3);
  g_assert_cmpuint (stats.failed, ==, 0);
  while (got < 3)
    {
      gsize n = receive (pair, pair->b, 0);
      for (gsize i = 0; i < n; i++, got++)
        g_assert_cmpuint (pair->arrivals[i].len, ==, 40000);
    }
}

/* A datagram larger than the interface is fragmented, not refused: the loopback's MTU is 65536, so IP's own limit
 * decides. */
static void
test_too_large (Pair *pair, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (65535);
  g_autofree EwBurst *good = burst (endpoint ("127.0.0.1", pair->b->port));
  g_autofree EwBurst *large = burst (good->to), *strange = burst ((EwEndpoint){ .kind = EW_ENDPOINT_MEMORY });
  EwUdpSendStats stats = { 0 };

  ew_burst_append (good, bytes, 65507);
  send_one (pair->a, good);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  g_assert_cmpuint (pair->arrivals[0].len, ==, 65507);
  ew_burst_append (large, bytes, 65535);
  pair->a->class->send (pair->a, large, 1, &stats);
  g_assert_cmpuint (stats.failed, ==, 1);
  ew_burst_append (strange, bytes, 1);
  pair->a->class->send (pair->a, strange, 1, &stats);
  g_assert_cmpuint (stats.failed, ==, 2);
}

static int
get_discovery (EwUdp *udp)
{
  int value = -1;
  socklen_t size = sizeof value;

  g_assert_cmpint (getsockopt (udp->fds[0], IPPROTO_IP, IP_MTU_DISCOVER, &value, &size), ==, 0);
  return value;
}

/* One that measures the path is a message of its own, joins no other and leaves the socket as it was. */
static void
test_whole (Pair *pair, gconstpointer data)
{
  guint8 bytes[200] = { 0 };
  g_autofree EwBurst *out = burst (endpoint ("127.0.0.1", pair->b->port));

  out->traffic_class = EW_OUTER_WHOLE | 1;
  ew_burst_append (out, bytes, 100);
  g_assert_false (ew_burst_takes (out, 100));
  send_one (pair->a, out);
  g_assert_cmpint (get_discovery (pair->a), ==, IP_PMTUDISC_DONT);
  g_assert_cmpuint (receive (pair, pair->b, 0), ==, 1);
  g_assert_cmpuint (pair->arrivals[0].len, ==, 100);
  g_assert_cmpuint (pair->arrivals[0].ecn, ==, 1);
}

/* A network of this test's own, whose loopback takes 1300 bytes. FALSE: not root. */
static gboolean
narrow_network (void)
{
  struct ifreq lo = { .ifr_name = "lo", .ifr_mtu = 1300 };

  if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0)
    return FALSE;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean done = fd >= 0 && ioctl (fd, SIOCSIFMTU, &lo) == 0;
  lo.ifr_flags = IFF_UP;
  done = done && ioctl (fd, SIOCSIFFLAGS, &lo) == 0;
  close (fd);
  return done;
}

/* What's larger than the interface isn't fragmented on its way out if it measures the path; all else is, before and
   after it. */
static void
test_whole_too_large (void)
{
  static const struct
  {
    const char *address;
    gsize largest;
  } rows[] = { { "127.0.0.1", 1300 - 28 }, { "::1", 1300 - 48 } };
  guint8 bytes[1400] = { 0 };
  Pair pair;

  if (!narrow_network ())
    {
      g_test_skip ("needs root and a network namespace of its own");
      return;
    }
  pair_set_up (&pair, NULL);
  for (guint which = 0; which < G_N_ELEMENTS (rows); which++)
    for (guint i = 0; i < 4 && pair.b->fds[which] >= 0; i++)
      {
        const gboolean whole = i == 1 || i == 2;
        const gsize size = i == 1 ? rows[which].largest : i == 2 ? rows[which].largest + 1 : sizeof bytes;
        g_autofree EwBurst *out = burst (endpoint (rows[which].address, pair.b->port));
        EwUdpSendStats stats = { 0 };

        out->traffic_class = whole ? EW_OUTER_WHOLE : 0;
        ew_burst_append (out, bytes, size);
        pair.a->class->send (pair.a, out, 1, &stats);
        g_assert_cmpuint (stats.failed, ==, i == 2);
        g_assert_cmpuint (stats.sent, ==, i != 2);
        if (i == 2)
          continue;
        g_assert_cmpuint (receive (&pair, pair.b, which), ==, 1);
        g_assert_cmpuint (pair.arrivals[0].len, ==, size);
      }
  pair_tear_down (&pair, NULL);
}

/* A datagram or a burst that its buffer cannot hold is dropped, and what comes after it is not held up. */
static void
test_truncated (Pair *pair, gconstpointer data)
{
  guint8 bytes[100] = { 0 };
  g_autofree EwBurst *out = burst (endpoint ("127.0.0.1", pair->b->port));
  EwArrival arrival = { .data = ew_buffers_at (&pair->buffers, 0), .len = 99 };
  struct pollfd wait = { .fd = pair->b->fds[0], .events = POLLIN };

  ew_burst_append (out, bytes, sizeof bytes);
  send_one (pair->a, out);
  g_assert_cmpint (poll (&wait, 1, 5000), ==, 1);
  g_assert_cmpuint (pair->b->class->receive (pair->b, 0, &arrival, 1), ==, 1);
  g_assert_cmpuint (arrival.len, ==, 0);

  g_autofree EwBurst *large = burst (out->to), *small = burst (out->to);
  for (guint i = 0; i < 3; i++)
    ew_burst_append (large, bytes, 98);
  ew_burst_append (small, bytes, 99);
  send_one (pair->a, large);
  send_one (pair->a, small);
  for (arrival.len = 0; arrival.len != 99;)
    {
      g_assert_cmpint (poll (&wait, 1, 5000), ==, 1);
      arrival.len = 99;
      g_assert_cmpuint (pair->b->class->receive (pair->b, 0, &arrival, 1), ==, 1);
      g_assert_true (arrival.len == 0 || arrival.len == 98 || arrival.len == 99);
    }
}

static void
test_port_in_use (void)
{
  g_autoptr (EwUdp) first = ew_udp_open (NULL, 0, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ew_udp_open (NULL, first->port, 0, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
}

static gsize
receive_one (EwUdp *udp, guint which)
{
  static guint8 buffer[EW_BUFFER_CAPACITY];
  EwArrival arrival = { .data = buffer, .len = sizeof buffer };
  struct pollfd wait = { .fd = udp->fds[which], .events = POLLIN };

  return poll (&wait, 1, 0) == 1 ? udp->class->receive (udp, which, &arrival, 1) : 0;
}

/* Sends as a stranger. Returns the number of the socket that got it; they are n. */
static guint
who_gets (EwUdp **sockets, guint n, int family, const guint8 *data, gsize len)
{
  const struct sockaddr_in v4
    = { .sin_family = AF_INET, .sin_port = htons (sockets[0]->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const struct sockaddr_in6 v6
    = { .sin6_family = AF_INET6, .sin6_port = htons (sockets[0]->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  const int fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  guint found = n;

  g_assert_cmpint (family == AF_INET ? sendto (fd, data, len, 0, (const struct sockaddr *)&v4, sizeof v4)
                                     : sendto (fd, data, len, 0, (const struct sockaddr *)&v6, sizeof v6),
                   ==, len);
  close (fd);
  for (guint i = 0; i < n; i++)
    if (receive_one (sockets[i], family == AF_INET6) > 0)
      {
        g_assert_cmpuint (found, ==, n);
        found = i;
      }
  return found;
}

/* Data is for the lane that its receiver index names, all else for the first socket. */
static void
test_steering (void)
{
  EwUdp *sockets[4];
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (ew_udp_open_many (NULL, 0, 0, FALSE, 3, sockets, &error), ==, 4);
  g_assert_no_error (error);
  for (int family = AF_INET;; family = AF_INET6)
    {
      for (guint byte = 0; byte < 256; byte += 5)
        {
          const guint8 data[32] = { 4, 0, 0, 0, (guint8)byte }, handshake[148] = { 1, 0, 0, 0, (guint8)byte };
          const guint8 odd[32] = { 4, 0, 1, 0, (guint8)byte };
          g_assert_cmpuint (who_gets (sockets, 4, family, data, sizeof data), ==, 1 + byte % 3);
          g_assert_cmpuint (who_gets (sockets, 4, family, handshake, sizeof handshake), ==, 0);
          g_assert_cmpuint (who_gets (sockets, 4, family, odd, sizeof odd), ==, 0);
          for (gsize len = 1; len < 5; len++)
            g_assert_cmpuint (who_gets (sockets, 4, family, data, len), ==, 0);
        }
      if (family == AF_INET6 || sockets[0]->fds[1] < 0)
        break;
    }
  /* Only sockets of this program may share the port. */
  g_assert_null (ew_udp_open (NULL, sockets[0]->port, 0, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
  g_clear_error (&error);
  EwUdp *others[4];
  g_assert_cmpuint (ew_udp_open_many (NULL, sockets[0]->port, 0, FALSE, 3, others, &error), ==, 0);
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
  for (guint i = 0; i < 4; i++)
    ew_udp_free (sockets[i]);
}

/* Kernels that cannot steer: as before Linux 4.5. */
static gboolean refuses_to_steer;
int __real_setsockopt (int fd, int level, int option, const void *value, socklen_t size);
int __wrap_setsockopt (int fd, int level, int option, const void *value, socklen_t size);

int
__wrap_setsockopt (int fd, int level, int option, const void *value, socklen_t size)
{
  if (!refuses_to_steer || level != SOL_SOCKET || option != SO_ATTACH_REUSEPORT_CBPF)
    return __real_setsockopt (fd, level, option, value, size);
  errno = ENOPROTOOPT;
  return -1;
}

/* Then one socket receives everything, and the port must not be shared. */
static void
test_no_steering (void)
{
  const guint8 data[32] = { 4, 0, 0, 0, 1 };
  EwUdp *sockets[4];
  g_autoptr (GError) error = NULL;

  refuses_to_steer = TRUE;
  g_assert_cmpuint (ew_udp_open_many (NULL, 0, 0, FALSE, 3, sockets, &error), ==, 1);
  refuses_to_steer = FALSE;
  g_assert_no_error (error);
  g_assert_cmpuint (who_gets (sockets, 1, AF_INET, data, sizeof data), ==, 0);
  int shared = -1;
  socklen_t size = sizeof shared;
  g_assert_cmpint (getsockopt (sockets[0]->fds[0], SOL_SOCKET, SO_REUSEPORT, &shared, &size), ==, 0);
  g_assert_cmpint (shared, ==, 0);
  ew_udp_free (sockets[0]);
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
  EwUdp *awaiting;
  g_assert_cmpuint (ew_udp_open_many ("192.0.2.77", 0, 0, TRUE, 0, &awaiting, NULL), ==, 1);
  ew_udp_free (awaiting);
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
  add ("/udp/arrival-time", test_arrival_time);
  add ("/udp/batch", test_batch);
  add ("/udp/burst", test_burst);
  add ("/udp/burst-refused", test_burst_refused);
  add ("/udp/too-large", test_too_large);
  add ("/udp/whole", test_whole);
  add ("/udp/truncated", test_truncated);
  g_test_add_func ("/udp/port-in-use", test_port_in_use);
  g_test_add_func ("/udp/steering", test_steering);
  g_test_add_func ("/udp/no-steering", test_no_steering);
  g_test_add_func ("/udp/listen-address", test_listen_address);
  g_test_add_func ("/udp/whole-too-large", test_whole_too_large); /* last: it changes its network */
  return g_test_run ();
}
