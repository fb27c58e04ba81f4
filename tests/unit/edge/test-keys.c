/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Enrollment keys and their makers; machines that take a node's place; addresses that go back to their name.
 */
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "fixture.h"
#include "waiting.h"

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
  gchar *admin;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, "frankfurt");
  fixture->admin = fixture_join_as (fixture->mesh, "admin", "laptop");
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ew_mesh_close (fixture->mesh);
  ew_store_close (fixture->store);
  g_free (fixture->admin);
}

static void
reopen (Fixture *fixture)
{
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_open (fixture->store, NULL);
}

static guint
open_keys (Fixture *fixture)
{
  g_autoptr (GPtrArray) keys = ew_mesh_list_keys (fixture->mesh);
  return keys->len;
}

static gchar *
newest_key (Fixture *fixture)
{
  g_autoptr (GPtrArray) keys = ew_mesh_list_keys (fixture->mesh);
  return g_strdup (((const EwEnrollment *)keys->pdata[keys->len - 1])->hash);
}

static Machine *
machine_by (Fixture *fixture, const gchar *maker, const gchar *kind, const gchar *key_name, const gchar *name)
{
  const EwKeyRequest request = { .kind = kind, .name = key_name, .maker = maker };
  return machine_new_with (fixture->mesh, &request, name);
}

static void
refuse_enrollment (const Machine *machine, EwMesh *mesh, gint code)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (machine_enroll (machine, mesh, &error));
  g_assert_error (error, EW_ERROR, code);
}

static gchar *
addresses_of (EwMesh *mesh, const gchar *name)
{
  const EwNode *node = ew_mesh_find_node (mesh, name, NULL);
  gchar first[EW_IP_STRLEN], second[EW_IP_STRLEN];
  g_assert_nonnull (node);
  g_assert_cmpuint (node->n_addresses, ==, 2);
  ew_ip_format (&node->addresses[0], first);
  ew_ip_format (&node->addresses[1], second);
  return g_strdup_printf ("%s %s", first, second);
}

static gchar *
random_public_key (void)
{
  guint8 key[EW_KEY_SIZE];
  ew_random (key, sizeof key);
  return ew_key_to_base64 (key);
}

static void
test_keys_go_with_their_maker (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) nameless = machine_by (fixture, fixture->admin, "admin", NULL, "evil");
  g_autoptr (Machine) named = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_autoptr (Machine) used = machine_by (fixture, fixture->admin, "server", NULL, "stays");
  g_autoptr (Machine) owners = machine_new (fixture->mesh, "server", NULL, "other");
  g_assert_nonnull (machine_enroll (used, fixture->mesh, NULL));
  g_assert_cmpuint (open_keys (fixture), ==, 3);
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "web", NULL));
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->admin, NULL));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (open_keys (fixture), ==, 1);
      refuse_enrollment (nameless, fixture->mesh, EW_ERROR_KEY_INVALID);
      refuse_enrollment (named, fixture->mesh, EW_ERROR_KEY_INVALID);
      g_assert_null (ew_mesh_find_node (fixture->mesh, "web", NULL));
      g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "stays", NULL));
      reopen (fixture);
    }
  g_assert_nonnull (machine_enroll (owners, fixture->mesh, NULL));
}

static EwNode *
add_plain (EwMesh *mesh, const gchar *name, const gchar *public_key, const gchar *maker)
{
  const EwPlainRequest request
    = { .name = name, .kind = "server", .public_key = public_key, .maker = maker, .valid_seconds = 3600 };
  return fixture_add_plain_node (mesh, &request, NULL);
}

/* An unused configuration counts as a key too. */
static void
test_plain_nodes_go_with_their_maker (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *first = random_public_key (), *second = random_public_key (), *third = random_public_key ();
  g_autofree gchar *used = g_strdup (add_plain (fixture->mesh, "used", first, fixture->admin)->id);
  g_assert_nonnull (add_plain (fixture->mesh, "evil", second, fixture->admin));
  g_assert_nonnull (add_plain (fixture->mesh, "owners", third, EW_MAKER_OWNER));
  g_assert_true (ew_mesh_mark_joined (fixture->mesh, used, NULL));
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 4);
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->admin, NULL));
  g_assert_null (ew_mesh_find_node (fixture->mesh, "evil", NULL));
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "used", NULL));
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "owners", NULL));
}

