/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rtnetlink (rtnetlink(7)) as plain rows: links, addresses, routes and policy rules, read by
 * dumps and changed by acknowledged requests. IPv4 and IPv6 differ only where the kernel insists.
 */
#pragma once

#include <net/if.h>
#include "host/netlink.h"
#include "proto/address.h"

/* The originator of every route and rule that Edgeway adds (rtm_protocol, FRA_PROTOCOL): 'E', free in
   /etc/iproute2/rt_protos. Those with another one belong to another program. */
#define EW_ROUTE_PROTOCOL 0x45

typedef struct
{
  guint index;
  gchar name[IFNAMSIZ];
  guint flags; /* IFF_UP … */
  guint mtu;
  guint master;   /* the bridge or bond that it is a port of; 0: none */
  gchar kind[16]; /* IFLA_INFO_KIND: "bridge", "veth", "tun"; "" for a physical device */
} EwLinkRow;

#define EW_ROUTE_HOPS 4

typedef struct
{
  guint link;      /* interface index */
  EwIp ip;         /* this computer's own address */
  EwPrefix subnet; /* what it says is on the link: the peer's prefix on a point-to-point link */
  guint8 scope;
} EwAddressRow;

typedef struct
{
  EwPrefix destination;
  guint32 table;
  guint32 metric;
  guint link;                /* interface index; 0 for no interface (unreachable) or several (multipath) */
  EwIp source;               /* to prefer, of a route that is added; EW_FAMILY_NONE: the kernel chooses */
  EwIp gateway;              /* EW_FAMILY_NONE: none; the first of a multipath route */
  guint hops[EW_ROUTE_HOPS]; /* interface indexes of a multipath route's first next hops */
  guint8 protocol;
  guint8 type; /* RTN_UNICAST, RTN_UNREACHABLE, … */
  guint8 scope;
} EwRouteRow;

typedef struct
{
  guint8 family; /* EwFamily */
  guint32 priority;
  guint32 table;
  guint32 fwmark, fwmark_mask;
  EwPrefix to;     /* EW_FAMILY_NONE: any */
  gboolean invert; /* "not": of the mark */
  gint suppress;   /* routes with a prefix of this length or shorter don't count; -1: all count */
  guint8 protocol;
} EwRuleRow;

/* What an EwFamily is for the kernel and back. */
guint8 ew_family_to_af (guint8 family);
guint8 ew_family_from_af (guint8 af);

/* Dumps: arrays of the rows above; NULL with errno. A family the kernel doesn't have gives an empty array. */
GArray *ew_netlink_links (EwNetlink *netlink);
GArray *ew_netlink_addresses (EwNetlink *netlink);
/* One table (RT_TABLE_MAIN, …) of one family. */
GArray *ew_netlink_routes (EwNetlink *netlink, guint8 family, guint32 table);
GArray *ew_netlink_rules (EwNetlink *netlink, guint8 family);

/* Changes. Each 0 or -errno. exists: -EEXIST; not there any more: -ESRCH, -ENOENT, -EADDRNOTAVAIL or -ENODEV. */
int ew_netlink_link_set (EwNetlink *netlink, guint link, guint mtu /* 0: leave */, int up /* -1: leave */);
/* No link-local address of the kernel's own making, and no router is asked for. Where IPv6 is off it fails, and nothing
   is lost. */
int ew_netlink_link_keep_bare (EwNetlink *netlink, guint link);
int ew_netlink_address (EwNetlink *netlink, gboolean add, guint link, const EwIp *ip);
int ew_netlink_route (EwNetlink *netlink, gboolean add, const EwRouteRow *route);
int ew_netlink_rule (EwNetlink *netlink, gboolean add, const EwRuleRow *rule);
/* TRUE: the errno of a removal says that there is nothing to remove. */
gboolean ew_netlink_is_gone (int result);

/* The interface through which a packet to ip leaves when it carries mark; 0 where there is no route. */
guint ew_netlink_route_to (EwNetlink *netlink, const EwIp *ip, guint32 mark);
/* The route that a packet to ip takes: the route itself, not what it becomes for this address. FALSE: it doesn't
   exist. */
gboolean ew_netlink_find_route (EwNetlink *netlink, const EwIp *ip, EwRouteRow *route);
