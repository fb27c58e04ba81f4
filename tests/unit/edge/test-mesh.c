/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The model: what a transaction leaves in the store, what memory makes of it, what a second writer may do in the
 * meantime.
 */
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/mesh/document.h"
#include "fixture.h"
#include "waiting.h"

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, "frankfurt");
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ew_mesh_close (fixture->mesh);
  ew_store_close (fixture->store);
}

/* Replaces the present mesh with the one that the next start finds. */
static void
reopen (Fixture *fixture)
{
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_open (fixture->store, NULL);
}

static guint
count (Fixture *fixture, const gchar *prefix)
{
  g_autoptr (GPtrArray) entries = ew_store_list (fixture->store, prefix, NULL, 0, NULL, NULL);
  return entries->len;
}

static gchar *
address_of (EwMesh *mesh, const gchar *id)
{
  gchar text[EW_IP_STRLEN];
  ew_ip_format (&ew_mesh_get_node (mesh, id)->addresses[0], text);
  return g_strdup (text);
}

static gchar *
document (EwMesh *mesh, const gchar *id)
{
  g_autoptr (JsonObject) object = ew_mesh_document_node (mesh, ew_mesh_get_node (mesh, id));
  return ew_json_to_string (object, FALSE);
}

static void
test_made_once (Fixture *fixture, gconstpointer unused)
{
  const gchar *signature;
  g_autofree gchar *list = g_strdup (ew_mesh_get_edge_list (fixture->mesh, &signature));
  g_autofree gchar *first = g_strdup (signature);
  g_assert_true (ew_pki_verify (fixture_ca_certificate (), list, strlen (list), signature, NULL));
  g_assert_cmpstr (ew_mesh_get_name (fixture->mesh), ==, "mesh");
  EwPrefix range = ew_mesh_get_ranges (fixture->mesh)->v6;
  gint64 revision = ew_store_get_revision (fixture->store);
  reopen (fixture);
  g_assert_cmpint (ew_store_get_revision (fixture->store), ==, revision); /* a later start writes nothing */
  g_assert_cmpstr (ew_mesh_get_edge_list (fixture->mesh, &signature), ==, list);
  g_assert_cmpstr (signature, ==, first);
  g_assert_cmpstr (ew_mesh_get_edge (fixture->mesh)->name, ==, "frankfurt");
  g_assert_true (ew_prefix_equal (&range, &ew_mesh_get_ranges (fixture->mesh)->v6));
}

