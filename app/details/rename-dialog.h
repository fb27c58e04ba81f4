/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A new name for a node: checked as it is typed, refused in place, so that nothing typed is lost.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_RENAME_DIALOG (ew_rename_dialog_get_type ())
G_DECLARE_FINAL_TYPE (EwRenameDialog, ew_rename_dialog, EW, RENAME_DIALOG, AdwWindow)

void ew_rename_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node);

G_END_DECLS
