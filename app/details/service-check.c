/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-check.h"

#include <glib/gi18n.h>
#include <string.h>

#include "name-check.h"

#define NAME_MAX_CHARS 63

/* Programs that people know by name rather than by port. */
static const struct
{
  guint16 port;
  const gchar *name;
} known[] = {
  { 22, "ssh" },      { 25, "mail" },      { 53, "dns" },      { 445, "files" },     { 554, "camera" },
  { 631, "printer" }, { 1883, "mqtt" },    { 3306, "mysql" },  { 3389, "desktop" },  { 5432, "postgres" },
  { 5678, "n8n" },    { 6379, "redis" },   { 8086, "influx" }, { 8096, "jellyfin" }, { 8123, "ha" },
  { 8384, "sync" },   { 9100, "printer" }, { 9090, "admin" },  { 11434, "ollama" },  { 19999, "netdata" },
  { 32400, "plex" },
};

guint
ew_service_read_port (const gchar *text)
{
  g_autofree gchar *stripped = g_strstrip (g_strdup (text));
  guint64 port;

  return g_ascii_string_to_unsigned (stripped, 10, 1, G_MAXUINT16, &port, NULL) ? (guint)port : 0;
}

static gboolean
is_encrypted_web (guint port)
{
  return port == 443 || port == 8443 || port == 9443;
}

static gboolean
is_web (guint port)
{
  return port == 80 || port == 3000 || port == 5000 || port == 5678 || port == 9000 || port == 9090 || port == 19999
         || port == 32400 || (port >= 8000 && port < 9000 && port != 8443);
}

guint
ew_service_propose_port (guint port)
{
  return is_encrypted_web (port) ? 443 : is_web (port) ? 80 : port;
}

static gboolean
is_free (EwTopology *topology, const gchar *name)
{
  g_autofree gchar *problem = ew_service_name_problem (name, topology, NULL);

  return problem == NULL;
}

gchar *
ew_service_propose_name (EwTopology *topology, EwNode *node, guint port)
{
  g_autofree gchar *own = NULL;
  const gchar *name = NULL;

  if (port == 0 || node == NULL)
    return g_strdup ("");
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (known[i].port == port)
      name = known[i].name;
  if (name != NULL && is_free (topology, name))
    return g_strdup (name);
  if (name != NULL)
    own = g_strdup_printf ("%s-%s", ew_node_get_name (node), name);
  else if (is_web (port) || is_encrypted_web (port))
    own = g_strdup_printf ("%s-web", ew_node_get_name (node));
  else
    own = g_strdup_printf ("%s-%u", ew_node_get_name (node), port);
  if (is_free (topology, own))
    return g_steal_pointer (&own);
  for (guint i = 2; i < 100; i++)
    {
      g_autofree gchar *counted = g_strdup_printf ("%s-%u", own, i);

      if (is_free (topology, counted))
        return g_steal_pointer (&counted);
    }
  return g_strdup ("");
}

gchar *
ew_service_host_problem (const gchar *host, EwNode *node)
{
  g_autoptr (GInetAddress) address = NULL;
  const gchar *const *routes = ew_node_get_routes (node);

  if (*host == '\0')
    return NULL;
  address = strchr (host, '%') == NULL ? g_inet_address_new_from_string (host) : NULL;
  if (address == NULL)
    return g_strdup (_ ("This isn't an address. Write one such as 10.77.0.9."));
  for (; *routes != NULL; routes++)
    {
      g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (*routes, NULL);

      if (mask != NULL && g_inet_address_mask_matches (mask, address))
        return NULL;
    }
  return g_strdup_printf (_ ("%s shares no network with this address."), ew_node_get_name (node));
}

gchar *
ew_service_target_text (EwNode *node, const gchar *host, guint port)
{
  if (*host == '\0')
    return g_strdup_printf ("%s:%u", ew_node_get_name (node), port);
  return g_strdup_printf (strchr (host, ':') != NULL ? "%s/[%s]:%u" : "%s/%s:%u", ew_node_get_name (node), host, port);
}

gboolean
ew_service_is_simple (EwService *service)
{
  const EwServicePortInfo *port;

  if (ew_service_get_n_targets (service) != 1 || ew_service_get_n_ports (service) != 1)
    return FALSE;
  port = ew_service_get_port (service, 0);
  return !port->udp && port->from == port->to;
}
