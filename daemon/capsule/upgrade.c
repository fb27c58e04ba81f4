/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capsule/upgrade.h"

#include <string.h>

#define HOST_MAX 255

/* Of a request. */

static gchar *
format_authority (const gchar *host, guint16 port)
{
  return g_strdup_printf (strchr (host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

gchar *
ew_upgrade_request (const gchar *host, guint16 port)
{
  g_autofree gchar *authority = format_authority (host, port);
  g_autofree gchar *target
    = g_uri_escape_string (host, NULL, FALSE); /* the colons of IPv6 as well: RFC 9298 section 3 */

  return g_strdup_printf ("GET " EW_UPGRADE_PATH "%s/%u/ HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "Connection: Upgrade\r\n"
                          "Upgrade: " EW_UPGRADE_TOKEN "\r\n"
                          "Capsule-Protocol: ?1\r\n"
                          "\r\n",
                          target, port, authority);
}

/* Of an answer. */

gboolean
ew_upgrade_has_token (const gchar *list, const gchar *token)
{
  g_auto (GStrv) items = g_strsplit (list ? list : "", ",", 64);

  for (gchar **item = items; *item; item++)
    if (g_ascii_strcasecmp (g_strstrip (*item), token) == 0)
      return TRUE;
  return FALSE;
}

typedef struct
{
  guint n_upgrades;
  gboolean foreign;    /* an upgrade to something else */
  gboolean connection; /* is to be upgraded */
} Fields;

static void
note_field (const gchar *name, const gchar *value, gpointer user_data)
{
  Fields *fields = user_data;

  if (g_ascii_strcasecmp (name, "Upgrade") == 0)
    {
      fields->n_upgrades++;
      fields->foreign |= !ew_upgrade_has_token (value, EW_UPGRADE_TOKEN);
    }
  else if (g_ascii_strcasecmp (name, "Connection") == 0)
    fields->connection |= ew_upgrade_has_token (value, "Upgrade");
}

EwHeadResult
ew_upgrade_read_answer (const gchar *data, gsize length, EwUpgradeAnswer *answer)
{
  EwHead head;
  Fields fields = { 0 };
  const EwHeadResult result = ew_head_read (data, length, &head);

  *answer = (EwUpgradeAnswer){ .status = head.status, .size = head.size };
  if (result != EW_HEAD_WHOLE || head.status != 101)
    return result;
  ew_head_visit (data, &head, note_field, &fields);
  answer->upgraded = fields.n_upgrades == 1 && !fields.foreign && fields.connection;
  return result;
}

/* Of a request's path. */

static const gchar *
skip_authority (const gchar *path)
{
  if (g_ascii_strncasecmp (path, "https://", 8) == 0)
    path += 8;
  else if (g_ascii_strncasecmp (path, "http://", 7) == 0)
    path += 7;
  else
    return path;
  const gchar *slash = strchr (path, '/');
  return slash ? slash : "";
}

gboolean
ew_upgrade_read_path (const gchar *path, gchar **host, guint16 *port)
{
  guint64 number;

  path = skip_authority (path);
  if (!g_str_has_prefix (path, EW_UPGRADE_PATH))
    return FALSE;
  g_auto (GStrv) parts = g_strsplit (path + strlen (EW_UPGRADE_PATH), "/", 4);
  if (g_strv_length (parts) != 3 || *parts[2] != '\0' || strlen (parts[0]) > 3 * HOST_MAX)
    return FALSE;
  g_autofree gchar *name = g_uri_unescape_string (parts[0], "/");
  if (name == NULL || *name == '\0' || strlen (name) > HOST_MAX
      || !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;
  for (const gchar *c = name; *c; c++)
    if (!g_ascii_isalnum (*c) && strchr (".-_:", *c) == NULL)
      return FALSE;
  *host = g_steal_pointer (&name);
  *port = (guint16)number;
  return TRUE;
}
