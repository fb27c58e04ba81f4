/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/packages/script.h"

#include <gio/gio.h>
#include <string.h>
#include "common/util.h"

#define TEMPLATE "/org/edgeway/install/install.sh.in"
#define HTTPS_PORT 443

/* Of glib-compile-resources: a static library's constructor would not be linked. */
GResource *ew_packages_get_resource (void);

gchar *
ew_packages_base_url (const gchar *public_endpoint)
{
  g_autofree gchar *host = NULL;
  guint16 port;
  if (!ew_host_port_parse (public_endpoint, &host, &port, NULL))
    return NULL;
  const gchar *before = strchr (host, ':') ? "[" : "", *after = *before ? "]" : "";
  return port == HTTPS_PORT ? g_strdup_printf ("https://%s%s%s", before, host, after)
                            : g_strdup_printf ("https://%s%s%s:%u", before, host, after, port);
}

/* All values are in the shell's single quotes. */
static gboolean
is_harmless (const gchar *value, const gchar *more)
{
  for (const gchar *at = value; *at; at++)
    if (!g_ascii_isalnum (*at) && strchr (more, *at) == NULL)
      return FALSE;
  return TRUE;
}

gchar *
ew_packages_make_script (const gchar *base_url, const gchar *mesh, const gchar *edge, const gchar *ca_pem)
{
  g_autoptr (GBytes) template = g_resource_lookup_data (ew_packages_get_resource (), TEMPLATE, 0, NULL);
  g_autofree gchar *ca = g_strstrip (g_strdup (ca_pem));
  if (!is_harmless (base_url, ":/.-[]_") || !is_harmless (mesh, "-") || !is_harmless (edge, "-")
      || !is_harmless (ca, "-+/= \n"))
    return NULL;
  g_autoptr (GString) script
    = g_string_new_len (g_bytes_get_data (template, NULL), (gssize)g_bytes_get_size (template));
  g_string_replace (script, "@URL@", base_url, 0);
  g_string_replace (script, "@MESH@", mesh, 0);
  g_string_replace (script, "@EDGE@", edge, 0);
  g_string_replace (script, "@CA@", ca, 0);
  return g_string_free (g_steal_pointer (&script), FALSE);
}
