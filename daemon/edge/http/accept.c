/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who gets a place. A newcomer always gets one: when none is free, a connection that hasn't yet sent a whole request is
 * closed. The order: a stranger before a node's address, the network with the most connections before one with few, the
 * one that got the least far, and of those the oldest.
 *
 *   512 places for the internet
 *    64 more that only callers through the tunnel take, so that a crowd outside locks no node out
 *    64 at most for one network: an IPv4 address or an IPv6 /64; /56 with half the places taken, /48 with all. In the
 *       mesh: one address
 *
 * The control socket and viewers (edge/api/viewers.h) have bounds of their own.
 */
#include "edge/http/server-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define PLACES 512
#define PLACES_OF_MESH 64
#define PLACES_PER_NETWORK 64
#define FEW 4 /* connections of one network: below, the number doesn't matter */
#define HELLO_SECONDS 5
#define CROWD_LOG_US (60 * G_USEC_PER_SEC)

/* Counting. */

static gboolean
takes_place (const EwConnection *connection)
{
  return !connection->dropped && connection->stage != EW_STAGE_RELEASED && !connection->peer.control;
}

/* IPv4 as it is, IPv6 by the bits that matter, so never that small. */
static guint64
network_of (const EwServerPeer *peer, guint v6_bits)
{
  guint64 v6;
  guint32 v4;

  if (peer->ip.family == EW_FAMILY_V4)
    {
      memcpy (&v4, peer->ip.bytes, sizeof v4);
      return GUINT32_FROM_BE (v4);
    }
  memcpy (&v6, peer->ip.bytes, sizeof v6);
  return GUINT64_FROM_BE (v6) & (G_MAXUINT64 << (64 - v6_bits));
}

guint64
ew_http_server_network_of (const EwConnection *connection)
{
  guint places = g_hash_table_size (connection->server->connections);
  guint64 node;

  if (connection->standing == EW_STANDING_MESH && connection->peer.ip.family == EW_FAMILY_V6)
    {
      /* The first half is every node's, and the edge assigns the second. */
      memcpy (&node, connection->peer.ip.bytes + 8, sizeof node);
      return GUINT64_FROM_BE (node);
    }
  return network_of (&connection->peer, places < PLACES / 2 ? 64 : places < PLACES ? 56 : 48);
}

GHashTable *
ew_http_server_count_networks (EwServer *self, gint stage)
{
  GHashTable *counts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer key, count;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const EwConnection *connection = key;
      guint64 network = ew_http_server_network_of (connection);
      if (!takes_place (connection) || (stage >= 0 && connection->stage != (EwServerStage)stage))
        continue;
      if (!g_hash_table_lookup_extended (counts, &network, &key, &count))
        key = g_memdup2 (&network, sizeof network), count = NULL;
      else
        g_hash_table_steal (counts, &network);
      g_hash_table_insert (counts, key, GUINT_TO_POINTER (GPOINTER_TO_UINT (count) + 1));
    }
  return counts;
}

guint
ew_http_server_count_of (GHashTable *counts, const EwConnection *connection)
{
  guint64 network = ew_http_server_network_of (connection);

  return GPOINTER_TO_UINT (g_hash_table_lookup (counts, &network));
}

/* What a newcomer finds. */
typedef struct
{
  guint outside, mesh;
  guint network; /* the newcomer's */
} Census;

static Census
take_census (EwServer *self, const EwConnection *newcomer)
{
  Census census = { 0 };
  guint64 network = ew_http_server_network_of (newcomer);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const EwConnection *connection = key;
      if (!takes_place (connection))
        continue;
      census.network += ew_http_server_network_of (connection) == network;
      if (connection->standing == EW_STANDING_MESH)
        census.mesh++;
      else
        census.outside++;
    }
  return census;
}

/* Making room. */

/* Whether a, whose network has n_a connections, gives up its place before b. */
static gboolean
goes_before (const EwConnection *a, guint n_a, const EwConnection *b, guint n_b)
{
  gboolean done_a = a->stage == EW_STAGE_ANSWER, done_b = b->stage == EW_STAGE_ANSWER;

  if (done_a != done_b)
    return !done_a;
  if (a->standing != b->standing)
    return a->standing < b->standing;
  if (n_a != n_b && MAX (n_a, n_b) > FEW)
    return n_a > n_b;
  if (a->stage != b->stage)
    return a->stage < b->stage;
  return a->since < b->since;
}

/* FALSE: none can be closed. of: only from the network of this one; NULL: from all, except that spare_mesh leaves the
   mesh its places. */
