/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The file of keys: what is written is read, what is broken is left alone, what could not be written has not happened.
 */
#include "account/keystore.h"
#include "common/error.h"
#include "common/util.h"
#include "fake-edge.h"
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
setup (FakeEdge *edge, gconstpointer data)
{
  fake_edge_init (edge);
}

static void
teardown (FakeEdge *edge, gconstpointer data)
{
  fake_edge_clear (edge);
}

static EwKeystore *
load (FakeEdge *edge)
{
  g_autoptr (GError) error = NULL;
  EwKeystore *keystore = ew_keystore_load (edge->dir, &error);
  g_assert_no_error (error);
  return keystore;
}

static gchar *
file_of (FakeEdge *edge)
{
  return g_build_filename (edge->dir, EW_ACCOUNT_FILE, NULL);
}

static void
enroll (FakeEdge *edge, EwKeystore *keystore)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) document = fake_edge_document (edge);
  g_assert_true (ew_keystore_begin_enrollment (keystore, "secret", &error));
  g_assert_true (ew_keystore_finish_enrollment (keystore, edge->pin, edge->ca_pem, (const gchar *const *)edge->api,
                                                "n4c0ffee0ddba11a", document, &error));
  g_assert_no_error (error);
}

/* Enrolling accepts a suffix that can't be a domain of the internet, and no other, also when read back. */
static void
test_suffix (FakeEdge *edge, gconstpointer data)
{
  static const struct
  {
    const gchar *suffix;
    gboolean taken;
  } cases[] = { { "home.internal", TRUE }, { "mesh.example.com", FALSE }, { "168.192.in-addr.arpa", FALSE } };
  g_autofree gchar *file = file_of (edge);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const gchar *expected = cases[i].taken ? cases[i].suffix : NULL;
      g_autoptr (JsonObject) document = fake_edge_document (edge);
      json_object_set_string_member (document, "suffix", cases[i].suffix);
      g_autoptr (EwKeystore) keystore = load (edge);
      g_assert_true (ew_keystore_begin_enrollment (keystore, "secret", NULL));
      g_assert_true (ew_keystore_finish_enrollment (keystore, edge->pin, edge->ca_pem, (const gchar *const *)edge->api,
                                                    "n4c0ffee0ddba11a", document, NULL));
      g_assert_cmpstr (keystore->suffix, ==, expected);
      g_autoptr (EwKeystore) again = load (edge);
      g_assert_cmpstr (again->suffix, ==, expected);
      g_unlink (file);
    }
}

