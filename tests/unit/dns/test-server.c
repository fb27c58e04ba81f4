/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server on a loopback address, asked as this host's own: UDP, pipelined TCP, bad bytes, slow readers, bounds, and a
 * forwarder that answers when the test wants it to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "edge/dns/message.h"
#include "edge/dns/server-private.h"

#define DEADLINE_MS 10000

/* The forwarder. */

typedef struct
{
  guint8 answer[EW_DNS_MESSAGE_MAX];
  gsize len;
  EwDnsForwardDone done;
  gpointer user_data;
} Held;

struct EwDnsForward
{
  GQueue held;
};

static EwDnsForward *
make_forward (gpointer user_data)
{
  EwDnsForward *self = g_new0 (EwDnsForward, 1);
  g_queue_init (&self->held);
  return self;
}

static void
answer_held (EwDnsForward *self, gboolean drop)
{
  Held *held = g_queue_pop_head (&self->held);
  held->done (held->user_data, drop ? NULL : held->answer, held->len);
  g_free (held);
}

static gboolean
on_forward_idle (gpointer user_data)
{
  EwDnsForward *self = user_data;
  if (self->held.length > 0)
    answer_held (self, FALSE);
  return G_SOURCE_REMOVE;
}

/* "large.example" gets 3,000 bytes, "huge.example" 60,000, "slow.example" an answer when "go.example" is asked, "lost.example" none. */
static void
forward_async (EwDnsForward *self, const EwDnsAsker *asker, const guint8 *query, gsize len, EwDnsForwardDone done,
               gpointer user_data)
{
  gboolean huge = memcmp (query + LDNS_HEADER_SIZE + 1, "huge", 4) == 0,
           large = huge || memcmp (query + LDNS_HEADER_SIZE + 1, "large", 5) == 0,
           go = memcmp (query + LDNS_HEADER_SIZE + 1, "go", 2) == 0;
  Held *held = g_new0 (Held, 1);
  g_assert_cmpstr (asker->node, ==, "");
  memcpy (held->answer, query, len);
  LDNS_QR_SET (held->answer);
  held->len = huge ? 60000 : large ? 3000 : len;
  held->done = done;
  held->user_data = user_data;
  g_queue_push_tail (&self->held, held);
  if (!large && !go)
    return;
  for (guint n = self->held.length; n > 0; n--)
    {
      GSource *source = g_idle_source_new ();
      g_source_set_callback (source, on_forward_idle, self, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      g_source_unref (source);
    }
}

static void
free_forward (EwDnsForward *self)
{
  while (self->held.length > 0)
    answer_held (self, TRUE);
  g_free (self);
}

static const EwDnsForwardCalls forward_calls = { make_forward, forward_async, free_forward };

/* The server. */

typedef struct
{
  EwDnsServer *server;
  guint16 port;
  int fd;
} Fixture;

static EwIp
ip (const gchar *text)
{
  EwIp result = { 0 };
  g_assert_true (ew_ip_parse (text, &result));
  return result;
}

static void
set_host (EwDnsServer *server, const gchar *id, const gchar *name, const gchar *address)
{
  const gchar *names[] = { name, NULL };
  const EwDnsHostSpec spec = { id, names, { ip (address), { 0 } } };
  ew_dns_server_set_host (server, &spec);
}

typedef struct
{
  guint rate, idle_ms;
} Options;

static void
start_server (Fixture *self, guint rate, guint idle_ms)
{
  const EwDnsServerConfig config
    = { .addresses = { ip ("127.0.0.1") }, .rate = rate, .idle_ms = idle_ms, .forward = &forward_calls };
  const EwPrefix none[2] = { 0 };
  self->server = ew_dns_server_new (&config);
  g_assert_false (ew_dns_server_set_zone (self->server, "a..b", none));
  g_assert_true (ew_dns_server_set_zone (self->server, "home.internal", none));
  set_host (self->server, "", "edge", "127.0.0.1");
  set_host (self->server, "n1", "nas", "100.96.1.1");
  for (guint i = 0; !ew_dns_server_is_listening (self->server) && i < DEADLINE_MS; i++)
    g_usleep (1000);
  g_autofree gchar *limits = ew_dns_server_dup_limits (self->server);
  g_assert_cmpstr (limits, ==, NULL);
  g_mutex_lock (&self->server->lock);
  self->port = self->server->bound_port;
  g_mutex_unlock (&self->server->lock);
}

static int
connect_to (Fixture *self, int type)
{
  const struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (self->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  const Options *options = data;
  start_server (self, options->rate, options->idle_ms);
  self->fd = -1;
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->fd >= 0)
    close (self->fd);
  ew_dns_server_free (self->server);
}

/* With two bytes of length before it. */
static gsize
make_query (guint8 *out, guint16 id, const gchar *name, guint type)
{
  ldns_rdf *rdf = ldns_dname_new_frm_str (name);
  gsize len = LDNS_HEADER_SIZE + ldns_rdf_size (rdf) + 4;
  memset (out, 0, 2 + LDNS_HEADER_SIZE);
  ldns_write_uint16 (out, (guint16)len);
  out += 2;
  LDNS_ID_SET (out, id);
  LDNS_RD_SET (out);
  out[LDNS_QDCOUNT_OFF + 1] = 1;
  memcpy (out + LDNS_HEADER_SIZE, ldns_rdf_data (rdf), ldns_rdf_size (rdf));
  ldns_write_uint16 (out + len - 4, (guint16)type);
  ldns_write_uint16 (out + len - 2, LDNS_RR_CLASS_IN);
  ldns_rdf_deep_free (rdf);
  return 2 + len;
}

static gboolean
wait_readable (int fd, int ms)
{
  struct pollfd poller = { fd, POLLIN, 0 };
  return poll (&poller, 1, ms) == 1;
}

static void
read_exactly (int fd, guint8 *out, gsize len)
{
  while (len > 0)
    {
      g_assert_true (wait_readable (fd, DEADLINE_MS));
      gssize n = read (fd, out, len);
      g_assert_cmpint (n, >, 0);
      out += n;
      len -= (gsize)n;
    }
}

/* The next answer by TCP. */
static ldns_pkt *
read_answer (int fd)
{
  guint8 length[2];
  ldns_pkt *packet = NULL;
  read_exactly (fd, length, sizeof length);
  gsize len = ldns_read_uint16 (length);
  g_autofree guint8 *answer = g_malloc (len);
  read_exactly (fd, answer, len);
  g_assert_cmpint (ldns_wire2pkt (&packet, answer, len), ==, LDNS_STATUS_OK);
  return packet;
}

static void
assert_answer (int fd, guint id, guint rcode, guint answers)
{
  ldns_pkt *packet = read_answer (fd);
  g_assert_cmpuint (ldns_pkt_id (packet), ==, id);
  g_assert_cmpuint (ldns_pkt_get_rcode (packet), ==, rcode);
  g_assert_cmpuint (ldns_pkt_ancount (packet), ==, answers);
  ldns_pkt_free (packet);
}

static void
assert_closed (int fd)
{
  guint8 byte;
  g_assert_true (wait_readable (fd, DEADLINE_MS * 2));
  gssize n = read (fd, &byte, 1);
  g_assert_true (n == 0 || (n < 0 && errno == ECONNRESET));
}

/* By UDP; the answer's length, 0: none within ms. */
static gsize
ask (Fixture *self, const gchar *name, guint type, guint8 *answer, int ms)
{
  guint8 query[512];
  gsize len = make_query (query, 0x1234, name, type);
  int fd = connect_to (self, SOCK_DGRAM);
  g_assert_cmpint (send (fd, query + 2, len - 2, 0), ==, len - 2);
  gssize n = wait_readable (fd, ms) ? recv (fd, answer, EW_DNS_MESSAGE_MAX, 0) : 0;
  close (fd);
  return (gsize)MAX (n, 0);
}

static guint
ask_rcode (Fixture *self, const gchar *name)
{
  g_autofree guint8 *answer = g_malloc (EW_DNS_MESSAGE_MAX);
  g_assert_cmpuint (ask (self, name, LDNS_RR_TYPE_A, answer, DEADLINE_MS), >, 0);
  return LDNS_RCODE_WIRE (answer);
}

static void
test_udp (Fixture *self, gconstpointer data)
{
  g_autofree guint8 *answer = g_malloc (EW_DNS_MESSAGE_MAX);
  g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NOERROR);
  g_assert_cmpuint (ask_rcode (self, "none.home.internal."), ==, LDNS_RCODE_NXDOMAIN);
  ew_dns_server_remove_host (self->server, "n1");
  set_host (self->server, "n2", "none", "100.96.1.2");
  g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NXDOMAIN);
  g_assert_cmpuint (ask_rcode (self, "none.home.internal."), ==, LDNS_RCODE_NOERROR);
  /* Too large for UDP: header, question, TC. */
  gsize len = ask (self, "large.example.", LDNS_RR_TYPE_TXT, answer, DEADLINE_MS);
  g_assert_cmpuint (len, ==, LDNS_HEADER_SIZE + 15 + 4);
  g_assert_true (LDNS_TC_WIRE (answer));
}