static gboolean
make_room (EwServer *self, const EwConnection *of, gboolean spare_mesh)
{
  g_autoptr (GHashTable) counts = of ? NULL : ew_http_server_count_networks (self, -1);
  EwConnection *victim = NULL;
  guint n_victim = 0;
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      EwConnection *connection = key;
      guint n;
      if (!takes_place (connection) || (spare_mesh && connection->standing == EW_STANDING_MESH)
          || (of && ew_http_server_network_of (connection) != ew_http_server_network_of (of)))
        continue;
      n = of ? 0 : ew_http_server_count_of (counts, connection);
      if (victim == NULL || goes_before (connection, n, victim, n_victim))
        {
          victim = connection;
          n_victim = n;
        }
    }
  if (victim)
    ew_http_connection_drop (victim);
  return victim != NULL;
}

static void
note_crowd (EwServer *self)
{
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GHashTable) counts = NULL;

  if (self->crowd_logged_us && now - self->crowd_logged_us < CROWD_LOG_US)
    return;
  self->crowd_logged_us = now;
  counts = ew_http_server_count_networks (self, -1);
  g_warning ("The API is full: %d connections from %u networks. Callers that haven't sent a whole request are dropped "
             "for new ones.",
             PLACES, g_hash_table_size (counts));
}

static gboolean
find_place (EwConnection *newcomer)
{
  EwServer *self = newcomer->server;
  Census census = take_census (self, newcomer);
  guint over = census.mesh > PLACES_OF_MESH ? census.mesh - PLACES_OF_MESH : 0;

  if (census.network >= PLACES_PER_NETWORK)
    return make_room (self, newcomer, FALSE);
  if (newcomer->standing == EW_STANDING_MESH && census.mesh < PLACES_OF_MESH)
    return TRUE;
  if (census.outside + over < PLACES)
    return TRUE;
  note_crowd (self);
  return make_room (self, NULL, over == 0);
}

/* Accepting. */

static void
take_address (EwServerPeer *peer, GInetAddress *address)
{
  static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    peer->ip = ew_ip_from_bytes (EW_FAMILY_V4, bytes);
  else if (memcmp (bytes, mapped, sizeof mapped) == 0)
    peer->ip = ew_ip_from_bytes (EW_FAMILY_V4, bytes + sizeof mapped);
  else
    peer->ip = ew_ip_from_bytes (EW_FAMILY_V6, bytes);
}

static EwServerStanding
standing_of (EwServer *self, const EwServerPeer *peer)
{
  if (peer->control)
    return EW_STANDING_OWNER;
  for (guint i = 0; i < G_N_ELEMENTS (self->mesh); i++)
    if (self->mesh[i].ip.family == peer->ip.family && ew_prefix_contains (&self->mesh[i], &peer->ip))
      return EW_STANDING_MESH;
  return ew_http_known_addresses_contain (self->known, &peer->ip, g_get_monotonic_time ()) ? EW_STANDING_KNOWN
                                                                                           : EW_STANDING_STRANGER;
}

static gboolean
admit (EwConnection *connection, GSocketConnection *stream)
{
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (stream, NULL);

  if (remote == NULL)
    return FALSE;
  if (G_IS_INET_SOCKET_ADDRESS (remote))
    take_address (&connection->peer, g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  else
    connection->peer.control = TRUE;
  connection->standing = standing_of (connection->server, &connection->peer);
  if (!connection->peer.control && !find_place (connection))
    return FALSE;
  connection->remote = g_steal_pointer (&remote);
  return TRUE;
}

gboolean
ew_http_server_on_incoming (GSocketService *service, GSocketConnection *stream, GObject *source, gpointer user_data)
{
  EwServer *self = user_data;
  EwConnection *connection = g_new0 (EwConnection, 1);

  connection->server = self;
  connection->since = g_get_monotonic_time ();
  connection->thread = g_thread_self ();
  if (!admit (connection, stream))
    {
      g_free (connection);
      return TRUE;
    }
  connection->socket = g_object_ref (g_socket_connection_get_socket (stream));
  g_hash_table_add (self->connections, connection);
  g_object_weak_ref (G_OBJECT (stream), ew_http_connection_on_stream_gone, connection);
  g_object_set_qdata (G_OBJECT (connection->remote), ew_http_connection_quark (), connection);
  if (connection->peer.control)
    {
      connection->stage = EW_STAGE_REQUEST;
      ew_http_connection_set_deadline (connection, EW_SERVER_REQUEST_SECONDS);
      ew_http_connection_hand_over (connection, G_IO_STREAM (stream));
      return TRUE;
    }
  ew_http_connection_set_deadline (connection, HELLO_SECONDS);
  g_socket_set_option (connection->socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  connection->held = g_object_ref (G_IO_STREAM (stream));
  ew_http_connection_await_hello (connection);
  return TRUE;
}
