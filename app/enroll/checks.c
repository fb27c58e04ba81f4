/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/checks.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "common/phrase.h"
#include "common/util.h"
#include "model/translate.h"

#define LABEL_MAX 63
#define SHORTEST_V4 8 /* daemon/edge/API.md, Routes */
#define SHORTEST_V6 16
#define HTTPS "https://"

gchar *
ew_check_name (const gchar *name)
{
  gsize length = strlen (name);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *phrase = NULL;

  if (length == 0)
    return g_strdup (_ ("Enter a name."));
  if (length > LABEL_MAX)
    return g_strdup_printf (_ ("A name can have at most %d characters."), LABEL_MAX);
  if (strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
    return g_strdup (_ ("Use lowercase letters a to z, digits and hyphens."));
  if (name[0] == '-' || name[length - 1] == '-')
    return g_strdup (_ ("A name can't begin or end with a hyphen."));
  if (ew_name_check_computer (name, &error))
    return NULL;
  phrase = ew_phrase_to_json (error->message);
  return ew_translate_sentence (error->message, phrase);
}

/* Edge addresses. */

static gboolean
reaches_only_here (GInetAddress *address)
{
  return g_inet_address_get_is_loopback (address) || g_inet_address_get_is_any (address)
         || g_inet_address_get_is_link_local (address) || g_inet_address_get_is_multicast (address);
}

static gboolean
host_is_plausible (const gchar *host)
{
  g_auto (GStrv) labels = NULL;
  if (g_hostname_is_ip_address (host))
    return TRUE;
  labels = g_strsplit (host, ".", -1);
  for (guint i = 0; labels[i] != NULL; i++)
    {
      gsize length = strlen (labels[i]);
      if (length == 0 || length > LABEL_MAX || labels[i][0] == '-' || labels[i][length - 1] == '-')
        return FALSE;
      if (strspn (labels[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != length)
        return FALSE;
    }
  /* Four numbers that aren't a valid address would be looked up as a name, which can't succeed. */
  return strspn (host, "0123456789.") != strlen (host);
}

gchar *
ew_check_public (const gchar *text, gchar **address)
{
  g_autofree gchar *whole = NULL, *host = NULL, *clean = g_strstrip (g_strdup (text));
  g_autoptr (GInetAddress) ip = NULL;
  gboolean bare_v6 = strchr (clean, ':') != NULL && g_hostname_is_ip_address (clean);
  gboolean has_port = !bare_v6 && (clean[0] == '[' ? strstr (clean, "]:") != NULL : strchr (clean, ':') != NULL);
  guint16 port;

  *address = NULL;
  if (*clean == '\0')
    return g_strdup (_ ("Enter the server's public host name or address."));
  if (bare_v6)
    whole = g_strdup_printf ("[%s]:443", clean);
  else
    whole = has_port ? g_strdup (clean) : g_strconcat (clean, ":443", NULL);
  if (!ew_host_port_parse (whole, &host, &port, NULL) || !host_is_plausible (host))
    return g_strdup (_ ("Enter a host name or address, such as edge.example.org or 203.0.113.5:443."));
  ip = g_inet_address_new_from_string (host);
  if (g_ascii_strcasecmp (host, "localhost") == 0 || (ip != NULL && reaches_only_here (ip)))
    return g_strdup (_ ("Other computers can't reach this address. Enter the server's public one."));
  *address = g_steal_pointer (&whole);
  return NULL;
}

/* Networks. */

static const struct
{
  const gchar *range, *what;
} special[] = {
  { "0.0.0.0/8", N_ ("“this network”") },
  { "100.96.0.0/12", N_ ("the mesh's own addresses") },
  { "127.0.0.0/8", N_ ("loopback addresses") },
  { "169.254.0.0/16", N_ ("link-local addresses") },
  { "224.0.0.0/4", N_ ("multicast") },
  { "240.0.0.0/4", N_ ("reserved addresses") },
  { "::/16", N_ ("reserved addresses") },
  { "fe80::/10", N_ ("link-local addresses") },
  { "ff00::/8", N_ ("multicast") },
};

gboolean
ew_networks_overlap (const gchar *a, const gchar *b)
{
  g_autoptr (GInetAddressMask) one = g_inet_address_mask_new_from_string (a, NULL);
  g_autoptr (GInetAddressMask) other = g_inet_address_mask_new_from_string (b, NULL);
  return one != NULL && other != NULL
         && (g_inet_address_mask_matches (one, g_inet_address_mask_get_address (other))
             || g_inet_address_mask_matches (other, g_inet_address_mask_get_address (one)));
}

/* The network that contains an address with a prefix length: the host bits are cleared. */
static gchar *
network_of (GInetAddress *address, guint length)
{
  gsize size = g_inet_address_get_native_size (address);
  g_autofree guint8 *bytes = g_memdup2 (g_inet_address_to_bytes (address), size);
  g_autoptr (GInetAddress) network = NULL;
  g_autofree gchar *text = NULL;
  for (gsize i = 0; i < size; i++)
    {
      gint kept = CLAMP ((gint)length - (gint)(8 * i), 0, 8);
      bytes[i] &= (guint8)(0xff << (8 - kept));
    }
  network = g_inet_address_new_from_bytes (bytes, g_inet_address_get_family (address));
  text = g_inet_address_to_string (network);
  return g_strdup_printf ("%s/%u", text, length);
}

static gchar *
check_range (const gchar *network)
{
  for (gsize i = 0; i < G_N_ELEMENTS (special); i++)
    if (ew_networks_overlap (network, special[i].range))
      return g_strdup_printf (_ ("%s overlaps %s (%s), which can't be shared."), network, special[i].range,
                              _ (special[i].what));
  return NULL;
}

gchar *
ew_check_network (const gchar *text, gchar **cidr)
{
  g_autofree gchar *clean = g_strstrip (g_strdup (text)), *network = NULL, *written = NULL, *problem = NULL;
  g_auto (GStrv) parts = g_strsplit (clean, "/", 3);
  g_autoptr (GInetAddress) address = parts[0] != NULL ? g_inet_address_new_from_string (parts[0]) : NULL;
  guint bits = address != NULL ? 8 * (guint)g_inet_address_get_native_size (address) : 0;
  guint64 length = 0;

  *cidr = NULL;
  if (address == NULL || strchr (parts[0], '%') != NULL || g_strv_length (parts) != 2
      || !g_ascii_string_to_unsigned (parts[1], 10, 0, bits, &length, NULL))
    return g_strdup (_ ("Enter a network, such as 192.168.1.0/24 or fd00:1::/64."));
  if (length < (bits == 32 ? SHORTEST_V4 : SHORTEST_V6))
    return g_strdup_printf (_ ("%s is too wide. Use a network of /%d or smaller."), clean,
                            bits == 32 ? SHORTEST_V4 : SHORTEST_V6);
  network = network_of (address, (guint)length);
  written = g_inet_address_to_string (address);
  if (!g_str_has_prefix (network, written) || network[strlen (written)] != '/')
    return g_strdup_printf (_ ("This is an address in a network. Did you mean %s?"), network);
  problem = check_range (network);
  if (problem == NULL)
    *cidr = g_steal_pointer (&network);
  return g_steal_pointer (&problem);
}

gchar *
ew_network_around (const gchar *address, guint length)
{
  g_autoptr (GInetAddress) parsed = g_inet_address_new_from_string (address);
  return parsed != NULL ? network_of (parsed, length) : NULL;
}

gchar *
ew_network_size (const gchar *cidr)
{
  g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (cidr, NULL);
  guint bits, length;
  if (mask == NULL)
    return g_strdup ("");
  bits = 8 * (guint)g_inet_address_get_native_size (g_inet_address_mask_get_address (mask));
  length = g_inet_address_mask_get_length (mask);
  if (bits == 128 && length < 128)
    return g_strdup_printf (_ ("An IPv6 network of %u bits"), bits - length);
  guint64 count = bits == length ? 1 : G_GUINT64_CONSTANT (1) << (bits - length);
  if (bits == 32 && length < 31)
    count -= 2; /* no computer has the network's own address or its broadcast address */
  g_autofree gchar *number = g_strdup_printf ("%'" G_GUINT64_FORMAT, count);
  return g_strdup_printf (ngettext ("%s address", "%s addresses", (gulong)count), number);
}

/* Keys. */

gchar *
ew_pin_words (const guint8 pin[EW_PIN_SIZE])
{
  GString *text = g_string_sized_new (EW_PIN_SIZE * 5 / 2);
  for (guint i = 0; i < EW_PIN_SIZE; i++)
    g_string_append_printf (text, "%s%02x", i > 0 && i % 2 == 0 ? " " : "", pin[i]);
  return g_string_free (text, FALSE);
}

gchar *
ew_key_hosts (const EwEnrollmentKey *key)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; key->api[i] != NULL; i++)
    {
      const gchar *host = g_str_has_prefix (key->api[i], HTTPS) ? key->api[i] + strlen (HTTPS) : key->api[i];
      g_string_append_printf (text, "%s%s", i > 0 ? "\n" : "", host);
    }
  return g_string_free (text, FALSE);
}

const gchar *
ew_key_becomes (const EwEnrollmentKey *key)
{
  if (g_str_equal (key->kind, "admin"))
    return _ ("A device that administers the mesh");
  if (g_str_equal (key->kind, "server"))
    return _ ("A server");
  return _ ("A device");
}
