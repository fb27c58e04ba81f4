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

/* "HTTP/1.x NNN": 0: it isn't. */
static guint
read_status (const gchar *line)
{
  if ((!g_str_has_prefix (line, "HTTP/1.1 ") && !g_str_has_prefix (line, "HTTP/1.0 ")) || !g_ascii_isdigit (line[9])
      || !g_ascii_isdigit (line[10]) || !g_ascii_isdigit (line[11]) || g_ascii_isdigit (line[12]))
    return 0;
  return (guint)g_ascii_strtoull (line + 9, NULL, 10);
}

gboolean
ew_upgrade_has_token (const gchar *list, const gchar *token)
{
  g_auto (GStrv) items = g_strsplit (list ? list : "", ",", 64);

  for (gchar **item = items; *item; item++)
    if (g_ascii_strcasecmp (g_strstrip (*item), token) == 0)
      return TRUE;
  return FALSE;
}

/* Where the empty line ends; 0: nowhere yet. A proxy may end lines with a bare LF (RFC 9112 section 2.2). */
static gsize
find_end (const gchar *data, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (data[i] == '\n'
        && ((i + 1 < length && data[i + 1] == '\n') || (i + 2 < length && data[i + 1] == '\r' && data[i + 2] == '\n')))
      return i + (data[i + 1] == '\n' ? 2 : 3);
  return 0;
}

static void
read_header (const gchar *line, guint *upgrades, gboolean *connection)
{
  const gchar *colon = strchr (line, ':');

  if (colon == NULL || colon == line)
    return;
  g_autofree gchar *name = g_strndup (line, (gsize)(colon - line));
  if (g_ascii_strcasecmp (name, "Upgrade") == 0)
    *upgrades = ew_upgrade_has_token (colon + 1, EW_UPGRADE_TOKEN) ? *upgrades + 1 : G_MAXUINT / 2;
  else if (g_ascii_strcasecmp (name, "Connection") == 0)
    *connection |= ew_upgrade_has_token (colon + 1, "Upgrade");
}

EwUpgradeResult
ew_upgrade_read_answer (const gchar *data, gsize length, EwUpgradeAnswer *answer)
{
  const gsize end = find_end (data, MIN (length, EW_UPGRADE_HEAD_MAX));
  guint upgrades = 0;
  gboolean connection = FALSE;

  *answer = (EwUpgradeAnswer){ 0 };
  if (end == 0)
    {
      const gsize known = MIN (length, strlen ("HTTP/1."));
      return length < EW_UPGRADE_HEAD_MAX && strncmp (data, "HTTP/1.", known) == 0 ? EW_UPGRADE_MORE : EW_UPGRADE_NONE;
    }
  if (memchr (data, '\0', end) != NULL)
    return EW_UPGRADE_NONE;
  g_autofree gchar *text = g_strndup (data, end);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 0);
  for (gchar **line = lines; *line; line++)
    g_strchomp (*line);
  answer->status = read_status (lines[0]);
  answer->size = end;
  if (answer->status < 100)
    return EW_UPGRADE_NONE;
  for (gchar **line = lines + 1; *line; line++)
    read_header (*line, &upgrades, &connection);
  answer->upgraded = answer->status == 101 && upgrades == 1 && connection;
  return EW_UPGRADE_WHOLE;
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
