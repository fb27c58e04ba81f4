/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/pki.h"
#include "common/util.h"

#include <string.h>

typedef struct
{
  gchar *ca_key, *ca, *edge_key, *chain;
  guint8 pin[EW_PIN_SIZE];
} Mesh;

static void
mesh_make (Mesh *mesh, const gchar *name)
{
  g_assert_true (ew_pki_make_ca (name, &mesh->ca_key, &mesh->ca, NULL));
  g_assert_true (ew_pki_make_edge (mesh->ca_key, mesh->ca, "frankfurt", &mesh->edge_key, &mesh->chain, NULL));
  g_assert_true (ew_pki_get_pin (mesh->ca, mesh->pin, NULL));
}

static void
mesh_clear (Mesh *mesh)
{
  ew_free_secret (mesh->ca_key);
  ew_free_secret (mesh->edge_key);
  g_free (mesh->ca);
  g_free (mesh->chain);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Mesh, mesh_clear)

static gchar *
leaf_of (const Mesh *mesh)
{
  const gchar *end = strstr (mesh->chain, "-----END CERTIFICATE-----\n");
  return g_strndup (mesh->chain, (gsize)(end - mesh->chain) + strlen ("-----END CERTIFICATE-----\n"));
}

/* The signature is the last thing in a certificate. */
static gchar *
alter_signature (const gchar *pem, gsize from_end)
{
  const gchar *header = "-----BEGIN CERTIFICATE-----\n", *end = strstr (pem, "-----END");
  g_autofree gchar *body = g_strndup (pem + strlen (header), (gsize)(end - pem) - strlen (header));
  gsize length;
  guchar *der = g_base64_decode_inplace (body, &length);
  der[length - from_end] ^= 1;
  g_autofree gchar *text = g_base64_encode (der, length);
  return g_strdup_printf ("%s%s\n-----END CERTIFICATE-----\n", header, text);
}

static gboolean
check (const gchar *pem, const guint8 *pin, gchar **ca_pem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (pem, -1, &error);
  g_assert_no_error (error);
  gboolean ok = ew_pki_check_chain (certificate, pin, ca_pem, &error);
  if (!ok)
    g_assert_error (error, EW_ERROR, EW_ERROR_PIN_MISMATCH);
  return ok;
}

static void
test_chain (void)
{
  g_auto (Mesh) mesh = { 0 };
  g_autofree gchar *ca_pem = NULL, *both = NULL;
  mesh_make (&mesh, "home");
  both = g_strconcat (mesh.edge_key, mesh.chain, NULL); /* as a server loads it */
  g_autoptr (GTlsCertificate) server = g_tls_certificate_new_from_pem (both, -1, NULL);
  g_assert_nonnull (server);
  g_assert_true (check (mesh.chain, mesh.pin, &ca_pem));
  g_assert_cmpstr (ca_pem, ==, mesh.ca);
  g_assert_true (check (mesh.chain, mesh.pin, NULL));
  /* The names and dates that are inside, as another library reads them. */
  g_autoptr (GPtrArray) names = g_tls_certificate_get_dns_names (server);
  g_assert_cmpuint (names->len, ==, 1);
  gsize length = 0;
  const gchar *name = g_bytes_get_data (names->pdata[0], &length);
  g_assert_cmpmem (name, length, "frankfurt", 9);
  g_autoptr (GDateTime) until = g_tls_certificate_get_not_valid_after (server);
  g_assert_cmpint (g_date_time_get_year (until), ==, 9999);
  /* That library's own view of the chain is the same. */
  g_autoptr (GTlsCertificate) ca = g_tls_certificate_new_from_pem (mesh.ca, -1, NULL);
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("frankfurt", 443);
  g_assert_cmpint (g_tls_certificate_verify (server, identity, ca), ==, 0);
}