static void
test_round_trip (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwKeystore) keystore = load (edge);
  g_assert_null (keystore->id);
  enroll (edge, keystore);
  EwPrefix route;
  const gchar *addresses[] = { "192.0.2.1", "2001:db8::1", "not one", "192.0.2.1", NULL };
  g_assert_true (ew_prefix_parse ("10.7.0.0/24", &route, NULL));
  g_assert_true (ew_prefixes_set (keystore->accepted, &route, TRUE));
  g_assert_false (ew_prefixes_set (keystore->accepted, &route, TRUE));
  EwPrefix behind;
  g_assert_true (ew_prefix_parse ("192.168.7.0/24", &behind, NULL));
  g_assert_true (ew_prefixes_set (keystore->forwarded, &behind, TRUE));
  g_assert_true (ew_domains_set (&keystore->accepted_domains, "corp.example", TRUE));
  g_assert_false (ew_domains_set (&keystore->accepted_domains, "corp.example", TRUE));
  g_assert_true (ew_domains_set (&keystore->refused_domains, "lab.example", TRUE));
  g_assert_true (ew_keystore_set_addresses (keystore, "a.example", addresses));
  g_assert_false (ew_keystore_set_addresses (keystore, "a.example", addresses));
  keystore->vpn = TRUE;
  keystore->timestamp_floor_ns = 1234567890123456789;
  g_assert_true (ew_keystore_save (keystore, NULL));

  g_autofree gchar *file = file_of (edge);
  struct stat info;
  g_assert_cmpint (g_stat (file, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  g_autoptr (EwKeystore) again = load (edge);
  g_assert_cmpstr (again->id, ==, keystore->id);
  g_assert_cmpmem (again->private_key, 32, keystore->private_key, 32);
  g_assert_cmpstr (again->credential, ==, keystore->credential);
  g_assert_cmpmem (again->pin, 32, edge->pin, 32);
  g_assert_cmpstr (again->ca_pem, ==, edge->ca_pem);
  g_assert_true (again->wish_connected);
  g_assert_true (again->vpn);
  g_assert_false (again->pending);
  g_assert_cmpuint (again->timestamp_floor_ns, ==, 1234567890123456789);
  g_assert_true (ew_prefixes_contain (again->accepted, &route));
  g_assert_false (ew_prefixes_contain (again->accepted, &behind));
  g_assert_true (ew_prefixes_contain (again->forwarded, &behind));
  g_assert_false (ew_prefixes_contain (again->forwarded, &route));
  g_assert_true (ew_domains_contain ((const gchar *const *)again->accepted_domains, "corp.example"));
  g_assert_false (ew_domains_contain ((const gchar *const *)again->accepted_domains, "lab.example"));
  g_assert_true (ew_domains_contain ((const gchar *const *)again->refused_domains, "lab.example"));
  const gchar *const *known = ew_keystore_get_addresses (again, "a.example");
  g_assert_cmpuint (g_strv_length ((gchar **)known), ==, 2);
}

/* The address that worked is tried first, even when the name's addresses are looked up again in another order. */
static void
test_preferred_address (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwKeystore) keystore = load (edge);
  EwIp works;
  const gchar *found[] = { "2001:db8::1", "2001:db8::2", "192.0.2.1", NULL };
  const gchar *later[] = { "2001:db8::3", "192.0.2.1", "2001:db8::2", NULL };
  const gchar *moved[] = { "2001:db8::3", "2001:db8::4", NULL };
  g_assert_true (ew_ip_parse ("192.0.2.1", &works));
  g_assert_true (ew_keystore_set_addresses (keystore, "a.example", found));
  g_assert_true (ew_keystore_set_addresses (keystore, "b.example", moved));
  g_assert_true (ew_keystore_prefer_address (keystore, &works));
  g_assert_false (ew_keystore_prefer_address (keystore, &works));
  g_autofree gchar *first = g_strjoinv (" ", (gchar **)ew_keystore_get_addresses (keystore, "a.example"));
  g_assert_cmpstr (first, ==, "192.0.2.1 2001:db8::1 2001:db8::2");
  g_assert_true (ew_keystore_set_addresses (keystore, "a.example", later));
  g_autofree gchar *second = g_strjoinv (" ", (gchar **)ew_keystore_get_addresses (keystore, "a.example"));
  g_assert_cmpstr (second, ==, "192.0.2.1 2001:db8::3 2001:db8::2");
  g_assert_true (ew_keystore_set_addresses (keystore, "a.example", moved));
  g_assert_cmpstr (ew_keystore_get_addresses (keystore, "a.example")[0], ==, "2001:db8::3");
  g_assert_cmpstr (ew_keystore_get_addresses (keystore, "b.example")[0], ==, "2001:db8::3");
}

/* Where each edge answered last, of a few edges; kept on disk with the identity. */
static void
test_answered (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwKeystore) keystore = load (edge);
  EwEndpoint at[2], found;
  guint8 keys[EW_ANSWERED_MAX + 1][32] = { 0 };
  g_assert_true (ew_endpoint_parse ("192.0.2.1:443", &at[0]));
  g_assert_true (ew_endpoint_parse ("[2001:db8::1]:8443", &at[1]));
  enroll (edge, keystore);
  for (guint i = 0; i <= EW_ANSWERED_MAX; i++)
    {
      keys[i][0] = (guint8)(i + 1);
      g_assert_false (ew_keystore_get_answered (keystore, keys[i], &found));
      g_assert_true (ew_keystore_set_answered (keystore, keys[i], &at[0]));
      g_assert_false (ew_keystore_set_answered (keystore, keys[i], &at[0]));
    }
  g_assert_false (ew_keystore_get_answered (keystore, keys[0], &found));
  g_assert_true (ew_keystore_set_answered (keystore, keys[1], &at[1]));
  g_assert_true (ew_keystore_save (keystore, NULL));
  g_autoptr (EwKeystore) again = load (edge);
  for (guint i = 1; i <= EW_ANSWERED_MAX; i++)
    {
      g_assert_true (ew_keystore_get_answered (again, keys[i], &found));
      g_assert_true (ew_endpoint_same_remote (&found, &at[i == 1]));
    }
  g_assert_true (ew_keystore_erase (again, NULL));
  g_assert_false (ew_keystore_get_answered (again, keys[1], &found));
}