static void
test_setup_refused (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL, other = NULL;
  g_assert_null (fixture_try (fixture->store, "10.0.0.0/8", NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_assert_null (fixture_try (fixture->store, NULL, "No Label", &other));
  g_assert_error (other, EW_ERROR, EW_ERROR_NAME_INVALID);
  g_autoptr (EwMesh) same = fixture_try (fixture->store, "100.96.0.0/12", "mesh", NULL);
  g_assert_nonnull (same);
}

static void
test_addresses (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *a = fixture_join (fixture->mesh, "a"), *b = fixture_join (fixture->mesh, "b");
  g_autofree gchar *of_a = address_of (fixture->mesh, a), *of_b = address_of (fixture->mesh, b);
  g_assert_cmpstr (of_a, ==, "100.96.1.1");
  g_assert_cmpstr (of_b, ==, "100.96.1.2");
  g_assert_true (fixture_remove_node (fixture->mesh, a, NULL));
  reopen (fixture); /* the search begins again, and the address is still reserved */
  g_autofree gchar *c = fixture_join (fixture->mesh, "c"), *of_c = address_of (fixture->mesh, c);
  g_assert_cmpstr (of_c, ==, "100.96.1.3");
  fixture_now_us += EW_MESH_ADDRESS_REST_US - 1000;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  reopen (fixture);
  g_autofree gchar *d = fixture_join (fixture->mesh, "d"), *of_d = address_of (fixture->mesh, d);
  g_assert_cmpstr (of_d, ==, "100.96.1.4");
  fixture_now_us += 2000;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  reopen (fixture);
  g_autofree gchar *e = fixture_join (fixture->mesh, "e"), *of_e = address_of (fixture->mesh, e);
  g_assert_cmpstr (of_e, ==, "100.96.1.1");
}

static void
test_out_of_addresses (void)
{
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_try (store, "10.0.0.0/23", NULL, NULL);
  g_autoptr (GError) error = NULL;
  for (guint i = 1; i < 255; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("n%u", i), *id = fixture_join (mesh, name);
    }
  g_autoptr (Machine) machine = machine_new (mesh, "server", NULL, "one-more");
  g_assert_null (machine_enroll (machine, mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_OUT_OF_ADDRESSES);
  g_assert_cmpuint (ew_mesh_count_nodes (mesh), ==, 254);
  EwNode *gone = ew_mesh_find_node (mesh, "n7", NULL);
  g_assert_true (fixture_remove_node (mesh, gone->id, NULL));
  g_assert_null (machine_enroll (machine, mesh, NULL)); /* it is reserved */
  fixture_now_us += EW_MESH_ADDRESS_REST_US + 1;
  g_assert_true (ew_mesh_sweep (mesh, TRUE, NULL));
  g_autoptr (Machine) late = machine_new (mesh, "server", NULL, "one-more");
  g_assert_nonnull (machine_enroll (late, mesh, NULL));
}

static void
test_enrollment (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "admin", NULL, "laptop");
  const EwNode *node = machine_enroll (machine, fixture->mesh, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (node->role, ==, "admin");
  g_autofree gchar *id = g_strdup (node->id);
  gint64 revision = ew_store_get_revision (fixture->store);
  g_assert_cmpstr (machine_enroll (machine, fixture->mesh, NULL)->id, ==, id);
  g_assert_cmpint (ew_store_get_revision (fixture->store), ==, revision);
  reopen (fixture);
  g_assert_cmpstr (machine_enroll (machine, fixture->mesh, NULL)->id, ==, id);
  g_assert_nonnull (ew_mesh_authenticate (fixture->mesh, id, machine->credential, NULL));
  machine->credential[0] ^= 1;
  g_assert_null (ew_mesh_authenticate (fixture->mesh, id, machine->credential, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED);
  g_clear_error (&error);
  fixture_now_us += 3601 * G_TIME_SPAN_SECOND;
  g_assert_null (machine_enroll (machine, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_USED);
  g_clear_error (&error);
  fixture_now_us += 8 * G_TIME_SPAN_DAY;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  g_assert_cmpuint (count (fixture, "/enrollment/"), ==, 0);
  g_assert_null (machine_enroll (machine, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_INVALID);
}

static void
test_key_expires (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Machine) named = machine_new (fixture->mesh, "server", "web", NULL);
  g_autoptr (Machine) nameless = machine_new (fixture->mesh, "server", NULL, "other");
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 1);
  fixture_now_us += 3599 * G_TIME_SPAN_SECOND;
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 1);
  fixture_now_us += G_USEC_PER_SEC;
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 0);
  g_assert_cmpuint (count (fixture, "/names/"), ==, 1); /* the edge's */
  g_assert_null (machine_enroll (named, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_EXPIRED);
  g_clear_error (&error);
  g_assert_null (machine_enroll (nameless, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_EXPIRED);
}

static void
test_removal (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "server", NULL, "gw");
  g_autofree gchar *id = g_strdup (machine_enroll (machine, fixture->mesh, NULL)->id);
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.1.0.0/16", id, NULL));
  g_assert_true (fixture_remove_node (fixture->mesh, id, NULL));
  static const gchar *const emptied[] = { "/nodes/", "/routes/", "/endpoints/" };
  for (guint i = 0; i < G_N_ELEMENTS (emptied); i++)
    g_assert_cmpuint (count (fixture, emptied[i]), ==, 0);
  g_assert_cmpuint (count (fixture, "/pubkeys/"), ==, 1); /* the edge's */
  for (guint i = 0; i < 2; i++)
    {
      g_assert_null (ew_mesh_authenticate (fixture->mesh, id, machine->credential, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_REMOVED);
      g_clear_error (&error);
      reopen (fixture);
    }
  g_assert_false (fixture_remove_node (fixture->mesh, id, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
}

/* Another edge let it in at the last moment: it stays, and so do its routes. */
static void
test_joined_as_it_expired (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "server", "gw", NULL);
  g_autofree gchar *id = g_strdup (ew_mesh_find_node (fixture->mesh, "gw", NULL)->id);
  g_autofree gchar *key = g_strconcat ("/nodes/", id, NULL);
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.1.0.0/16", id, NULL));
  fixture_settle ();
  g_autoptr (EwNode) joined = fixture_copy_node (ew_mesh_get_node (fixture->mesh, id));
  joined->joined = TRUE;
  joined->expires_us = 0;
  g_autoptr (JsonObject) object = ew_mesh_node_to_json (joined);
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  fixture_now_us += 3601 * G_TIME_SPAN_SECOND;
  fixture_write (fixture->store, key, text); /* this edge has not been told of it yet */
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_cmpuint (count (fixture, "/nodes/"), ==, 1);
  g_assert_cmpuint (count (fixture, "/routes/"), ==, 1);
  g_assert_cmpuint (ew_mesh_get_node (fixture->mesh, id)->routes->len, ==, 1);
}

static void
test_tombstones_are_swept (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  g_assert_true (fixture_remove_node (fixture->mesh, id, NULL));
  fixture_now_us += EW_MESH_TOMBSTONE_US - G_USEC_PER_SEC;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  g_assert_cmpuint (count (fixture, "/tombstones/"), ==, 1);
  fixture_now_us += 2 * G_USEC_PER_SEC;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  g_assert_cmpuint (count (fixture, "/tombstones/"), ==, 0);
}

/* The edge's ID. */

static void
test_edge_id (Fixture *fixture, gconstpointer unused)
{
  const gchar *id = ew_mesh_get_edge (fixture->mesh)->id;
  g_assert_cmpuint (strlen (id), ==, 17);
  g_assert_true (g_str_has_prefix (id, "e"));
  g_autofree gchar *first = g_strdup (id);
  reopen (fixture);
  g_assert_cmpstr (ew_mesh_get_edge (fixture->mesh)->id, ==, first);
}

/* A store from when every edge was called e1 goes on as it is: nodes have that ID in their documents. */
static void
test_old_edge_id (void)
{
  gboolean given;
  g_autoptr (EwStore) store = fixture_store ();
  g_autoptr (EwMesh) mesh = fixture_open (store, "frankfurt");
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  g_autofree gchar *key = g_strconcat ("/edges/", edge->id, NULL), *name = NULL, *endpoint = NULL;
  g_autoptr (JsonObject) object = ew_mesh_edge_to_json (edge);
  json_object_set_string_member (object, "id", "e1");
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  ew_mesh_close (g_steal_pointer (&mesh));
  fixture_write (store, key, NULL);
  fixture_write (store, "/edges/e1", text);
  fixture_write (store, "/timestamps/e1", "{\"floor_ns\":77}");
  mesh = fixture_open (store, NULL);
  g_assert_cmpstr (ew_mesh_get_edge (mesh)->id, ==, "e1");
  g_assert_cmpstr (ew_mesh_get_edge (mesh)->name, ==, "frankfurt");
  g_assert_cmpuint (ew_mesh_get_timestamp_floor (mesh), ==, 77);
  g_assert_true (ew_mesh_keep_public (mesh, NULL));
  g_assert_true (ew_mesh_peek (store, &name, &endpoint, &given, NULL) && given);
  g_assert_cmpstr (endpoint, ==, "203.0.113.5:443");
  g_autoptr (GPtrArray) edges = ew_store_list (store, "/edges/", NULL, 0, NULL, NULL);
  g_assert_cmpuint (edges->len, ==, 1);
}

static void
test_another_key_is_another_edge (Fixture *fixture, gconstpointer unused)
{
  const EwEdge *edge = ew_mesh_get_edge (fixture->mesh);
  g_autofree gchar *key = g_strconcat ("/edges/", edge->id, NULL);
  g_autoptr (JsonObject) object = ew_mesh_edge_to_json (edge);
  g_autoptr (GError) error = NULL;
  json_object_set_string_member (object, "public_key", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  fixture_write (fixture->store, key, text);
  g_assert_null (fixture_try (fixture->store, NULL, NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
}

static void
test_revisions (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *a = fixture_join (fixture->mesh, "a"), *b = fixture_join (fixture->mesh, "b");
  g_autofree gchar *doc_a = document (fixture->mesh, a), *doc_b = document (fixture->mesh, b);
  g_assert_cmpstr (doc_a, !=, doc_b);
  g_autofree gchar *c = fixture_join (fixture->mesh, "c"); /* a node's state does not grow with the mesh */
  g_autofree gchar *again = document (fixture->mesh, a);
  g_assert_cmpstr (again, ==, doc_a);
  fixture_rename_node (fixture->mesh, b, "bb", NULL); /* without routes: no other node is affected */
  g_autofree gchar *after_rename = document (fixture->mesh, a);
  g_assert_cmpstr (after_rename, ==, doc_a);
  guint64 before = ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, a)).hash;
  fixture_add_route (fixture->mesh, "10.1.0.0/16", b, NULL);
  guint64 routed = ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, a)).hash;
  g_assert_cmpuint (routed, !=, before);
  fixture_rename_node (fixture->mesh, b, "b", NULL); /* the route's node has another name now */
  g_assert_cmpuint (ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, a)).hash, !=, routed);
  fixture_remove_route (fixture->mesh, "10.1.0.0/16", NULL);
  ew_mesh_set_exit (fixture->mesh, TRUE);
  g_assert_cmpuint (ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, a)).hash, !=, before);
  ew_mesh_set_exit (fixture->mesh, FALSE);
  reopen (fixture);
  g_autofree gchar *same_a = document (fixture->mesh, a), *same_b = document (fixture->mesh, b);
  g_assert_cmpstr (same_a, ==, doc_a);
  g_assert_cmpstr (same_b, ==, doc_b);
}

