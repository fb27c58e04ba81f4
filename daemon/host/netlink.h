/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exchanges with the kernel over a netlink socket (netlink(7)): a request and its acknowledgement, a dump of a whole
 * table. They answer 0 or a negative errno, which the caller turns into a sentence: what EEXIST means, only it knows.
 */
#pragma once

#include <glib.h>
#include <libmnl/libmnl.h>

typedef struct EwNetlink EwNetlink;

/* protocol: NETLINK_ROUTE, NETLINK_NETFILTER or NETLINK_SOCK_DIAG. NULL: errno says why. */
EwNetlink *ew_netlink_new (int protocol);
void ew_netlink_free (EwNetlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNetlink, ew_netlink_free)

/* A request's first bytes in a buffer of EW_NETLINK_BUFFER; the family's own header and attributes are the caller's. */
#define EW_NETLINK_BUFFER 1024
struct nlmsghdr *ew_netlink_begin (char *buffer, guint16 type, guint16 flags);
/* Sends, waits for the acknowledgement: 0 or -errno. */
int ew_netlink_request (EwNetlink *netlink, struct nlmsghdr *message);
/* Sends a dump request, calls each for every answer. each appends to rows; when the kernel reports that its table
   changed during the dump (NLM_F_DUMP_INTR), rows is cut to its old length and the dump repeated. 0 or -errno. */
int ew_netlink_dump (EwNetlink *netlink, struct nlmsghdr *message, mnl_cb_t each, GArray *rows);
/* Sends a request with one answer (RTM_GETROUTE, RTM_GETLINK): 0 or -errno. */
int ew_netlink_get (EwNetlink *netlink, struct nlmsghdr *message, mnl_cb_t each, gpointer data);
/* A socket that hears of changes, without blocking: multicast groups (RTNLGRP_LINK, …). NULL: errno. mnl_socket_close.
 */
struct mnl_socket *ew_netlink_subscribe (int protocol, const int *groups, gsize n_groups);
