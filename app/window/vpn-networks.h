/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One of VPN mode's two lists of networks: those that stay outside the tunnel, or those that alone go through it. Each
 * can be removed; a new one is typed into the row above them, and refused there.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"

G_BEGIN_DECLS

/* Signal "changed" (): the daemon has another list now. */
#define EW_TYPE_VPN_NETWORKS (ew_vpn_networks_get_type ())
G_DECLARE_FINAL_TYPE (EwVpnNetworks, ew_vpn_networks, EW, VPN_NETWORKS, AdwPreferencesGroup)

/* action: how the daemon's ChangeSplit adds to this list, a literal: "exclude" or "include". */
void ew_vpn_networks_set_daemon (EwVpnNetworks *self, EwDaemon *daemon, const gchar *action);
void ew_vpn_networks_show (EwVpnNetworks *self, const gchar *const *networks);
/* Gives up waiting for the daemon. */
void ew_vpn_networks_cancel (EwVpnNetworks *self);

G_END_DECLS
