/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge host's firewall: one table, `inet edgeway-edge-INTERFACE`, put in place and taken away as a whole.
 *
 *   to this host, from the mesh   at the service address ping, the API and the ports that its owner opened; with the
 *                                 exit on, ping and the public ports at the host's own global addresses; nothing else
 *   through it, from the mesh     from mesh IPs to global addresses; only with the exit on
 *   through it, to the mesh       replies to mesh IPs; from elsewhere: dropped before anything looks at them
 *                                 (CVE-2019-14899)
 *   leaving                       IPv4 and IPv6 masqueraded, TCP's MSS clamped to what the tunnel carries
 *
 * What counts as the internet: what a node would reach from any other network. So global addresses do, also those on a
 * link of this host (a hosting company's subnet is full of strangers' web sites), and so do the web sites of this host
 * itself. These stay closed: private, link-local and other special addresses, clouds' agents, what the owner closed,
 * and everything on this host except the public ports (web sites, by default): a firewall that tells neighbors from
 * strangers by their interface would take the mesh for neither. The edge's own port is closed, too, as the service
 * address leads there. A public port that the host leads on (a container's) is open as well. Other firewalls of the
 * host may still drop what is accepted here.
 *
 * Behind a 1:1 NAT (`--public` is an address that no interface has) a packet to that address would come back from
 * outside, under the edge's own address, which others may trust. It never leaves: the public ports lead to this host as
 * at an own address, the rest is refused.
 *
 * The table also remembers what other settings of the host were before, in the comments of a chain `undo` that nothing
 * jumps to: both vanish together at a reboot, and survive together when the edge is killed.
 *
 * An accept here does not overrule a drop elsewhere: ew_exit_firewall_find_blockers() looks for those. Calls are
 * synchronous, through libnftables.
 */
#pragma once

#include <gio/gio.h>
#include "host/nftables.h"
#include "proto/address.h"

typedef struct
{
  const gchar *interface; /* letters, digits, '-', '_', '.' */
  EwIp service[2];
  EwPrefix ranges[2];
  guint mtu;
  guint16 api_port;
  const guint16 *open_ports;
  gsize n_open_ports;
  gboolean names; /* DNS at the service addresses */
  gboolean exit;
  const guint16 *public_ports; /* TCP and UDP, at this host's own global addresses */
  gsize n_public_ports;
  const EwPrefix *own; /* this host's addresses as /32 and /128; those that aren't global stay closed */
  gsize n_own;
  const EwPrefix *behind; /* global addresses that lead to this host without being its own */
  gsize n_behind;
  const EwPrefix *closed; /* the owner's */
  gsize n_closed;
  EwIp listen;           /* the edge's own socket is bound to this address; family NONE: to all */
  const GPtrArray *undo; /* EwSysctl to remember; NULL: none */
} EwFirewallConfig;

gboolean ew_exit_firewall_check_name (const gchar *interface, GError **error);
/* The table as nft reads it (pure). */
gchar *ew_exit_firewall_format (const EwFirewallConfig *config);
/* Replaces an older table of the same name, in one transaction. */
gboolean ew_exit_firewall_apply (const EwFirewallConfig *config, GError **error);
/* A missing table isn't an error. */
gboolean ew_exit_firewall_remove (const gchar *interface, GError **error);
gboolean ew_exit_firewall_exists (const gchar *interface);
/* The interfaces that this network namespace has such tables for. NULL-terminated; empty, too, where the kernel has no
   nftables. (transfer full) NULL with error: no permission. */
GStrv ew_exit_firewall_list_interfaces (GError **error);
/* What an older table remembers. (transfer full) of EwSysctl, empty if there is none. */
GPtrArray *ew_exit_firewall_read_undo (const gchar *interface);

/* Other tables' chains on the forward hook that drop what they do not know, or hooks of the older iptables that nft
   does not show: a sentence that names them and says what to do. NULL: nothing is in the way. (transfer full) */
gchar *ew_exit_firewall_find_blockers (const gchar *interface);
/* The same among those chains (pure). */
gchar *ew_exit_firewall_find_blockers_in (const gchar *interface, const EwNftChain *chains, gsize n);
/* The same of what is sent to this host itself: to its DNS. */
gchar *ew_exit_firewall_find_input_blockers (const gchar *interface);
gchar *ew_exit_firewall_find_input_blockers_in (const gchar *interface, const EwNftChain *chains, gsize n);