/* Older versions stored a route that was not offered yet twice: as accepted and as forwarded. */
static void
test_routes_kept_twice (FakeEdge *edge, gconstpointer data)
{
  static const gchar text[] = "{\"schema\":1,\"settings\":{\"wish\":\"connected\",\"mode\":\"connector\",\"accepted\":["
                              "\"10.1.0.0/24\",\"10.2.0.0/24\"],\"refused\":[],\"forwarded\":[\"10.2.0.0/24\","
                              "\"10.3.0.0/24\"]}}";
  g_autofree gchar *file = file_of (edge);
  EwPrefix prefixes[3];
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_assert_cmpint (g_chmod (file, 0600), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *cidr = g_strdup_printf ("10.%u.0.0/24", i + 1);
      g_assert_true (ew_prefix_parse (cidr, &prefixes[i], NULL));
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (EwKeystore) keystore = load (edge);
      g_assert_cmpuint (keystore->accepted->len, ==, 1);
      g_assert_cmpuint (keystore->forwarded->len, ==, 1);
      g_assert_cmpuint (keystore->awaited->len, ==, 1);
      g_assert_true (ew_prefixes_contain (keystore->accepted, &prefixes[0]));
      g_assert_true (ew_prefixes_contain (keystore->awaited, &prefixes[1]));
      g_assert_true (ew_prefixes_contain (keystore->forwarded, &prefixes[2]));
      g_assert_true (ew_keystore_save (keystore, NULL));
    }
}

/* The same enrollment key gives the same node keys, even after a restart; another one gives others. */
static void
test_pending (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwKeystore) first = load (edge);
  g_assert_true (ew_keystore_begin_enrollment (first, "one", NULL));
  g_autoptr (EwKeystore) second = load (edge);
  g_assert_true (second->pending);
  g_assert_true (ew_keystore_begin_enrollment (second, "one", NULL));
  g_assert_cmpmem (first->pending_private_key, 32, second->pending_private_key, 32);
  g_assert_cmpstr (first->pending_credential, ==, second->pending_credential);
  g_assert_true (ew_keystore_begin_enrollment (second, "two", NULL));
  g_assert_cmpint (memcmp (first->pending_private_key, second->pending_private_key, 32), !=, 0);
  ew_keystore_drop_enrollment (second);
  g_autoptr (EwKeystore) third = load (edge);
  g_assert_false (third->pending);
}

static void
test_erase (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwKeystore) keystore = load (edge);
  g_autofree gchar *file = file_of (edge);
  enroll (edge, keystore);
  /* The credential with which the edge is told that this computer has left. */
  const gchar *found[] = { "203.0.113.5", "2001:db8::5", NULL };
  g_assert_true (ew_keystore_set_addresses (keystore, "a.example", found));
  g_autoptr (EwKeystore) copy = ew_keystore_copy_addresses (keystore);
  g_assert_true (ew_keystore_erase (keystore, NULL));
  g_assert_null (ew_keystore_get_addresses (keystore, "a.example"));
  g_assert_cmpstrv (ew_keystore_get_addresses (copy, "a.example"), found);
  g_assert_true (ew_keystore_set_addresses (copy, "b.example", found));
  g_assert_null (copy->id);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  g_assert_null (keystore->id);
  g_assert_true (ew_keystore_erase (keystore, NULL));
}

static void
assert_refused (FakeEdge *edge, const gchar *contents, gsize length, const gchar *words)
{
  g_autofree gchar *file = file_of (edge), *after = NULL;
  g_autoptr (GError) error = NULL;
  gsize after_length;
  g_assert_true (g_file_set_contents (file, contents, (gssize)length, NULL));
  EwKeystore *keystore = ew_keystore_load (edge->dir, &error);
  if (keystore)
    g_error ("loaded: %.*s", (int)MIN (length, 300), contents);
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, file));
  g_assert_nonnull (strstr (error->message, words));
  g_assert_true (g_file_get_contents (file, &after, &after_length, NULL));
  g_assert_cmpmem (after, after_length, contents, length);
}

static void
assert_broken (FakeEdge *edge, const gchar *contents, gsize length)
{
  assert_refused (edge, contents, length, "is damaged");
}

/* After a downgrade: what a newer version wrote is neither misread nor lost. */
static void
test_newer (FakeEdge *edge, gconstpointer data)
{
  const gchar *newer = "{\"schema\":2,\"settings\":{\"accepted\":{}},\"identity\":[]}";
  assert_refused (edge, newer, strlen (newer), "was written by a newer version");
}

