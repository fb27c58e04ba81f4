/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "portal/answer.h"
#include "common/http-head.h"
#include "portal/page.h"

#include <string.h>

/* The value of the first Location field (RFC 9110 section 10.2.2), unless it's too long for a URL. */
static void
take_location (const gchar *name, const gchar *value, gpointer user_data)
{
  gchar **location = user_data;

  if (*location == NULL && g_ascii_strcasecmp (name, "location") == 0 && strlen (value) <= EW_PORTAL_URL_MAX)
    *location = g_strdup (value);
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
  EwHead head;

  *location = NULL;
  switch (ew_head_read (data, length, &head))
    {
    case EW_HEAD_MORE:
      return ended ? EW_PORTAL_SILENT : EW_PORTAL_MORE;
    case EW_HEAD_WRONG:
      return EW_PORTAL_SILENT;
    case EW_HEAD_WHOLE:
      break;
    }
  if (head.status < 200)
    return EW_PORTAL_SILENT; /* 1xx: nobody asked for one */
  if (head.status == 200 && expected != NULL)
    return judge_body (data + head.size, length - head.size, ended, expected);
  if (!is_portals (head.status))
    return EW_PORTAL_CLEAR;
  ew_head_visit (data, &head, take_location, location);
  return EW_PORTAL_CAUGHT;
}
