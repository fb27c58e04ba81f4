/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/settings.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static EwProxy *session; /* of the latest answer; NULL: none */

static EwProxySettings *
settings_new (void)
{
  EwProxySettings *self = g_new0 (EwProxySettings, 1);
  self->known = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_proxy_free);
  return self;
}

void
ew_proxy_settings_free (EwProxySettings *self)
{
  if (self == NULL)
    return;
  ew_proxy_free (self->fixed);
  g_ptr_array_unref (self->known);
  g_free (self);
}

/* As text. */

EwProxySettings *
ew_proxy_settings_parse (const gchar *text, GError **error)
{
  g_autoptr (EwProxySettings) self = settings_new ();
  gchar **lines = g_strsplit (text, "\n", EW_PROXY_KNOWN_MAX + 2);
  const gchar *choice = lines[0] ? g_strstrip (lines[0]) : "";
  gboolean valid = TRUE;

  self->direct = strcmp (choice, "direct") == 0;
  if (*choice && !self->direct && strcmp (choice, "auto") != 0)
    valid = (self->fixed = ew_proxy_parse (choice, error)) != NULL;
  for (gchar **line = lines; *line && line[1] && self->known->len < EW_PROXY_KNOWN_MAX; line++)
    {
      EwProxy *proxy = ew_proxy_parse (g_strstrip (line[1]), NULL);
      if (proxy && proxy->credentials)
        g_ptr_array_add (self->known, proxy);
      else
        ew_proxy_free (proxy);
    }
  for (gchar **line = lines; *line; line++)
    ew_free_secret (*line);
  g_free (lines);
  return valid ? g_steal_pointer (&self) : NULL;
}

gchar *
ew_proxy_settings_format (const EwProxySettings *self)
{
  gchar *text = self->fixed    ? ew_proxy_format_url (self->fixed, TRUE)
                : self->direct ? g_strdup ("direct")
                               : g_strdup ("auto");
  for (guint i = 0; i < self->known->len; i++)
    {
      gchar *before = text, *url = ew_proxy_format_url (self->known->pdata[i], TRUE);
      text = g_strconcat (before, "\n", url, NULL);
      ew_free_secret (before);
      ew_free_secret (url);
    }
  gchar *whole = g_strconcat (text, "\n", NULL);
  ew_free_secret (text);
  return whole;
}

gchar *
ew_proxy_settings_show (const EwProxySettings *self)
{
  return self->fixed ? ew_proxy_format_url (self->fixed, FALSE) : g_strdup (self->direct ? "off" : "auto");
}

/* As a file. */

static gboolean
holds_password (const EwProxySettings *self)
{
  return self->known->len > 0 || (self->fixed && self->fixed->credentials);
}

/* FALSE with an error: there is one, and it can't be used. *text: NULL: there is none. Secret. */
static gboolean
read_file (const gchar *path, gchar **text, gboolean *private, GError **error)
{
  struct stat status = { 0 };
  const int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  *text = NULL;
  if (fd < 0 && errno == ENOENT)
    return TRUE;
  gchar *data = g_malloc0 (EW_PROXY_FILE_MAX + 1);
  const gboolean regular = fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode);
  const ssize_t n = regular ? read (fd, data, EW_PROXY_FILE_MAX) : -1;
  const int failure = errno;
  if (fd >= 0)
    close (fd);
  *private = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (n >= 0)
    *text = g_strndup (data, (gsize)n);
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s can't be read: %s.", path,
                  fd >= 0 && !regular ? N_ ("it isn't a file") : g_strerror (failure));
  ew_zero (data, EW_PROXY_FILE_MAX);
  g_free (data);
  return n >= 0;
}

EwProxySettings *
ew_proxy_settings_load (const gchar *file, GError **error)
{
  gchar *text = NULL;
  gboolean private = TRUE;
  if (file && !read_file (file, &text, &private, error))
    return NULL;
  g_autoptr (EwProxySettings) self = text ? ew_proxy_settings_parse (text, error) : settings_new ();
  ew_free_secret (text);
  if (self && holds_password (self) && !private)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "Others can read %s, which contains a password, so it isn't used. Run `sudo chmod 600 %s`.", file,
                    file);
      return NULL;
    }
  return g_steal_pointer (&self);
}