static void
test_broken (FakeEdge *edge, gconstpointer data)
{
  const gchar *const contents[] = { "",
                                    "{\"half\":",
                                    "[]",
                                    "{}",
                                    "null",
                                    "{\"schema\":0,\"settings\":{}}",
                                    "{\"schema\":1}",
                                    "{\"schema\":1,\"settings\":{\"accepted\":[\"x\"],\"refused\":[]}}",
                                    "{\"schema\":1,\"settings\":{\"accepted\":[],\"refused\":[]},\"identity\":{}}",
                                    "{\"schema\":1,\"settings\":{\"accepted\":[],\"refused\":[]},\"pending\":{}}" };
  for (gsize i = 0; i < G_N_ELEMENTS (contents); i++)
    assert_broken (edge, contents[i], strlen (contents[i]));
  /* Edgeway's own file, with one member missing, and truncated anywhere. */
  g_autofree gchar *file = file_of (edge), *text = NULL;
  g_unlink (file);
  g_autoptr (EwKeystore) keystore = load (edge);
  gsize length;
  enroll (edge, keystore);
  g_assert_true (g_file_get_contents (file, &text, &length, NULL));
  const gchar *const members[] = { "id", "private_key", "credential", "pin", "ca", "api", "document" };
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (JsonObject) object = ew_json_parse_object (text, (gssize)length, length, NULL);
      json_object_remove_member (ew_json_object (object, "identity"), members[i]);
      g_autofree gchar *spoiled = ew_json_to_string (object, FALSE);
      assert_broken (edge, spoiled, strlen (spoiled));
    }
  for (gsize cut = 1; cut < length - 2; cut += 97)
    assert_broken (edge, text, cut);
  g_unlink (file);
}

/* Where writing fails, nothing changes, in memory either, and the old file stays. */
static void
test_no_room (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwKeystore) keystore = load (edge);
  g_autofree gchar *file = file_of (edge), *before = NULL, *after = NULL;
  enroll (edge, keystore);
  g_assert_true (g_file_get_contents (file, &before, NULL, NULL));
  /* A path whose folder doesn't exist fails for root too, as a full disk does. */
  g_autofree gchar *real = g_steal_pointer (&keystore->path);
  keystore->path = g_build_filename (edge->dir, "gone", EW_ACCOUNT_FILE, NULL);
  g_assert_false (ew_keystore_save (keystore, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (ew_keystore_begin_enrollment (keystore, "new", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
  g_assert_false (keystore->pending);
  g_free (keystore->path);
  keystore->path = g_steal_pointer (&real);
  g_assert_true (g_file_get_contents (file, &after, NULL, NULL));
  g_assert_cmpstr (before, ==, after);
}

/* RFC 7748 section 6.1. */
static void
test_public_key (void)
{
  guint8 key[32], public_key[32];
  g_assert_true (ew_key_from_base64 ("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=", key));
  ew_key_public (key, public_key);
  g_autofree gchar *text = ew_key_to_base64 (public_key);
  g_assert_cmpstr (text, ==, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/account/keystore/round-trip", FakeEdge, NULL, setup, test_round_trip, teardown);
  g_test_add ("/account/keystore/suffix", FakeEdge, NULL, setup, test_suffix, teardown);
  g_test_add ("/account/keystore/preferred-address", FakeEdge, NULL, setup, test_preferred_address, teardown);
  g_test_add ("/account/keystore/answered", FakeEdge, NULL, setup, test_answered, teardown);
  g_test_add ("/account/keystore/routes-kept-twice", FakeEdge, NULL, setup, test_routes_kept_twice, teardown);
  g_test_add ("/account/keystore/pending", FakeEdge, NULL, setup, test_pending, teardown);
  g_test_add ("/account/keystore/erase", FakeEdge, NULL, setup, test_erase, teardown);
  g_test_add ("/account/keystore/broken", FakeEdge, NULL, setup, test_broken, teardown);
  g_test_add ("/account/keystore/newer", FakeEdge, NULL, setup, test_newer, teardown);
  g_test_add ("/account/keystore/no-room", FakeEdge, NULL, setup, test_no_room, teardown);
  g_test_add_func ("/account/keystore/public-key", test_public_key);
  return g_test_run ();
}