/* The role in the store counts, even if this edge has not been told of it yet. */
static void
test_demoted_maker (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) machine = machine_by (fixture, fixture->admin, "admin", NULL, "evil");
  g_autoptr (Machine) named = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_autofree gchar *key = g_strconcat ("/nodes/", fixture->admin, NULL);
  g_autoptr (EwNode) node = fixture_copy_node (ew_mesh_get_node (fixture->mesh, fixture->admin));
  g_autoptr (GError) error = NULL;
  g_free (node->role);
  node->role = g_strdup ("member");
  g_autoptr (JsonObject) object = ew_mesh_node_to_json (node);
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  fixture_settle ();
  fixture_write (fixture->store, key, text);
  refuse_enrollment (machine, fixture->mesh, EW_ERROR_KEY_INVALID);
  const EwKeyRequest request = { .kind = "server", .maker = fixture->admin, .valid_seconds = 60 };
  g_assert_null (ew_mesh_make_key (fixture->mesh, &request, NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_INVALID);
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "web", NULL));
  fixture_settle ();
  g_assert_cmpuint (open_keys (fixture), ==, 0);
  refuse_enrollment (machine, fixture->mesh, EW_ERROR_KEY_INVALID);
  refuse_enrollment (named, fixture->mesh, EW_ERROR_KEY_INVALID);
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_null (ew_mesh_find_node (fixture->mesh, "web", NULL));
}

/* More keys and routes than one transaction holds. */
static void
test_many_keys (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < EW_MESH_NODE_ROUTES_MAX; i++)
    {
      g_autofree gchar *cidr = g_strdup_printf ("10.%u.0.0/16", i);
      g_assert_nonnull (fixture_add_route (fixture->mesh, cidr, fixture->admin, NULL));
    }
  for (guint i = 0; i < 130; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("web-%u", i);
      g_autoptr (Machine) machine = machine_by (fixture, fixture->admin, "server", name, NULL);
    }
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 131);
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->admin, NULL));
  g_assert_cmpuint (open_keys (fixture), ==, 0);
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 0);
}

static void
test_lifetimes (Fixture *fixture, gconstpointer unused)
{
  const struct
  {
    const gchar *kind, *maker;
    guint seconds;
    gboolean good;
  } cases[] = {
    { "admin", fixture->admin, 86400, TRUE },     { "admin", fixture->admin, 86401, FALSE },
    { "admin", EW_MAKER_OWNER, 7 * 86400, TRUE }, { "admin", EW_MAKER_OWNER, 7 * 86400 + 1, FALSE },
    { "server", fixture->admin, 31536000, TRUE }, { "device", fixture->admin, 31536001, FALSE },
    { "device", EW_MAKER_OWNER, 31536000, TRUE }, { "server", EW_MAKER_OWNER, 59, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const EwKeyRequest request
        = { .kind = cases[i].kind, .maker = cases[i].maker, .valid_seconds = cases[i].seconds };
      g_autoptr (GError) error = NULL;
      gchar *key = ew_mesh_make_key (fixture->mesh, &request, NULL, &error);
      g_assert_cmpint (key != NULL, ==, cases[i].good);
      if (error)
        g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
      ew_free_secret (key);
    }
}

static void
test_keys_made_before_makers_were_kept (Fixture *fixture, gconstpointer unused)
{
  guint8 secret[EW_ENROLLMENT_SECRET_SIZE] = { 1 }, hash[EW_HASH_SIZE];
  ew_sha256 (secret, sizeof secret, hash);
  g_autofree gchar *text
    = g_strdup_printf ("{\"kind\":\"admin\",\"created_us\":%" G_GINT64_FORMAT ",\"expires_us\":%" G_GINT64_FORMAT "}",
                       fixture_now_us, fixture_now_us + 300 * G_TIME_SPAN_DAY);
  g_autoptr (GString) key = g_string_new ("/enrollment/");
  for (guint i = 0; i < EW_HASH_SIZE; i++)
    g_string_append_printf (key, "%02x", hash[i]);
  fixture_write (fixture->store, key->str, text);
  reopen (fixture);
  g_autoptr (GPtrArray) keys = ew_mesh_list_keys (fixture->mesh);
  g_assert_cmpuint (keys->len, ==, 1);
  g_assert_null (((const EwEnrollment *)keys->pdata[0])->made_by);
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "server", NULL, "old");
  g_free (machine->secret);
  machine->secret = ew_base64url_encode (secret, sizeof secret);
  const EwNode *node = machine_enroll (machine, fixture->mesh, NULL);
  g_assert_nonnull (node);
  g_assert_cmpstr (node->role, ==, "admin");
}

