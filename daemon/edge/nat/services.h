/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services as the switch knows them: an address of its own for something that runs on a node, or on a host behind a
 * gateway, with ports of choice. The main context describes all services at once; they become one immutable table that
 * the data threads read, and that is replaced as a whole (ew_switch_set_services() does that).
 *
 *   caller 100.96.1.1:5000 → 100.111.0.1:80          the service's address, a port that it listens on
 *       target chosen: 100.96.1.2:8123
 *   caller 100.96.1.1:5000 → 100.96.1.2:8123         as the target sees it; its replies are translated back
 *
 * A flow keeps its target while it lives and the table has that target at that port, whatever its health: see nat.h.
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_NAT_SERVICES_MAX 8192 /* of a table */
#define EW_NAT_TARGETS_MAX 64    /* of a service */
#define EW_NAT_PORTS_MAX 64      /* ranges of a service */

enum
{
  EW_NAT_TCP = 1,
  EW_NAT_UDP = 2
};

/* Ports that a service listens on. Those of one protocol must not overlap. All of them: 1 to 65535. */
typedef struct
{
  guint8 protocols;    /* EW_NAT_TCP | EW_NAT_UDP, at least one */
  guint16 first, last; /* 1…65535; the same: a single port */
  guint16 to;          /* the target's port for `first`, the others follow in order; 0: the same as `first` */
} EwNatPorts;

/* Where it really runs. No address may be a service's, the edge's own, or one that no host can have. */
typedef struct
{
  EwIp ips[2];      /* IPv4, IPv6: a node's mesh IP, or a host's behind a gateway; family NONE: not reached so */
  guint16 port;     /* this target's in place of every range's `to`; 0: as the ranges say */
  gboolean healthy; /* without a health check: TRUE */
} EwNatTarget;

typedef enum
{
  EW_NAT_CHOOSE_FIRST, /* the first that is healthy and whose node is there, in the order given */
  EW_NAT_CHOOSE_SPREAD /* among all such, by a hash of the flow: a target more or less moves few flows */
} EwNatChoice;

/* Whom the target sees. A caller behind the same node as the target is always shown as the edge: otherwise the reply
   wouldn't pass through the edge, or the node would meet a packet with its own address as the source. */
typedef enum
{
  EW_NAT_SOURCE_CALLER, /* the caller's own address and port; another port where the pair is taken */
  EW_NAT_SOURCE_EDGE    /* the edge's own address, and a port of the edge */
} EwNatSource;

typedef struct
{
  const gchar *id;   /* not empty, unique in the table; verdicts and errors name it */
  EwIp addresses[2]; /* IPv4, IPv6; family NONE: it has none, but not for both */
  const EwNatPorts *ports;
  gsize n_ports;
  const EwNatTarget *targets;
  gsize n_targets; /* 0: every call is answered "host unreachable" */
  EwNatChoice choice;
  EwNatSource source;
} EwNatService;

/* Immutable; a number for each service that stays the same from table to table, 1 … EW_NAT_NUMBER_MAX. */
typedef struct EwNatTable EwNatTable;
#define EW_NAT_NUMBER_MAX 16383

/* Everything given is copied. own: the edge's own addresses, IPv4 and IPv6. previous: the table that this one is to
   replace; NULL: it's the first since the edge started, and flows of its services may have begun before (nat.h).
   NULL with EW_ERROR_INVALID_ARGUMENT: the sentence names the service and what is wrong with it. Also to be used
   to check a service before it is stored. */
EwNatTable *ew_nat_table_new (const EwNatService *services, gsize n, const EwIp own[2], const EwNatTable *previous,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_nat_table_free (EwNatTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNatTable, ew_nat_table_free)

G_END_DECLS
