/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's own host as a part of the mesh: the TUN with the service address and, if the owner wants it, the way out
 * to the internet. Made of netlink (addresses, routes, what is near), sysctl (forwarding), firewall
 * (who may do what) and policy (what the data thread asks).
 *
 * Everything except the table and the forwarding switches disappears with the TUN; those two are undone by
 * ew_exit_free(), or taken over by the next edge of the same interface name when this one is killed.
 */
#pragma once

#include <gio/gio.h>
#include "edge/exit/policy.h"

typedef struct EwExit EwExit;

typedef struct
{
  EwSwitchTun tun; /* the switch fills it in */
  const guint16
    *open_ports; /* TCP ports of this host that the mesh may reach at the service address, beside the API's */
  gsize n_open_ports;
  const guint16 *public_ports; /* TCP and UDP ports of this host that nodes in VPN mode reach at its global addresses */
  gsize n_public_ports;
  const EwPrefix *closed; /* further destinations that VPN mode does not reach */
  gsize n_closed;
  const gchar *public_host; /* where the edge is reached, a name or an address; NULL: unknown */
  gboolean exit;            /* forward to the internet */
} EwExitConfig;

/* Firewall first, then forwarding, then the interface up: there is no moment in which the mesh reaches what it must
   not. On failure nothing has been changed. An exit that can't be opened is a limit, not a failure. */
EwExit *ew_exit_new (const EwExitConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Forwarding and the table as they were before. Close the TUN first. */
void ew_exit_free (EwExit *self);

/* (transfer full) free with g_free(); NULL: the exit is closed. */
EwExitPolicy *ew_exit_get_policy (EwExit *self);
/* NULL: nothing is in the way. */
const gchar *ew_exit_get_limits (EwExit *self);
/* Packets of that family for this host may go to the TUN. FALSE where IPv6 is switched off, and for both after the
   firewall was removed and couldn't be restored. */
gboolean ew_exit_takes (EwExit *self, EwFamily family);

/* Resolvers behind nodes, replacing the previous ones: this host reaches each through the interface from now on, from
   the service address. One that it has another way to than a default route is left alone, which is said in the log.
   A bit for each of at most 32: it is reached so. */
guint32 ew_exit_set_resolvers (EwExit *self, const EwIp *resolvers, gsize n);
/* Whether the edge answers for names at the service addresses: UDP and TCP port 53 are open to the mesh only then, so
   that no node reaches another program that has the port. asked: a node's question has come through, so no other
   firewall is in its way. */
void ew_exit_set_names (EwExit *self, gboolean answers, gboolean asked);

/* All of that as the switch asks for it. exit_data: an EwExitConfig, valid while the switch is made. */
extern const EwSwitchExit ew_exit_for_switch;
