/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers: `retry` waits 1, 2, 4 … 10 s before the edge is asked again after it was lost. `keepalive` sends a ping each
 * EW_TOPOLOGY_PING_SECONDS and gives the stream up when two of them had no answer and nothing else came: a path that
 * has forgotten the stream (a NAT's timeout, a restarted router) says nothing, and TCP alone waits for ever.
 */
#include "account/topology.h"
#include "common/error.h"
#include "common/util.h"
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAX (4 * 1024 * 1024) /* bytes waiting for a slow reader */
#define RETRY_MAX 10                /* s */

struct EwTopology
{
  EwClient *client;
  gchar *self_id;
  gint fd;
  EwTopologyClosed closed;
  gpointer user_data;

  SoupWebsocketConnection *socket;
  GCancellable *connecting;
  guint retry, retry_seconds;
  guint keepalive, ping_ms;
  gint64 heard; /* monotonic µs: anything from the edge */

  GQueue lines;   /* GBytes */
  gsize queued;   /* bytes in lines */
  gsize written;  /* of the first line */
  gboolean stale; /* the queue overflowed: a new snapshot once it has drained */
  guint writable, hangup;
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
  g_clear_handle_id (&self->writable, g_source_remove);
  g_clear_handle_id (&self->hangup, g_source_remove);
  close (self->fd);
  g_queue_clear_full (&self->lines, (GDestroyNotify)g_bytes_unref);
  g_clear_object (&self->client);
  g_free (self->self_id);
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

/* The queue's tail, all but a line already begun. */
static void
drop_queue (EwTopology *self)
{
  while (g_queue_get_length (&self->lines) > (self->written > 0 ? 1 : 0))
    {
      GBytes *line = g_queue_pop_tail (&self->lines);
      self->queued -= g_bytes_get_size (line);
      g_bytes_unref (line);
    }
}

/* FALSE: the reader is gone. */
static gboolean
flush (EwTopology *self)
{
  GBytes *line;
  while ((line = g_queue_peek_head (&self->lines)))
    {
      gsize size;
      const gchar *data = g_bytes_get_data (line, &size);
      ssize_t n = write (self->fd, data + self->written, size - self->written);
      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      self->written += (gsize)n;
      if (self->written < size)
        continue;
      self->written = 0;
      self->queued -= size;
      g_bytes_unref (g_queue_pop_head (&self->lines));
    }
  return TRUE;
}

static gboolean
pipe_writable (gint fd, GIOCondition condition, gpointer user_data)
{
  EwTopology *self = user_data;
  if (!flush (self))
    {
      self->writable = 0;
      end (self, NULL);
      return G_SOURCE_REMOVE;
    }
  if (!g_queue_is_empty (&self->lines))
    return G_SOURCE_CONTINUE;
  self->writable = 0;
  if (self->stale)
    {
      self->stale = FALSE;
      connect_edge (self);
    }
  return G_SOURCE_REMOVE;
}

/* The reader closed its end. */
static gboolean
pipe_hangup (gint fd, GIOCondition condition, gpointer user_data)
{
  EwTopology *self = user_data;
  self->hangup = 0;
  end (self, NULL);
  return G_SOURCE_REMOVE;
}

static void
mark_self (JsonObject *node, const gchar *self_id)
{
  json_object_set_boolean_member (node, "self", g_strcmp0 (ew_json_string (node, "id"), self_id) == 0);
}

gchar *
ew_topology_line (const gchar *message, gsize length, const gchar *self_id)
{
  g_autoptr (JsonObject) object = ew_json_parse_object (message, (gssize)length, EW_CLIENT_LIST_MAX_ANSWER, NULL);
  const gchar *type = object ? ew_json_string (object, "type") : NULL;
  const gchar *const known[] = { "snapshot", "node", "node-removed", "edge", "edge-removed", "counters", NULL };
  if (!type || !g_strv_contains (known, type))
    return NULL;
  JsonObject *node = ew_json_object (object, "node"), *map = ew_json_object (object, "map");
  if ((g_str_equal (type, "node") && !node) || (g_str_equal (type, "snapshot") && !map))
    return NULL;
  if (node)
    mark_self (node, self_id);
  JsonArray *nodes = map ? ew_json_array (map, "nodes") : NULL;
  for (guint i = 0; nodes && i < json_array_get_length (nodes); i++)
    {
      JsonNode *element = json_array_get_element (nodes, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        return NULL;
      mark_self (json_node_get_object (element), self_id);
    }
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  return g_strconcat (text, "\n", NULL);
}

static void
message_arrived (SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer user_data)
{
  EwTopology *self = user_data;
  self->heard = g_get_monotonic_time ();
  gsize length;
  const gchar *data = g_bytes_get_data (message, &length);
  g_autofree gchar *line = type == SOUP_WEBSOCKET_DATA_TEXT ? ew_topology_line (data, length, self->self_id) : NULL;
  if (!line)
    return;
  self->retry_seconds = 0;
  gsize size = strlen (line);
  if (self->queued + size > QUEUE_MAX)
    {
      drop_socket (self);
      drop_queue (self);
      self->stale = TRUE;
      return;
    }
  self->queued += size;
  g_queue_push_tail (&self->lines, g_bytes_new_take (g_steal_pointer (&line), size));
  if (!self->writable)
    self->writable = g_unix_fd_add (self->fd, G_IO_OUT, pipe_writable, self);
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
  self->connecting = g_cancellable_new ();
  ew_client_websocket_async (self->client, "/v1/topology", self->connecting, socket_ready, self);
}

EwTopology *
ew_topology_new (EwClient *client, const gchar *self_id, gint write_fd, EwTopologyClosed closed, gpointer user_data)
{
  EwTopology *self = g_new0 (EwTopology, 1);
  self->client = g_object_ref (client);
  self->self_id = g_strdup (self_id);
  self->fd = write_fd;
  self->closed = closed;
  self->user_data = user_data;
  self->ping_ms = EW_TOPOLOGY_PING_SECONDS * 1000;
  g_queue_init (&self->lines);
  self->hangup = g_unix_fd_add (write_fd, G_IO_ERR, pipe_hangup, self);
  connect_edge (self);
  return self;
}
