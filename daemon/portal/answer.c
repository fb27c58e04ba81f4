/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "portal/answer.h"
#include "portal/page.h"

#include <string.h>

#define STATUS_LINE 12 /* bytes of "HTTP/1.1 200" */

/* Bytes of the head, its end included; 0: that isn't there yet. */
static gsize
find_end_of_head (const gchar *data, gsize length)
{
  for (gsize i = 0; i + 1 < length; i++)
    if (data[i] == '\n')
      {
        const gsize next = i + 1 + (data[i + 1] == '\r');
        if (next < length && data[next] == '\n')
          return next + 1;
      }
  return 0;
}

/* 0: it isn't one. */
static guint
read_status (const gchar *data)
{
  if (memcmp (data, "HTTP/1.", 7) != 0 || !g_ascii_isdigit (data[7]) || data[8] != ' ' || !g_ascii_isdigit (data[9])
      || !g_ascii_isdigit (data[10]) || !g_ascii_isdigit (data[11]))
    return 0;
  return (guint)(data[9] - '0') * 100 + (guint)(data[10] - '0') * 10 + (guint)(data[11] - '0');
}

/* The value of the first Location field (RFC 9110 section 10.2.2); NULL: none, or too long for a URL. */
static gchar *
find_location (const gchar *head, gsize size)
{
  static const gchar field[] = "location:";
  const gchar *end = head + size;

  for (const gchar *line = head; line < end;)
    {
      const gchar *next = memchr (line, '\n', (gsize)(end - line));
      gsize length = (gsize)((next != NULL ? next : end) - line);
      if (length > strlen (field) && g_ascii_strncasecmp (line, field, strlen (field)) == 0)
        {
          length -= strlen (field);
          if (length > EW_PORTAL_URL_MAX + 16 || memchr (line + strlen (field), '\0', length) != NULL)
            return NULL;
          return g_strstrip (g_strndup (line + strlen (field), length));
        }
      if (next == NULL)
        break;
      line = next + 1;
    }
  return NULL;
}

static gboolean
is_portals (guint status)
{
  return (status >= 200 && status <= 399 && status != 204 && status != 304) || status == 511;
}

/* Of a 200 where a body is expected. */
static EwPortalVerdict
judge_body (const gchar *body, gsize length, gboolean ended, const gchar *expected)
{
  gsize wanted = strlen (expected);

  if (memcmp (body, expected, MIN (length, wanted)) != 0)
    return EW_PORTAL_CAUGHT;
  if (length >= wanted)
    return EW_PORTAL_CLEAR;
  return ended ? EW_PORTAL_CAUGHT : EW_PORTAL_MORE;
}

EwPortalVerdict
ew_portal_judge (const gchar *data, gsize length, gboolean ended, const gchar *expected, gchar **location)
{
  static const gchar start[] = "HTTP/1.";
  gsize head;
  guint status;

  *location = NULL;
  if (memcmp (data, start, MIN (length, strlen (start))) != 0)
    return EW_PORTAL_SILENT;
  head = find_end_of_head (data, length);
  if (head == 0)
    return ended ? EW_PORTAL_SILENT : EW_PORTAL_MORE;
  status = head > STATUS_LINE ? read_status (data) : 0;
  if (status < 200)
    return EW_PORTAL_SILENT; /* 1xx: nobody asked for one */
  if (status == 200 && expected != NULL)
    return judge_body (data + head, length - head, ended, expected);
  if (!is_portals (status))
    return EW_PORTAL_CLEAR;
  *location = find_location (data, head);
  return EW_PORTAL_CAUGHT;
}
