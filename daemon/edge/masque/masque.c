/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/masque/masque.h"

#include <string.h>
#include "capsule/upgrade.h"
#include "common/util.h"
#include "stream/streams.h"

#define PROOF_SECONDS 10
#define SILENCE_SECONDS 180

struct EwMasque
{
  EwServer *server;
  EwStreamThread *thread;
  GStrv endpoints;
  GHashTable *streams; /* guint64 ID → guint64: the network that it counts by */
};

static guint64
network_of (const EwIp *ip)
{
  guint64 network = 0;
  memcpy (&network, ip->bytes, ip->family == EW_FAMILY_V6 ? 8 : 4);
  return network;
}

static guint
count_of (EwMasque *self, guint64 network)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    n += *(guint64 *)value == network;
  return n;
}

/* How many streams of each network have brought nothing of a node's yet, and the oldest of those; IDs count up. */
typedef struct
{
  guint n;
  guint64 oldest;
} Unproved;

/* (transfer full): network → Unproved. *all: the sum. */
static GHashTable *
count_unproved (EwMasque *self, guint *all)
{
  GHashTable *networks = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  GHashTableIter iter;
  gpointer key, network;
  *all = 0;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &key, &network))
    {
      const guint64 id = *(guint64 *)key;
      if (ew_stream_thread_is_proved (self->thread, id))
        continue;
      Unproved *unproved = g_hash_table_lookup (networks, network);
      if (unproved == NULL)
        {
          unproved = g_new0 (Unproved, 1);
          unproved->oldest = id;
          g_hash_table_insert (networks, network, unproved);
        }
      unproved->n++;
      unproved->oldest = MIN (unproved->oldest, id);
      ++*all;
    }
  return networks;
}

/* Of the network that has the most of them; NULL: there is none. */
static const Unproved *
find_most (GHashTable *networks)
{
  const Unproved *most = NULL;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, networks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Unproved *unproved = value;
      if (most == NULL || unproved->n > most->n || (unproved->n == most->n && unproved->oldest < most->oldest))
        most = unproved;
    }
  return most;
}

/* A node shows within a round trip that it is one, so whoever hasn't makes room: strangers keep nobody out. */
static gboolean
find_room (EwMasque *self, guint64 network)
{
  guint all;
  g_autoptr (GHashTable) networks = count_unproved (self, &all);
  const gboolean crowded = count_of (self, network) >= EW_MASQUE_STREAMS_OF_ADDRESS_MAX;
  if (!crowded && all < EW_MASQUE_UNPROVED_MAX && g_hash_table_size (self->streams) < EW_MASQUE_STREAMS_MAX)
    return TRUE;
  const Unproved *victims = crowded ? g_hash_table_lookup (networks, &network) : find_most (networks);
  if (victims == NULL)
    return FALSE;
  const guint64 id = victims->oldest;
  ew_stream_thread_close (self->thread, id);
  g_hash_table_remove (self->streams, &id);
  return TRUE;
}

static void
on_ended (gpointer user_data, guint64 id, const gchar *reason)
{
  EwMasque *self = user_data;
  g_debug ("https: stream %" G_GUINT64_FORMAT " ended: %s", id, reason);
  g_hash_table_remove (self->streams, &id);
}

/* The upgrade. */

typedef struct
{
  EwMasque *self;
  guint64 network;
} Upgrade;

static void
upgrade_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

/* libsoup's stream on TLS on TCP. Each has the one below as a property. */
static GSocket *
find_socket (GIOStream *stream)
{
  g_autoptr (GIOStream) at = g_object_ref (stream);
  while (!G_IS_SOCKET_CONNECTION (at))
    {
      GIOStream *below = NULL;
      const gchar *property = G_IS_TLS_CONNECTION (at) ? "base-io-stream" : "base-iostream";
      if (g_object_class_find_property (G_OBJECT_GET_CLASS (at), property))
        g_object_get (at, property, &below, NULL);
      if (below == NULL)
        return NULL;
      g_object_unref (at);
      at = below;
    }
  return g_socket_connection_get_socket (G_SOCKET_CONNECTION (at));
}

static void
on_upgraded (SoupServerMessage *message, gpointer user_data)
{
  const Upgrade *upgrade = user_data;
  EwMasque *self = upgrade->self;
  const guint64 network = upgrade->network;
  g_autoptr (SoupServerMessage) keep = g_object_ref (message);
  EwEndpoint endpoint;
  ew_http_server_release (self->server, message);
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);
  GSocket *socket = stream ? find_socket (stream) : NULL;
  if (socket == NULL || !ew_stream_thread_add (self->thread, stream, socket, NULL, &endpoint))
    return;
  g_hash_table_insert (self->streams, g_memdup2 (&endpoint.id, sizeof endpoint.id),
                       g_memdup2 (&network, sizeof network));
}

