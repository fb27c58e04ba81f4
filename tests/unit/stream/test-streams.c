/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Engines joined by a stream on a TCP connection of this computer.
 */
#include "stream/streams.h"

#include <string.h>
#include <sys/socket.h>
#include "capsule/capsule.h"
#include "node.h"

typedef struct
{
  EwStreamThread *thread;
  Node node;
  EwEndpoint other; /* the stream that leads to the other end */
  guint ended;
  const gchar *reason; /* of the last that has ended */
} End;

typedef struct
{
  EwMemoryNet *net;
  End a, b;
} Fixture;

static void
on_ended (gpointer user_data, guint64 id, const gchar *reason)
{
  End *end = user_data;
  g_assert_nonnull (reason);
  end->reason = reason;
  end->ended++;
}

static void
start_end (Fixture *f, End *end, guint64 id, guint proof_seconds)
{
  const EwStreamThreadConfig config
    = { .proof_seconds = proof_seconds, .silence_seconds = 60, .on_ended = on_ended, .user_data = end };
  end->thread = ew_stream_thread_new (&config);
  node_start_with_streams (&end->node, f->net, id, ew_stream_thread_get_streams (end->thread));
}

static void
set_up (Fixture *f, gconstpointer proof)
{
  f->net = ew_memory_net_new ();
  start_end (f, &f->a, 1, 0);
  start_end (f, &f->b, 2, GPOINTER_TO_UINT (proof));
  node_add_peer (&f->a.node, &f->b.node, "10.0.0.2/32", FALSE);
  node_add_peer (&f->b.node, &f->a.node, "10.0.0.1/32", FALSE);
}

static void
tear_down (Fixture *f, gconstpointer proof)
{
  node_stop (&f->a.node);
  node_stop (&f->b.node);
  ew_stream_thread_free (f->a.thread);
  ew_stream_thread_free (f->b.thread);
  ew_memory_net_free (f->net);
}

static GSocketConnection *
wrap (GSocket *socket)
{
  return g_socket_connection_factory_create_connection (socket);
}

/* Both ends of one TCP connection. */
static void
make_connection (GSocketConnection **a, GSocketConnection **b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, &error);
  g_autoptr (GSocket) client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, &error);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_assert_true (g_socket_bind (listener, any, FALSE, &error) && g_socket_listen (listener, &error));
  g_autoptr (GSocketAddress) at = g_socket_get_local_address (listener, &error);
  g_assert_true (g_socket_connect (client, at, NULL, &error));
  g_autoptr (GSocket) server = g_socket_accept (listener, NULL, &error);
  g_assert_no_error (error);
  *a = wrap (client);
  *b = wrap (server);
}

static void
add_with_early (End *end, GSocketConnection *connection, GBytes *early)
{
  g_assert_true (ew_stream_thread_add (end->thread, G_IO_STREAM (connection),
                                       g_socket_connection_get_socket (connection), early, &end->other));
  g_assert_cmpint (end->other.kind, ==, EW_ENDPOINT_STREAM);
  g_assert_cmpint (end->other.remote.family, ==, EW_FAMILY_V4); /* for cookies */
}

static void
add (End *end, GSocketConnection *connection)
{
  add_with_early (end, connection, NULL);
}

static void
join (Fixture *f)
{
  g_autoptr (GSocketConnection) a = NULL, b = NULL;
  make_connection (&a, &b);
  add (&f->a, a);
  add (&f->b, b);
  ew_engine_set_endpoint (f->a.node.engine, f->b.node.public_key, &f->a.other);
}

static EwEndpoint
endpoint_of (const End *end, const End *other)
{
  EwPeerStatus status;
  g_assert_true (ew_engine_get_peer (end->node.engine, other->node.public_key, &status));
  return status.endpoint;
}

/* Through the stream alone, both ways: the other end learns the way from the handshake. */
static void
test_carries (Fixture *f, gconstpointer unused)
{
  join (f);
  for (guint i = 0; i < 200; i++)
    {
      node_push (&f->a.node, 2, i);
      g_assert_cmpuint (node_pop (&f->b.node, 1), ==, i);
      node_push (&f->b.node, 1, 1000 + i);
      g_assert_cmpuint (node_pop (&f->a.node, 2), ==, 1000 + i);
    }
  const EwEndpoint learnt = endpoint_of (&f->b, &f->a);
  g_assert_true (ew_endpoint_same_remote (&learnt, &f->b.other));
}

