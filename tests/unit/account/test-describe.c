/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer runs, told again after an upgrade: once, to an edge that takes it.
 */
#include "account/describe.h"
#include "common/error.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "fake-edge.h"

typedef struct
{
  FakeEdge edge;
  EwKeystore *keystore;
  EwClient *client;
} World;

/* Enrolled by a version that didn't remember what it had told. */
static void
setup (World *world, gconstpointer data)
{
  fake_edge_init (&world->edge);
  world->keystore = ew_keystore_load (world->edge.dir, NULL);
  g_autoptr (JsonObject) document = fake_edge_document (&world->edge);
  g_assert_true (ew_keystore_begin_enrollment (world->keystore, "secret", NULL));
  g_assert_true (ew_keystore_finish_enrollment (world->keystore, world->edge.pin, world->edge.ca_pem,
                                                (const gchar *const *)world->edge.api, "n4c0ffee0ddba11a", document,
                                                NULL));
  world->client = fake_edge_client (&world->edge);
  ew_client_set_identity (world->client, world->keystore->id, world->keystore->credential);
}

static void
teardown (World *world, gconstpointer data)
{
  g_clear_object (&world->client);
  ew_keystore_unref (world->keystore);
  fake_edge_clear (&world->edge);
}

static void
keep (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
describe (World *world, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_describe_async (world->client, world->keystore, NULL, keep, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  return ew_describe_finish (world->client, result, error);
}

static void
test_told_once (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *os = ew_describe_os ();
  g_assert_true (ew_describe_is_due (world->keystore));
  g_assert_true (describe (world, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (world->edge.last_method, ==, "PATCH");
  g_assert_cmpstr (world->edge.last_path, ==, "/v1/self");
  g_assert_true (g_str_has_prefix (world->edge.last_authorization, "Bearer n4c0ffee0ddba11a."));
  g_autoptr (JsonObject) body
    = ew_json_parse_object (world->edge.last_body, (gssize)strlen (world->edge.last_body), 65536, NULL);
  g_assert_cmpstr (ew_json_string (body, "version"), ==, EW_VERSION);
  g_assert_cmpstr (ew_json_string (body, "os"), ==, os);
  g_assert_false (ew_describe_is_due (world->keystore));
  /* Remembered, until the system or the program is another. */
  g_assert_true (ew_keystore_save (world->keystore, NULL));
  ew_keystore_unref (world->keystore);
  world->keystore = ew_keystore_load (world->edge.dir, NULL);
  g_assert_false (ew_describe_is_due (world->keystore));
  ew_describe_told (world->keystore, os, "0.0.9");
  g_assert_true (ew_describe_is_due (world->keystore));
  ew_describe_told (world->keystore, "Slackware 1.0", EW_VERSION);
  g_assert_true (ew_describe_is_due (world->keystore));
}

/* An older edge has no such call: no error, and a later one hears it. */
static void
test_older_edge (World *world, gconstpointer data)
{
  const guint statuses[] = { 404, 405 };
  const gchar *const codes[] = { "NotFound", "MethodNotAllowed" };
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *body
        = g_strdup_printf ("{\"schema\":1,\"error\":{\"code\":\"%s\",\"message\":\"No.\"}}", codes[i]);
      fake_edge_answer (&world->edge, statuses[i], body);
      g_assert_false (describe (world, &error));
      g_assert_no_error (error);
      g_assert_true (ew_describe_is_due (world->keystore));
    }
  fake_edge_answer (&world->edge, 200, "{\"schema\":1}");
  g_assert_true (describe (world, NULL));
  g_assert_false (ew_describe_is_due (world->keystore));
}

static void
test_refused (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fake_edge_answer (&world->edge, 410, "{\"schema\":1,\"error\":{\"code\":\"Removed\",\"message\":\"Gone.\"}}");
  g_assert_false (describe (world, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_REMOVED);
  g_assert_true (ew_describe_is_due (world->keystore));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/describe/told-once", World, NULL, setup, test_told_once, teardown);
  g_test_add ("/describe/older-edge", World, NULL, setup, test_older_edge, teardown);
  g_test_add ("/describe/refused", World, NULL, setup, test_refused, teardown);
  return g_test_run ();
}
