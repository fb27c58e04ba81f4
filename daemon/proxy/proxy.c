/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/proxy.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

void
ew_proxy_free (EwProxy *proxy)
{
  if (proxy == NULL)
    return;
  g_free (proxy->host);
  ew_free_secret (proxy->credentials);
  g_free (proxy);
}

EwProxy *
ew_proxy_copy (const EwProxy *proxy)
{
  EwProxy *copy = g_new0 (EwProxy, 1);
  copy->host = g_strdup (proxy->host);
  copy->port = proxy->port;
  copy->credentials = g_strdup (proxy->credentials);
  return copy;
}

/* What CONNECT and Basic can't carry: a control character in either would be a header of its own. */
static gboolean
has_control (const gchar *text)
{
  for (; *text; text++)
    if (g_ascii_iscntrl (*text))
      return TRUE;
  return FALSE;
}

/* A name or an address: nothing that means something else in a URL or a request. */
static gboolean
is_host (const gchar *text)
{
  const gchar *at = text;
  while (g_ascii_isalnum (*at) || (*at && strchr ("-._:", *at)))
    at++;
  return at > text && *at == '\0';
}

static EwProxy *
proxy_of_uri (GUri *uri)
{
  const gchar *host = g_uri_get_host (uri), *path = g_uri_get_path (uri), *user = g_uri_get_userinfo (uri);
  const int port = g_uri_get_port (uri);
  if (strcmp (g_uri_get_scheme (uri), "http") != 0 || host == NULL || !is_host (host) || port == 0
      || (*path && strcmp (path, "/") != 0) || g_uri_get_query (uri) || g_uri_get_fragment (uri)
      || (user && has_control (user)))
    return NULL;
  EwProxy *proxy = g_new0 (EwProxy, 1);
  proxy->host = g_strdup (host);
  proxy->port = port > 0 ? (guint16)port : EW_PROXY_PORT;
  if (user && *user)
    proxy->credentials = strchr (user, ':') ? g_strdup (user) : g_strconcat (user, ":", NULL);
  return proxy;
}

EwProxy *
ew_proxy_parse (const gchar *text, GError **error)
{
  EwProxy *proxy = NULL;
  if (strlen (text) <= EW_PROXY_TEXT_MAX)
    {
      gchar *whole = strstr (text, "://") ? g_strdup (text) : g_strconcat ("http://", text, NULL);
      g_autoptr (GUri) uri = g_uri_parse (whole, G_URI_FLAGS_NONE, NULL);
      proxy = uri ? proxy_of_uri (uri) : NULL;
      ew_free_secret (whole);
    }
  if (proxy == NULL) /* it may hold a password: not a part of the error */
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "The proxy's address can't be used. Write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT.");
  return proxy;
}

gboolean
ew_proxy_set_credentials (EwProxy *proxy, const gchar *user, const gchar *password, GError **error)
{
  if (has_control (user) || has_control (password) || strchr (user, ':')
      || strlen (user) + strlen (password) > EW_PROXY_CREDENTIALS_MAX)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "A user name and a password for a proxy have at most %d bytes and no control characters, and the "
                    "user name no colon.",
                    EW_PROXY_CREDENTIALS_MAX);
      return FALSE;
    }
  g_clear_pointer (&proxy->credentials, ew_free_secret);
  if (*user)
    proxy->credentials = g_strconcat (user, ":", password, NULL);
  return TRUE;
}

gboolean
ew_proxy_is_same_place (const EwProxy *a, const EwProxy *b)
{
  return a->port == b->port && g_ascii_strcasecmp (a->host, b->host) == 0;
}

gchar *
ew_proxy_format_place (const EwProxy *proxy)
{
  return g_strdup_printf (strchr (proxy->host, ':') ? "[%s]:%u" : "%s:%u", proxy->host, proxy->port);
}

gchar *
ew_proxy_format_url (const EwProxy *proxy, gboolean with_credentials)
{
  g_autofree gchar *place = ew_proxy_format_place (proxy);

  if (!with_credentials || proxy->credentials == NULL)
    return g_strconcat ("http://", place, NULL);
  gchar *user = g_strndup (proxy->credentials, strcspn (proxy->credentials, ":"));
  gchar *encoded_user = g_uri_escape_string (user, NULL, FALSE);
  gchar *encoded_password = g_uri_escape_string (proxy->credentials + strlen (user) + 1, NULL, FALSE);
  gchar *url = g_strconcat ("http://", encoded_user, ":", encoded_password, "@", place, NULL);
  ew_free_secret (user);
  ew_free_secret (encoded_user);
  ew_free_secret (encoded_password);
  return url;
}

/* no_proxy. */

static gboolean
covers_address (const gchar *entry, GInetAddress *address)
{
  g_autofree gchar *bare = NULL;
  const gsize length = strlen (entry);
  if (entry[0] == '[' && entry[length - 1] == ']')
    bare = g_strndup (entry + 1, length - 2);
  g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (bare ? bare : entry, NULL);
  return mask && g_inet_address_mask_matches (mask, address);
}

static gboolean
covers_name (const gchar *entry, const gchar *host)
{
  gsize have = strlen (host), want;
  entry += *entry == '.';
  want = strlen (entry);
  have -= have > 0 && host[have - 1] == '.';
  want -= want > 0 && entry[want - 1] == '.';
  return want > 0 && have >= want && g_ascii_strncasecmp (host + have - want, entry, want) == 0
         && (have == want || host[have - want - 1] == '.');
}

gboolean
ew_proxy_is_exempt (const gchar *list, const gchar *host)
{
  g_autofree gchar *bounded = g_strndup (list, EW_PROXY_LIST_MAX);
  g_auto (GStrv) entries = g_strsplit_set (bounded, ", \t", -1);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  for (gchar **entry = entries; *entry; entry++)
    if (**entry
        && (strcmp (*entry, "*") == 0 || (address ? covers_address (*entry, address) : covers_name (*entry, host))))
      return TRUE;
  return FALSE;
}