static void
expect_no_key (Fixture *fixture, const gchar *id, gint code)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_mesh_find_key (fixture->mesh, id, &error));
  g_assert_error (error, EW_ERROR, code);
}

static void
test_revoking (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) named = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_autofree gchar *hash = newest_key (fixture), *id = g_strndup (hash, EW_MESH_KEY_ID_LENGTH),
                   *some = g_strndup (hash, 4), *few = g_strndup (hash, 3);
  g_assert_cmpstr (ew_mesh_find_key (fixture->mesh, id, NULL)->hash, ==, hash);
  g_assert_cmpstr (ew_mesh_find_key (fixture->mesh, some, NULL)->hash, ==, hash);
  expect_no_key (fixture, few, EW_ERROR_INVALID_ARGUMENT);
  expect_no_key (fixture, "", EW_ERROR_INVALID_ARGUMENT);
  expect_no_key (fixture, "nothing", EW_ERROR_NOT_FOUND);
  g_autofree gchar *twin_key = g_strdup_printf ("/enrollment/%.63s%c", hash, hash[63] == '0' ? '1' : '0');
  fixture_write (fixture->store, twin_key, "{\"kind\":\"server\",\"expires_us\":9000000000000000}");
  fixture_settle ();
  expect_no_key (fixture, id, EW_ERROR_INVALID_ARGUMENT); /* which of the two? */
  fixture_write (fixture->store, twin_key, NULL);
  fixture_settle ();
  g_assert_true (fixture_revoke_key (fixture->mesh, ew_mesh_find_key (fixture->mesh, id, NULL)->hash, NULL));
  g_assert_null (ew_mesh_find_node (fixture->mesh, "web", NULL));
  g_assert_cmpuint (open_keys (fixture), ==, 0);
  refuse_enrollment (named, fixture->mesh, EW_ERROR_KEY_INVALID);
  expect_no_key (fixture, id, EW_ERROR_NOT_FOUND);
  g_assert_false (fixture_revoke_key (fixture->mesh, hash, NULL));
}

/* Revoking a key on another edge removes its node here; renewing it there doesn't. */
static void
test_revoked_elsewhere (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (EwMesh) other = fixture_open (fixture->store, NULL);
  g_autoptr (Machine) named = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_autofree gchar *hash = newest_key (fixture), *key = g_strconcat ("/enrollment/", hash, NULL);
  fixture_settle ();
  fixture_write (fixture->store, key, NULL);
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_nonnull (ew_mesh_find_node (fixture->mesh, "web", NULL));
  fixture_settle ();
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
  g_assert_null (ew_mesh_find_node (fixture->mesh, "web", NULL));
}

/* Computers that replace a node. */

typedef struct
{
  guint changed, removed;
} Heard;

static void
on_changed (gpointer heard, const gchar *id)
{
  ((Heard *)heard)->changed++;
}

static void
on_removed (gpointer heard, const gchar *id)
{
  g_assert_cmpuint (((Heard *)heard)->changed, ==, 0); /* the old machine goes first */
  ((Heard *)heard)->removed++;
}

static const EwMeshListener listener = { .node_changed = on_changed, .node_removed = on_removed };

static Machine *
renewal (Fixture *fixture, const gchar *id)
{
  const EwKeyRequest request = { .renew_id = id, .kind = "device" };
  return machine_new_with (fixture->mesh, &request, "any-name");
}

static gboolean
store_has (Fixture *fixture, const gchar *prefix, const gchar *name)
{
  g_autofree gchar *key = g_strconcat (prefix, name, NULL);
  g_autoptr (EwStoreEntry) entry = ew_store_get (fixture->store, key, NULL);
  return entry != NULL;
}