/* A message that isn't a query is dropped, and the query after it is answered. */
static void
test_bad_datagrams (Fixture *self, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (60000);
  int fd = connect_to (self, SOCK_DGRAM);
  bytes[2] = 0x80; /* an answer */
  for (gsize len = 0; len < 60000; len = len * 2 + 1)
    g_assert_cmpint (send (fd, bytes, len, 0), ==, len);
  g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NOERROR);
  g_assert_false (wait_readable (fd, 0));
  close (fd);
}

#define PIPELINED 500

static void
test_pipelined (Fixture *self, gconstpointer data)
{
  guint8 query[512];
  g_autoptr (GByteArray) all = g_byte_array_new ();
  for (guint i = 0; i < PIPELINED; i++)
    g_byte_array_append (all, query,
                         (guint)make_query (query, (guint16)i, i % 2 ? "nas.home.internal." : "no.home.internal.", 1));
  self->fd = connect_to (self, SOCK_STREAM);
  for (guint at = 0; at < all->len;) /* cut anywhere */
    {
      gssize n = send (self->fd, all->data + at, MIN (all->len - at, 7 * 37), 0);
      g_assert_cmpint (n, >, 0);
      at += (guint)n;
    }
  for (guint i = 0; i < PIPELINED; i++)
    assert_answer (self->fd, i, i % 2 ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN, i % 2);
  /* A client that has shut down its sending side still gets its answers. */
  g_assert_cmpint (send (self->fd, all->data, make_query (query, 0, "no.home.internal.", 1), 0), >, 0);
  shutdown (self->fd, SHUT_WR);
  assert_answer (self->fd, 0, LDNS_RCODE_NXDOMAIN, 0);
  assert_closed (self->fd);
}

