/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bodies of API calls, after authorization: the first byte picks the call, the next line is the text after the path's
 * last slash, the rest is the body. Each runs against a real mesh in memory with two nodes and a route.
 */
#include <string.h>
#include "common/util.h"
#include "edge/api/api-private.h"
#include "edge/mesh/names.h"
#include "unit/edge/fixture.h"
#include "unit/edge/waiting.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static EwApi *api;
static gchar *node_a, *node_b;

static void
quiet (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer user_data)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    g_error ("%s", message);
}

static void
set_up (void)
{
  EwStore *store = fixture_store ();
  EwMesh *mesh = fixture_open (store, "frankfurt");
  EwSwitchConfig config = { .port = 443 };
  EwFeed *feed = ew_feed_new (mesh, &config, NULL);
  EwServices *services = ew_services_new (mesh, feed);
  EwApiParts parts = { .mesh = mesh,
                       .feed = feed,
                       .services = services,
                       .publish = ew_publish_new (mesh, services, NULL, "/nonexistent"),
                       .viewers = ew_api_viewers_new (mesh, feed, services),
                       .listen = ":443" };
  g_log_set_default_handler (quiet, NULL);
  api = ew_api_new (&parts);
  node_a = fixture_join_as (mesh, "admin", "a");
  node_b = fixture_join (mesh, "b");
  fixture_add_route (mesh, "10.1.0.0/16", node_a, NULL);
}

/* The mesh is restored, so that inputs don't depend on each other. */
static void
restore (void)
{
  EwMesh *mesh = api->parts.mesh;
  EwNode *next;
  const gchar *after = NULL;
  g_autofree gchar *kept = NULL;
  while ((next = ew_mesh_next_node (mesh, after)))
    {
      g_autofree gchar *id = g_strdup (next->id);
      if (g_str_equal (id, node_a) || g_str_equal (id, node_b))
        {
          g_free (kept);
          after = kept = g_strdup (id);
        }
      else
        g_assert_true (fixture_remove_node (mesh, id, NULL));
    }
  const gchar *names[] = { "a", "b" };
  gchar **ids[] = { &node_a, &node_b };
  for (guint i = 0; i < 2; i++)
    if (ew_mesh_get_node (mesh, *ids[i]) == NULL)
      {
        ew_mesh_find_node (mesh, names[i], NULL);
        g_free (*ids[i]);
        *ids[i] = fixture_join_as (mesh, i == 0 ? "admin" : "server", names[i]);
      }
    else
      fixture_rename_node (mesh, *ids[i], names[i], NULL);
  for (guint i = 0; i < 2; i++)
    while (ew_mesh_get_node (mesh, *ids[i])->names[0])
      g_assert_true (fixture_remove_name (mesh, ew_mesh_get_node (mesh, *ids[i])->names[0], NULL));
  while (ew_mesh_get_domains (mesh)->len > 0)
    g_assert_true (fixture_remove_name (mesh, ((EwDomainEntry *)ew_mesh_get_domains (mesh)->pdata[0])->domain, NULL));
  while (ew_mesh_count_services (mesh) > 0)
    g_assert_true (fixture_remove_service (mesh, ew_mesh_next_service (mesh, NULL)->id, NULL));
  fixture_now_us += EW_MESH_ADDRESS_REST_US + G_USEC_PER_SEC;
  ew_mesh_sweep (mesh, TRUE, NULL);
  while (ew_mesh_get_routes (mesh)->len > 0)
    fixture_remove_route (mesh, ((EwRouteEntry *)ew_mesh_get_routes (mesh)->pdata[0])->cidr, NULL);
  fixture_add_route (mesh, "10.1.0.0/16", node_a, NULL);
  fixture_settle ();
}

static JsonObject *later;
static GError *later_error;

static void
on_answer (EwApiCall *request, JsonObject *answer, const GError *error)
{
  g_assert_true ((answer == NULL) == (error != NULL));
  later = answer;
  later_error = error ? g_error_copy (error) : NULL;
}

static void
call (const EwApiEntry *entry, const gchar *argument, JsonObject *body)
{
  EwServerPeer peer = { .control = TRUE };
  EwApiCall request
    = { .api = api, .peer = &peer, .node_id = node_a, .argument = argument, .body = body, .answer = on_answer };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = entry->handler (&request, &error);
  if (answer == NULL && error == NULL)
    {
      while (later == NULL && later_error == NULL)
        g_main_context_iteration (NULL, TRUE);
      answer = g_steal_pointer (&later);
      error = g_steal_pointer (&later_error);
    }
  g_free (request.who);
  g_free (request.kept);
  g_assert_true ((answer == NULL) == (error != NULL));
  if (error)
    g_assert_true (*error->message && g_utf8_validate (error->message, -1, NULL));
  else
    g_free (ew_json_to_string (answer, FALSE));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint n = 0;
  if (api == NULL)
    set_up ();
  while (ew_api_table[n].method)
    n++;
  const EwApiEntry *entry = size > 0 ? &ew_api_table[data[0] % n] : NULL;
  const uint8_t *end = size > 1 ? memchr (data + 1, '\n', size - 1) : NULL;
  if (entry == NULL || end == NULL || entry->handler == NULL)
    return 0;
  g_autofree gchar *argument = g_strndup ((const gchar *)data + 1, (gsize)(end - data) - 1);
  gsize length = size - (gsize)(end + 1 - data);
  g_autoptr (JsonObject) body = ew_json_parse_object ((const gchar *)end + 1, length, EW_SERVER_BODY_MAX, NULL);
  gboolean needs_argument = g_str_has_suffix (entry->path, "/"), needs_body = *entry->method == 'P';
  if ((needs_argument && (*argument == '\0' || !g_utf8_validate (argument, -1, NULL))) || (needs_body && body == NULL))
    return 0;
  call (entry, argument, body);
  restore ();
  return 0;
}