/* Listening. */

typedef struct
{
  guint changed, removed, all, edges;
} Heard;

static void
on_changed (gpointer heard, const gchar *id)
{
  ((Heard *)heard)->changed++;
}

static void
on_removed (gpointer heard, const gchar *id)
{
  ((Heard *)heard)->removed++;
}

static void
on_all (gpointer heard)
{
  ((Heard *)heard)->all++;
}

static void
on_edge (gpointer heard)
{
  ((Heard *)heard)->edges++;
}

static const EwMeshListener listener = { on_changed, on_removed, on_all, on_edge };

static void
expect_heard (Heard *heard, guint changed, guint removed, guint all, guint edges)
{
  fixture_settle (); /* the store's watch also reports this edge's own changes: nothing is reported twice */
  g_assert_cmpuint (heard->changed, ==, changed);
  g_assert_cmpuint (heard->removed, ==, removed);
  g_assert_cmpuint (heard->all, ==, all);
  g_assert_cmpuint (heard->edges, ==, edges);
  *heard = (Heard){ 0 };
}

static void
test_listeners (Fixture *fixture, gconstpointer unused)
{
  Heard heard = { 0 };
  fixture_settle ();
  guint handle = ew_mesh_listen (fixture->mesh, &listener, &heard);
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  expect_heard (&heard, 1, 0, 0, 0);
  fixture_add_route (fixture->mesh, "10.1.0.0/16", id, NULL);
  expect_heard (&heard, 1, 0, 1, 0);
  fixture_rename_node (fixture->mesh, id, "b", NULL);
  expect_heard (&heard, 1, 0, 1, 0);
  fixture_remove_node (fixture->mesh, id, NULL);
  expect_heard (&heard, 0, 1, 1, 0);
  ew_mesh_unlisten (fixture->mesh, handle);
  g_autofree gchar *unheard = fixture_join (fixture->mesh, "c");
  expect_heard (&heard, 0, 0, 0, 0);
}