/* A name of the mesh is answered before one that has to be looked up elsewhere. */
static void
test_out_of_order (Fixture *self, gconstpointer data)
{
  guint8 query[512];
  self->fd = connect_to (self, SOCK_STREAM);
  static const gchar *const names[] = { "slow.example.", "nas.home.internal.", "large.example." };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gsize len = make_query (query, (guint16)(i + 1), names[i], LDNS_RR_TYPE_A);
      g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
    }
  assert_answer (self->fd, 2, LDNS_RCODE_NOERROR, 1);
  ldns_pkt *packet = read_answer (self->fd);
  g_assert_cmpuint (ldns_pkt_id (packet), ==, 1);
  ldns_pkt_free (packet);
  guint8 large[2 + 3000];
  read_exactly (self->fd, large, sizeof large);
  g_assert_cmpuint (ldns_read_uint16 (large), ==, 3000);
}

/* Closed, and stopped, while the forwarder has questions. */
static void
test_abandoned (Fixture *self, gconstpointer data)
{
  guint8 query[512];
  gsize len = make_query (query, 1, "slow.example.", LDNS_RR_TYPE_A);
  for (guint i = 0; i < 3; i++)
    {
      int fd = connect_to (self, SOCK_STREAM);
      g_assert_cmpint (send (fd, query, len, 0), ==, len);
      if (i < 2)
        close (fd);
      else
        self->fd = fd;
    }
  g_assert_cmpuint (ask (self, "lost.example.", LDNS_RR_TYPE_A, query, 10), ==, 0);
  g_assert_cmpuint (ask_rcode (self, "go.example."), ==, LDNS_RCODE_NOERROR);
  assert_answer (self->fd, 1, LDNS_RCODE_NOERROR, 0);
  g_assert_cmpint (send (self->fd, query, make_query (query, 1, "slow.example.", LDNS_RR_TYPE_A), 0), >, 0);
  g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NOERROR);
}

