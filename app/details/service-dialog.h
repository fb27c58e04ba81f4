/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gives a port of a node a name of its own, or changes that; then says what answers there, or why nothing does.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_SERVICE_DIALOG (ew_service_dialog_get_type ())
G_DECLARE_FINAL_TYPE (EwServiceDialog, ew_service_dialog, EW, SERVICE_DIALOG, AdwWindow)

/* node: proposed for a new one; NULL: none in particular. */
void ew_service_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node);
void ew_service_dialog_present_edit (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwService *service);

G_END_DECLS
