/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which HTTP proxy leads to a host, if any: as this computer's administrator has chosen in a file, by lines:
 *
 *   URL | direct | auto                          the choice; no file, or nothing there: auto
 *   http://USER:PASSWORD@HOST[:PORT]             any more: what proxies that are named elsewhere get to hear
 *
 * auto: the environment's proxy as curl reads it, else what a desktop session has answered, else none.
 */
#pragma once

#include "proxy/proxy.h"

G_BEGIN_DECLS

#define EW_PROXY_FILE "proxy" /* in the state folder; 0600 */
#define EW_PROXY_FILE_MAX (16 * 1024)
#define EW_PROXY_KNOWN_MAX 8 /* proxies whose passwords are kept beside the choice */
#define EW_PROXY_ANSWER_MAX 8

typedef struct
{
  gboolean direct;
  EwProxy *fixed;   /* NULL: none; without it and direct, auto */
  GPtrArray *known; /* EwProxy with credentials */
} EwProxySettings;

void ew_proxy_settings_free (EwProxySettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwProxySettings, ew_proxy_settings_free)

/* NULL: the first line is none of the three. */
EwProxySettings *ew_proxy_settings_parse (const gchar *text, GError **error);
/* What ew_proxy_settings_parse() takes. A secret. */
gchar *ew_proxy_settings_format (const EwProxySettings *self);
/* A file with a password that others may read isn't used. */
EwProxySettings *ew_proxy_settings_load (const gchar *file, GError **error);
/* G_IO_ERROR. */
gboolean ew_proxy_settings_save (const EwProxySettings *self, const gchar *file, GError **error);

/* choice: "auto", "off" or a URL; user "": no credentials, or those in the URL. INVALID_ARGUMENT: nothing has changed. */
gboolean ew_proxy_settings_choose (EwProxySettings *self, const gchar *choice, const gchar *user, const gchar *password,
                                   GError **error);
/* The credentials of the proxy at place, HOST:PORT, however it's found. */
gboolean ew_proxy_settings_learn (EwProxySettings *self, const gchar *place, const gchar *user, const gchar *password,
                                  GError **error);
/* "auto", "off" or the URL without credentials. */
gchar *ew_proxy_settings_show (const EwProxySettings *self);
/* Whether a session's answer would be used. */
gboolean ew_proxy_settings_asks_session (const EwProxySettings *self);

/* What g_proxy_resolver_lookup() of the desktop session has answered for the edge: the first that is "direct://" or an
   HTTP proxy counts; NULL: nothing any more, this computer is in another network. Kept in memory alone. */
void ew_proxy_take_answer (const gchar *const *proxies);

/* The proxy to host, by the file of that name; NULL: by the rest. NULL without an error: none, connect directly. */
EwProxy *ew_proxy_find (const gchar *file, const gchar *host, GError **error);

G_END_DECLS