static void
test_bad_streams (Fixture *self, gconstpointer data)
{
  static const guint8 empty[] = { 0, 0 }, oversized[] = { 0xff, 0xff }, beyond[] = { 0x10, 0x01 },
                      short_header[] = { 0, 11, 1, 2, 3 };
  const struct
  {
    const guint8 *bytes;
    gsize len;
  } cases[] = { { empty, 2 }, { oversized, 2 }, { beyond, 2 }, { short_header, 5 } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int fd = connect_to (self, SOCK_STREAM);
      g_assert_cmpint (send (fd, cases[i].bytes, cases[i].len, 0), ==, cases[i].len);
      assert_closed (fd);
      close (fd);
    }
  /* An answer gets no answer; the query after it does. */
  guint8 query[512];
  gsize len = make_query (query, 7, "nas.home.internal.", LDNS_RR_TYPE_A);
  self->fd = connect_to (self, SOCK_STREAM);
  query[4] |= 0x80;
  g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
  query[4] &= 0x7f;
  query[3] = 8;
  g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
  assert_answer (self->fd, 8, LDNS_RCODE_NOERROR, 1);
}

/* A client that asks without reading is no longer read from, while others are answered; once it reads, it gets
   everything. */
static void
test_slow_reader (Fixture *self, gconstpointer data)
{
  guint8 query[512];
  gsize len = make_query (query, 1, "nas.home.internal.", LDNS_RR_TYPE_A), sent = 0;
  self->fd = connect_to (self, SOCK_STREAM);
  struct pollfd poller = { self->fd, POLLOUT, 0 };
  while (poll (&poller, 1, 200) == 1)
    {
      gssize n = send (self->fd, query + sent % len, len - sent % len, MSG_DONTWAIT);
      g_assert_cmpint (n, >, 0);
      sent += (gsize)n;
    }
  g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NOERROR);
  for (gsize i = 0; i < sent / len; i++)
    assert_answer (self->fd, 1, LDNS_RCODE_NOERROR, 1);
}

