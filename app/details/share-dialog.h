/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Offers a network behind a node to the mesh. Afterwards it shows what the node's own administrator still has to do.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"
#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_SHARE_DIALOG (ew_share_dialog_get_type ())
G_DECLARE_FINAL_TYPE (EwShareDialog, ew_share_dialog, EW, SHARE_DIALOG, AdwWindow)

void ew_share_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node);

G_END_DECLS
