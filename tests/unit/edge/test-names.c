/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's names: additional ones of nodes, search domains of gateways, the suffix. What the store keeps of them,
 * whom they belong to through renames and removals, and what another edge may do in the meantime.
 */
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edge/mesh/names.h"
#include "fixture.h"
#include "waiting.h"

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
  gchar *nas, *office; /* IDs; office is the gateway of 10.77.0.0/16 */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, "frankfurt");
  fixture->nas = fixture_join (fixture->mesh, "nas");
  fixture->office = fixture_join_as (fixture->mesh, "admin", "office");
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.77.0.0/16", fixture->office, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ew_mesh_close (fixture->mesh);
  ew_store_close (fixture->store);
  g_free (fixture->nas);
  g_free (fixture->office);
}

static void
reopen (Fixture *fixture)
{
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_open (fixture->store, NULL);
}

static gboolean
is_stored (Fixture *fixture, const gchar *key)
{
  g_autoptr (EwStoreEntry) entry = ew_store_get (fixture->store, key, NULL);
  return entry != NULL;
}

/* The ID of the node that a name leads to; "" where it leads nowhere. */
static const gchar *
resolve (Fixture *fixture, const gchar *name)
{
  const EwNode *node = ew_mesh_find_node (fixture->mesh, name, NULL);
  return node ? node->id : "";
}

static gchar *
document (Fixture *fixture, const gchar *id)
{
  g_autoptr (JsonObject) object = ew_mesh_document_node (fixture->mesh, ew_mesh_get_node (fixture->mesh, id));
  return ew_json_to_string (object, FALSE);
}

#define ASSERT_REFUSED(call, code)                                                                                     \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autoptr (GError) error = NULL;                                                                                 \
      g_assert_false ((call) != 0);                                                                                    \
      g_assert_error (error, EW_ERROR, code);                                                                          \
    }                                                                                                                  \
  while (0)

static void
test_added (Fixture *fixture, gconstpointer unused)
{
  g_assert_nonnull (fixture_add_name (fixture->mesh, "media", fixture->nas, NULL));
  g_assert_nonnull (fixture_add_name (fixture->mesh, "Files.mesh.INTERNAL.", fixture->nas, NULL));
  for (guint i = 0; i < 2; i++)
    {
      const EwNode *node = ew_mesh_get_node (fixture->mesh, fixture->nas);
      g_autofree gchar *names = g_strjoinv (" ", node->names);
      g_assert_cmpstr (names, ==, "files media");
      g_assert_cmpstr (resolve (fixture, "files"), ==, fixture->nas);
      g_assert_cmpstr (resolve (fixture, "nas"), ==, fixture->nas);
      g_assert_true (ew_mesh_find_node (fixture->mesh, "MEDIA.mesh.internal", NULL) == node);
      reopen (fixture);
    }
  gint64 revision = ew_store_get_revision (fixture->store);
  g_assert_nonnull (fixture_add_name (fixture->mesh, "files", fixture->nas, NULL));
  g_assert_cmpint (ew_store_get_revision (fixture->store), ==, revision); /* it had it */
}

