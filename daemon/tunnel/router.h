/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a node's data thread does with inner packets: link messages and the answers to this node's own echoes are taken
 * out for the main thread, what isn't meant for this computer or a subnet that it forwards to is dropped, the rest is
 * passed on. The main thread also hears, once each time it asks, that traffic flows: so that an idle tunnel causes no
 * wakeups.
 *
 *   edge peer → ew_router_hook → TUN        TUN → ew_router_hook → edge peer
 *                     └── ring, eventfd → main thread: func()
 */
#pragma once

#include <glib.h>
#include "engine/engine.h"
#include "proto/link.h"
#include "tunnel/servfail.h"

G_BEGIN_DECLS

#define EW_ROUTER_ECHO_PAYLOAD 24 /* bytes: magic, token, time sent */

typedef enum
{
  EW_HEARD_LINK, /* an ANSWER or NOTICE from the edge's service address */
  EW_HEARD_ECHO, /* the reply to one of this node's echoes */
  EW_HEARD_BUSY  /* traffic, since ew_router_listen_for_traffic() */
} EwHeardKind;

typedef struct
{
  EwHeardKind kind;
  guint64 now_ns;        /* when, CLOCK_BOOTTIME */
  EwLinkMessage message; /* LINK */
  EwIp from;             /* LINK, ECHO */
  guint64 token;         /* ECHO: as given to ew_router_build_echo() */
  guint64 sent_ns;       /* ECHO */
} EwHeard;

typedef struct EwRouterState EwRouterState;

/* func runs in the default main context. */
EwRouterState *ew_router_new (void (*func) (const EwHeard *heard, gpointer user_data), gpointer user_data);
/* After the engine that calls the hook is freed. */
void ew_router_free (EwRouterState *router);

/* As EwRouter, with the EwRouterState as user. Data thread. */
EwRoute ew_router_hook (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to);

/* As EwEngineAsk, with the EwRouterState as user. Data thread. */
gsize ew_router_ask (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out);

/* This node's addresses, the edge's service addresses, and the subnets behind this node. Takes effect before it
 * returns. engine NULL: not running yet. */
void ew_router_configure (EwRouterState *router, EwEngine *engine, const GArray *addresses, const GArray *service,
                          const GArray *forwards);
void ew_router_listen_for_traffic (EwRouterState *router);
/* The edge doesn't answer: questions to its DNS are answered here (servfail.h). At first it does. */
void ew_router_set_silent (EwRouterState *router, gboolean silent);
/* The one name that is answered then; NULL: none. engine: as above. */
void ew_router_set_known (EwRouterState *router, EwEngine *engine, const EwStandInName *known);
/* An echo request whose reply comes back as EW_HEARD_ECHO. Returns its size; out: at least 48 + EW_ROUTER_ECHO_PAYLOAD
 * bytes. */
size_t ew_router_build_echo (EwRouterState *router, uint8_t *out, const EwIp *from, const EwIp *to, guint64 token,
                             guint64 now_ns);

G_END_DECLS