/* Only a bounded amount of unread long answers is kept. */
static void
test_unread (Fixture *self, gconstpointer data)
{
  guint8 query[512], bytes[4096];
  gsize len = make_query (query, 1, "huge.example.", LDNS_RR_TYPE_TXT), got = 0;
  const struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (self->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int small = 4096;
  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt (self->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  g_assert_cmpint (connect (self->fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
  for (guint i = 0; i < 200; i++)
    (void)!send (self->fd, query, len, MSG_NOSIGNAL);
  for (guint i = 0; i < 50; i++)
    g_assert_cmpuint (ask_rcode (self, "nas.home.internal."), ==, LDNS_RCODE_NOERROR);
  gssize n;
  while (wait_readable (self->fd, DEADLINE_MS) && (n = read (self->fd, bytes, sizeof bytes)) > 0)
    got += (gsize)n;
  g_assert_cmpuint (got, <, 200 * 60000);
}

#define GRAZED (24 * 1024 * 1024)
#define AHEAD (160 * 1024)

static gsize
resident_bytes (void)
{
  g_autofree gchar *text = NULL;
  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return (gsize)g_ascii_strtoull (strchr (text, ' '), NULL, 10) * (gsize)sysconf (_SC_PAGESIZE);
}

/* A client that keeps reading, but always leaves something: what it has read isn't kept. */
static void
test_grazing (Fixture *self, gconstpointer data)
{
  const struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (self->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const int small = 4096, segment = 536; /* so that the kernel sends little at once */
  guint8 query[512];
  g_autofree guint8 *bytes = g_malloc (60000);
  gsize len = make_query (query, 1, "huge.example.", LDNS_RR_TYPE_TXT), asked = 0, got = 0, before = 0;
  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (setsockopt (self->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), ==, 0);
  g_assert_cmpint (setsockopt (self->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), ==, 0);
  g_assert_cmpint (connect (self->fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
  while (got < GRAZED)
    {
      for (; asked * 60000 < got + AHEAD; asked++)
        g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
      g_assert_true (wait_readable (self->fd, DEADLINE_MS));
      gssize n = read (self->fd, bytes, 60000);
      g_assert_cmpint (n, >, 0);
      got += (gsize)n;
      if (before == 0 && got > GRAZED / 8)
        before = resident_bytes ();
    }
#ifndef EW_WITH_ADDRESS_SANITIZER /* which keeps what was freed */
  g_assert_cmpuint (resident_bytes (), <, before + GRAZED / 8);
#endif
}

/* One node's connections are limited, and one that closes makes room. */
static void
test_connections (Fixture *self, gconstpointer data)
{
  int fds[EW_DNS_NODE_CONNECTIONS_MAX];
  guint8 query[512];
  gsize len = make_query (query, 1, "nas.home.internal.", LDNS_RR_TYPE_A);
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = connect_to (self, SOCK_STREAM);
      g_assert_cmpint (send (fds[i], query, len, 0), ==, len);
      assert_answer (fds[i], 1, LDNS_RCODE_NOERROR, 1);
    }
  self->fd = connect_to (self, SOCK_STREAM);
  assert_closed (self->fd);
  close (self->fd);
  shutdown (fds[0], SHUT_WR);
  assert_closed (fds[0]);
  self->fd = connect_to (self, SOCK_STREAM);
  g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
  assert_answer (self->fd, 1, LDNS_RCODE_NOERROR, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* A silent connection, and one that sends a byte now and then, are closed after some time. */
static void
test_idle (Fixture *self, gconstpointer data)
{
  int drip = connect_to (self, SOCK_STREAM);
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  self->fd = connect_to (self, SOCK_STREAM);
  while (!wait_readable (drip, 300))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      (void)!send (drip, "\0", 1, MSG_NOSIGNAL);
    }
  assert_closed (drip);
  assert_closed (self->fd);
  close (drip);
}

/* Beyond its rate, a node's datagrams are dropped, and its connection is read as fast as it may ask. */
static void
test_rate (Fixture *self, gconstpointer data)
{
  guint8 query[512], answer[512];
  gsize len = make_query (query, 1, "nas.home.internal.", LDNS_RR_TYPE_A);
  guint answered = 0;
  int fd = connect_to (self, SOCK_DGRAM);
  for (guint i = 0; i < 20 * EW_DNS_BURST; i++)
    {
      g_assert_cmpint (send (fd, query + 2, len - 2, 0), ==, len - 2);
      answered += recv (fd, answer, sizeof answer, MSG_DONTWAIT) > 0;
    }
  while (wait_readable (fd, 100))
    answered += recv (fd, answer, sizeof answer, MSG_DONTWAIT) > 0;
  g_assert_cmpuint (answered, <, 10 * EW_DNS_BURST);
  close (fd);
  self->fd = connect_to (self, SOCK_STREAM);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (send (self->fd, query, len, 0), ==, len);
  for (guint i = 0; i < 100; i++)
    assert_answer (self->fd, 1, LDNS_RCODE_NOERROR, 1);
}

static void
on_change (gpointer user_data)
{
  (*(guint *)user_data)++;
}

/* The error names a port that another program uses; the port is taken once that program releases it. */
static void
test_taken_port (Fixture *self, gconstpointer data)
{
  guint changes = 0;
  EwDnsServerConfig config
    = { .addresses = { ip ("127.0.0.1") }, .port = self->port, .on_change = on_change, .user_data = &changes };
  g_autoptr (EwDnsServer) second = ew_dns_server_new (&config);
  while (changes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_autofree gchar *limits = ew_dns_server_dup_limits (second);
  g_assert_nonnull (strstr (limits, "Another program on the edge's host has TCP port"));
  g_assert_nonnull (strstr (limits, "127.0.0.1"));
  ew_dns_server_free (g_steal_pointer (&self->server));
  while (g_free (limits), (limits = ew_dns_server_dup_limits (second)) != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (ew_dns_server_is_listening (second));
  g_assert_cmpuint (changes, >=, 2);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const gchar *name;
    void (*func) (Fixture *, gconstpointer);
    Options options;
  } tests[] = { { "udp", test_udp, { 0 } },
                { "bad-datagrams", test_bad_datagrams, { 0 } },
                { "pipelined", test_pipelined, { 0 } },
                { "out-of-order", test_out_of_order, { 0 } },
                { "abandoned", test_abandoned, { 0 } },
                { "bad-streams", test_bad_streams, { 0 } },
                { "slow-reader", test_slow_reader, { 0 } },
                { "unread", test_unread, { 0 } },
                { "grazing", test_grazing, { 0 } },
                { "connections", test_connections, { 0 } },
                { "idle", test_idle, { .idle_ms = 500 } },
                { "rate", test_rate, { .rate = EW_DNS_RATE } },
                { "taken-port", test_taken_port, { 0 } } };
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree gchar *path = g_strconcat ("/dns/server/", tests[i].name, NULL);
      g_test_add (path, Fixture, &tests[i].options, set_up, tests[i].func, tear_down);
    }
  return g_test_run ();
}