static void
test_renewal (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) old = machine_by (fixture, fixture->admin, "admin", NULL, "tower");
  g_autofree gchar *id = g_strdup (machine_enroll (old, fixture->mesh, NULL)->id);
  g_autofree gchar *addresses = addresses_of (fixture->mesh, "tower");
  g_autoptr (Machine) thief = machine_by (fixture, id, "admin", NULL, "evil");
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.1.0.0/16", id, NULL));
  g_autoptr (Machine) new = renewal (fixture, id);
  g_assert_nonnull (ew_mesh_authenticate (fixture->mesh, id, old->credential, NULL)); /* until the new one is there */
  g_assert_cmpuint (ew_mesh_get_node (fixture->mesh, id)->expires_us, ==, 0);
  Heard heard = { 0 };
  ew_mesh_listen (fixture->mesh, &listener, &heard);
  const EwNode *node = machine_enroll (new, fixture->mesh, NULL);
  g_assert_nonnull (node);
  g_assert_cmpuint (heard.removed, ==, 1);
  g_assert_cmpuint (heard.changed, ==, 1);
  g_assert_cmpstr (node->id, ==, id);
  g_assert_cmpstr (node->name, ==, "tower");
  g_assert_cmpstr (node->role, ==, "admin");
  g_assert_cmpuint (node->routes->len, ==, 1);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *now = addresses_of (fixture->mesh, "tower");
      g_autoptr (GError) error = NULL;
      g_assert_cmpstr (now, ==, addresses);
      g_assert_nonnull (ew_mesh_authenticate (fixture->mesh, id, new->credential, NULL));
      g_assert_null (ew_mesh_authenticate (fixture->mesh, id, old->credential, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_REMOVED);
      g_assert_false (store_has (fixture, "/pubkeys/", old->public_key));
      g_assert_true (store_has (fixture, "/pubkeys/", new->public_key));
      g_assert_cmpuint (open_keys (fixture), ==, 0);
      refuse_enrollment (thief, fixture->mesh, EW_ERROR_KEY_INVALID);
      refuse_enrollment (old, fixture->mesh, EW_ERROR_KEY_USED); /* its old key gives it nothing */
      g_assert_cmpstr (machine_enroll (new, fixture->mesh, NULL)->id, ==, id);
      reopen (fixture);
    }
}

/* A computer that leaves before it rejoins with the key gets everything back. */
static void
test_renewal_after_leaving (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++) /* the key is used; it expires; it is revoked */
    {
      g_autoptr (Machine) old = machine_by (fixture, fixture->admin, "admin", NULL, "tower");
      g_autofree gchar *id = g_strdup (machine_enroll (old, fixture->mesh, NULL)->id);
      g_autofree gchar *addresses = addresses_of (fixture->mesh, "tower");
      g_autoptr (Machine) hidden = machine_by (fixture, id, "admin", NULL, "evil");
      g_assert_nonnull (fixture_add_route (fixture->mesh, "10.1.0.0/16", id, NULL));
      g_autoptr (Machine) new = renewal (fixture, id);
      Heard heard = { 0 };
      guint handle = ew_mesh_listen (fixture->mesh, &listener, &heard);
      g_assert_true (fixture_leave_node (fixture->mesh, id, NULL));
      ew_mesh_unlisten (fixture->mesh, handle);
      g_assert_cmpuint (heard.removed, ==, 1);
      reopen (fixture);
      g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
      const EwNode *node = ew_mesh_get_node (fixture->mesh, id);
      g_assert_false (node->joined || node->has_key || node->has_credential);
      g_assert_null (ew_mesh_authenticate (fixture->mesh, id, old->credential, NULL));
      g_assert_false (store_has (fixture, "/pubkeys/", old->public_key));
      refuse_enrollment (hidden, fixture->mesh, EW_ERROR_KEY_INVALID);
      g_autofree gchar *hash = newest_key (fixture);
      if (i == 0)
        {
          node = machine_enroll (new, fixture->mesh, NULL);
          g_assert_nonnull (node);
          g_assert_cmpstr (node->id, ==, id);
          g_assert_cmpstr (node->role, ==, "admin");
          g_assert_cmpuint (node->expires_us, ==, 0);
          g_assert_cmpuint (node->routes->len, ==, 1);
          g_autofree gchar *now = addresses_of (fixture->mesh, "tower");
          g_assert_cmpstr (now, ==, addresses);
          g_assert_true (fixture_remove_node (fixture->mesh, id, NULL));
          continue;
        }
      if (i == 1)
        fixture_now_us += 3601 * G_TIME_SPAN_SECOND;
      else
        g_assert_true (fixture_revoke_key (fixture->mesh, hash, NULL));
      g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL));
      g_assert_null (ew_mesh_get_node (fixture->mesh, id));
      g_assert_cmpuint (ew_mesh_get_routes (fixture->mesh)->len, ==, 0);
    }
}

