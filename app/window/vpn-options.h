/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What VPN mode takes and what may leave beside it: lockdown, the local network, the networks that stay outside the
 * tunnel or alone go through it. Everything shows what the daemon has, also after a request that failed.
 */
#pragma once

#include <adwaita.h>

#include "control/control.h"

G_BEGIN_DECLS

#define EW_TYPE_VPN_OPTIONS (ew_vpn_options_get_type ())
G_DECLARE_FINAL_TYPE (EwVpnOptions, ew_vpn_options, EW, VPN_OPTIONS, AdwWindow)

EwVpnOptions *ew_vpn_options_new (GtkWindow *parent, EwControl *control);

G_END_DECLS
