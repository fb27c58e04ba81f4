/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wg-config/wg-config.h"

#include <openssl/evp.h>

#include "common/error.h"
#include "common/util.h"

#define KEEPALIVE_S 25 /* a machine behind NAT stays reachable (contract: node config) */
#define LIST_MAX 256

void
ew_key_pair_clear (EwKeyPair *pair)
{
  g_clear_pointer (&pair->private_key, ew_free_secret);
  g_clear_pointer (&pair->public_key, g_free);
}

gboolean
ew_key_pair_make (EwKeyPair *pair, GError **error)
{
  guint8 secret[32], public[32];
  gsize length = sizeof public;
  EVP_PKEY *key;
  gboolean done;

  ew_random (secret, sizeof secret);
  secret[0] &= 248; /* RFC 7748, section 5 */
  secret[31] = (secret[31] & 127) | 64;
  key = EVP_PKEY_new_raw_private_key (EVP_PKEY_X25519, NULL, secret, sizeof secret);
  done = key != NULL && EVP_PKEY_get_raw_public_key (key, public, &length) == 1 && length == sizeof public;
  EVP_PKEY_free (key);
  if (done)
    {
      pair->private_key = ew_key_to_base64 (secret);
      pair->public_key = ew_key_to_base64 (public);
    }
  else
    g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, "OpenSSL could not make a key pair on this computer");
  ew_zero (secret, sizeof secret);
  return done;
}

static gboolean
refuse (const gchar *what, GError **error)
{
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
               "the edge answered with %s that is none: nothing was written. Is its software as new as this?", what);
  return FALSE;
}

/* "100.96.1.5" or "100.96.0.0/12": an address that the resolver never sees, and a length that fits it. */
static gboolean
append_prefix (GString *list, const gchar *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 3);
  guint count = g_strv_length (parts);
  g_autoptr (GInetAddress) address = count >= 1 && count <= 2 ? g_inet_address_new_from_string (parts[0]) : NULL;
  g_autofree gchar *canonical = NULL;
  guint bits;
  guint64 length;

  if (address == NULL || strchr (parts[0], '%') != NULL)
    return FALSE;
  bits = (guint)g_inet_address_get_native_size (address) * 8;
  length = bits;
  if (count == 2 && !g_ascii_string_to_unsigned (parts[1], 10, 0, bits, &length, NULL))
    return FALSE;
  canonical = g_inet_address_to_string (address);
  g_string_append_printf (list, "%s%s/%u", list->len > 0 ? ", " : "", canonical, (guint)length);
  return TRUE;
}

static gboolean
append_prefixes (GString *list, JsonObject *object, const gchar *member, const gchar *what, GError **error)
{
  g_auto (GStrv) prefixes = ew_json_strv (object, member, LIST_MAX);

  for (guint i = 0; prefixes != NULL && prefixes[i] != NULL; i++)
    if (!append_prefix (list, prefixes[i]))
      return refuse (what, error);
  return TRUE;
}

static gboolean
check_endpoint (const gchar *endpoint, GError **error)
{
  g_autofree gchar *host = NULL;
  guint16 port;

  if (endpoint == NULL || !ew_host_port_parse (endpoint, &host, &port, NULL)
      || strspn (endpoint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") != strlen (endpoint))
    return refuse ("an endpoint", error);
  return TRUE;
}

static gboolean
check_key (const gchar *key, GError **error)
{
  guint8 bytes[32];

  return (key != NULL && ew_key_from_base64 (key, bytes)) || refuse ("a public key", error);
}

gchar *
ew_wg_config_format (JsonObject *config, const gchar *private_key, gboolean vpn, GError **error)
{
  JsonObject *peer = ew_json_object (config, "peer");
  const gchar *endpoint = peer != NULL ? ew_json_string (peer, "endpoint") : NULL;
  const gchar *public_key = peer != NULL ? ew_json_string (peer, "public_key") : NULL;
  g_autoptr (GString) addresses = g_string_new (NULL), allowed = g_string_new (vpn ? "0.0.0.0/0, ::/0" : NULL);
  gint64 mtu = ew_json_int (config, "mtu", 1420);

  if (!check_key (public_key, error) || !check_endpoint (endpoint, error)
      || !append_prefixes (addresses, config, "addresses", "an address", error))
    return NULL;
  if (!vpn
      && (!append_prefixes (allowed, peer, "ranges", "a range of addresses", error)
          || !append_prefixes (allowed, peer, "routes", "a route", error)))
    return NULL;
  if (addresses->len == 0 || allowed->len == 0 || mtu < 576 || mtu > 65535)
    {
      refuse ("a configuration", error);
      return NULL;
    }
  return g_strdup_printf ("[Interface]\nPrivateKey = %s\nAddress = %s\nMTU = %d\n\n"
                          "[Peer]\nPublicKey = %s\nEndpoint = %s\nAllowedIPs = %s\nPersistentKeepalive = %d\n",
                          private_key, addresses->str, (gint)mtu, public_key, endpoint, allowed->str, KEEPALIVE_S);
}