/* Keys that a node made expire when it is removed. */
static void
test_own_renewal_after_leaving (Fixture *fixture, gconstpointer unused)
{
  const EwKeyRequest request = { .renew_id = fixture->admin, .maker = fixture->admin };
  g_autoptr (Machine) machine = machine_new_with (fixture->mesh, &request, NULL);
  g_assert_true (fixture_leave_node (fixture->mesh, fixture->admin, NULL));
  g_assert_null (ew_mesh_get_node (fixture->mesh, fixture->admin));
  refuse_enrollment (machine, fixture->mesh, EW_ERROR_KEY_INVALID);
}

static void
test_renewal_is_an_administrators_key (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  EwKeyRequest request
    = { .renew_id = fixture->admin, .kind = "device", .maker = fixture->admin, .valid_seconds = 86401 };
  g_assert_null (ew_mesh_make_key (fixture->mesh, &request, NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  request.valid_seconds = 3600;
  EwMadeKey made;
  gchar *key = ew_mesh_make_key (fixture->mesh, &request, &made, NULL);
  g_assert_cmpstr (made.kind, ==, "admin");
  ew_free_secret (key);
}

static void
test_renewal_unused (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "web");
  g_autoptr (Machine) first = renewal (fixture, id);
  g_autoptr (Machine) second = renewal (fixture, id);
  g_assert_cmpuint (open_keys (fixture), ==, 1); /* one at a time */
  refuse_enrollment (first, fixture->mesh, EW_ERROR_KEY_INVALID);
  g_autofree gchar *hash = newest_key (fixture);
  g_assert_true (fixture_revoke_key (fixture->mesh, hash, NULL));
  refuse_enrollment (second, fixture->mesh, EW_ERROR_KEY_INVALID);
  g_autoptr (Machine) third = renewal (fixture, id);
  fixture_now_us += 3601 * G_TIME_SPAN_SECOND;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  refuse_enrollment (third, fixture->mesh, EW_ERROR_KEY_EXPIRED);
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, id));
  g_autoptr (Machine) fourth = renewal (fixture, id);
  g_assert_true (fixture_remove_node (fixture->mesh, id, NULL));
  refuse_enrollment (fourth, fixture->mesh, EW_ERROR_KEY_INVALID);
}

static void
test_renewal_of_a_waiting_node (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) lost = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_autofree gchar *id = g_strdup (ew_mesh_find_node (fixture->mesh, "web", NULL)->id);
  g_autoptr (Machine) machine = renewal (fixture, id);
  refuse_enrollment (lost, fixture->mesh, EW_ERROR_KEY_INVALID);
  const EwNode *node = machine_enroll (machine, fixture->mesh, NULL);
  g_assert_nonnull (node);
  g_assert_cmpstr (node->id, ==, id);
  g_assert_cmpstr (node->kind, ==, "server");
}

