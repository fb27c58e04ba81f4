/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packet switch at the hub of the mesh: engine, hairpin router, link protocol, presence, round trips, and the
 * exit to the internet. It's told the nodes' keys and prefixes, keeps nothing on disk, and reports what it sees.
 *
 * An inner packet: source check (engine, allowed IPs) → an answer to a probe of the edge's → for a service of the mesh, or
 * from its target: what it becomes is found out, and the rest is about where it really goes, but a policy's rules are
 * about the service as it was called (EwSwitchVerdict) → for the edge's address: link protocol and echo are answered here, the rest goes to the TUN; no verdict is asked, because a node that policy cuts off from everything must still
 * learn of the next policy → longest prefix → verdict hook → TTL → size → sealed in place to that node; else, to the
 * exit: what it may reach → verdict hook → TUN; else ICMP unreachable. Who reaches the edge's own services is decided
 * by the host's firewall (exit.h).
 */
#pragma once

#include <gio/gio.h>
#include "engine/engine.h"
#include "edge/nat/services.h"
#include "edge/switch/exit.h"
#include "edge/switch/flow.h"
#include "edge/switch/probe.h"
#include "proto/link.h"

G_BEGIN_DECLS

typedef struct EwSwitch EwSwitch;

typedef struct
{
  const gchar *id;
  guint8 public_key[EW_KEY_SIZE];
  const EwIp *addresses; /* mesh IPs */
  gsize n_addresses;
  const EwPrefix *routes; /* subnets behind it */
  gsize n_routes;
  EwEndpoint endpoint; /* last known, kind NONE: unknown */
  gboolean plain;      /* Edgeway doesn't run there: measured with ICMP echo */
  EwRevision revision; /* of its node document */
  guint16 mtu;         /* the largest inner packet that is sent to it; 0: the mesh's */
} EwSwitchNode;

typedef struct
{
  gboolean online;     /* an authenticated packet within 40 s, and no goodbye since */
  gint64 last_seen_us; /* realtime; 0: never in this run */
  gint64 last_handshake_us;
  guint64 rx_bytes, tx_bytes;           /* the node's view: rx is what it received */
  gdouble rtt_ms;                       /* < 0: unknown or too old (10 s) */
  EwEndpoint endpoint, former_endpoint; /* former: where it was before, kind NONE: nowhere that is known */
  EwNodeProblem problem;
  gint64 clock_behind_s; /* where that is EW_NODE_PROBLEM_CLOCK_BEHIND */
  gboolean refused;      /* its handshakes are refused as too old at present: for its own eyes, it may be a replay */
  guint64 handshake_floor_ns; /* … though its clock is right: what they have to be later than; 0: not so */
  /* What the hairpin did with inner packets of its; received: with those to it. */
  guint64 forwarded_packets, forwarded_bytes, exit_packets, received_packets, received_bytes;
  guint64 dropped_policy, dropped_no_route, dropped_ttl, dropped_too_big, dropped_source;
} EwSwitchNodeStatus;

typedef struct
{
  guint64 forwarded_packets, forwarded_bytes;
  guint64 exit_packets, dropped_policy, dropped_no_route, dropped_ttl, dropped_too_big, dropped_source;
  guint64 dropped_malformed;  /* no IP packet, one that is unsafe to pass on (packet.h), or a node's multicast */
  guint64 translated_packets; /* from callers of services, and back */
  guint64 dropped_service;    /* no room for a flow to a service, or a fragment without its first */
} EwSwitchStats;

/* Decides on a flow between two nodes (or from a node to the exit: to_node NULL) by its first packet, in the data
   thread; FALSE drops the packet, counts it and answers "prohibited", and the next one is asked about again. What it
   lets pass goes on in both directions, with the ICMP errors about it, and is asked about again when the verdict is
   set again, when a node's addresses change, and after it was idle (flows.h). flow->reversed says which end
   opened it: from_node's; packet may be a reply then. It must not block or allocate. The node pointers are the same for
   a node as long as it is known to the switch; ew_switch_node_get_id() names them.

   A flow through a service is told as what it really is and as it was called. What it really is: from_node is the
   caller's, to_node the target's, whichever way packet goes, and the ends are the caller's and the target's own (even
   where the target is shown the edge). As it was called: flow->service_id names the service, service_ip and service_port
   are its own, before translation. A policy goes by the latter (edge/policy): who may call a service may call it wherever
   it runs, and a rule about the node that it runs on is about what reaches that node directly. The exit has no
   translation of its own here: a flow to the internet is judged by the address that the node sent it to. packet is as it
   came, with the service's address. from_node and to_node may be the same. The target has been chosen by then: a verdict that forbids it isn't asked about another. What is
   answered by the edge alone (pings of a service, ports where it doesn't listen) isn't asked about. The host itself
   may call any service, as it may reach any node. */
typedef gboolean (*EwSwitchVerdict) (gpointer user_data, gconstpointer from_node, gconstpointer to_node,
                                     const EwFlow *flow, const guint8 *packet, gsize len);

#define EW_SWITCH_DATA_THREADS_MAX 8
#define EW_SWITCH_RESOLVERS_MAX 32

