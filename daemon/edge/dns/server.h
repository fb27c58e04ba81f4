/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The DNS server: UDP and TCP at the service addresses. It has a thread of its own, at a lower priority than the data
 * path's, which alone touches the zone; changes are sent there as messages. So a flood of questions costs the API and
 * the packets only spare processor time.
 *
 * The sockets are bound to the addresses and to the TUN. A source address is a node's there because the tunnel has
 * checked it, and no packet from another interface reaches a socket. Except for this host's own: what a host sends to
 * one of its addresses counts as received by the interface that has the address, whereas it passes lo; its source is
 * the service address itself, which no tunnel lets in.
 *
 *   a node's question ── known address? ── within its rate? ── zone or forwarder ── answer
 *                              └ dropped          └ UDP: dropped; TCP: not read until it is
 */
#pragma once

#include "edge/dns/dns.h"
#include "edge/dns/zone.h"

G_BEGIN_DECLS

/* A page of a busy website asks for some dozen names, and a resolver on the node remembers them. */
#define EW_DNS_RATE 500 /* questions a second of one node */
#define EW_DNS_BURST 1000
#define EW_DNS_CONNECTIONS_MAX 256
#define EW_DNS_NODE_CONNECTIONS_MAX 8

typedef struct EwDnsServer EwDnsServer;

/* Borrowed during the call, except forward_data and user_data, which outlive the server. */
typedef struct
{
  const gchar *interface;           /* the TUN, which exists; NULL: lo, where only this host asks */
  EwIp addresses[2];                /* family NONE: none. No interface need have them yet */
  guint16 port;                     /* EW_DNS_PORT; 0: any (one address only) */
  guint rate;                       /* EW_DNS_RATE; 0: no bound */
  guint idle_ms;                    /* how long a connection may have nothing to do; 0: 10 s */
  const EwDnsForwardCalls *forward; /* static; NULL: other names are refused */
  gpointer forward_data;
  /* In the main context in which the server was made: is_listening or limits have changed. NULL: none. */
  void (*on_change) (gpointer user_data);
  gpointer user_data;
} EwDnsServerConfig;

/* Starts the thread, which binds its ports with the capabilities that the caller has at this moment and then gives them
 * up; a port that another program has is tried again every 2 s. */
EwDnsServer *ew_dns_server_new (const EwDnsServerConfig *config);
/* Ends the thread. The forwarder is freed in it. */
void ew_dns_server_free (EwDnsServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwDnsServer, ew_dns_server_free)

/* A zone without hosts; until the first one, no query is answered. FALSE: suffix isn't a domain name, and nothing was
 * changed. */
gboolean ew_dns_server_set_zone (EwDnsServer *self, const gchar *suffix, const EwPrefix ranges[2]);
void ew_dns_server_set_host (EwDnsServer *self, const EwDnsHostSpec *spec);
void ew_dns_server_remove_host (EwDnsServer *self, const gchar *id);

/* Nodes can ask at one address at least, via UDP and TCP. */
gboolean ew_dns_server_is_listening (EwDnsServer *self);
/* A node has asked something since the start. */
gboolean ew_dns_server_was_asked (EwDnsServer *self);
/* NULL: nothing is in the way; else a sentence without a full stop. (transfer full) */
gchar *ew_dns_server_dup_limits (EwDnsServer *self);

G_END_DECLS