/* A second writer. */

static void
test_second_writer_is_seen (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (EwMesh) other = fixture_open (fixture->store, NULL);
  Heard heard = { 0 };
  fixture_settle ();
  ew_mesh_listen (fixture->mesh, &listener, &heard);
  g_autofree gchar *id = fixture_join (other, "theirs");
  fixture_add_route (other, "10.1.0.0/16", id, NULL);
  g_assert_null (ew_mesh_get_node (fixture->mesh, id));
  fixture_settle ();
  g_assert_cmpstr (ew_mesh_find_node (fixture->mesh, "theirs", NULL)->id, ==, id);
  g_assert_cmpuint (ew_mesh_get_node (fixture->mesh, id)->routes->len, ==, 1);
  g_autofree gchar *mine = document (fixture->mesh, id), *theirs = document (other, id);
  g_assert_cmpstr (mine, ==, theirs);
  g_assert_cmpuint (heard.changed, >=, 1);
  g_assert_cmpuint (heard.all, ==, 1);
  fixture_rename_node (other, id, "renamed", NULL);
  fixture_remove_route (other, "10.1.0.0/16", NULL);
  fixture_settle ();
  g_assert_null (ew_mesh_find_node (fixture->mesh, "theirs", NULL));
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "renamed", NULL));
  fixture_remove_node (other, id, NULL);
  fixture_settle ();
  g_assert_null (ew_mesh_get_node (fixture->mesh, id));
  g_assert_cmpuint (ew_mesh_get_routes (fixture->mesh)->len, ==, 0);
  g_assert_cmpuint (heard.removed, ==, 1);
}

