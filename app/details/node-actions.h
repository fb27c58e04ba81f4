/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window's actions on one node, each with the node's ID as its string parameter:
 *   copy-address, copy-name, copy-ssh   to the clipboard, said in a toast
 *   ping                                one real ping through the edge, its result in a toast
 *   rename-node, remove-node            a dialog first; administrators only (disabled otherwise)
 *   show-details, show-path             the node becomes the parent's property "selected"; then the parent's action
 *                                       "details" is turned on, or "view" turned to "map"
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* They live as long as map does; parent is the window of their dialogs and owns the toasts' overlay. */
void ew_node_actions_add (GActionMap *map, EwDaemon *daemon, EwTopology *topology, GtkWindow *parent,
                          AdwToastOverlay *overlay);

G_END_DECLS
