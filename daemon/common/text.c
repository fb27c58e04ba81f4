/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What people type and read: names, durations, times, hosts with ports.
 */
#include "common/util.h"
#include "common/error.h"
#include "common/phrase.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
#define HOST_MAX 253

static gboolean
is_label_char (gchar c)
{
  return g_ascii_islower (c) || g_ascii_isdigit (c) || c == '-';
}

gboolean
ew_name_check (const gchar *name, GError **error)
{
  gsize length = name != NULL ? strnlen (name, LABEL_MAX + 1) : 0;
  const gchar *rule = NULL;
  if (length == 0)
    rule = N_ ("A name can't be empty.");
  else if (length > LABEL_MAX)
    rule = N_ ("A name has at most 63 characters.");
  else if (name[0] == '-' || name[length - 1] == '-')
    rule = N_ ("A name can't begin or end with \"-\".");
  for (gsize i = 0; i < length && rule == NULL; i++)
    if (g_ascii_isupper (name[i]))
      rule = N_ ("Use lowercase letters in a name.");
    else if (!is_label_char (name[i]))
      rule = N_ ("Use only the letters a to z, digits and \"-\" in a name.");
  if (rule == NULL)
    return TRUE;
  g_set_error_literal (error, EW_ERROR, EW_ERROR_NAME_INVALID, rule);
  return FALSE;
}

/* As one label, inet_aton() and so getaddrinfo() take it for an address. */
static gboolean
is_number (const gchar *name)
{
  const gchar *digits = g_str_has_prefix (name, "0x") ? "0123456789abcdef" : "0123456789";
  const gchar *rest = g_str_has_prefix (name, "0x") ? name + 2 : name;
  return strspn (rest, digits) == strlen (rest);
}

gboolean
ew_name_check_computer (const gchar *name, GError **error)
{
  if (!ew_name_check (name, error))
    return FALSE;
  if (g_str_equal (name, "localhost"))
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                  "The name \"%s\" always means the computer itself. Choose another.", name);
  else if (g_str_equal (name, "wpad") || g_str_equal (name, "isatap")) /* also refused by Windows' DNS server */
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                  "Other computers would send their traffic through the one called \"%s\": browsers look for a proxy "
                  "(wpad) and Windows for a tunnel (isatap) by that name. Choose another.",
                  name);
  else if (is_number (name))
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                  "Programs take the number \"%s\" for an address. Choose a name that isn't one.", name);
  else
    return TRUE;
  return FALSE;
}

/* Runs of anything else become one "-"; an apostrophe inside a word vanishes. */
static GString *
label_from (const gchar *text)
{
  GString *label = g_string_new (NULL);
  gboolean gap = FALSE;
  for (; *text != '\0' && label->len < LABEL_MAX; text++)
    {
      if (*text == '\'')
        continue;
      if (!g_ascii_isalnum (*text))
        {
          gap = label->len > 0;
          continue;
        }
      if (gap && label->len + 1 < LABEL_MAX)
        g_string_append_c (label, '-');
      else if (gap)
        break;
      gap = FALSE;
      g_string_append_c (label, g_ascii_tolower (*text));
    }
  return label;
}

gchar *
ew_name_from_host (const gchar *host_name)
{
  const gchar *name = host_name != NULL ? host_name : "";
  g_autofree gchar *valid = g_utf8_make_valid (name, (gssize)strnlen (name, HOST_MAX));
  g_autofree gchar *ascii = g_str_to_ascii (valid, "C");
  gchar *domain = strchr (ascii, '.');
  if (domain != NULL && domain > ascii)
    *domain = '\0'; /* the computer's own label, not its domain */
  GString *label = label_from (ascii);
  if (label->len == 0)
    g_string_assign (label, "node");
  return g_string_free (label, FALSE);
}

gchar *
ew_name_of_computer (const gchar *host_name)
{
  gchar *name = ew_name_from_host (host_name);
  if (ew_name_check_computer (name, NULL))
    return name;
  g_autofree gchar *refused = name;
  g_autofree gchar *longer = g_strdup_printf ("node-%s", g_str_equal (name, "localhost") ? "" : name);
  return ew_name_from_host (longer);
}

gboolean
ew_is_deceptive (gunichar character)
{
  return (character >= 0x7f && character <= 0x9f) || character == 0x61c || (character >= 0x200e && character <= 0x200f)
         || (character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069)
         || character == 0xfeff;
}