/* What came with the head is read before what came after it, however soon that's there. In another order these bytes
   can't be capsules. */
static void
test_early (Fixture *f, gconstpointer unused)
{
  static const guint8 first[] = { 0x2c, 5, 1 }, second[] = { 0, 0, 0, 0 };
  g_autoptr (GBytes) early = g_bytes_new_static (first, sizeof first);
  for (guint i = 1; i <= 50; i++)
    {
      g_autoptr (GSocketConnection) a = NULL, b = NULL;
      make_connection (&a, &b);
      GSocket *socket = g_socket_connection_get_socket (a);
      g_assert_cmpint (g_socket_send (socket, (const gchar *)second, sizeof second, NULL, NULL), ==, sizeof second);
      g_assert_true (g_socket_shutdown (socket, FALSE, TRUE, NULL));
      add_with_early (&f->b, b, early);
      wait_count (&f->b.ended, i);
      g_assert_cmpstr (f->b.reason, ==, "the other end closed it");
    }
}

/* Sends to a stream that has ended fail and harm nothing; another stream carries the same session on. */
static void
test_cut (Fixture *f, gconstpointer unused)
{
  EwEngineStats stats;
  join (f);
  node_push (&f->a.node, 2, 1);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 1);
  ew_stream_thread_close (f->a.thread, f->a.other.id);
  wait_count (&f->b.ended, 1);
  g_assert_cmpuint (f->a.ended, ==, 0); /* it was asked for */
  node_push (&f->b.node, 1, 2);
  do
    node_get_stats (&f->b.node, &stats);
  while (stats.stream_failed == 0);
  const guint handshakes = f->a.node.events[EW_PEER_HANDSHAKE_COMPLETE];
  join (f);
  node_push (&f->a.node, 2, 3);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 3);
  node_push (&f->b.node, 1, 4);
  g_assert_cmpuint (node_pop (&f->a.node, 2), ==, 4);
  g_assert_cmpuint (f->a.node.events[EW_PEER_HANDSHAKE_COMPLETE], ==, handshakes);
}

/* The other way once more: what an authenticated packet comes by is where answers go. */
static void
test_moves (Fixture *f, gconstpointer unused)
{
  const EwEndpoint direct = ew_memory_endpoint (2);
  join (f);
  node_push (&f->a.node, 2, 1);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 1);
  ew_engine_set_endpoint (f->a.node.engine, f->b.node.public_key, &direct);
  node_push (&f->a.node, 2, 2);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 2);
  g_assert_cmpint (endpoint_of (&f->b, &f->a).kind, ==, EW_ENDPOINT_MEMORY);
  ew_engine_set_endpoint (f->a.node.engine, f->b.node.public_key, &f->a.other);
  node_push (&f->a.node, 2, 3);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 3);
  g_assert_cmpint (endpoint_of (&f->b, &f->a).kind, ==, EW_ENDPOINT_STREAM);
}

/* No node: one that says nothing, and one that says what isn't capsules. */
static void
test_stranger (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) silent = NULL, loud = NULL, silent_end = NULL, loud_end = NULL;
  static const guint8 nonsense[] = { 0, 0 };
  make_connection (&silent_end, &silent);
  make_connection (&loud_end, &loud);
  add (&f->b, silent);
  add (&f->b, loud);
  g_output_stream_write (g_io_stream_get_output_stream (G_IO_STREAM (loud_end)), nonsense, sizeof nonsense, NULL, NULL);
  wait_count (&f->b.ended, 1);
  wait_count (&f->b.ended, 2);
}

/* Much, and nothing of it a node's: it isn't listened to for as long as a silent one. */
static void
test_loud (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) far = NULL, near = NULL;
  static guint8 capsule[3 + 60] = { 0, 61, 0, 1 };
  gsize sent = 0;
  make_connection (&far, &near);
  g_socket_set_timeout (g_socket_connection_get_socket (far), 10);
  add (&f->b, near);
  while (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (far)), capsule, sizeof capsule, NULL,
                                    NULL, NULL))
    sent += sizeof capsule;
  wait_count (&f->b.ended, 1);
  g_assert_cmpuint (sent, >=, 256 * 1024);
}