static void
test_renewal_of_plain_nodes (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *first = random_public_key (), *second = random_public_key ();
  g_autoptr (GError) error = NULL;
  EwNode *node = add_plain (fixture->mesh, "phone", first, EW_MAKER_OWNER);
  g_autofree gchar *id = g_strdup (node->id), *addresses = addresses_of (fixture->mesh, "phone");
  g_assert_true (ew_mesh_mark_joined (fixture->mesh, id, NULL));
  Heard heard = { 0 };
  ew_mesh_listen (fixture->mesh, &listener, &heard);
  g_assert_nonnull (fixture_renew_plain_node (fixture->mesh, id, second, 60, NULL));
  g_assert_cmpuint (heard.removed, ==, 1);
  g_autofree gchar *now = addresses_of (fixture->mesh, "phone");
  g_assert_cmpstr (now, ==, addresses);
  g_assert_false (store_has (fixture, "/pubkeys/", first));
  g_assert_true (store_has (fixture, "/pubkeys/", second));
  fixture_now_us += 61 * G_TIME_SPAN_SECOND;
  g_assert_true (ew_mesh_sweep (fixture->mesh, FALSE, NULL)); /* it has been connected: it stays */
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, id));
  g_assert_null (fixture_renew_plain_node (fixture->mesh, id, second, 60, &error)); /* no new key */
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_autofree gchar *third = random_public_key ();
  g_assert_null (fixture_renew_plain_node (fixture->mesh, fixture->admin, third, 60, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  const EwKeyRequest request = { .renew_id = id, .maker = fixture->admin, .valid_seconds = 60 };
  g_assert_null (ew_mesh_make_key (fixture->mesh, &request, NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
}

/* Addresses. */

static void
test_addresses_go_back_to_their_name (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "web"), *before = addresses_of (fixture->mesh, "web");
  g_assert_true (fixture_remove_node (fixture->mesh, id, NULL));
  g_autofree gchar *chosen = fixture_join (fixture->mesh, "web"); /* it chose the name by itself */
  g_autofree gchar *of_chosen = addresses_of (fixture->mesh, "web");
  g_assert_cmpstr (of_chosen, !=, before);
  g_assert_true (fixture_remove_node (fixture->mesh, chosen, NULL));
  reopen (fixture);
  g_autoptr (Machine) named = machine_by (fixture, fixture->admin, "server", "web", NULL);
  g_assert_nonnull (machine_enroll (named, fixture->mesh, NULL));
  g_autofree gchar *after = addresses_of (fixture->mesh, "web");
  g_assert_cmpstr (after, ==, of_chosen); /* those of the last one */
  g_assert_true (fixture_remove_node (fixture->mesh, ew_mesh_find_node (fixture->mesh, "web", NULL)->id, NULL));
  g_autofree gchar *key = random_public_key ();
  g_assert_nonnull (add_plain (fixture->mesh, "web", key, EW_MAKER_OWNER));
  g_autofree gchar *plain = addresses_of (fixture->mesh, "web");
  g_assert_cmpstr (plain, ==, of_chosen);
  fixture_now_us += EW_MESH_ADDRESS_REST_US + G_USEC_PER_SEC;
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  g_autoptr (GPtrArray) resting = ew_store_list (fixture->store, "/resting/", NULL, 0, NULL, NULL);
  g_assert_cmpuint (resting->len, <=, 1); /* the plain node expired just now */
}

/* A name's reserved address doesn't take it from the node that has it now. */
static void
test_addresses_that_another_has (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *taken = addresses_of (fixture->mesh, "laptop");
  g_auto (GStrv) parts = g_strsplit (taken, " ", 2);
  g_autofree gchar *note = g_strdup_printf ("{\"addresses\":[\"%s\",\"%s\"],\"released_us\":1}", parts[0], parts[1]);
  static const gchar *const others[]
    = { "{\"addresses\":[\"100.96.9.9\",\"fd00::9\"]}", "{\"addresses\":[\"x\"]}", "{\"addresses\":7}", "{}" };
  for (guint i = 0; i <= G_N_ELEMENTS (others); i++)
    {
      fixture_write (fixture->store, "/resting/web", i == 0 ? note : others[i - 1]);
      g_autoptr (Machine) machine = machine_by (fixture, fixture->admin, "server", "web", NULL);
      const EwNode *node = machine_enroll (machine, fixture->mesh, NULL);
      g_assert_nonnull (node);
      g_autofree gchar *given = addresses_of (fixture->mesh, "web");
      g_assert_cmpstr (given, !=, taken);
      g_assert_true (g_str_has_prefix (given, "100.96.1."));
      g_assert_true (fixture_remove_node (fixture->mesh, node->id, NULL));
    }
}

/* In the store exactly one node holds an address, and that node's record agrees. */
static void
check_addresses (EwStore *store)
{
  g_autoptr (GPtrArray) nodes = ew_store_list (store, "/nodes/", NULL, 0, NULL, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < nodes->len; i++)
    {
      gsize length;
      const gchar *data = g_bytes_get_data (((EwStoreEntry *)nodes->pdata[i])->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, 65536, NULL);
      g_auto (GStrv) addresses = ew_json_strv (object, "addresses", 2);
      for (guint j = 0; addresses[j]; j++)
        {
          g_autofree gchar *key = g_strconcat ("/addresses/", addresses[j], NULL);
          g_autoptr (EwStoreEntry) entry = ew_store_get (store, key, NULL);
          g_assert_true (g_hash_table_add (seen, g_strdup (addresses[j])));
          g_assert_nonnull (entry);
          data = g_bytes_get_data (entry->value, &length);
          g_autoptr (JsonObject) owner = ew_json_parse_object (data, length, 65536, NULL);
          g_assert_cmpstr (ew_json_string (owner, "node"), ==, ew_json_string (object, "id"));
        }
    }
}

/* Two edges, six names, and computers that join, leave, come back and replace each other, in any order. */
static void
test_no_address_twice (Fixture *fixture, gconstpointer unused)
{
  EwMesh *meshes[] = { fixture->mesh, fixture_open (fixture->store, NULL) };
  for (guint step = 0; step < 600; step++)
    {
      EwMesh *mesh = meshes[g_test_rand_int_range (0, 2)];
      g_autofree gchar *name = g_strdup_printf ("web-%d", g_test_rand_int_range (0, 6));
      const EwNode *node = ew_mesh_find_node (mesh, name, NULL);
      g_autofree gchar *id = node ? g_strdup (node->id) : NULL, *key = random_public_key ();
      g_autoptr (Machine) machine = machine_new (mesh, "server", NULL, name); /* unused, or for a name that the computer
                                                                                 chooses */
      switch (g_test_rand_int_range (0, 6))
        {
        case 0:
          machine_enroll (machine, mesh, NULL);
          break;
        case 1:
          if (id && step % 2 == 0)
            (void)fixture_remove_node (mesh, id, NULL);
          else if (id)
            (void)fixture_leave_node (mesh, id, NULL);
          break;
        case 2:
          (void)add_plain (mesh, name, key, EW_MAKER_OWNER);
          break;
        case 3:
          fixture_settle ();
          node = ew_mesh_find_node (mesh, name, NULL);
          if (node && node->joined && !node->plain)
            {
              g_autofree gchar *renewed = g_strdup (node->id);
              const EwKeyRequest request = { .renew_id = renewed };
              g_autoptr (Machine) next = machine_new_with (mesh, &request, NULL);
              if (g_test_rand_bit ())
                (void)fixture_leave_node (mesh, renewed, NULL);
              if (g_test_rand_bit ())
                g_assert_nonnull (machine_enroll (next, meshes[g_test_rand_int_range (0, 2)], NULL));
            }
          break;
        case 4:
          fixture_settle ();
          break;
        default:
          fixture_now_us += 5 * G_TIME_SPAN_DAY;
          (void)ew_mesh_sweep (mesh, TRUE, NULL);
        }
      check_addresses (fixture->store);
    }
  ew_mesh_close (meshes[1]);
}

#define ADD(name, function) g_test_add ("/edge/keys/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("go-with-their-maker", test_keys_go_with_their_maker);
  ADD ("plain-nodes-go-with-their-maker", test_plain_nodes_go_with_their_maker);
  ADD ("demoted-maker", test_demoted_maker);
  ADD ("many", test_many_keys);
  ADD ("lifetimes", test_lifetimes);
  ADD ("made-before-makers-were-kept", test_keys_made_before_makers_were_kept);
  ADD ("revoking", test_revoking);
  ADD ("revoked-elsewhere", test_revoked_elsewhere);
  ADD ("renewal", test_renewal);
  ADD ("renewal/is-an-administrators-key", test_renewal_is_an_administrators_key);
  ADD ("renewal/after-leaving", test_renewal_after_leaving);
  ADD ("renewal/after-leaving/own", test_own_renewal_after_leaving);
  ADD ("renewal/unused", test_renewal_unused);
  ADD ("renewal/of-a-waiting-node", test_renewal_of_a_waiting_node);
  ADD ("renewal/of-plain-nodes", test_renewal_of_plain_nodes);
  ADD ("addresses/go-back-to-their-name", test_addresses_go_back_to_their_name);
  ADD ("addresses/that-another-has", test_addresses_that_another_has);
  ADD ("addresses/never-twice", test_no_address_twice);
  return g_test_run ();
}
