/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ping.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "model/words.h"

#define TIMEOUT_MS 5000

void
ew_ping_async (EwDaemon *daemon, EwNode *target, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  const gchar *name = target == NULL ? "" : ew_node_get_address (target);

  if (name == NULL)
    name = ew_node_get_name (target);
  ew_daemon_call_async (daemon, "Ping", g_variant_new ("(su)", name, TIMEOUT_MS), cancellable, callback, user_data);
}

/* FALSE: null, missing or not a time. */
static gboolean
get_ms (JsonObject *object, const gchar *member, gdouble *ms)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_DOUBLE && json_node_get_value_type (node) != G_TYPE_INT64))
    return FALSE;
  *ms = json_node_get_double (node);
  return *ms >= 0;
}

gchar *
ew_ping_sentence (const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *object = root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  g_autofree gchar *latency = NULL;
  gdouble total_ms;

  if (object == NULL || !get_ms (object, "total_ms", &total_ms))
    return NULL;
  latency = ew_words_latency (total_ms);
  /* Translators: %s: "12 ms" */
  return g_strdup_printf (_ ("A ping came back in %s"), latency);
}

gchar *
ew_ping_finish (EwDaemon *daemon, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) answer = ew_daemon_call_finish (daemon, result, error);
  const gchar *json;
  gchar *sentence;

  if (answer == NULL)
    return NULL;
  g_variant_get (answer, "(&s)", &json);
  sentence = ew_ping_sentence (json);
  if (sentence == NULL)
    g_set_error_literal (error, EW_CALL_ERROR, EW_CALL_ERROR_FAILED,
                         _ ("A ping came back, but its times couldn't be read. Update Edgeway on this computer."));
  return sentence;
}