/* One way of a relay between two connections: what it passes on is written down. */
typedef struct
{
  GSocketConnection *from, *to;
  GByteArray *seen;
} Relay;

static gpointer
relay (gpointer data)
{
  Relay *self = data;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (self->from));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (self->to));
  guint8 bytes[4096];
  gssize n;
  while ((n = g_input_stream_read (in, bytes, sizeof bytes, NULL, NULL)) > 0)
    {
      g_byte_array_append (self->seen, bytes, (guint)n);
      if (!g_output_stream_write_all (out, bytes, (gsize)n, NULL, NULL, NULL))
        break;
    }
  g_socket_shutdown (g_socket_connection_get_socket (self->to), TRUE, TRUE, NULL);
  return NULL;
}

/* A handshake and packets through a box that reads them; returns what came from a. */
static GByteArray *
capture (Fixture *f)
{
  g_autoptr (GSocketConnection) a = NULL, near_a = NULL, near_b = NULL, b = NULL;
  make_connection (&a, &near_a);
  make_connection (&near_b, &b);
  Relay there = { near_a, near_b, g_byte_array_new () }, back = { near_b, near_a, g_byte_array_new () };
  GThread *threads[] = { g_thread_new ("there", relay, &there), g_thread_new ("back", relay, &back) };
  add (&f->a, a);
  add (&f->b, b);
  ew_engine_set_endpoint (f->a.node.engine, f->b.node.public_key, &f->a.other);
  for (guint i = 0; i < 50; i++)
    {
      node_push (&f->a.node, 2, i);
      g_assert_cmpuint (node_pop (&f->b.node, 1), ==, i);
    }
  ew_stream_thread_close (f->a.thread, f->a.other.id);
  wait_count (&f->b.ended, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_byte_array_unref (back.seen);
  return there.seen;
}

static guint
count_datagrams (const GByteArray *bytes)
{
  EwCapsuleReader reader = { 0 };
  const guint8 *data = bytes->data, *datagram;
  gsize length = bytes->len, size;
  guint n = 0;
  while (ew_capsule_read (&reader, &data, &length, &datagram, &size) == EW_CAPSULE_DATAGRAM)
    n++;
  ew_capsule_reader_clear (&reader);
  return n;
}

/* What was captured on one stream and is sent again through another: WireGuard refuses all of it, the stranger's stream
   proves nothing, and answers go where they went before. */
static void
test_replayed (Fixture *f, gconstpointer unused)
{
  g_autoptr (GByteArray) captured = capture (f);
  g_autoptr (GSocketConnection) far = NULL, near = NULL;
  EwEngineStats before, after;
  End stranger = { .thread = f->b.thread };
  const guint n = count_datagrams (captured);
  g_assert_cmpuint (n, >, 50);
  join (f);
  node_push (&f->a.node, 2, 100);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 100);
  make_connection (&far, &near);
  add (&stranger, near);
  node_get_stats (&f->b.node, &before);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (far)), captured->data,
                                            captured->len, NULL, NULL, NULL));
  do
    node_get_stats (&f->b.node, &after);
  while (after.stream_received < before.stream_received + n);
  node_expect_nothing (&f->b.node);
  g_assert_false (ew_stream_thread_is_proved (f->b.thread, stranger.other.id));
  const EwEndpoint endpoint = endpoint_of (&f->b, &f->a);
  g_assert_true (ew_endpoint_same_remote (&endpoint, &f->b.other));
  node_push (&f->b.node, 1, 101);
  g_assert_cmpuint (node_pop (&f->a.node, 2), ==, 101);
}

