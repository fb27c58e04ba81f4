/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which HTTP proxy leads to a host, if any: the one in a file, else the environment's as curl reads it.
 *
 *   http://[USER[:PASSWORD]@]HOST[:PORT][/]     percent-encoded where it has to be; without "http://" too
 *
 * PORT is 1080 where it is missing, as in curl. Other kinds of proxies (https, SOCKS) are refused with an error.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PROXY_TEXT_MAX 1024 /* bytes of a proxy's URL */
#define EW_PROXY_LIST_MAX 4096 /* bytes of no_proxy that are read */
#define EW_PROXY_PORT 1080

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

/* Whether a no_proxy list covers host, a name or an address: NAME and .NAME cover it and all names below, ADDRESS and
   ADDRESS/BITS addresses, "*" everything. Commas or blanks between. */
gboolean ew_proxy_is_exempt (const gchar *list, const gchar *host);

/* The proxy to host. NULL without an error: none, connect directly. file: whose first line is a URL or "direct", if
   there is such a file; NULL: none. Otherwise the first of https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY that is
   set, except for the hosts of no_proxy or NO_PROXY. */
EwProxy *ew_proxy_find (const gchar *file, const gchar *host, GError **error);

G_END_DECLS