static void
test_chain_refused (void)
{
  g_auto (Mesh) mesh = { 0 }, other = { 0 };
  mesh_make (&mesh, "home");
  mesh_make (&other, "home");
  g_autofree gchar *leaf = leaf_of (&mesh), *other_leaf = leaf_of (&other);
  g_assert_false (check (mesh.chain, other.pin, NULL));
  g_assert_false (check (leaf, mesh.pin, NULL));    /* without the CA */
  g_assert_false (check (mesh.ca, mesh.pin, NULL)); /* the CA as a server */
  /* Another mesh's certificate with the right CA beside it: the names match, the signature does not. */
  g_autofree gchar *forged = g_strconcat (other_leaf, mesh.ca, NULL);
  g_assert_false (check (forged, mesh.pin, NULL));
  /* … and with the right certificate as well: what is checked is the first, which the connection is made with. */
  g_autofree gchar *borrowed = g_strconcat (other_leaf, mesh.chain, NULL);
  g_assert_false (check (borrowed, mesh.pin, NULL));
  /* The right certificate with its signature altered: only verifying it shows that. */
  for (gsize from_end = 2; from_end < 10; from_end++)
    {
      g_autofree gchar *altered = alter_signature (leaf, from_end), *chain_of = g_strconcat (altered, mesh.ca, NULL);
      g_assert_false (check (chain_of, mesh.pin, NULL));
    }
  /* An edge can't certify other edges: it isn't a CA, even when its own key is pinned. */
  gchar *key = NULL, *chain = NULL;
  guint8 edge_pin[EW_PIN_SIZE];
  g_assert_true (ew_pki_make_edge (mesh.edge_key, mesh.chain, "rogue", &key, &chain, NULL));
  g_assert_true (ew_pki_get_pin (mesh.chain, edge_pin, NULL));
  g_assert_false (check (chain, edge_pin, NULL));
  g_autofree gchar *longer = g_strconcat (chain, mesh.ca, NULL);
  g_assert_false (check (longer, mesh.pin, NULL));
  ew_free_secret (key);
  g_free (chain);
}

static void
test_pin (void)
{
  g_auto (Mesh) mesh = { 0 }, other = { 0 };
  guint8 pin[EW_PIN_SIZE];
  g_autoptr (GError) error = NULL;
  mesh_make (&mesh, "home");
  mesh_make (&other, "home");
  g_assert_true (ew_pki_get_pin (mesh.ca, pin, NULL));
  g_assert_cmpmem (pin, EW_PIN_SIZE, mesh.pin, EW_PIN_SIZE);
  g_assert_false (ew_equal_secret (pin, other.pin, EW_PIN_SIZE));
  g_assert_false (ew_pki_get_pin ("nonsense", pin, &error));
  g_assert_nonnull (error);
}

static void
test_signature (void)
{
  g_auto (Mesh) mesh = { 0 }, other = { 0 };
  mesh_make (&mesh, "home");
  mesh_make (&other, "away");
  const gchar *list = "[{\"id\":\"e1\"}]";
  gsize length = strlen (list);
  g_autofree gchar *signature = ew_pki_sign (mesh.ca_key, list, length, NULL);
  g_autoptr (GError) error = NULL;
  g_assert_nonnull (signature);
  g_assert_true (ew_pki_verify (mesh.ca, list, length, signature, NULL));
  g_assert_false (ew_pki_verify (other.ca, list, length, signature, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_PIN_MISMATCH);
  g_assert_false (ew_pki_verify (mesh.ca, list, length - 1, signature, NULL));
  g_assert_false (ew_pki_verify (mesh.ca, "[{\"id\":\"e2\"}]", length, signature, NULL));
  g_assert_false (ew_pki_verify (mesh.ca, list, length, "", NULL));
  g_assert_false (ew_pki_verify (mesh.ca, list, length, "!", NULL));
  g_assert_false (ew_pki_verify (mesh.ca, list, length, NULL, NULL));
  signature[20] = signature[20] == 'A' ? 'B' : 'A';
  g_assert_false (ew_pki_verify (mesh.ca, list, length, signature, NULL));
  g_assert_null (ew_pki_sign ("nonsense", list, length, NULL));
}

static void
test_refused (void)
{
  g_auto (Mesh) mesh = { 0 }, other = { 0 };
  gchar *key = NULL, *pem = NULL;
  g_autoptr (GError) error = NULL, other_error = NULL;
  mesh_make (&mesh, "home");
  mesh_make (&other, "away");
  g_assert_false (ew_pki_make_ca ("no label", &key, &pem, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
  g_assert_false (ew_pki_make_edge (mesh.ca_key, mesh.ca, "a,DNS:b", &key, &pem, NULL));
  g_assert_false (ew_pki_make_edge (mesh.ca_key, other.ca, "a", &key, &pem, &other_error));
  g_assert_error (other_error, EW_ERROR, EW_ERROR_INTERNAL);
  g_assert_false (ew_pki_make_edge ("", mesh.ca, "a", &key, &pem, NULL));
  g_assert_null (key);
  const gchar *longest = "a23456789-123456789-123456789-123456789-123456789-123456789-123";
  g_assert_true (ew_pki_make_ca (longest, &key, &pem, NULL));
  ew_free_secret (key);
  g_free (pem);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/pki/chain", test_chain);
  g_test_add_func ("/common/pki/chain-refused", test_chain_refused);
  g_test_add_func ("/common/pki/pin", test_pin);
  g_test_add_func ("/common/pki/signature", test_signature);
  g_test_add_func ("/common/pki/refused", test_refused);
  return g_test_run ();
}
