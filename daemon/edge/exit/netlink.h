/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's words with rtnetlink: bring the TUN up, and look at what the host is connected to. What is set here
 * vanishes with the TUN itself, so nothing has to be undone. Errors are G_IO_ERROR with a sentence.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

/* Up, with this MTU, without addresses of the kernel's own making. */
gboolean ew_exit_netlink_set_up (guint ifindex, guint mtu, GError **error);
/* Adds ip as a host address (no duplicate address detection). */
gboolean ew_exit_netlink_add_address (guint ifindex, const EwIp *ip, GError **error);
/* Adds a route to prefix through the interface, preferring source; an existing one of another program is an error. */
gboolean ew_exit_netlink_add_route (guint ifindex, const EwPrefix *prefix, const EwIp *source, GError **error);
/* Takes away what ew_exit_netlink_add_route() added; FALSE: there was no such route. */
gboolean ew_exit_netlink_remove_route (guint ifindex, const EwPrefix *prefix);
/* Whether this host reaches ip via its own route: one that is more than a default route, and not through the
 * interface. */
gboolean ew_exit_netlink_has_route (guint ifindex, const EwIp *ip);

typedef struct
{
  GArray *own;          /* EwPrefix: this host's addresses as /32 and /128; ifindex's own left out */
  gboolean upstream[2]; /* IPv4, IPv6: an address of the internet has a route, and not through ifindex */
} EwHostView;

/* ifindex: the TUN's, to be left out. (transfer full) */
EwHostView *ew_exit_netlink_get_view (guint ifindex, GError **error);
void ew_exit_view_free (EwHostView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwHostView, ew_exit_view_free)
gboolean ew_exit_view_equal (const EwHostView *a, const EwHostView *b);

/* Calls func in the thread-default context some 200 ms after addresses or routes changed, 500 ms after some program's
   rules of nftables did; bursts are one call. func must not end the watch. Free with ew_exit_netlink_unwatch(). NULL: no
   netlink. */
typedef struct EwNetlinkWatch EwNetlinkWatch;
EwNetlinkWatch *ew_exit_netlink_watch (void (*func) (gpointer data), gpointer data);
void ew_exit_netlink_unwatch (EwNetlinkWatch *watch);
