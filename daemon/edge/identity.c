/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/identity.h"

#include <string.h>
#include "common/error.h"
#include "common/pki.h"
#include "common/util.h"
#include "proto/crypto.h"

#define FILE_MAX (64 * 1024)
#define CERTIFICATE_BEGIN "-----BEGIN CERTIFICATE-----"

/* NULL without error: there is no such file. (transfer full) a secret. */
static gchar *
read_file (const gchar *state_dir, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, name, NULL);
  gchar *data = NULL;
  gsize length;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  return ew_file_read (path, FILE_MAX, &data, &length, error) ? data : NULL;
}

static gboolean
write_file (const gchar *state_dir, const gchar *name, const gchar *data, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, name, NULL);
  return ew_file_write_atomic (path, data, -1, 0600, error);
}

static gboolean
damaged (const gchar *state_dir, const gchar *name, const gchar *how, GError **error)
{
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
               "%s/%s is %s. Restore it from a backup: without it, this mesh's nodes don't recognize their edge. To "
               "make a new mesh, use an empty state directory.",
               state_dir, name, how);
  return FALSE;
}

/* The WireGuard key. */

static gboolean
load_wireguard (EwIdentity *identity, const gchar *state_dir, gboolean existing, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gchar *text = read_file (state_dir, "wireguard.key", &cause);
  gboolean good = TRUE;
  if (cause)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (text)
    {
      g_strchomp (text);
      good = ew_key_from_base64 (text, identity->private_key) || damaged (state_dir, "wireguard.key", "damaged", error);
    }
  else if (existing)
    good = damaged (state_dir, "wireguard.key", "missing", error);
  else
    {
      ew_random (identity->private_key, EW_KEY_SIZE);
      ew_x25519_clamp (identity->private_key);
      gchar *encoded = ew_key_to_base64 (identity->private_key);
      text = g_strconcat (encoded, "\n", NULL);
      ew_free_secret (encoded);
      good = write_file (state_dir, "wireguard.key", text, error);
    }
  ew_free_secret (text);
  if (good && !ew_x25519_public (identity->public_key, identity->private_key))
    good = damaged (state_dir, "wireguard.key", "damaged", error);
  return good;
}

/* The CA. */

static gboolean
make_ca (EwIdentity *identity, const gchar *state_dir, const gchar *mesh, GError **error)
{
  if (!ew_pki_make_ca (mesh, &identity->ca_key_pem, &identity->ca_certificate_pem, error))
    return FALSE;
  gchar *text = g_strconcat (identity->ca_key_pem, identity->ca_certificate_pem, NULL);
  gboolean good = write_file (state_dir, "ca.pem", text, error);
  ew_free_secret (text);
  return good;
}

static gboolean
load_ca (EwIdentity *identity, const gchar *state_dir, const gchar *mesh, gboolean existing, GError **error)
{
  g_autoptr (GError) cause = NULL;
  guint8 pin[EW_PIN_SIZE];
  gchar *text = read_file (state_dir, "ca.pem", &cause);
  if (cause)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (text == NULL)
    return existing ? damaged (state_dir, "ca.pem", "missing", error) : make_ca (identity, state_dir, mesh, error);
  const gchar *certificate = strstr (text, CERTIFICATE_BEGIN);
  if (certificate)
    {
      identity->ca_key_pem = g_strndup (text, (gsize)(certificate - text));
      identity->ca_certificate_pem = g_strdup (certificate);
    }
  ew_free_secret (text);
  g_autofree gchar *signature = certificate ? ew_pki_sign (identity->ca_key_pem, "", 0, NULL) : NULL;
  if (signature && ew_pki_get_pin (identity->ca_certificate_pem, pin, NULL)
      && ew_pki_verify (identity->ca_certificate_pem, "", 0, signature, NULL))
    return TRUE;
  return damaged (state_dir, "ca.pem", "damaged", error);
}

/* The API certificate: it has no value of its own, so a new one is made whenever it isn't valid. */

static gboolean
make_certificate (EwIdentity *identity, const gchar *state_dir, const gchar *edge_name, GError **error)
{
  gchar *key = NULL, *chain = NULL;
  if (!ew_pki_make_edge (identity->ca_key_pem, identity->ca_certificate_pem, edge_name, &key, &chain, error))
    return FALSE;
  gchar *text = g_strconcat (key, chain, NULL);
  g_autoptr (GError) unwritten = NULL;
  if (!write_file (state_dir, "api.pem", text, &unwritten))
    g_warning ("The edge's certificate will be made again at its next start: %s", unwritten->message);
  identity->certificate = g_tls_certificate_new_from_pem (text, -1, error);
  ew_free_secret (key);
  ew_free_secret (text);
  g_free (chain);
  return identity->certificate != NULL;
}

static gboolean
load_certificate (EwIdentity *identity, const gchar *state_dir, const gchar *edge_name, GError **error)
{
  g_autoptr (GError) cause = NULL;
  guint8 pin[EW_PIN_SIZE];
  gchar *text = read_file (state_dir, "api.pem", &cause);
  if (cause)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (text)
    identity->certificate = g_tls_certificate_new_from_pem (text, -1, NULL);
  ew_free_secret (text);
  if (identity->certificate && ew_pki_get_pin (identity->ca_certificate_pem, pin, NULL)
      && ew_pki_check_chain (identity->certificate, pin, NULL, NULL))
    return TRUE;
  g_clear_object (&identity->certificate);
  return make_certificate (identity, state_dir, edge_name, error);
}

EwIdentity *
ew_identity_load (const gchar *state_dir, const gchar *mesh, const gchar *edge_name, gboolean existing, GError **error)
{
  g_autoptr (EwIdentity) identity = g_new0 (EwIdentity, 1);
  if (!load_wireguard (identity, state_dir, existing, error) || !load_ca (identity, state_dir, mesh, existing, error)
      || !load_certificate (identity, state_dir, edge_name, error))
    return NULL;
  return g_steal_pointer (&identity);
}

void
ew_identity_free (EwIdentity *identity)
{
  if (identity == NULL)
    return;
  ew_zero (identity->private_key, EW_KEY_SIZE);
  ew_free_secret (identity->ca_key_pem);
  g_free (identity->ca_certificate_pem);
  g_clear_object (&identity->certificate);
  g_free (identity);
}
