/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/packages/request.h"

#include <string.h>

#define NUMBER_MAX 15 /* digits: below 2^53 */

gboolean
ew_packages_is_system (const gchar *text)
{
  gsize length = strlen (text);
  if (length == 0 || length > EW_PACKAGES_SYSTEM_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      gboolean plain = g_ascii_islower (text[i]) || g_ascii_isdigit (text[i]);
      gboolean joint = (text[i] == '-' || text[i] == '.') && i > 0 && i + 1 < length && g_ascii_isalnum (text[i - 1]);
      if (!plain && !joint)
        return FALSE;
    }
  return TRUE;
}

gboolean
ew_packages_is_file (const gchar *text)
{
  gsize length = strlen (text);
  if (length == 0 || length > EW_PACKAGES_FILE_MAX || !g_ascii_isalnum (text[0]))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && strchr (".+~_-:%=", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
ew_packages_path_parse (const gchar *path, gchar system[EW_PACKAGES_SYSTEM_MAX + 1],
                        gchar file[EW_PACKAGES_FILE_MAX + 1])
{
  if (!g_str_has_prefix (path, EW_PACKAGES_PREFIX))
    return FALSE;
  path += strlen (EW_PACKAGES_PREFIX);
  const gchar *slash = strchr (path, '/');
  if (slash == NULL || slash - path > EW_PACKAGES_SYSTEM_MAX || strlen (slash + 1) > EW_PACKAGES_FILE_MAX)
    return FALSE;
  memcpy (system, path, (gsize)(slash - path));
  system[slash - path] = '\0';
  g_strlcpy (file, slash + 1, EW_PACKAGES_FILE_MAX + 1);
  return ew_packages_is_system (system) && ew_packages_is_file (file);
}

/* Digits up to anything else. FALSE: none, or too many. */
static gboolean
take_number (const gchar **at, guint64 *number)
{
  gsize digits = strspn (*at, "0123456789");
  if (digits == 0 || digits > NUMBER_MAX)
    return FALSE;
  *number = g_ascii_strtoull (*at, NULL, 10);
  *at += digits;
  return TRUE;
}

EwPackagesRange
ew_packages_range_parse (const gchar *header, guint64 size, guint64 *first, guint64 *length)
{
  guint64 from, to = G_MAXUINT64;
  *first = 0;
  *length = size;
  if (header == NULL || !g_str_has_prefix (header, "bytes="))
    return EW_PACKAGES_RANGE_WHOLE;
  header += strlen ("bytes=");
  if (!take_number (&header, &from) || *header++ != '-' || (*header && !take_number (&header, &to)) || *header
      || to < from)
    return EW_PACKAGES_RANGE_WHOLE;
  if (from >= size)
    return EW_PACKAGES_RANGE_BEYOND;
  *first = from;
  *length = MIN (to, size - 1) - from + 1;
  return EW_PACKAGES_RANGE_PART;
}
