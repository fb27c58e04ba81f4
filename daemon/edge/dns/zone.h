/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The names of the mesh, and what is answered for each. Zones: SUFFIX, and the reverse zones that hold the mesh's two
 * address ranges. Pure, and owned by one thread: changes of names are sent to that thread (server.h), so that nothing
 * is shared, copied or locked, and a change costs what it changes.
 *
 *   NAME.SUFFIX, ALIAS.SUFFIX   A, AAAA of the node: an additional name works like the first one, needs one look-up,
 *                               and doesn't show (as a CNAME would) which computer has it at present
 *   edge.SUFFIX, EDGE.SUFFIX    A, AAAA: the service addresses
 *   N.N.N.N.in-addr.arpa …      PTR: the node's name
 *   SUFFIX, the reverse zones   SOA, NS
 *
 * Positive and negative answers live 1 s: within 1 s of a change everybody sees it, also through caches that obey
 * (systemd-resolved, dnsmasq, unbound, browsers). nscd keeps a name that wasn't found for 20 s, as it's configured to.
 */
#pragma once

#include "edge/dns/message.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_DNS_TTL 1          /* s */
#define EW_DNS_NEGATIVE_TTL 1 /* s: RFC 2308, 5 */
#define EW_DNS_EDGE_LABEL "edge"

typedef struct EwDnsZone EwDnsZone;
typedef struct EwDnsHost EwDnsHost; /* counted; not across threads */

/* A computer. All borrowed during the call. */
typedef struct
{
  const gchar *id;           /* a node's; "": the edge, whose names come before all others */
  const gchar *const *names; /* labels, NULL-terminated; the first is what its addresses are called */
  EwIp addresses[2];         /* family NONE: it has no address */
} EwDnsHostSpec;

/* suffix: without a dot at the end; ranges: family NONE if the mesh has none of that family. serial: of the SOA; it
 * counts up from here. NULL: suffix isn't a domain name. */
EwDnsZone *ew_dns_zone_new (const gchar *suffix, const EwPrefix ranges[2], guint32 serial);
void ew_dns_zone_free (EwDnsZone *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwDnsZone, ew_dns_zone_free)

/* Adds it, or takes its place. A name that two have is the later one's. */
void ew_dns_zone_set_host (EwDnsZone *self, const EwDnsHostSpec *spec);
void ew_dns_zone_remove_host (EwDnsZone *self, const gchar *id);

/* FALSE: the name is in none of the zones. body's records are borrowed until the next call. */
gboolean ew_dns_zone_answer (EwDnsZone *self, const EwDnsQuery *query, EwDnsBody *body);

/* Whose address it is; NULL: no node's. Borrowed: take a reference to keep it. */
EwDnsHost *ew_dns_zone_find_host (EwDnsZone *self, const EwIp *address);
EwDnsHost *ew_dns_zone_get_edge (EwDnsZone *self); /* NULL: it was not set */

EwDnsHost *ew_dns_host_ref (EwDnsHost *self);
void ew_dns_host_unref (EwDnsHost *self);
const gchar *ew_dns_host_get_id (EwDnsHost *self);
gboolean ew_dns_host_is_gone (EwDnsHost *self); /* removed from its zone, or its addresses have changed */
/* Takes one of the questions that it may ask: interval_us each, burst at once. FALSE: none is left. now_us: monotonic. */
gboolean ew_dns_host_take (EwDnsHost *self, gint64 now_us, gint64 interval_us, guint burst);
/* How many of something (TCP connections) it has: changes the number by delta and returns it. */
guint ew_dns_host_count (EwDnsHost *self, gint delta);

G_END_DECLS
