/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "Remove nas?", for administrators; for this computer, where the way out is.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Asks, then removes; a refusal is a toast in overlay (may be NULL). */
void ew_remove_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwNode *node, AdwToastOverlay *overlay);

G_END_DECLS
