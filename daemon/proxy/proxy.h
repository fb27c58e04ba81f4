/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An HTTP proxy, as a URL names it, and the lists of hosts that are reached without one.
 *
 *   http://[USER[:PASSWORD]@]HOST[:PORT][/]     percent-encoded where it has to be; without "http://" too
 *
 * PORT is 1080 where it is missing, as in curl. Other kinds of proxies (https, SOCKS) are refused with an error.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PROXY_TEXT_MAX 2048 /* bytes of a proxy's URL */
#define EW_PROXY_LIST_MAX 4096 /* bytes of no_proxy that are read */
#define EW_PROXY_PORT 1080
#define EW_PROXY_CREDENTIALS_MAX 512 /* bytes of both: a third of a URL when percent-encoded */

typedef struct
{
  gchar *host; /* a name or an address, an IPv6 one without brackets */
  guint16 port;
  gchar *credentials; /* USER:PASSWORD; NULL: none. Secret */
} EwProxy;

void ew_proxy_free (EwProxy *proxy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwProxy, ew_proxy_free)
EwProxy *ew_proxy_copy (const EwProxy *proxy);

/* NULL: text isn't one; error (INVALID_ARGUMENT) says what it should be, without repeating it. */
EwProxy *ew_proxy_parse (const gchar *text, GError **error);
/* Gives it these credentials; user "": none. INVALID_ARGUMENT: HTTP can't carry them. */
gboolean ew_proxy_set_credentials (EwProxy *proxy, const gchar *user, const gchar *password, GError **error);
gboolean ew_proxy_is_same_place (const EwProxy *a, const EwProxy *b);

/* HOST:PORT, for people. */
gchar *ew_proxy_format_place (const EwProxy *proxy);
/* What ew_proxy_parse() takes. With credentials it is a secret. */
gchar *ew_proxy_format_url (const EwProxy *proxy, gboolean with_credentials);

/* Whether a no_proxy list covers host, a name or an address: NAME and .NAME cover it and all names below, ADDRESS and
   ADDRESS/BITS addresses, "*" everything. Commas or blanks between. */
gboolean ew_proxy_is_exempt (const gchar *list, const gchar *host);

G_END_DECLS
