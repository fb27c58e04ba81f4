/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wg-config/wg-config.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/domain.h"
#include "common/error.h"
#include "common/util.h"
#include "proto/address.h"

#define KEEPALIVE_S 25 /* a computer behind NAT stays reachable (README.md) */
#define LIST_MAX 256
#define INTERFACE_NAME_MAX 15
#define PORT_FIRST 61000 /* after Linux' own choice of ports, ip_local_port_range */

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
    g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, "OpenSSL couldn't make a key pair on this computer.");
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

/* What AllowedIPs and Address hold, and the address families that the machine has. */
typedef struct
{
  GString *addresses, *allowed;
  gboolean families[2]; /* IPv4, IPv6 */
  GPtrArray *public_networks;
} Lists;

static void
append_prefix (GString *list, const EwPrefix *prefix)
{
  gchar text[EW_PREFIX_STRLEN];

  ew_prefix_format (prefix, text);
  g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", text);
}

static gboolean
append_addresses (Lists *lists, JsonObject *config, GError **error)
{
  g_auto (GStrv) texts = ew_json_strv (config, "addresses", LIST_MAX);

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      EwPrefix address;

      if (strchr (texts[i], '/') != NULL || !ew_prefix_parse (texts[i], &address, NULL)
          || ew_prefix_never (&address) != NULL)
        return refuse ("an address", error);
      append_prefix (lists->addresses, &address);
      lists->families[address.ip.family == EW_FAMILY_V6] = TRUE;
    }
  return lists->addresses->len > 0 || refuse ("a configuration", error);
}

/* A network of a family that the machine has no address of leads nowhere: NetworkManager makes no route of it. */
static void
allow (Lists *lists, const EwPrefix *prefix)
{
  if (!lists->families[prefix->ip.family == EW_FAMILY_V6])
    return;
  append_prefix (lists->allowed, prefix);
  if (prefix->length > 0 && !ew_prefix_is_private (prefix))
    {
      gchar text[EW_PREFIX_STRLEN];

      ew_prefix_format (prefix, text);
      g_ptr_array_add (lists->public_networks, g_strdup (text));
    }
}

/* The mesh's own ranges are private; a route may be public, but never most of the internet. */
static gboolean
allow_networks (Lists *lists, JsonObject *peer, const gchar *member, GError **error)
{
  g_auto (GStrv) texts = ew_json_strv (peer, member, LIST_MAX);
  const gboolean ranges = g_str_equal (member, "ranges");

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      EwPrefix network;
      bool host_bits;

      if (!ew_prefix_parse (texts[i], &network, &host_bits) || host_bits || ew_prefix_never (&network) != NULL)
        return refuse (ranges ? "a range of addresses" : "a route", error);
      if (ranges && !ew_prefix_is_private (&network))
        return refuse ("a private range of addresses", error);
      allow (lists, &network);
    }
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

static gboolean
fill_lists (Lists *lists, JsonObject *config, JsonObject *peer, gboolean vpn, GError **error)
{
  static const EwPrefix all[] = { { { .family = EW_FAMILY_V4 }, 0 }, { { .family = EW_FAMILY_V6 }, 0 } };

  if (!append_addresses (lists, config, error))
    return FALSE;
  if (!vpn)
    return allow_networks (lists, peer, "ranges", error) && allow_networks (lists, peer, "routes", error);
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    allow (lists, &all[i]);
  return TRUE;
}

gboolean
ew_wg_config_has_names (JsonObject *config)
{
  JsonArray *servers = ew_json_array (config, "dns"), *search = ew_json_array (config, "search");

  return servers != NULL && json_array_get_length (servers) > 0 && search != NULL && json_array_get_length (search) > 0;
}

static gboolean
is_in_ranges (JsonObject *peer, const EwIp *ip)
{
  g_auto (GStrv) texts = ew_json_strv (peer, "ranges", LIST_MAX);
  EwPrefix range;

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    if (ew_prefix_parse (texts[i], &range, NULL) && ew_prefix_contains (&range, ip))
      return TRUE;
  return FALSE;
}

