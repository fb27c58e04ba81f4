/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resolvers, as libunbound asks them: ports, IDs, retries, TCP for what is truncated, and a cache. Its work is done in
 * a thread of its own, never in another process; answers come in the thread-default main context.
 *
 * It only forwards: every name, that of a CNAME's target too, goes to a resolver that is named here, and none to the
 * servers of the root. It doesn't validate, and it can't be changed: another set of resolvers is another upstream.
 *
 * What libunbound 1.17 does differently than one would guess:
 *   a stub zone (ub_ctx_set_stub) asks with RD 0, which resolvers refuse: only a configuration has forward zones
 *   SERVFAIL is 12 bytes: no question, no OPT record and, even with `ede: yes`, no extended error
 *   a server that left one name unanswered often enough is down for all names until infra-host-ttl has passed
 *   a query that was cancelled goes on, with its port: only its callback is dropped
 *   ICMP's "port unreachable" ends nothing: a dead resolver looks like a silent one
 */
#pragma once

#include "edge/dns/resolvers.h"

G_BEGIN_DECLS

typedef struct EwDnsUpstream EwDnsUpstream;

/* All borrowed. */
typedef struct
{
  const EwDnsResolver *resolvers; /* of all names that are in none of the domains */
  gsize n_resolvers;              /* 0: those are left without an answer */
  const EwDnsDomain *domains;
  gsize n_domains;
  /* Addresses that no answer may name unless it is of one of the domains: otherwise, the owner of any internet name
     could lead a browser to a node (DNS rebinding). Such records are left out. */
  const EwPrefix *closed;
  gsize n_closed;
  gsize cache;   /* bytes of memory, all in all */
  guint queries; /* at a time */
} EwDnsUpstreamConfig;

/* asked: as given to ew_dns_upstream_ask(). answer (borrowed) is a message when rcode is NOERROR or NXDOMAIN. In here
   neither the upstream may be freed nor anything asked. */
typedef void (*EwDnsUpstreamDone) (gpointer user_data, gpointer asked, gint rcode, const guint8 *answer, gsize len);
/* All answers that there were have been given: now anything may be done. */
typedef void (*EwDnsUpstreamPause) (gpointer user_data);

/* libunbound's configuration (pure). (transfer full) */
gchar *ew_dns_upstream_format (const EwDnsUpstreamConfig *config);

EwDnsUpstream *ew_dns_upstream_new (const EwDnsUpstreamConfig *config, EwDnsUpstreamDone done, EwDnsUpstreamPause pause,
                                    gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is open is never answered. Takes milliseconds, however much that is. */
void ew_dns_upstream_free (EwDnsUpstream *self);

/* Answered once, in 12 s at most where the resolvers are silent. FALSE: it can't be asked (no memory, no descriptor). */
gboolean ew_dns_upstream_ask (EwDnsUpstream *self, const gchar *name, guint16 type, gpointer asked);

G_END_DECLS
