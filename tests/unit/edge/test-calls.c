/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calls of the API whose answers depend on what the switch has seen.
 */
#include "common/util.h"
#include "edge/api/api-private.h"
#include "fixture.h"
#include "null-switch.h"

static JsonObject *
call (EwApi *api, const gchar *method, const gchar *path)
{
  const EwServerPeer peer = { .control = TRUE };
  EwApiCall request = { .api = api, .peer = &peer };
  for (const EwApiEntry *entry = ew_api_table; entry->method; entry++)
    if (g_str_equal (entry->method, method) && g_str_equal (entry->path, path))
      return entry->handler (&request, NULL);
  g_assert_not_reached ();
}

/* "dropped" is the sum of all reasons, each of which is listed beside it. */
static void
test_drops (void)
{
  EwSwitchConfig config = { .port = 443 };
  EwStore *store = fixture_store ();
  EwMesh *mesh = fixture_open (store, NULL);
  EwFeed *feed = ew_feed_new (mesh, &config, NULL);
  EwServices *services = ew_services_new (mesh, feed);
  EwApiViewers *viewers = ew_api_viewers_new (mesh, feed, services);
  EwApiParts parts = { .mesh = mesh, .feed = feed, .services = services, .viewers = viewers, .listen = ":443" };
  EwApi *api = ew_api_new (&parts);
  const EwSwitchStats stats = { .dropped_policy = 1,
                                .dropped_no_route = 20,
                                .dropped_ttl = 300,
                                .dropped_too_big = 4000,
                                .dropped_source = 50000,
                                .dropped_malformed = 600000 };
  null_switch_set_stats (&stats);
  JsonObject *answer = call (api, "GET", "/v1/status");
  JsonObject *drops = ew_json_object (answer, "drops");
  g_assert_cmpint (ew_json_int (answer, "dropped", -1), ==, 654321);
  g_assert_cmpuint (json_object_get_size (drops), ==, 6);
  g_assert_cmpint (ew_json_int (drops, "policy", -1), ==, 1);
  g_assert_cmpint (ew_json_int (drops, "no_route", -1), ==, 20);
  g_assert_cmpint (ew_json_int (drops, "ttl", -1), ==, 300);
  g_assert_cmpint (ew_json_int (drops, "too_big", -1), ==, 4000);
  g_assert_cmpint (ew_json_int (drops, "source", -1), ==, 50000);
  g_assert_cmpint (ew_json_int (drops, "malformed", -1), ==, 600000);
  json_object_unref (answer);
  ew_api_viewers_free (viewers);
  ew_api_free (api);
  ew_services_free (services);
  ew_feed_free (feed);
  ew_mesh_close (mesh);
  ew_store_close (store);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edge/calls/drops", test_drops);
  return g_test_run ();
}
