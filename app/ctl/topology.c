/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "topology.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/error.h"
#include "common/util.h"

#define LINE_MAX_BYTES (2 * 1024 * 1024) /* a message has at most 1 MiB */

void
ew_topology_clear (EwTopology *self)
{
  g_clear_pointer (&self->map, json_object_unref);
  self->complete = FALSE;
}

static JsonArray *
array_of (JsonObject *map, const gchar *member)
{
  if (ew_json_array (map, member) == NULL)
    json_object_set_array_member (map, member, json_array_new ());
  return ew_json_array (map, member);
}

static gint
find (JsonArray *array, const gchar *id)
{
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (element)
          && g_strcmp0 (ew_json_string (json_node_get_object (element), "id"), id) == 0)
        return (gint)i;
    }
  return -1;
}

static void
replace (JsonArray *array, JsonObject *object)
{
  gint at = find (array, ew_json_string (object, "id"));

  if (at >= 0)
    json_array_remove_element (array, (guint)at);
  json_array_add_object_element (array, json_object_ref (object));
}

static void
remove_id (JsonArray *array, const gchar *id)
{
  gint at = find (array, id);

  if (at >= 0)
    json_array_remove_element (array, (guint)at);
}

/* A later part's elements come after those that are there. */
static void
append_part (EwTopology *self, JsonObject *part, const gchar *member)
{
  JsonArray *elements = ew_json_array (part, member);

  for (guint i = 0; elements != NULL && i < json_array_get_length (elements); i++)
    json_array_add_element (array_of (self->map, member), json_node_copy (json_array_get_element (elements, i)));
}

static gboolean
apply_snapshot (EwTopology *self, JsonObject *message)
{
  JsonObject *part = ew_json_object (message, "map");

  if (part == NULL)
    return FALSE;
  if (self->map == NULL || self->complete) /* the first part of a snapshot */
    {
      ew_topology_clear (self);
      self->map = json_object_ref (part);
    }
  else
    {
      append_part (self, part, "services");
      append_part (self, part, "nodes");
    }
  self->complete = !ew_json_bool (message, "more", FALSE);
  return TRUE;
}

static void
apply_counters (EwTopology *self, JsonObject *message)
{
  static const gchar *const members[] = { "rx_bytes", "tx_bytes", "rtt_ms", "last_seen", "last_handshake" };
  JsonArray *changes = ew_json_array (message, "nodes"), *nodes = array_of (self->map, "nodes");

  for (guint i = 0; changes != NULL && i < json_array_get_length (changes); i++)
    {
      JsonNode *element = json_array_get_element (changes, i);
      JsonObject *change = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      gint at = change != NULL ? find (nodes, ew_json_string (change, "id")) : -1;
      for (guint m = 0; at >= 0 && m < G_N_ELEMENTS (members); m++)
        if (json_object_has_member (change, members[m]))
          json_object_set_member (json_array_get_object_element (nodes, (guint)at), members[m],
                                  json_node_copy (json_object_get_member (change, members[m])));
    }
}

gboolean
ew_topology_apply (EwTopology *self, JsonObject *message)
{
  const gchar *type = ew_json_string (message, "type");
  JsonObject *node = ew_json_object (message, "node"), *edge = ew_json_object (message, "edge");
  JsonObject *service = ew_json_object (message, "service");

  if (g_strcmp0 (type, "snapshot") == 0)
    return apply_snapshot (self, message);
  if (!self->complete)
    return FALSE;
  if (g_strcmp0 (type, "node") == 0 && node != NULL)
    replace (array_of (self->map, "nodes"), node);
  else if (g_strcmp0 (type, "edge") == 0 && edge != NULL)
    replace (array_of (self->map, "edges"), edge);
  else if (g_strcmp0 (type, "service") == 0 && service != NULL)
    replace (array_of (self->map, "services"), service);
  else if (g_strcmp0 (type, "counters") == 0)
    apply_counters (self, message);
  else if (g_strcmp0 (type, "node-removed") == 0)
    remove_id (array_of (self->map, "nodes"), ew_json_string (message, "id"));
  else if (g_strcmp0 (type, "service-removed") == 0)
    remove_id (array_of (self->map, "services"), ew_json_string (message, "id"));
  else
    return FALSE;
  return TRUE;
}

gboolean
ew_topology_is_measured (EwTopology *self)
{
  JsonArray *nodes = self->complete ? ew_json_array (self->map, "nodes") : NULL;

  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    {
      JsonNode *element = json_array_get_element (nodes, i);
      JsonObject *node = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      if (node != NULL && ew_json_bool (node, "online", FALSE)
          && (!json_object_has_member (node, "rtt_ms") || json_object_get_null_member (node, "rtt_ms")))
        return FALSE;
    }
  return self->complete;
}

/* The stream. */

/* FALSE: the end, or the deadline. */
static gboolean
read_more (gint fd, GString *buffer, gint64 deadline)
{
  struct pollfd waiting = { .fd = fd, .events = POLLIN };
  gint64 left_ms = (deadline - g_get_monotonic_time () + 999) / 1000;
  gchar chunk[65536];
  gssize length;

  if (left_ms <= 0 || poll (&waiting, 1, (gint)MIN (left_ms, G_MAXINT)) <= 0)
    return FALSE;
  length = read (fd, chunk, sizeof chunk);
  if (length < 0)
    return errno == EAGAIN || errno == EINTR;
  if (length == 0)
    return FALSE;
  g_string_append_len (buffer, chunk, length);
  return buffer->len <= LINE_MAX_BYTES;
}

static void
apply_lines (EwTopology *topology, GString *buffer)
{
  gchar *end;

  while ((end = memchr (buffer->str, '\n', buffer->len)) != NULL)
    {
      g_autoptr (JsonObject) message = ew_json_parse_object (buffer->str, end - buffer->str, LINE_MAX_BYTES, NULL);
      if (message != NULL)
        ew_topology_apply (topology, message);
      g_string_erase (buffer, 0, end - buffer->str + 1);
    }
}

JsonObject *
ew_topology_read (gint fd, guint snapshot_ms, guint settle_ms, GError **error)
{
  EwTopology topology = { 0 };
  g_autoptr (GString) buffer = g_string_new (NULL);
  gint64 start = g_get_monotonic_time (), deadline = start + snapshot_ms * G_TIME_SPAN_MILLISECOND;
  gboolean was_complete = FALSE;

  while (read_more (fd, buffer, deadline))
    {
      apply_lines (&topology, buffer);
      if (topology.complete && !was_complete)
        deadline = g_get_monotonic_time () + settle_ms * G_TIME_SPAN_MILLISECOND;
      was_complete = topology.complete;
      if (ew_topology_is_measured (&topology))
        break;
    }
  close (fd);
  if (!topology.complete)
    {
      ew_topology_clear (&topology);
      g_set_error_literal (error, EW_ERROR, EW_ERROR_TIMED_OUT,
                           "The edge didn't send the map. Look for the reason with `edgewayctl diagnose`.");
      return NULL;
    }
  json_object_set_int_member (topology.map, "schema", 1);
  return topology.map;
}
