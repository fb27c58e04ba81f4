/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes of the mesh that don't wait for the store: one after another, based on what the store contains, repeated
 * where another writer was faster. "The other edge" writes into the store without the mesh's knowledge.
 */
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/mesh/mesh-private.h"
#include "edge/store/store-private.h"
#include "fixture.h"
#include "store-testing.h"

typedef struct
{
  const gchar *name; /* of the change, and of the node that it makes */
  const gchar *id;
  guint runs;
} Wanted;

/* "NAME ok" or "NAME sentence", a line a callback. */
static GString *told;

static Wanted *
wanted_new (const gchar *name)
{
  Wanted *wanted = g_new0 (Wanted, 1);
  wanted->name = name;
  wanted->id = name;
  return wanted;
}

/* A node with a name and addresses of its own: what all attempts are made of. */
static gboolean
make_node (EwMesh *mesh, EwMeshChange *change, gpointer data, GError **error)
{
  Wanted *wanted = data;
  wanted->runs++;
  g_autoptr (EwNode) node = ew_mesh_new_node (mesh, "server", wanted->name);
  g_free (node->id);
  node->id = g_strdup (wanted->id);
  node->joined = TRUE;
  if (!ew_mesh_claim_addresses (mesh, change, node, TRUE, error)
      || !ew_mesh_claim_name (mesh, change, wanted->name, wanted->id, error))
    return FALSE;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

/* Sets the system of the node "other"; a removal in the meantime is not overwritten. */
static gboolean
describe (EwMesh *mesh, EwMeshChange *change, gpointer data, GError **error)
{
  Wanted *wanted = data;
  wanted->runs++;
  g_autoptr (EwNode) node = ew_mesh_read_node (mesh, wanted->id, error);
  if (node == NULL)
    return FALSE;
  g_free (node->os);
  node->os = g_strdup (wanted->name);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
do_nothing (EwMesh *mesh, EwMeshChange *change, gpointer data, GError **error)
{
  g_autoptr (GPtrArray) routes = ew_mesh_read_list (mesh, "/routes/", error);
  return routes != NULL;
}

/* Never reads the same value twice. */
static gboolean
never_decide (EwMesh *mesh, EwMeshChange *change, gpointer data, GError **error)
{
  Wanted *wanted = data;
  g_autofree gchar *key = g_strdup_printf ("/names/n%u", wanted->runs++);
  return ew_mesh_read (mesh, key, NULL, NULL, error);
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer name)
{
  g_autoptr (GError) error = NULL;
  Wanted *wanted = ew_mesh_change_finish (result, &error);
  g_assert_true ((wanted == NULL) == (error != NULL));
  g_string_append_printf (told, "%s %s\n", (const gchar *)name,
                          wanted                                                      ? "ok"
                          : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? "cancelled"
                          : g_error_matches (error, EW_ERROR, EW_ERROR_NAME_TAKEN)    ? "taken"
                          : g_error_matches (error, EW_ERROR, EW_ERROR_NOT_FOUND)     ? "not found"
                          : g_error_matches (error, EW_ERROR, EW_ERROR_STORE_FULL)    ? "full"
                                                                                      : error->message);
}

static void
ask (EwMesh *mesh, EwMeshChangeAttempt attempt, Wanted *wanted)
{
  ew_mesh_change_async (mesh, attempt, wanted, g_free, on_changed, (gpointer)wanted->name);
}

static void
assert_told (const gchar *expected)
{
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static void
wait_for_lines (guint n)
{
  guint lines = 0;
  while (lines < n)
    {
      g_main_context_iteration (NULL, TRUE);
      lines = 0;
      for (const gchar *at = told->str; (at = strchr (at, '\n')); at++)
        lines++;
    }
}

static void
test_in_order (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  guint blocking = ew_testing_count_blocking (store);
  Wanted *second = wanted_new ("a");
  second->id = "another";
  ask (mesh, make_node, wanted_new ("a"));
  ask (mesh, make_node, second);
  ask (mesh, make_node, wanted_new ("b"));
  ask (mesh, do_nothing, wanted_new ("nothing"));
  assert_told (""); /* never inside the call */
  wait_for_lines (4);
  assert_told ("a ok\na taken\nb ok\nnothing ok\n");
  g_assert_cmpuint (ew_testing_count_blocking (store), ==, blocking);
  const EwNode *a = ew_mesh_get_node (mesh, "a"), *b = ew_mesh_get_node (mesh, "b");
  g_assert_cmpuint (ew_mesh_count_nodes (mesh), ==, 2);
  g_assert_false (ew_ip_equal (&a->addresses[0], &b->addresses[0]));
  fixture_settle ();
  g_assert_cmpuint (ew_mesh_count_nodes (mesh), ==, 2);
}

/* No address is passed over because an attempt was run several times. */
static void
test_addresses_in_a_row (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  ask (mesh, make_node, wanted_new ("a"));
  ask (mesh, make_node, wanted_new ("b"));
  wait_for_lines (2);
  assert_told ("a ok\nb ok\n");
  g_autoptr (EwStore) other_store = fixture_store ();
  g_autoptr (EwMesh) other = fixture_open (other_store, NULL);
  g_autofree gchar *a = fixture_join (other, "a"), *b = fixture_join (other, "b");
  const EwNode *first = ew_mesh_get_node (mesh, "a"), *second = ew_mesh_get_node (mesh, "b");
  const EwNode *others[] = { ew_mesh_get_node (other, a), ew_mesh_get_node (other, b) };
  g_assert_cmpint (second->addresses[0].bytes[3] - first->addresses[0].bytes[3], ==,
                   others[1]->addresses[0].bytes[3] - others[0]->addresses[0].bytes[3]);
}

/* Between what was read and the commit the other edge writes. */
static void
test_another_was_faster (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  Wanted *wanted = wanted_new ("os");
  g_autofree gchar *id = fixture_join (mesh, "nas");
  wanted->id = id;
  ew_testing_delay_store (store, 10);
  ask (mesh, describe, wanted);
  while (wanted->runs < 2) /* read, decided, on its way */
    g_main_context_iteration (NULL, TRUE);
  g_autoptr (EwNode) node = fixture_copy_node (ew_mesh_get_node (mesh, id));
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", id);
  node->version = g_strdup ("7.0");
  g_autoptr (JsonObject) object = ew_mesh_node_to_json (node);
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  fixture_write (store, key, text);
  wait_for_lines (1);
  assert_told ("os ok\n");
  g_assert_cmpstr (ew_mesh_get_node (mesh, id)->os, ==, "os");
  g_assert_cmpstr (ew_mesh_get_node (mesh, id)->version, ==, "7.0");
  fixture_settle ();
  g_assert_cmpstr (ew_mesh_get_node (mesh, id)->os, ==, "os");
}

/* … it removes the node. */
static void
test_removed_in_between (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  Wanted *wanted = wanted_new ("os");
  g_autofree gchar *id = fixture_join (mesh, "nas");
  wanted->id = id;
  ew_testing_delay_store (store, 10);
  ask (mesh, describe, wanted);
  while (wanted->runs < 2)
    g_main_context_iteration (NULL, TRUE);
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", id);
  fixture_write (store, key, NULL);
  wait_for_lines (1);
  assert_told ("os not found\n");
  fixture_settle ();
  g_assert_cmpuint (ew_mesh_count_nodes (mesh), ==, 0);
}

/* The caller is removed between the reading and the commit. */
static void
test_asker_removed_in_between (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  Wanted *wanted = wanted_new ("os");
  g_autofree gchar *id = fixture_join (mesh, "nas"), *boss = fixture_join_as (mesh, "admin", "boss");
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", boss);
  wanted->id = id;
  ew_testing_delay_store (store, 10);
  ew_mesh_ask_as (mesh, boss);
  ask (mesh, describe, wanted);
  ew_mesh_ask_as (mesh, NULL);
  while (wanted->runs < 2)
    g_main_context_iteration (NULL, TRUE);
  fixture_write (store, key, NULL);
  wait_for_lines (1);
  assert_told (
    "os This computer was removed from the mesh. Erase what is left of it here with `sudo edgewayctl leave`.\n");
  g_assert_cmpstr (ew_mesh_get_node (mesh, id)->os, !=, "os");
}

static void
test_never_decided (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  ask (mesh, never_decide, wanted_new ("endless"));
  ask (mesh, make_node, wanted_new ("a"));
  wait_for_lines (2);
  assert_told ("endless Others keep changing the mesh at the same moment. Try again.\na ok\n");
}

static gboolean
count (gpointer n)
{
  (*(guint *)n)++;
  return G_SOURCE_CONTINUE;
}

/* While a cluster is slow, everything else continues. */
static void
test_slow_store (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, NULL);
  guint turns = 0;
  ew_testing_delay_store (store, 10);
  ask (mesh, make_node, wanted_new ("a"));
  guint source = g_timeout_add (1, count, &turns);
  wait_for_lines (1);
  g_source_remove (source);
  assert_told ("a ok\n");
  g_assert_cmpuint (turns, >, 5);
}

static void
test_closed (void)
{
  EwStore *store = fixture_store ();
  EwMesh *mesh = fixture_open (store, NULL);
  ask (mesh, make_node, wanted_new ("a"));
  ask (mesh, make_node, wanted_new ("b"));
  ew_mesh_close (mesh);
  ew_store_close (store);
  assert_told ("");
  wait_for_lines (2);
  fixture_settle ();
  assert_told ("a cancelled\nb cancelled\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  told = g_string_new (NULL);
#define ADD(name, func) g_test_add_func ("/edge/changes/" name, func)
  ADD ("in-order", test_in_order);
  ADD ("addresses-in-a-row", test_addresses_in_a_row);
  ADD ("another-was-faster", test_another_was_faster);
  ADD ("removed-in-between", test_removed_in_between);
  ADD ("asker-removed-in-between", test_asker_removed_in_between);
  ADD ("never-decided", test_never_decided);
  ADD ("slow-store", test_slow_store);
  ADD ("closed", test_closed);
  int status = g_test_run ();
  g_string_free (told, TRUE);
  return status;
}