static void
test_taken_once (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "server", NULL, "files");
  g_assert_nonnull (fixture_add_name (fixture->mesh, "files", fixture->nas, NULL));
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "files", fixture->office, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "nas", fixture->office, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "nas", fixture->nas, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "frankfurt", fixture->nas, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "edge", fixture->nas, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "corp.example", fixture->nas, &error), EW_ERROR_NAME_INVALID);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "-x", fixture->nas, &error), EW_ERROR_NAME_INVALID);
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "x", "n0", &error), EW_ERROR_NOT_FOUND);
  ASSERT_REFUSED (fixture_rename_node (fixture->mesh, fixture->office, "files", &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_rename_node (fixture->mesh, fixture->office, "edge", &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (machine_enroll (machine, fixture->mesh, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_remove_name (fixture->mesh, "nas", &error), EW_ERROR_NAME_INVALID);
  ASSERT_REFUSED (fixture_remove_name (fixture->mesh, "frankfurt", &error), EW_ERROR_NAME_INVALID);
  ASSERT_REFUSED (fixture_remove_name (fixture->mesh, "nobody", &error), EW_ERROR_NOT_FOUND);
}

/* Additional names belong to the node, not to its name: after a rename the old name is free, the additional one stays
   taken. */
static void
test_follow_the_node (Fixture *fixture, gconstpointer unused)
{
  g_assert_nonnull (fixture_add_name (fixture->mesh, "files", fixture->nas, NULL));
  g_assert_nonnull (fixture_rename_node (fixture->mesh, fixture->nas, "storage", NULL));
  g_assert_cmpstr (resolve (fixture, "files"), ==, fixture->nas);
  g_assert_cmpstr (resolve (fixture, "nas"), ==, "");
  g_assert_nonnull (fixture_add_name (fixture->mesh, "nas", fixture->office, NULL));
  g_assert_true (fixture_remove_name (fixture->mesh, "files.mesh.internal", NULL));
  g_assert_cmpstr (resolve (fixture, "files"), ==, "");
  g_assert_nonnull (fixture_add_name (fixture->mesh, "files", fixture->nas, NULL));
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->nas, NULL));
  g_assert_cmpstr (resolve (fixture, "files"), ==, "");
  g_assert_false (is_stored (fixture, "/names/files"));
  g_autofree gchar *next = fixture_join (fixture->mesh, "files");
  g_assert_cmpstr (resolve (fixture, "files"), ==, next);
  reopen (fixture);
  g_assert_cmpstr (resolve (fixture, "nas"), ==, fixture->office);
}

/* A node with all that it may have can still be removed in one transaction. */
static void
test_bounds (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < EW_MESH_NODE_NAMES_MAX; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("name-%u", i);
      g_assert_nonnull (fixture_add_name (fixture->mesh, name, fixture->office, NULL));
    }
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "more", fixture->office, &error), EW_ERROR_NAME_INVALID);
  for (guint i = 0; i < EW_MESH_NODE_DOMAINS_MAX; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("d%u.corp.example", i);
      g_assert_nonnull (fixture_add_domain (fixture->mesh, name, "10.77.0.53", fixture->office, NULL));
    }
  ASSERT_REFUSED (fixture_add_domain (fixture->mesh, "more.example", "10.77.0.53", fixture->office, &error),
                  EW_ERROR_NAME_INVALID);
  for (guint i = 1; i < EW_MESH_NODE_ROUTES_MAX; i++)
    {
      g_autofree gchar *cidr = g_strdup_printf ("10.78.%u.0/24", i);
      g_assert_nonnull (fixture_add_route (fixture->mesh, cidr, fixture->office, NULL));
    }
  for (guint i = 0; i < EW_MESH_NODE_ROUTES_MAX; i++)
    {
      const EwKeyRequest request = { .kind = "server", .maker = fixture->office };
      g_autoptr (Machine) machine = machine_new_with (fixture->mesh, &request, NULL);
    }
  g_autoptr (GError) error = NULL;
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->office, &error));
  g_assert_no_error (error);
  g_assert_false (is_stored (fixture, "/names/name-7"));
  g_assert_false (is_stored (fixture, "/domains/d3.corp.example"));
  g_assert_cmpuint (ew_mesh_get_domains (fixture->mesh)->len, ==, 0);
}