static void
refuse (SoupServerMessage *message, guint status, const gchar *error, const gchar *text)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  soup_server_message_set_status (message, status, NULL);
  if (error) /* RFC 9209 section 2.3 */
    {
      g_autofree gchar *value = g_strdup_printf ("edgeway-edge; error=%s", error);
      soup_message_headers_replace (headers, "Proxy-Status", value);
    }
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY, text, strlen (text));
}

static gboolean
is_upgrade (SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  return g_str_equal (soup_server_message_get_method (message), "GET")
         && soup_server_message_get_http_version (message) == SOUP_HTTP_1_1
         && ew_upgrade_has_token (soup_message_headers_get_list (headers, "Upgrade"), EW_UPGRADE_TOKEN)
         && ew_upgrade_has_token (soup_message_headers_get_list (headers, "Connection"), "Upgrade");
}

static gboolean
is_local_address (SoupServerMessage *message, const gchar *host)
{
  GSocketAddress *local = soup_server_message_get_local_address (message);
  if (!G_IS_INET_SOCKET_ADDRESS (local))
    return FALSE;
  g_autofree gchar *text = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)));
  return g_ascii_strcasecmp (text, host) == 0;
}

/* By its own names only: a client that wants to go elsewhere is to hear that it can't. */
static gboolean
is_own (EwMasque *self, SoupServerMessage *message, const gchar *host, guint16 port)
{
  for (gchar **endpoint = self->endpoints; endpoint && *endpoint; endpoint++)
    {
      g_autofree gchar *own = NULL;
      guint16 own_port;
      if (ew_host_port_parse (*endpoint, &own, &own_port, NULL) && own_port == port
          && g_ascii_strcasecmp (own, host) == 0)
        return TRUE;
    }
  return is_local_address (message, host);
}

static void
upgrade (EwMasque *self, SoupServerMessage *message, const EwIp *ip)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  Upgrade *data = g_new (Upgrade, 1);
  *data = (Upgrade){ self, network_of (ip) };
  soup_server_message_set_status (message, SOUP_STATUS_SWITCHING_PROTOCOLS, NULL);
  soup_message_headers_replace (headers, "Connection", "Upgrade");
  soup_message_headers_replace (headers, "Upgrade", EW_UPGRADE_TOKEN);
  soup_message_headers_replace (headers, "Capsule-Protocol", "?1");
  g_signal_connect_data (message, "wrote-informational", G_CALLBACK (on_upgraded), data, upgrade_free, 0);
}

gboolean
ew_masque_handle (EwMasque *self, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path,
                  EwServerFault fault)
{
  g_autofree gchar *host = NULL;
  guint16 port;
  if (peer->control || !g_str_has_prefix (path, EW_UPGRADE_PATH))
    return FALSE;
  if (fault != EW_SERVER_FAULT_NONE || !ew_upgrade_read_path (path, &host, &port) || !is_upgrade (message))
    refuse (message, SOUP_STATUS_BAD_REQUEST, NULL,
            "This is for connect-udp of RFC 9298 over HTTP/1.1: GET with Upgrade: connect-udp.\n");
  else if (peer->repeats) /* the streams' thread would make one after the other, and all nodes would wait */
    refuse (message, SOUP_STATUS_BAD_REQUEST, NULL, "This is for TLS 1.3 alone.\n");
  else if (!is_own (self, message, host, port))
    refuse (message, SOUP_STATUS_FORBIDDEN, "destination_ip_prohibited",
            "This edge forwards to itself only. Name its own host and port.\n");
  else if (!find_room (self, network_of (&peer->ip)))
    refuse (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "connection_limit_reached",
            "This edge has as many of these streams as it can. Try again later.\n");
  else
    upgrade (self, message, &peer->ip);
  return TRUE;
}

/* Life. */

EwMasque *
ew_masque_new (EwServer *server)
{
  EwMasque *self = g_new0 (EwMasque, 1);
  const EwStreamThreadConfig config = {
    .proof_seconds = PROOF_SECONDS,
    .silence_seconds = SILENCE_SECONDS,
    .on_ended = on_ended,
    .user_data = self,
  };
  self->server = server;
  self->streams = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->thread = ew_stream_thread_new (&config);
  return self;
}

EwStreams *
ew_masque_get_streams (EwMasque *self)
{
  return ew_stream_thread_get_streams (self->thread);
}

void
ew_masque_set_endpoints (EwMasque *self, const gchar *const *endpoints)
{
  g_strfreev (self->endpoints);
  self->endpoints = g_strdupv ((gchar **)endpoints);
}

void
ew_masque_free (EwMasque *self)
{
  if (self == NULL)
    return;
  ew_stream_thread_free (self->thread);
  g_hash_table_unref (self->streams);
  g_strfreev (self->endpoints);
  g_free (self);
}
