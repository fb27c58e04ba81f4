/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Twins of tun.c and udp.c in memory, for tests: a host that packets are pushed to and popped from, and a network that
 * joins engines of one process. Safe to use from any thread.
 */
#pragma once

#include "engine/tun.h"
#include "engine/udp.h"

G_BEGIN_DECLS

/* A TUN whose host is the test. */
EwTun *ew_memory_tun_new (const char *name);
void ew_memory_tun_push (EwTun *tun, const guint8 *packet, gsize len); /* the host sends */
/* What the host received next, waiting at most timeout_ms for it; NULL: nothing came. */
/* The host sends this packet as fast as it is read, until it is NULL. */
void ew_memory_tun_flood (EwTun *tun, const guint8 *packet, gsize len);
GBytes *ew_memory_tun_pop (EwTun *tun, guint timeout_ms);
void ew_memory_tun_lose (EwTun *tun); /* another program deletes the interface */

/* A network. Outlives its sockets. */
typedef struct EwMemoryNet EwMemoryNet;
EwMemoryNet *ew_memory_net_new (void);
void ew_memory_net_free (EwMemoryNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwMemoryNet, ew_memory_net_free)

/* From now on bursts of several datagrams are lost, unless they are sent separately. No sender is told. */
void ew_memory_net_damage_bursts (EwMemoryNet *net);

/* A socket reached as the endpoint {EW_ENDPOINT_MEMORY, id}; a known id replaces the socket that had it (roaming,
 * restart). */
EwUdp *ew_memory_udp_new (EwMemoryNet *net, guint64 id);
void ew_memory_udp_move (EwUdp *udp, guint64 id); /* reached and sending as another id from now on */
/* What it receives has waited for that long, and more waits behind it unless it is emptied each time. */
void ew_memory_udp_set_age (EwUdp *udp, guint64 age_ns, gboolean emptied);
EwEndpoint ew_memory_endpoint (guint64 id);

G_END_DECLS
