/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/proxy.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static EwProxy *
proxy_of_uri (GUri *uri)
{
  const gchar *host = g_uri_get_host (uri), *path = g_uri_get_path (uri), *user = g_uri_get_userinfo (uri);
  const int port = g_uri_get_port (uri);
  if (strcmp (g_uri_get_scheme (uri), "http") != 0 || host == NULL || *host == '\0' || has_control (host)
      || strpbrk (host, " /@") || port == 0 || (*path && strcmp (path, "/") != 0) || g_uri_get_query (uri)
      || g_uri_get_fragment (uri) || (user && has_control (user)))
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

/* Where it comes from. */

static const gchar *
first_of (const gchar *const *names)
{
  for (; *names; names++)
    {
      const gchar *value = g_getenv (*names);
      if (value && *value)
        return value;
    }
  return NULL;
}

static EwProxy *
find_in_environment (const gchar *host, GError **error)
{
  static const gchar *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
  static const gchar *const exempt[] = { "no_proxy", "NO_PROXY", NULL };
  const gchar *proxy = first_of (proxies), *list = first_of (exempt);
  if (proxy == NULL || (list && ew_proxy_is_exempt (list, host)))
    return NULL;
  return ew_proxy_parse (proxy, error);
}

/* FALSE with an error: there is one, and it can't be used. *text: NULL: there is none. */
static gboolean
read_first_line (const gchar *path, gchar **text, gboolean *private, GError **error)
{
  gchar line[EW_PROXY_TEXT_MAX + 2];
  struct stat status;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  *text = NULL;
  if (fd < 0 && errno == ENOENT)
    return TRUE;
  ssize_t n = fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode) ? read (fd, line, sizeof line - 1) : -1;
  const int failure = errno;
  if (fd >= 0)
    close (fd);
  if (n < 0)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s can't be read: %s.", path,
                    fd >= 0 && !S_ISREG (status.st_mode) ? N_ ("it isn't a file") : g_strerror (failure));
      return FALSE;
    }
  line[n] = '\0';
  line[strcspn (line, "\r\n")] = '\0';
  *text = g_strdup (g_strstrip (line));
  explicit_bzero (line, sizeof line);
  *private = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  return TRUE;
}

EwProxy *
ew_proxy_find (const gchar *file, const gchar *host, GError **error)
{
  gchar *text = NULL;
  gboolean private = TRUE;
  EwProxy *proxy = NULL;
  if (file && !read_first_line (file, &text, &private, error))
    return NULL;
  if (text == NULL || *text == '\0')
    proxy = find_in_environment (host, error);
  else if (strcmp (text, "direct") != 0)
    proxy = ew_proxy_parse (text, error);
  if (proxy && proxy->credentials && !private)
    {
      g_clear_pointer (&proxy, ew_proxy_free);
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "Others can read %s, which contains a password, so it isn't used. Run `sudo chmod 600 %s`.", file,
                    file);
    }
  ew_free_secret (text);
  return proxy;
}
