/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/default-names.h"

#include <libsoup/soup.h>
#include <string.h>
#include "common/util.h"
#include "edge/mesh/mesh.h"

#define HOST_NAME_MAX_BYTES 253 /* RFC 1035 section 2.3.4, without the root's dot */

/* "fra.example.co.uk" → "example.co.uk", "fra.home.lan" → "home.lan"; NULL for addresses and for names without a
 * domain. */
static const gchar *
registered_domain (const gchar *host)
{
  if (strlen (host) > HOST_NAME_MAX_BYTES || !g_str_is_ascii (host) || g_hostname_is_ip_address (host)
      || g_str_has_prefix (host, ".") || g_str_has_suffix (host, ".") || strstr (host, "..")
      || strchr (host, '.') == NULL)
    return NULL;
  const gchar *domain = soup_tld_get_base_domain (host, NULL);
  if (domain)
    return domain;
  /* A domain of a network's own ("home.lan") is in no list: its last two labels. */
  const gchar *last = strrchr (host, '.'), *start = g_strrstr_len (host, last - host, ".");
  return start ? start + 1 : host;
}

/* A label for host's first part, or the fallback where it says nothing. (transfer full) */
static gchar *
label_of (const gchar *host, const gchar *fallback)
{
  g_autofree gchar *label = ew_name_from_host (host);
  gboolean letters = FALSE;
  for (const gchar *part = host; *part && *part != '.'; part++)
    letters = letters || g_ascii_isalnum (*part);
  if (!letters || g_str_equal (label, "localhost"))
    return g_strdup (fallback);
  return g_steal_pointer (&label);
}

void
ew_edge_default_names (const gchar *host_name, const gchar *public_endpoint, gchar **mesh, gchar **edge)
{
  g_autofree gchar *host = g_ascii_strdown (host_name ? host_name : "", -1), *public_host = NULL;
  guint16 port;
  const gchar *domain = NULL;
  if (public_endpoint && ew_host_port_parse (public_endpoint, &public_host, &port, NULL))
    {
      g_autofree gchar *lower = g_ascii_strdown (public_host, -1);
      g_free (public_host);
      public_host = g_steal_pointer (&lower);
      domain = registered_domain (public_host);
    }
  if (domain == NULL)
    domain = registered_domain (host);
  *edge = label_of (host, EW_MESH_DEFAULT_EDGE);
  *mesh = label_of (domain ? domain : host, EW_MESH_DEFAULT_NAME);
}