/* A late event about a removed node neither brings it back nor takes its name from the node that has it now. */
static void
test_the_past_stays_past (Fixture *fixture, gconstpointer unused)
{
  Heard heard = { 0 };
  fixture_settle ();
  g_autofree gchar *first = fixture_join (fixture->mesh, "web");
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.1.0.0/16", first, NULL));
  g_assert_true (fixture_remove_node (fixture->mesh, first, NULL));
  g_autofree gchar *second = fixture_join (fixture->mesh, "web");
  ew_mesh_listen (fixture->mesh, &listener, &heard);
  fixture_settle ();
  g_assert_cmpuint (heard.changed, ==, 0);
  g_assert_cmpuint (heard.removed, ==, 0);
  g_assert_cmpuint (heard.all, ==, 0);
  const EwNode *web = ew_mesh_find_node (fixture->mesh, "web", NULL);
  g_assert_nonnull (web);
  g_assert_cmpstr (web->id, ==, second);
}

/* What the other edge wrote counts even before this one has been told. */
static void
test_second_writer_is_respected (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (EwMesh) other = fixture_open (fixture->store, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Machine) shared = machine_new (fixture->mesh, "server", NULL, "first");
  fixture_settle ();
  g_autofree gchar *id = g_strdup (machine_enroll (shared, other, NULL)->id);
  g_autofree gchar *mine = fixture_join (fixture->mesh, "mine");
  g_autofree gchar *address = address_of (fixture->mesh, mine);
  g_assert_cmpstr (address, ==, "100.96.1.2");
  fixture_add_route (other, "10.0.0.0/8", id, NULL);
  g_assert_null (fixture_add_route (fixture->mesh, "10.1.0.0/16", mine, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_OVERLAP);
  g_clear_error (&error);
  g_assert_null (fixture_rename_node (fixture->mesh, mine, "first", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_clear_error (&error);
  g_free (shared->public_key);
  shared->public_key = g_strdup ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
  g_assert_null (machine_enroll (shared, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_USED);
  g_clear_error (&error);
  g_assert_true (fixture_remove_node (fixture->mesh, id, NULL)); /* with the route that it has not been told of */
  g_assert_cmpuint (count (fixture, "/routes/"), ==, 0);
  g_assert_false (fixture_remove_node (other, id, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  fixture_settle ();
  g_assert_cmpuint (ew_mesh_count_nodes (other), ==, ew_mesh_count_nodes (fixture->mesh));
}

static void
test_damaged_records (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  static const gchar *const values[]
    = { "", "{", "[]", "{}", "{\"id\":5}", "{\"id\":\"x\",\"name\":\"x\",\"kind\":\"x\",\"role\":\"x\"}", "\xff" };
  static const gchar *const keys[]
    = { "/nodes/n1", "/routes/10.0.0.0%2F8", "/edges/e2", "/addresses/1", "/endpoints/n1", "/names/x", "/unknown/x" };
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* it warns */
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    for (guint j = 0; j < G_N_ELEMENTS (keys); j++)
      {
        fixture_write (fixture->store, keys[j], values[i]);
        fixture_settle ();
        fixture_write (fixture->store, keys[j], NULL);
        fixture_settle ();
      }
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 1);
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, id));
}

#define ADD(name, function) g_test_add ("/edge/mesh/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("made-once", test_made_once);
  ADD ("setup-refused", test_setup_refused);
  ADD ("addresses", test_addresses);
  g_test_add_func ("/edge/mesh/out-of-addresses", test_out_of_addresses);
  ADD ("enrollment", test_enrollment);
  ADD ("key-expires", test_key_expires);
  ADD ("removal", test_removal);
  ADD ("joined-as-it-expired", test_joined_as_it_expired);
  ADD ("tombstones-are-swept", test_tombstones_are_swept);
  ADD ("edge-id", test_edge_id);
  g_test_add_func ("/edge/mesh/edge-id/of-an-old-store", test_old_edge_id);
  ADD ("edge-id/another-key", test_another_key_is_another_edge);
  ADD ("revisions", test_revisions);
  ADD ("listeners", test_listeners);
  ADD ("the-past-stays-past", test_the_past_stays_past);
  ADD ("second-writer/seen", test_second_writer_is_seen);
  ADD ("second-writer/respected", test_second_writer_is_respected);
  ADD ("damaged-records", test_damaged_records);
  return g_test_run ();
}
