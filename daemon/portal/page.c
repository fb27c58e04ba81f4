/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "portal/page.h"

#include "proto/address.h"

#include <string.h>

#define FLAGS (G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE)
#define HOST_MAX 253 /* RFC 1035 section 2.3.4 */
#define LABEL_MAX 63
#define HTTP 80
#define HTTPS 443

void
ew_portal_page_free (EwPortalPage *page)
{
  if (page == NULL)
    return;
  g_free (page->url);
  g_free (page->host);
  g_free (page->path);
  g_free (page);
}

/* What a URL consists of (RFC 3986 section 2), without a quote. */
static gboolean
is_plain (const gchar *text)
{
  static const gchar allowed[]
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&()*+,;=%|";

  return *text != '\0' && strlen (text) <= EW_PORTAL_URL_MAX && strspn (text, allowed) == strlen (text);
}

static gboolean
is_name (const gchar *host)
{
  g_auto (GStrv) labels = g_strsplit (host, ".", -1);

  if (strlen (host) > HOST_MAX || g_str_equal (host, "localhost") || g_str_has_suffix (host, ".localhost"))
    return FALSE;
  for (gchar **label = labels; *label != NULL; label++)
    if (**label == '\0' || strlen (*label) > LABEL_MAX
        || strspn (*label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen (*label))
      return FALSE;
  return TRUE;
}

/* A number with dots is an address for a browser, however it's written ("127.1"). */
static gboolean
is_host (const gchar *host)
{
  EwIp ip;

  if (ew_ip_parse (host, &ip))
    return !ew_ip_is_loopback (&ip) && !ew_ip_is_unspecified (&ip) && !ew_ip_is_multicast (&ip);
  const gchar *last = strrchr (host, '.');
  return *host != '\0' && is_name (host) && !g_ascii_isdigit (last != NULL ? last[1] : host[0]);
}

/* NULL: it has none, or one that can't be used. (transfer full) */
static gchar *
read_host (GUri *uri)
{
  const gchar *text = g_uri_get_host (uri);
  g_autofree gchar *host = text != NULL ? g_ascii_strdown (text, -1) : NULL;

  if (host == NULL)
    return NULL;
  if (g_str_has_suffix (host, "."))
    host[strlen (host) - 1] = '\0';
  return is_host (host) ? g_steal_pointer (&host) : NULL;
}

static EwPortalPage *
page_of_uri (GUri *uri)
{
  g_autoptr (EwPortalPage) page = g_new0 (EwPortalPage, 1);
  const gchar *path = g_uri_get_path (uri), *query = g_uri_get_query (uri);
  gint port = g_uri_get_port (uri);

  page->tls = g_str_equal (g_uri_get_scheme (uri), "https");
  page->host = read_host (uri);
  if (page->host == NULL || g_uri_get_userinfo (uri) != NULL || port == 0 || port > G_MAXUINT16
      || !(page->tls || g_str_equal (g_uri_get_scheme (uri), "http")))
    return NULL;
  page->port = (guint16)(port > 0 ? port : page->tls ? HTTPS : HTTP);
  page->path = g_strconcat (*path != '\0' ? path : "/", query != NULL ? "?" : "", query, NULL);
  page->url = g_uri_to_string (uri);
  return strlen (page->url) <= EW_PORTAL_URL_MAX ? g_steal_pointer (&page) : NULL;
}

EwPortalPage *
ew_portal_page_parse (const gchar *text, const EwPortalPage *base)
{
  g_autoptr (GUri) from = base != NULL ? g_uri_parse (base->url, FLAGS, NULL) : NULL;
  g_autoptr (GUri) uri = NULL;

  if (!is_plain (text))
    return NULL;
  uri = from != NULL ? g_uri_parse_relative (from, text, FLAGS, NULL) : g_uri_parse (text, FLAGS, NULL);
  return uri != NULL ? page_of_uri (uri) : NULL;
}

EwPortalPage *
ew_portal_page_new (const gchar *host)
{
  g_autofree gchar *text = g_strdup_printf (strchr (host, ':') != NULL ? "http://[%s]/" : "http://%s/", host);

  return ew_portal_page_parse (text, NULL);
}