gchar *
ew_text_one_line (const gchar *text, glong max)
{
  GString *line = g_string_new (NULL);
  for (const gchar *at = text; *at != '\0' && max > 0; at = g_utf8_next_char (at), max--)
    {
      gunichar character = g_utf8_get_char (at);
      g_string_append_unichar (line, character < ' ' || ew_is_deceptive (character) ? ' ' : character);
    }
  return g_string_free (line, FALSE);
}

gchar *
ew_text_end_sentence (const gchar *text)
{
  gsize length = strlen (text);

  return length > 0 && strchr (".!?", text[length - 1]) != NULL ? g_strdup (text) : g_strconcat (text, ".", NULL);
}

static guint
unit_seconds (const gchar *unit)
{
  if (*unit == '\0' || strcmp (unit, "s") == 0)
    return 1;
  if (strcmp (unit, "m") == 0)
    return 60;
  if (strcmp (unit, "h") == 0)
    return 3600;
  return strcmp (unit, "d") == 0 ? 86400 : 0;
}

gboolean
ew_duration_parse (const gchar *text, guint min, guint max, guint *seconds, GError **error)
{
  gsize digits = text != NULL ? strspn (text, "0123456789") : 0;
  guint unit = digits > 0 ? unit_seconds (text + digits) : 0;
  if (unit == 0)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "This isn't a duration. Use a number and a unit (s, m, h or d), for example 10m.");
      return FALSE;
    }
  /* at most 10 digits: never near the overflow of 64 bits */
  guint64 value = digits <= 10 ? g_ascii_strtoull (text, NULL, 10) * unit : G_MAXUINT64;
  if (value < min || value > max)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The duration must be from %u to %u seconds.", min,
                    max);
      return FALSE;
    }
  *seconds = (guint)value;
  return TRUE;
}

gchar *
ew_time_format (gint64 realtime_us)
{
  gint64 seconds = realtime_us / G_USEC_PER_SEC - (realtime_us % G_USEC_PER_SEC < 0 ? 1 : 0);
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);
  return time != NULL ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup ("1970-01-01T00:00:00Z");
}

/* RFC 3339 section 5.6; GDateTime takes more of ISO 8601 than that. 'd' means a digit. */
static gboolean
is_rfc3339 (const gchar *text)
{
  const gchar *shape = "dddd-dd-ddTdd:dd:dd";
  for (; *shape != '\0'; shape++, text++)
    if (*shape == 'd' ? !g_ascii_isdigit (*text) : g_ascii_toupper (*text) != *shape)
      return FALSE;
  if (*text == '.')
    {
      gsize digits = strspn (text + 1, "0123456789");
      if (digits == 0 || digits > 9)
        return FALSE;
      text += 1 + digits;
    }
  if (*text == 'Z' || *text == 'z')
    return text[1] == '\0';
  return strlen (text) == 6 && (*text == '+' || *text == '-') && g_ascii_isdigit (text[1]) && g_ascii_isdigit (text[2])
         && text[3] == ':' && g_ascii_isdigit (text[4]) && g_ascii_isdigit (text[5]);
}

gint64
ew_time_parse (const gchar *text)
{
  if (text == NULL || !is_rfc3339 (text))
    return 0;
  g_autofree gchar *upper = g_ascii_strup (text, -1);
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (upper, NULL);
  return time != NULL ? g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time) : 0;
}

static gboolean
host_is_valid (const gchar *host, gsize length, gboolean bracketed)
{
  g_autofree gchar *copy = g_strndup (host, length);
  struct in6_addr v6;
  if (length == 0 || length > HOST_MAX)
    return FALSE;
  if (bracketed)
    return inet_pton (AF_INET6, copy, &v6) == 1;
  for (const gchar *c = copy; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '.' && *c != '_')
      return FALSE;
  return copy[0] != '.' && copy[0] != '-';
}

static guint16
port_from (const gchar *text)
{
  guint64 port;
  if (strspn (text, "0123456789") != strlen (text) || !g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL))
    return 0;
  return (guint16)port;
}

gboolean
ew_host_port_parse (const gchar *text, gchar **host, guint16 *port, GError **error)
{
  gboolean bracketed = text != NULL && text[0] == '[';
  const gchar *from = bracketed ? text + 1 : text;
  const gchar *to = text == NULL ? NULL : strchr (from, bracketed ? ']' : ':');
  const gchar *colon = to != NULL && bracketed ? to + 1 : to;
  guint16 number = colon != NULL && *colon == ':' ? port_from (colon + 1) : 0;
  if (number == 0 || !host_is_valid (from, (gsize)(to - from), bracketed))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "This isn't a host with a port. Use HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535.");
      return FALSE;
    }
  *host = g_strndup (from, (gsize)(to - from));
  *port = number;
  return TRUE;
}