/* A peer that doesn't read: what is for it is dropped, and the others' streams are as quick as before. */
static void
test_unread (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) far = NULL, near = NULL, c_end = NULL, b_end = NULL;
  End c = { 0 }, mute = { .thread = f->b.thread }, second = { .thread = f->b.thread };
  EwEngineStats stats;
  start_end (f, &c, 3, 0);
  node_add_peer (&c.node, &f->b.node, "10.0.0.2/32", FALSE);
  node_add_peer (&f->b.node, &c.node, "10.0.0.3/32", FALSE);
  join (f);
  make_connection (&c_end, &b_end);
  add (&c, c_end);
  add (&second, b_end);
  ew_engine_set_endpoint (c.node.engine, f->b.node.public_key, &c.other);
  node_push (&f->a.node, 2, 1);
  g_assert_cmpuint (node_pop (&f->b.node, 1), ==, 1);

  make_connection (&far, &near);
  add (&mute, near);
  ew_engine_set_endpoint (f->b.node.engine, f->a.node.public_key, &mute.other);
  do /* more than its queue and the kernel hold */
    {
      for (guint i = 0; i < 100; i++)
        node_push (&f->b.node, 1, i);
      node_get_stats (&f->b.node, &stats);
    }
  while (stats.stream_full == 0);
  for (guint i = 0; i < 200; i++)
    {
      node_push (&f->b.node, 1, i);
      node_push (&c.node, 2, i);
      g_assert_cmpuint (node_pop (&f->b.node, 3), ==, i);
      node_push (&f->b.node, 3, 1000 + i);
      g_assert_cmpuint (node_pop (&c.node, 2), ==, 1000 + i);
    }
  g_socket_shutdown (g_socket_connection_get_socket (far), TRUE, TRUE, NULL);
  wait_count (&f->b.ended, 1);
  node_stop (&c.node);
  ew_stream_thread_free (c.thread);
}

/* Handshakes that aren't, from another thread, as fast as it can. */
typedef struct
{
  EwEngine *engine;
  gint stop;
} Flood;

static gpointer
flood (gpointer data)
{
  Flood *self = data;
  static guint8 message[148] = { 1 };
  EwPacket datagrams[EW_BATCH_MAX];
  for (guint i = 0; i < EW_BATCH_MAX; i++)
    datagrams[i]
      = (EwPacket){ .data = message,
                    .len = sizeof message,
                    .endpoint = { .kind = EW_ENDPOINT_STREAM, .remote = { .family = EW_FAMILY_V4 }, .id = 9 } };
  while (!g_atomic_int_get (&self->stop))
    ew_engine_hear (self->engine, datagrams, EW_BATCH_MAX);
  return NULL;
}

/* The engine has other things to do too, whatever streams bring. */
static void
test_flood (Fixture *f, gconstpointer unused)
{
  Flood data = { f->b.node.engine, FALSE };
  GThread *threads[2];
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("flood", flood, &data);
  for (guint i = 0; i < 200; i++)
    (void)endpoint_of (&f->b, &f->a);
  g_atomic_int_set (&data.stop, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* What is too short for any message isn't handed to anybody. */
static void
test_short (Fixture *f, gconstpointer unused)
{
  static guint8 bytes[32] = { 4 };
  EwPacket datagrams[33];
  EwEngineStats stats;
  for (guint i = 0; i < G_N_ELEMENTS (datagrams); i++)
    datagrams[i] = (EwPacket){ .data = bytes, .len = i, .endpoint = { .kind = EW_ENDPOINT_STREAM, .id = 9 } };
  ew_engine_hear (f->b.node.engine, datagrams, G_N_ELEMENTS (datagrams));
  node_get_stats (&f->b.node, &stats);
  g_assert_cmpuint (stats.stream_received, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/streams/carries", Fixture, NULL, set_up, test_carries, tear_down);
  g_test_add ("/streams/early", Fixture, NULL, set_up, test_early, tear_down);
  g_test_add ("/streams/cut", Fixture, NULL, set_up, test_cut, tear_down);
  g_test_add ("/streams/moves", Fixture, NULL, set_up, test_moves, tear_down);
  g_test_add ("/streams/stranger", Fixture, GUINT_TO_POINTER (1), set_up, test_stranger, tear_down);
  g_test_add ("/streams/loud", Fixture, GUINT_TO_POINTER (3600), set_up, test_loud, tear_down);
  g_test_add ("/streams/replayed", Fixture, NULL, set_up, test_replayed, tear_down);
  g_test_add ("/streams/unread", Fixture, NULL, set_up, test_unread, tear_down);
  g_test_add ("/streams/flood", Fixture, NULL, set_up, test_flood, tear_down);
  g_test_add ("/streams/short", Fixture, NULL, set_up, test_short, tear_down);
  return g_test_run ();
}
