/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers: `retry` waits 1, 2, 4 … 10 s before the edge is asked again after it was lost. `keepalive` sends a ping each
 * EW_TOPOLOGY_PING_SECONDS and gives the stream up when two of them had no answer and nothing else came: a path that
 * has forgotten the stream (a NAT's timeout, a restarted router) reports nothing, and TCP alone would wait forever.
 */
#include "account/topology.h"
#include "account/topology-reader.h"
#include "common/error.h"

#define RETRY_MAX 10 /* s */

struct EwTopology
{
  EwClient *client;
  EwTopologyMirror *mirror;
  GPtrArray *readers; /* EwTopologyReader */
  EwTopologyClosed closed;
  gpointer user_data;

  SoupWebsocketConnection *socket;
  GCancellable *connecting;
  guint retry, retry_seconds;
  guint keepalive, ping_ms;
  gint64 heard; /* monotonic µs: anything from the edge */
};

static void connect_edge (EwTopology *self);

static void
drop_socket (EwTopology *self)
{
  if (self->connecting)
    g_cancellable_cancel (self->connecting);
  g_clear_object (&self->connecting);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_handle_id (&self->keepalive, g_source_remove);
  if (!self->socket)
    return;
  g_signal_handlers_disconnect_by_data (self->socket, self);
  if (soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
  g_clear_object (&self->socket);
}

void
ew_topology_free (EwTopology *self)
{
  drop_socket (self);
  g_ptr_array_unref (self->readers);
  ew_topology_mirror_free (self->mirror);
  g_clear_object (&self->client);
  g_free (self);
}

static void
end (EwTopology *self, const GError *reason)
{
  self->closed (self, reason, self->user_data);
  ew_topology_free (self);
}

static gboolean
retry_now (gpointer user_data)
{
  EwTopology *self = user_data;
  self->retry = 0;
  connect_edge (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (EwTopology *self)
{
  drop_socket (self);
  self->retry_seconds = CLAMP (self->retry_seconds * 2, 1, RETRY_MAX);
  self->retry = g_timeout_add_seconds (self->retry_seconds, retry_now, self);
}

static void
message_arrived (SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer user_data)
{
  EwTopology *self = user_data;
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  gsize length;
  const gchar *data = g_bytes_get_data (message, &length);
  EwTopologyNews news = type == SOUP_WEBSOCKET_DATA_TEXT ? ew_topology_mirror_take (self->mirror, data, length, ids)
                                                         : EW_TOPOLOGY_NOTHING;
  self->heard = g_get_monotonic_time ();
  self->retry_seconds = 0;
  if (news == EW_TOPOLOGY_TOO_LARGE)
    {
      g_warning ("The edge's map has more than %d MB. It isn't shown.", EW_TOPOLOGY_MIRROR_MAX / 1000000);
      self->retry_seconds = RETRY_MAX;
      retry_later (self);
      return;
    }
  for (guint i = 0; news != EW_TOPOLOGY_NOTHING && i < self->readers->len; i++)
    ew_topology_reader_tell (self->readers->pdata[i], news, ids);
}

static void
socket_closed (SoupWebsocketConnection *socket, gpointer user_data)
{
  retry_later (user_data);
}

/* Keepalive. libsoup's own pings would be sent as well, but it never gives a silent peer up. */

static void
on_pong (SoupWebsocketConnection *socket, GBytes *message, gpointer user_data)
{
  ((EwTopology *)user_data)->heard = g_get_monotonic_time ();
}

static gboolean
on_keepalive (gpointer user_data)
{
  EwTopology *self = user_data;
  gint64 silent_ms = (g_get_monotonic_time () - self->heard) / 1000;
  if (silent_ms < 2 * (gint64)self->ping_ms)
    return G_SOURCE_CONTINUE;
  g_debug ("topology: nothing heard for %" G_GINT64_FORMAT " ms, connecting again", silent_ms);
  self->keepalive = 0;
  self->retry_seconds = 0;
  retry_later (self);
  return G_SOURCE_REMOVE;
}

static void
keep_alive (EwTopology *self)
{
  self->heard = g_get_monotonic_time ();
  g_signal_connect (self->socket, "pong", G_CALLBACK (on_pong), self);
  soup_websocket_connection_set_keepalive_interval (self->socket, MAX (1, self->ping_ms / 1000));
  self->keepalive = g_timeout_add (self->ping_ms, on_keepalive, self);
}

void
ew_topology_set_ping (EwTopology *self, guint milliseconds)
{
  self->ping_ms = milliseconds;
}

/* Signals of the socket run inside it: leave it first. */
static void
socket_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) socket = ew_client_websocket_finish (EW_CLIENT (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  EwTopology *self = user_data;
  g_clear_object (&self->connecting);
  if (g_error_matches (error, EW_ERROR, EW_ERROR_REMOVED)
      || g_error_matches (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED))
    {
      end (self, error);
      return;
    }
  if (!socket)
    {
      g_debug ("topology: %s", error->message);
      retry_later (self);
      return;
    }
  self->socket = g_steal_pointer (&socket);
  g_signal_connect (self->socket, "message", G_CALLBACK (message_arrived), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (socket_closed), self);
  keep_alive (self);
}

static void
connect_edge (EwTopology *self)
{
  ew_topology_mirror_restart (self->mirror);
  self->connecting = g_cancellable_new ();
  ew_client_websocket_async (self->client, "/v1/topology", self->connecting, socket_ready, self);
}

void
ew_topology_hurry (EwTopology *self, gboolean anew)
{
  if (!anew && !self->retry)
    return;
  drop_socket (self);
  self->retry_seconds = 0;
  connect_edge (self);
}

/* Readers. */

static void
on_reader_gone (EwTopologyReader *reader, gpointer user_data)
{
  EwTopology *self = user_data;
  g_ptr_array_remove (self->readers, reader);
  if (self->readers->len == 0)
    end (self, NULL);
}

void
ew_topology_add_reader (EwTopology *self, gint write_fd, guint32 uid)
{
  g_ptr_array_add (self->readers, ew_topology_reader_new (self->mirror, write_fd, uid, on_reader_gone, self));
}

guint
ew_topology_count_readers (EwTopology *self, guint32 uid)
{
  guint n = 0;
  for (guint i = 0; i < self->readers->len; i++)
    n += ew_topology_reader_get_uid (self->readers->pdata[i]) == uid;
  return n;
}

guint
ew_topology_count_all_readers (EwTopology *self)
{
  return self->readers->len;
}

/* Life. */

EwTopology *
ew_topology_new (EwClient *client, const gchar *self_id, EwTopologyClosed closed, gpointer user_data)
{
  EwTopology *self = g_new0 (EwTopology, 1);
  self->client = g_object_ref (client);
  self->mirror = ew_topology_mirror_new (self_id, g_get_monotonic_time);
  self->readers = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_topology_reader_free);
  self->closed = closed;
  self->user_data = user_data;
  self->ping_ms = EW_TOPOLOGY_PING_SECONDS * 1000;
  connect_edge (self);
  return self;
}
