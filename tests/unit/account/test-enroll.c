/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joining: a failure leaves nothing half done, and the same key can be tried again.
 */
#include "account/describe.h"
#include "account/enroll.h"
#include "common/error.h"
#include "common/util.h"
#include "fake-edge.h"

typedef struct
{
  FakeEdge edge;
  EwKeystore *keystore;
  gchar *key;
} World;

static void
setup (World *world, gconstpointer data)
{
  fake_edge_init (&world->edge);
  world->keystore = ew_keystore_load (world->edge.dir, NULL);
  world->key = fake_edge_key (&world->edge);
  g_autoptr (JsonObject) document = fake_edge_document (&world->edge);
  g_autofree gchar *text = ew_json_to_string (document, FALSE);
  fake_edge_answer (&world->edge, 200, text);
}

static void
teardown (World *world, gconstpointer data)
{
  ew_keystore_unref (world->keystore);
  g_free (world->key);
  fake_edge_clear (&world->edge);
}

static void
keep (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
enroll (World *world, const gchar *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_enroll_async (world->keystore, world->key, name, 0, NULL, NULL, keep, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  return ew_enroll_finish (result, error);
}

static gchar *
asked (World *world, const gchar *member)
{
  g_autoptr (JsonObject) body
    = ew_json_parse_object (world->edge.last_body, strlen (world->edge.last_body), 65536, NULL);
  return g_strdup (ew_json_string (body, member));
}

static void
test_joins (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (enroll (world, "laptop", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (world->keystore->id, ==, "n4c0ffee0ddba11a");
  g_assert_cmpstr (world->edge.last_path, ==, "/v1/enroll");
  g_assert_null (world->edge.last_authorization);
  g_autofree gchar *name = asked (world, "name"), *hash = asked (world, "credential_hash"),
                   *key = asked (world, "public_key");
  guint8 bytes[32], expected[32];
  g_assert_cmpstr (name, ==, "laptop");
  g_assert_true (ew_key_from_base64 (key, bytes));
  ew_key_public (world->keystore->private_key, expected);
  g_assert_cmpmem (bytes, 32, expected, 32);
  gsize length;
  g_autofree guint8 *credential = ew_base64url_decode (world->keystore->credential, &length);
  ew_sha256 (credential, length, expected);
  g_assert_true (ew_key_from_base64 (hash, bytes));
  g_assert_cmpmem (bytes, 32, expected, 32);
  /* What was said with it needn't be said again. */
  g_assert_false (ew_describe_is_due (world->keystore));
  /* The API of the key and of the signed list. */
  g_assert_cmpuint (g_strv_length (world->keystore->api), ==, 2);
  /* Once is enough. */
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_ALREADY_ENROLLED);
  g_assert_nonnull (strstr (error->message, "leave"));
}

/* The edge committed, but its answer was lost: the same enrollment key asks again with the same node keys. */
static void
test_lost_reply (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  world->edge.drop = TRUE;
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
  g_clear_error (&error);
  g_autofree gchar *first = asked (world, "public_key"), *first_hash = asked (world, "credential_hash");
  ew_keystore_unref (world->keystore);
  world->keystore = ew_keystore_load (world->edge.dir, &error);
  g_assert_null (world->keystore->id);
  g_assert_true (enroll (world, "laptop", &error));
  g_autofree gchar *second = asked (world, "public_key"), *second_hash = asked (world, "credential_hash");
  g_assert_cmpstr (first, ==, second);
  g_assert_cmpstr (first_hash, ==, second_hash);
}

static void
test_refusals (World *world, gconstpointer data)
{
  const struct
  {
    guint status;
    const gchar *code;
    gint error;
    gboolean pending; /* afterwards */
  } rows[] = { { 422, "KeyUsed", EW_ERROR_KEY_USED, FALSE },
               { 422, "KeyExpired", EW_ERROR_KEY_EXPIRED, FALSE },
               { 422, "KeyInvalid", EW_ERROR_KEY_INVALID, FALSE },
               { 409, "NameTaken", EW_ERROR_NAME_TAKEN, TRUE },
               { 503, "StoreFull", EW_ERROR_STORE_FULL, TRUE } };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *body
        = g_strdup_printf ("{\"schema\":1,\"error\":{\"code\":\"%s\",\"message\":\"Because.\"}}", rows[i].code);
      fake_edge_answer (&world->edge, rows[i].status, body);
      g_assert_false (enroll (world, "laptop", &error));
      g_assert_error (error, EW_ERROR, rows[i].error);
      g_assert_cmpint (world->keystore->pending, ==, rows[i].pending);
      g_assert_null (world->keystore->id);
    }
}

/* A name that the person chose is not changed; one made from the host's name is tried with numbers. */
static void
test_name_taken (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fake_edge_answer (&world->edge, 409, "{\"schema\":1,\"error\":{\"code\":\"NameTaken\",\"message\":\"Taken.\"}}");
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_cmpuint (world->edge.requests, ==, 1);
  g_clear_error (&error);
  world->edge.requests = 0;
  g_assert_false (enroll (world, NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_assert_cmpuint (world->edge.requests, ==, 9);
  g_autofree gchar *name = asked (world, "name");
  g_assert_true (g_str_has_suffix (name, "-9"));
  g_clear_error (&error);
  g_assert_false (enroll (world, "Not A Name", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
}

/* With an invalid document the node is not enrolled, and the key is not lost. */
static void
test_bad_document (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) document = fake_edge_document (&world->edge);
  json_object_set_string_member (ew_json_object (document, "edges"), "list", "[]");
  g_autofree gchar *text = ew_json_to_string (document, FALSE);
  fake_edge_answer (&world->edge, 200, text);
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
  g_assert_null (world->keystore->id);
  g_assert_true (world->keystore->pending);
}

static void
test_wrong_pin (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  world->edge.pin[5] ^= 1;
  g_free (world->key);
  world->key = fake_edge_key (&world->edge);
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_PIN_MISMATCH);
  g_assert_cmpuint (world->edge.requests, ==, 0); /* the secret was not sent to a stranger */
}

static void
test_bad_key (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  world->key[strlen (world->key) - 3] ^= 1;
  g_assert_false (enroll (world, "laptop", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_INVALID);
  g_assert_cmpuint (world->edge.requests, ==, 0);
}

#define ADD(name, func) g_test_add ("/account/enroll/" name, World, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("joins", test_joins);
  ADD ("lost-reply", test_lost_reply);
  ADD ("refusals", test_refusals);
  ADD ("name-taken", test_name_taken);
  ADD ("bad-document", test_bad_document);
  ADD ("wrong-pin", test_wrong_pin);
  ADD ("bad-key", test_bad_key);
  return g_test_run ();
}
