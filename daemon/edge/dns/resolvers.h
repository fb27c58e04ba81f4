/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resolvers that foreign names are asked of: as the edge's owner writes them, and as /etc/resolv.conf names those of
 * the host. Pure.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_DNS_RESOLVERS_MAX 8        /* of a list */
#define EW_DNS_RESOLV_CONF_MAX 3      /* resolv.conf(5), MAXNS: the host itself asks no more */
#define EW_DNS_RESOLVER_STRLEN 70     /* address, "%", interface, "@", port, NUL */
#define EW_DNS_DOMAINS_MAX 32         /* domains with a resolver of their own */
#define EW_DNS_DOMAIN_RESOLVERS_MAX 4 /* … and of one of them */

typedef struct
{
  EwIp ip;
  gchar scope[16]; /* the interface of a link-local address; "" */
  guint16 port;    /* 53 */
} EwDnsResolver;

/* A domain whose names are asked of resolvers of its own. */
typedef struct
{
  gchar *domain;     /* lower case, without the final dot */
  guint n_resolvers; /* 0: its names fail */
  EwDnsResolver resolvers[EW_DNS_DOMAIN_RESOLVERS_MAX];
} EwDnsDomain;

/* "192.0.2.1", "2001:db8::1", "192.0.2.1:5353", "[2001:db8::1]:5353", each address with "%INTERFACE" where it is
   link-local. FALSE: it isn't that, or an address at which no resolver can be (unspecified, multicast). */
gboolean ew_dns_resolver_parse (const gchar *text, EwDnsResolver *out);
/* "192.0.2.1%eth0@53", as unbound.conf(5) has it. */
void ew_dns_resolver_format (const EwDnsResolver *resolver, gchar out[EW_DNS_RESOLVER_STRLEN]);
gboolean ew_dns_resolver_equal (const EwDnsResolver *a, const EwDnsResolver *b);

/* Appends the resolvers of a list with ';', ',' or spaces between them; EW_ERROR_INVALID_ARGUMENT: one of them isn't
   valid, or they are more than EW_DNS_RESOLVERS_MAX. */
gboolean ew_dns_resolvers_parse (const gchar *text, GArray *resolvers, GError **error);
/* What `nameserver` lines of resolv.conf say, at most EW_DNS_RESOLV_CONF_MAX. (transfer full) GArray of EwDnsResolver
 */
GArray *ew_dns_resolvers_from_resolv_conf (const gchar *text);
/* Those of resolvers that aren't one of own, at which the edge itself answers. *dropped: how many were left out.
   (transfer full) */
GArray *ew_dns_resolvers_without (const GArray *resolvers, const EwIp *own, gsize n_own, guint *dropped);

/* A domain that may have a resolver of its own: labels of letters, digits, '-' and '_', not ".". (transfer full) in
   lower case and without the final dot; NULL with EW_ERROR_INVALID_ARGUMENT. */
gchar *ew_dns_domain_parse (const gchar *text, GError **error);
/* Appends the domains of a list "corp.example=10.0.0.53;77.10.in-addr.arpa=10.0.0.53" to an array of EwDnsDomain (clear
   function ew_dns_domain_clear). A domain named twice has both resolvers. */
gboolean ew_dns_domains_parse (const gchar *text, GArray *domains, GError **error);
void ew_dns_domain_clear (EwDnsDomain *domain);
GArray *ew_dns_domains_new (void);

G_END_DECLS
