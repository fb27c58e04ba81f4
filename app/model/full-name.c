/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "full-name.h"

#include <string.h>

#define LABEL_MAX 63
#define FULL_MAX 253 /* RFC 1035, section 2.3.4 */

gboolean
ew_is_label (const gchar *text)
{
  const gsize length = strlen (text);

  return length > 0 && length <= LABEL_MAX && strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length
         && text[0] != '-' && text[length - 1] != '-';
}

static gboolean
is_domain (const gchar *text)
{
  g_auto (GStrv) labels = g_strsplit (text, ".", -1);

  for (gchar **label = labels; *label != NULL; label++)
    if (!ew_is_label (*label))
      return FALSE;
  return labels[0] != NULL;
}

gchar *
ew_full_name (EwDaemon *daemon, const gchar *name)
{
  const gchar *suffix = ew_daemon_get_suffix (daemon);

  if (!ew_is_label (name) || !is_domain (suffix) || strlen (name) + 1 + strlen (suffix) > FULL_MAX)
    return NULL;
  return g_strconcat (name, ".", suffix, NULL);
}

gchar *
ew_reachable_name (EwDaemon *daemon, const gchar *name, const gchar *address)
{
  gchar *full = g_str_equal (ew_daemon_get_names (daemon), "ok") ? ew_full_name (daemon, name) : NULL;

  return full != NULL ? full : g_strdup (address);
}

const gchar *
ew_names_trouble (EwDaemon *daemon)
{
  const gchar *message = ew_daemon_get_names_message (daemon);

  return !g_str_equal (ew_daemon_get_names (daemon), "ok") && *message != '\0' ? message : NULL;
}

gboolean
ew_names_fail (EwDaemon *daemon)
{
  static const gchar *const others[] = { "", "ok", "checking", "not-connected", "edge-without-names", NULL };

  return !g_strv_contains (others, ew_daemon_get_names (daemon)) && ew_names_trouble (daemon) != NULL;
}