/* Another edge is faster. */
static void
test_second_writer (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (EwMesh) other = fixture_open (fixture->store, NULL);
  g_assert_nonnull (fixture_add_name (other, "files", fixture->nas, NULL));
  g_assert_nonnull (fixture_add_domain (other, "corp.example", "10.77.0.53", fixture->office, NULL));
  /* This one has not been told of it yet: the store decides. */
  g_assert_cmpstr (resolve (fixture, "files"), ==, "");
  ASSERT_REFUSED (fixture_add_name (fixture->mesh, "files", fixture->office, &error), EW_ERROR_NAME_TAKEN);
  ASSERT_REFUSED (fixture_add_domain (fixture->mesh, "corp.example", "10.77.0.53", fixture->nas, &error),
                  EW_ERROR_NAME_TAKEN);
  g_assert_nonnull (fixture_add_name (fixture->mesh, "media", fixture->nas, NULL)); /* beside the other's */
  g_assert_true (fixture_remove_name (fixture->mesh, "corp.example", NULL));
  fixture_settle ();
  g_assert_cmpstr (resolve (fixture, "files"), ==, fixture->nas);
  g_assert_nonnull (ew_mesh_find_node (other, "media", NULL));
  g_assert_cmpuint (ew_mesh_get_domains (other)->len, ==, 0);
  g_assert_true (fixture_remove_node (other, fixture->nas, NULL));
  fixture_settle ();
  g_assert_cmpstr (resolve (fixture, "media"), ==, "");
  g_assert_false (is_stored (fixture, "/names/media"));
}

static void
test_domains (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *before = document (fixture, fixture->nas);
  const EwDomainEntry *entry = fixture_add_domain (fixture->mesh, "Corp.Example.", "10.77.0.53", fixture->office, NULL);
  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->domain, ==, "corp.example");
  g_autofree gchar *after = document (fixture, fixture->nas);
  g_assert_nonnull (
    strstr (after, "\"domains\":[{\"domain\":\"corp.example\",\"resolver\":\"10.77.0.53\",\"node\":\"office\"}]"));
  reopen (fixture);
  g_autofree gchar *again = document (fixture, fixture->nas);
  g_assert_cmpstr (again, ==, after); /* its revision too */
  g_assert_nonnull (fixture_rename_node (fixture->mesh, fixture->office, "hq", NULL));
  g_autofree gchar *renamed = document (fixture, fixture->nas);
  g_assert_nonnull (strstr (renamed, "{\"domain\":\"corp.example\",\"resolver\":\"10.77.0.53\",\"node\":\"hq\"}"));
  /* Another resolver replaces the first; the gateway's own address is a valid one, too. */
  g_assert_nonnull (fixture_add_domain (fixture->mesh, "corp.example", "100.96.1.2", fixture->office, NULL));
  g_assert_cmpuint (ew_mesh_get_domains (fixture->mesh)->len, ==, 1);
  g_assert_nonnull (fixture_add_domain (fixture->mesh, "lab.corp.example", "10.77.0.54", fixture->office, NULL));
  /* Without its route the resolver is out of reach, so its domain is removed too; the domain resolved on the gateway
     stays. */
  g_assert_true (fixture_remove_route (fixture->mesh, "10.77.0.0/16", NULL));
  g_assert_cmpuint (ew_mesh_get_domains (fixture->mesh)->len, ==, 1);
  g_assert_false (is_stored (fixture, "/domains/lab.corp.example"));
  g_assert_true (fixture_remove_name (fixture->mesh, "corp.example", NULL));
  g_assert_nonnull (fixture_rename_node (fixture->mesh, fixture->office, "office", NULL));
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.77.0.0/16", fixture->office, NULL));
  g_autofree gchar *last = document (fixture, fixture->nas);
  g_assert_cmpstr (last, ==, before);
}

static void
test_domains_refused (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    const gchar *domain, *resolver;
    gint code;
  } refused[] = {
    { "com", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { ".", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "co.uk", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "x.localhost", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "77.10.in-addr.arpa", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "a b.example", "10.77.0.53", EW_ERROR_NAME_INVALID },
    { "mesh.internal", "10.77.0.53", EW_ERROR_NAME_TAKEN },
    { "nas.mesh.internal", "10.77.0.53", EW_ERROR_NAME_TAKEN },
    { "corp.example", "10.78.0.53", EW_ERROR_ROUTE_INVALID },
    { "corp.example", "127.0.0.1", EW_ERROR_ROUTE_INVALID },
    { "corp.example", "9.9.9.9", EW_ERROR_ROUTE_INVALID },
    { "corp.example", "100.96.0.1", EW_ERROR_ROUTE_INVALID },
    { "corp.example", "dns.corp.example", EW_ERROR_INVALID_ARGUMENT },
  };
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    ASSERT_REFUSED (fixture_add_domain (fixture->mesh, refused[i].domain, refused[i].resolver, fixture->office, &error),
                    refused[i].code);
  ASSERT_REFUSED (fixture_add_domain (fixture->mesh, "corp.example", "10.77.0.53", fixture->nas, &error),
                  EW_ERROR_ROUTE_INVALID);
}

