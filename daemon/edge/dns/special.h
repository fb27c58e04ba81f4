/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names that no server on the internet can answer, and that say something about the network they were asked in: they
 * are answered here and never sent to a resolver.
 *
 *   absent (NXDOMAIN)   reverse zones of private and special addresses (RFC 6303, RFC 7793: the mesh's range too)
 *                       test, invalid (RFC 6761), local (RFC 6762), onion (RFC 7686), home.arpa (RFC 8375),
 *                       alt (RFC 9476), internal (reserved by ICANN for private use)
 *   empty (NODATA)      resolver.arpa (RFC 9462): it would name the resolver's resolver instead of the edge
 *   localhost           127.0.0.1 and ::1 (RFC 6761)
 *
 * The owner of the edge, or a gateway, may name a resolver for a domain among or below them: the longest match wins.
 * `example` and names of one label are ordinary names (RFC 6761, 6.5). Pure; not for several threads at a time.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EW_DNS_KIND_FOREIGN, /* a name of the internet: asked of the resolvers */
  EW_DNS_KIND_ABSENT,
  EW_DNS_KIND_EMPTY,
  EW_DNS_KIND_LOCALHOST,
  EW_DNS_KIND_OWNER,  /* asked of a resolver that the edge's owner named for its domain */
  EW_DNS_KIND_GATEWAY /* … that a gateway offers */
} EwDnsKind;

typedef struct EwDnsKinds EwDnsKinds;

EwDnsKinds *ew_dns_kinds_new (void);
void ew_dns_kinds_free (EwDnsKinds *self);
/* domain: lower case, without the final dot. Later ones take the place of equal earlier ones. */
void ew_dns_kinds_add (EwDnsKinds *self, const gchar *domain, EwDnsKind kind);
/* name: as ldns writes it ("\." for a dot inside a label), any case, with or without the final dot. *domain (borrowed,
 * may be NULL) is the one that decided; "" where none did. */
EwDnsKind ew_dns_kinds_find (EwDnsKinds *self, const gchar *name, const gchar **domain);

/* The domains above, NULL-terminated. */
const gchar *const *ew_dns_special_domains (void);

G_END_DECLS
