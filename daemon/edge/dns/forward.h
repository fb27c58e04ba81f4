/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The forwarder (dns.h): names that aren't the mesh's.
 *
 *   question ── special.h ── answered here: localhost, absent
 *                  ├──────── the internet, and domains of the edge's owner ── the resolvers, cached
 *                  └──────── a gateway's domains ── its resolver, through the gateway, cached apart
 *
 * The resolvers are those that the owner chose, or those of /etc/resolv.conf, looked at again as glibc does it: when
 * something is asked, at most once a second. Neither are the mesh's service addresses ever among them. An upstream
 * that is replaced hands its open questions to the next.
 *
 * What a node may have: EW_DNS_ASKER_RATE questions a second (more are dropped), and EW_DNS_ASKER_OPEN that wait for a
 * resolver, EW_DNS_ASKER_OPEN_FEW while half of all places are taken. A question keeps its place until libunbound is
 * done with it, also after it was answered with a failure, as it keeps a port until then. Without an answer in
 * EW_DNS_PATIENCE_MS it fails: before a client's own 5 s are over. While a resolver has been silent since another
 * question failed so, EW_DNS_PATIENCE_SILENT_MS are enough.
 *
 * If a resolver asks the edge's host again (that host may use the mesh's DNS itself), the loop ends: libunbound doesn't
 * ask for a name that it is already asking for, and the question fails when its time is over.
 */
#pragma once

#include "edge/dns/dns.h"
#include "edge/dns/resolvers.h"

G_BEGIN_DECLS

#define EW_DNS_OPEN_MAX 1024
#define EW_DNS_ASKER_OPEN 128
#define EW_DNS_ASKER_OPEN_FEW 16
#define EW_DNS_ASKER_RATE 200
#define EW_DNS_ASKER_BURST 400
#define EW_DNS_PATIENCE_MS 4000
#define EW_DNS_PATIENCE_SILENT_MS 1000

typedef struct
{
  gboolean forward;       /* FALSE: only names of domains and of gateways' domains are asked */
  GArray *resolvers;      /* EwDnsResolver; empty: the host's own */
  GArray *domains;        /* EwDnsDomain */
  const gchar *host_file; /* NULL: /etc/resolv.conf */
  EwIp service[2];        /* where the edge itself answers; family NONE: not in that family */
  EwPrefix ranges[2];     /* the mesh's */
} EwDnsForwardConfig;

/* What forwarders do, for any thread. It outlives them. */
typedef struct EwDnsForwardSettings EwDnsForwardSettings;

/* Copies config. */
EwDnsForwardSettings *ew_dns_forward_settings_new (const EwDnsForwardConfig *config);
void ew_dns_forward_settings_free (EwDnsForwardSettings *self);
/* gateways: EwDnsDomain, copied: from the next question on. */
void ew_dns_forward_settings_set_gateways (EwDnsForwardSettings *self, const GArray *gateways);

/* EW_ERROR_INVALID_ARGUMENT: a resolver is one of the edge's own addresses. */
gboolean ew_dns_forward_check (const EwDnsForwardConfig *config, GError **error);

/* In the DNS server's thread; never NULL. An EwDnsForwardMake. */
EwDnsForward *ew_dns_forward_make (gpointer settings);

G_END_DECLS