typedef struct
{
  const gchar *listen_address; /* NULL: all */
  gboolean listen_later;       /* it may be one that no interface has yet */
  guint16 port;
  const gchar *interface; /* TUN for the service address and the exit; NULL: none wanted */
  guint16 mtu;            /* inner; 0: 1420 */
  guint data_threads;     /* that carry packets; 0: one for two processors, at most EW_SWITCH_DATA_THREADS_MAX */
  guint8 private_key[EW_KEY_SIZE];
  EwIp service[2];                                            /* IPv4, IPv6 (family NONE if the mesh doesn't have it) */
  EwPrefix ranges[2];                                         /* the mesh's */
  void (*on_ports_bound) (void *user, const char *interface); /* as EwEngineConfig's; NULL: none */
  void *ports_user;
  EwStreams *streams;       /* as EwEngineConfig's; NULL: none */
  const EwSwitchExit *exit; /* this host's part of the mesh, on the other side of the TUN; NULL: none */
  gpointer exit_data;       /* for its open(), valid during ew_switch_new() */
  /* In the main context. id is valid during the call. */
  void (*on_presence) (gpointer user_data, const gchar *id, gboolean online);
  void (*on_endpoint) (gpointer user_data, const gchar *id,
                       const EwEndpoint *endpoint);         /* roamed: to be stored, at most once a minute */
  void (*on_problem) (gpointer user_data, const gchar *id); /* one began, changed or ended; may be NULL */
  void (*on_exit) (
    gpointer user_data); /* what ew_switch_has_exit() or get_limits() say may have changed; may be NULL */
  gpointer user_data;
} EwSwitchConfig;

/* It has no TUN, or its was deleted; could_have: and a new switch would get one. */
gboolean ew_switch_awaits_tun (EwSwitch *self);
gboolean ew_switch_could_have_tun (EwSwitch *self);
/* Without the privilege for a TUN it runs as a hairpin alone; ew_switch_get_limits() says so. */
EwSwitch *ew_switch_new (const EwSwitchConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_switch_free (EwSwitch *self); /* undoes the host's firewall, sysctls and addresses */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwSwitch, ew_switch_free)

void ew_switch_set_node (EwSwitch *self,
                         const EwSwitchNode *node); /* adds or changes; a changed revision sends a NOTICE */
void ew_switch_remove_node (EwSwitch *self, const gchar *id);
gboolean ew_switch_get_node (EwSwitch *self, const gchar *id, EwSwitchNodeStatus *out);
void ew_switch_get_stats (EwSwitch *self, EwSwitchStats *out);
void ew_switch_set_verdict (EwSwitch *self, EwSwitchVerdict verdict, gpointer user_data); /* NULL: all may pass */
const gchar *ew_switch_node_get_id (gconstpointer node); /* of a verdict's node; in any thread */
/* Resolvers behind nodes, at most EW_SWITCH_RESOLVERS_MAX, replacing the previous ones: this host asks them from the
   service address, and what they answer reaches it there. No other address behind a node may talk to this host. A bit
   for each: it is reached so; one that isn't must not be asked, as the question would reach another computer. */
guint32 ew_switch_set_resolvers (EwSwitch *self, const EwIp *resolvers, gsize n);
/* All services of the mesh, replacing the previous ones; copied. The first call is for those that the mesh had when the
   edge started: only their flows may have begun before (edge/nat/nat.h). FALSE: one of them is invalid, the error names it, and
   the previous ones stay. Flows keep their targets where the new table has those, so that this may be called as often as
   the health of a target changes. */
gboolean ew_switch_set_services (EwSwitch *self, const EwNatService *services, gsize n,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Calls a port of a node, or of a host behind one, from the edge's own address: whether anything listens (probe.h).
   protocol: IPPROTO_TCP, IPPROTO_UDP, or IPPROTO_ICMP for a ping alone. The probe's number, below EW_PROBE_SLOTS, until
   ew_switch_end_probe(); -1: as many are out as can be. */
gint ew_switch_start_probe (EwSwitch *self, const EwIp *target, guint8 protocol, guint16 port);
void ew_switch_repeat_probe (EwSwitch *self, gint probe); /* a packet may have been lost */
EwProbeState ew_switch_get_probe (EwSwitch *self, gint probe);
void ew_switch_end_probe (EwSwitch *self, gint probe);
/* While viewers > 0 round trips are measured, each node every 2 s, spread out. */
void ew_switch_set_viewers (EwSwitch *self, guint viewers);
/* After a restart: initiates to every node with an endpoint, at most 50 a second. */
void ew_switch_find_nodes (EwSwitch *self);
uint64_t ew_switch_get_timestamp_floor (EwSwitch *self);
void ew_switch_set_timestamp_floor (EwSwitch *self, uint64_t realtime_ns);
/* VPN mode's traffic is forwarded to the internet at this moment. */
gboolean ew_switch_has_exit (EwSwitch *self);
/* What config's exit opened; NULL: nothing, or the TUN was deleted since. Borrowed until the next return to the main
   loop. */
gpointer ew_switch_get_exit (EwSwitch *self);
/* NULL: everything works; else a sentence on what does not and why ("no TUN: …, so VPN mode is off"). */
const gchar *ew_switch_get_limits (EwSwitch *self);

G_END_DECLS