gboolean
ew_proxy_settings_save (const EwProxySettings *self, const gchar *file, GError **error)
{
  gchar *text = ew_proxy_settings_format (self);
  const gboolean done = ew_file_write_atomic (file, text, -1, 0600, error);
  ew_free_secret (text);
  return done;
}

/* Changes. */

gboolean
ew_proxy_settings_choose (EwProxySettings *self, const gchar *choice, const gchar *user, const gchar *password,
                          GError **error)
{
  const gboolean direct = strcmp (choice, "off") == 0, automatic = strcmp (choice, "auto") == 0;
  g_autoptr (EwProxy) proxy = NULL;
  if (!direct && !automatic)
    {
      proxy = ew_proxy_parse (choice, error);
      if (proxy == NULL || (*user && !ew_proxy_set_credentials (proxy, user, password, error)))
        return FALSE;
    }
  self->direct = direct;
  g_clear_pointer (&self->fixed, ew_proxy_free);
  self->fixed = g_steal_pointer (&proxy);
  return TRUE;
}

static void
forget_proxy (EwProxySettings *self, const EwProxy *proxy)
{
  for (guint i = self->known->len; i > 0; i--)
    if (ew_proxy_is_same_place (self->known->pdata[i - 1], proxy))
      g_ptr_array_remove_index (self->known, i - 1);
  if (self->known->len >= EW_PROXY_KNOWN_MAX)
    g_ptr_array_remove_index (self->known, self->known->len - 1);
}

gboolean
ew_proxy_settings_learn (EwProxySettings *self, const gchar *place, const gchar *user, const gchar *password,
                         GError **error)
{
  g_autoptr (EwProxy) proxy = ew_proxy_parse (place, error);
  if (proxy == NULL || !ew_proxy_set_credentials (proxy, user, password, error))
    return FALSE;
  if (self->fixed && ew_proxy_is_same_place (self->fixed, proxy))
    return ew_proxy_set_credentials (self->fixed, user, password, error);
  forget_proxy (self, proxy);
  if (proxy->credentials)
    g_ptr_array_insert (self->known, 0, g_steal_pointer (&proxy));
  return TRUE;
}

/* The environment. */

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

static const gchar *
find_in_environment (void)
{
  static const gchar *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
  return first_of (proxies);
}

static gboolean
is_exempt (const gchar *host)
{
  static const gchar *const exempt[] = { "no_proxy", "NO_PROXY", NULL };
  const gchar *list = first_of (exempt);
  return list && ew_proxy_is_exempt (list, host);
}

gboolean
ew_proxy_settings_asks_session (const EwProxySettings *self)
{
  return !self->direct && self->fixed == NULL && find_in_environment () == NULL;
}

/* Which one. */

void
ew_proxy_take_answer (const gchar *const *proxies)
{
  g_clear_pointer (&session, ew_proxy_free);
  for (guint i = 0; proxies && proxies[i] && i < EW_PROXY_ANSWER_MAX; i++)
    {
      if (strcmp (proxies[i], "direct://") == 0)
        return;
      session = g_ascii_strncasecmp (proxies[i], "http://", 7) == 0 ? ew_proxy_parse (proxies[i], NULL) : NULL;
      if (session)
        return;
    }
}

static EwProxy *
find_automatic (const gchar *host, GError **error)
{
  const gchar *text = find_in_environment ();
  if (text)
    return is_exempt (host) ? NULL : ew_proxy_parse (text, error);
  return session ? ew_proxy_copy (session) : NULL;
}

static void
add_known_credentials (const EwProxySettings *settings, EwProxy *proxy)
{
  for (guint i = 0; proxy->credentials == NULL && i < settings->known->len; i++)
    {
      const EwProxy *known = settings->known->pdata[i];
      if (ew_proxy_is_same_place (known, proxy))
        proxy->credentials = g_strdup (known->credentials);
    }
}

EwProxy *
ew_proxy_find (const gchar *file, const gchar *host, GError **error)
{
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_load (file, error);
  if (settings == NULL || settings->direct)
    return NULL;
  EwProxy *proxy = settings->fixed ? ew_proxy_copy (settings->fixed) : find_automatic (host, error);
  if (proxy)
    add_known_credentials (settings, proxy);
  return proxy;
}