static void
restart (Fixture *fixture, const gchar *mesh, const gchar *suffix, const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_rename (fixture->store, mesh, suffix, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ew_mesh_get_suffix (fixture->mesh), ==, expected);
}

static void
test_suffix (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *before = document (fixture, fixture->nas);
  restart (fixture, "home", NULL, "home.internal"); /* follows the mesh's name */
  restart (fixture, NULL, "home.example.net", "home.example.net");
  g_autofree gchar *after = document (fixture, fixture->nas);
  g_assert_nonnull (strstr (after, "\"suffix\":\"home.example.net\""));
  restart (fixture, NULL, NULL, "home.example.net"); /* later starts keep it */
  restart (fixture, "haus", NULL, "home.example.net");
  g_assert_nonnull (fixture_add_name (fixture->mesh, "files.home.example.net", fixture->nas, NULL));
  g_assert_nonnull (fixture_add_domain (fixture->mesh, "corp.example", "10.77.0.53", fixture->office, NULL));
  g_assert_null (fixture_rename (fixture->store, NULL, "mesh.corp.example.net.local", NULL));
  g_autoptr (GError) error = NULL;
  g_assert_true (fixture_add_domain (fixture->mesh, "corp.test", "10.77.0.53", fixture->office, NULL) != NULL);
  g_assert_null (fixture_rename (fixture->store, NULL, "mesh.corp.test", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  restart (fixture, NULL, "haus.internal", "haus.internal"); /* the name's own again … */
  restart (fixture, "mesh", NULL, "mesh.internal");          /* … which follows it */
  g_assert_true (fixture_remove_name (fixture->mesh, "corp.example", NULL));
  g_assert_true (fixture_remove_name (fixture->mesh, "corp.test", NULL));
  g_autofree gchar *last = document (fixture, fixture->nas);
  g_assert_cmpstr (last, ==, before);
}

static void
test_suffix_refused (void)
{
  static const gchar *const refused[]
    = { "",      ".",           "home",         "com",          "co.uk",        "github.io",      "home.local",
        "local", "x.localhost", "mesh.onion",   "mesh.invalid", "mesh.example", "x.in-addr.arpa", "a..b",
        "a b.c", "-a.internal", "Home.Internal" };
  static const gchar *const taken[] = { "home.internal",     "mesh.home.arpa", "home.arpa", "example.org",
                                        "net.example.co.uk", "a.b.c.d.lan",    "home.test" };
  g_autofree gchar *label = g_strnfill (60, 'a'),
                   *longest = g_strjoin (".", label, label, label, "bbbbbbbbbbbbbbbbb", NULL),
                   *too_long = g_strconcat (longest, "b", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_mesh_check_suffix (refused[i], &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
      g_assert_true (g_str_has_suffix (error->message, "."));
      g_assert_cmpint (strstr (error->message, "mDNS") != NULL, ==,
                       strstr (refused[i], "local") == refused[i] || g_str_equal (refused[i], "home.local"));
    }
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_true (ew_mesh_check_suffix (taken[i], &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (strlen (longest), ==, 200);
  g_assert_true (ew_mesh_check_suffix (longest, NULL));
  g_assert_false (ew_mesh_check_suffix (too_long, NULL));
}

#define ADD(name, function) g_test_add ("/edge/names/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("added", test_added);
  ADD ("taken-once", test_taken_once);
  ADD ("follow-the-node", test_follow_the_node);
  ADD ("bounds", test_bounds);
  ADD ("second-writer", test_second_writer);
  ADD ("domains", test_domains);
  ADD ("domains/refused", test_domains_refused);
  ADD ("suffix", test_suffix);
  g_test_add_func ("/edge/names/suffix/refused", test_suffix_refused);
  return g_test_run ();
}