/* The name servers are inside the mesh: the machine looks up all names there. */
static gboolean
append_names (GString *dns, const Lists *lists, JsonObject *config, JsonObject *peer, GError **error)
{
  g_auto (GStrv) servers = ew_json_strv (config, "dns", LIST_MAX), search = ew_json_strv (config, "search", LIST_MAX);

  for (guint i = 0; servers != NULL && servers[i] != NULL; i++)
    {
      EwIp ip;

      if (!ew_ip_parse (servers[i], &ip) || !is_in_ranges (peer, &ip))
        return refuse ("a name server in the mesh", error);
      if (lists->families[ip.family == EW_FAMILY_V6])
        g_string_append_printf (dns, "%s%s", dns->len > 0 ? ", " : "DNS = ", servers[i]);
    }
  for (guint i = 0; search != NULL && search[i] != NULL; i++)
    {
      if (!ew_domain_check (search[i], NULL))
        return refuse ("a search domain", error);
      g_string_append_printf (dns, ", %s", search[i]);
    }
  if (!g_str_has_prefix (dns->str, "DNS = "))
    return refuse ("a name server", error);
  g_string_append_c (dns, '\n');
  return TRUE;
}

/* The same for a node each time, also when its key is renewed. */
static guint
choose_port (const gchar *addresses)
{
  return PORT_FIRST + g_str_hash (addresses) % (G_MAXUINT16 - PORT_FIRST + 1);
}

gchar *
ew_wg_config_file_name (const gchar *mesh)
{
  static const gchar *const kernels[] = { "all", "default", "lo", NULL };
  g_autofree gchar *name = g_ascii_strdown (mesh != NULL ? mesh : "", -1);
  gsize length = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-");

  name[MIN (length, INTERFACE_NAME_MAX)] = '\0';
  while (g_str_has_suffix (name, "-"))
    name[strlen (name) - 1] = '\0';
  return g_strdup_printf ("%s.conf",
                          *name == '\0' || *name == '-' || g_strv_contains (kernels, name) ? "edgeway" : name);
}

gchar *
ew_wg_config_format (JsonObject *config, const gchar *private_key, EwWgConfigFlags flags, GStrv *public_networks,
                     GError **error)
{
  JsonObject *peer = ew_json_object (config, "peer");
  const gchar *endpoint = peer != NULL ? ew_json_string (peer, "endpoint") : NULL;
  const gchar *public_key = peer != NULL ? ew_json_string (peer, "public_key") : NULL;
  g_autoptr (GString) addresses = g_string_new (NULL), allowed = g_string_new (NULL), dns = g_string_new (NULL);
  g_autoptr (GPtrArray) public = g_ptr_array_new_null_terminated (1, g_free, TRUE);
  Lists lists = { .addresses = addresses, .allowed = allowed, .public_networks = public };
  gint64 mtu = ew_json_int (config, "mtu", 1420);

  if (!check_key (public_key, error) || !check_endpoint (endpoint, error)
      || !fill_lists (&lists, config, peer, (flags & EW_WG_CONFIG_VPN) != 0, error)
      || ((flags & EW_WG_CONFIG_NAMES) != 0 && !append_names (dns, &lists, config, peer, error)))
    return NULL;
  if (allowed->len == 0 || mtu < 576 || mtu > 65535)
    {
      refuse ("a configuration", error);
      return NULL;
    }
  if (public_networks != NULL)
    *public_networks = (GStrv)g_ptr_array_free (g_steal_pointer (&public), FALSE);
  return g_strdup_printf ("[Interface]\nPrivateKey = %s\nListenPort = %u\nAddress = %s\n%sMTU = %d\n\n"
                          "[Peer]\nPublicKey = %s\nEndpoint = %s\nAllowedIPs = %s\nPersistentKeepalive = %d\n",
                          private_key, choose_port (addresses->str), addresses->str, dns->str, (gint)mtu, public_key,
                          endpoint, allowed->str, KEEPALIVE_S);
}
