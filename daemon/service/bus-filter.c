/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/bus-filter.h"

#include <string.h>

#include "service/service.h"

#define BUS "org.freedesktop.DBus"
#define LOGIND "org.freedesktop.login1"
#define POLKIT "org.freedesktop.PolicyKit1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define RESOLVED "org.freedesktop.resolve1"

/* Members between spaces. */
static const struct
{
  const gchar *destination, *interface, *members;
} calls[] = {
  { BUS, BUS,
    " Hello AddMatch RemoveMatch RequestName ReleaseName GetNameOwner NameHasOwner GetConnectionUnixUser "
    "GetConnectionCredentials " },
  { LOGIND, LOGIND ".Manager", " GetUser GetSessionByPID " },
  { LOGIND, PROPERTIES, " Get GetAll " },
  { POLKIT, POLKIT ".Authority", " CheckAuthorization CancelCheckAuthorization " },
  { RESOLVED, RESOLVED ".Manager",
    " FlushCaches GetLink SetLinkDNS SetLinkDomains SetLinkDefaultRoute SetLinkLLMNR SetLinkMulticastDNS "
    "SetLinkDNSOverTLS SetLinkDNSSECNegativeTrustAnchors RevertLink " },
  { RESOLVED, PROPERTIES, " Get GetAll " },
  { RESOLVED, "org.freedesktop.DBus.Peer", " Ping " },
};

static gboolean
has_word (const gchar *words, const gchar *word)
{
  g_autofree gchar *spaced = g_strconcat (" ", word, " ", NULL);

  return strchr (word, ' ') == NULL && strstr (words, spaced) != NULL;
}

static gboolean
is_bus_member (const EwFrame *frame, const gchar *member)
{
  return frame->type == EW_FRAME_CALL && g_strcmp0 (frame->destination, BUS) == 0
         && g_strcmp0 (frame->member, member) == 0;
}

gboolean
ew_bus_filter_needs_body (const EwFrame *frame)
{
  return is_bus_member (frame, "RequestName") || is_bus_member (frame, "AddMatch");
}

/* The body's first string is this one, and it has none but the NUL at its end. */
static gboolean
begins_with (const EwFrame *frame, const guint8 *body, const gchar *text)
{
  gsize length = strlen (text);

  return frame->body >= 4 + length + 1 && ew_frame_get_u32 (frame, body) == length
         && memcmp (body + 4, text, length + 1) == 0;
}

/* No other name; and no listening in on what others tell each other. */
static gboolean
allows_body (const EwFrame *frame, const guint8 *body)
{
  if (frame->body > EW_BUS_FILTER_BODY_MAX || body == NULL)
    return FALSE;
  if (is_bus_member (frame, "RequestName"))
    return begins_with (frame, body, EW_SERVICE_NAME);
  return memmem (body, frame->body, "eavesdrop", strlen ("eavesdrop")) == NULL;
}

static gboolean
allows_call (const EwFrame *frame, const guint8 *body)
{
  if (frame->destination == NULL || frame->interface == NULL || frame->member == NULL || frame->n_fds > 0)
    return FALSE;
  if (ew_bus_filter_needs_body (frame) && !allows_body (frame, body))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    if (g_str_equal (frame->destination, calls[i].destination) && g_str_equal (frame->interface, calls[i].interface)
        && has_word (calls[i].members, frame->member))
      return TRUE;
  return FALSE;
}

gboolean
ew_bus_filter_allows (const EwFrame *frame, const guint8 *body)
{
  switch (frame->type)
    {
    case EW_FRAME_CALL:
      return allows_call (frame, body);
    case EW_FRAME_RETURN:
    case EW_FRAME_ERROR:
      return TRUE; /* the bus drops those that nobody waits for */
    case EW_FRAME_SIGNAL:
      return g_strcmp0 (frame->path, EW_SERVICE_PATH) == 0
             && (g_strcmp0 (frame->interface, PROPERTIES) == 0 || g_strcmp0 (frame->interface, EW_SERVICE_NAME) == 0);
    default:
      return FALSE;
    }
}

/* D-Bus specification, "Authentication Protocol". A bus takes "BEGIN" for the last line whatever follows it. */
gboolean
ew_bus_filter_allows_line (const guint8 *line, gsize length)
{
  static const gchar *const words[] = { "AUTH", "DATA", "CANCEL", "NEGOTIATE_UNIX_FD", "BEGIN" };

  if (length > 0 && *line == '\0') /* the very first byte */
    line++, length--;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isprint (line[i]))
      return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i]);
      if (length >= n && memcmp (line, words[i], n) == 0 && (length == n || (i < 2 && line[n] == ' ')))
        return TRUE;
    }
  return FALSE;
}
