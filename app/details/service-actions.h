/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window's actions on services, each but the first with the service's ID as its string parameter:
 *   add-service                                for administrators (disabled otherwise)
 *   open-service                               its web page, in the browser
 *   copy-service-address, copy-service-name    to the clipboard, said in a toast
 *   edit-service, remove-service               a dialog first; administrators only (disabled otherwise)
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* They live as long as map does; parent is the window of their dialogs and owns the toasts' overlay. */
void ew_service_actions_add (GActionMap *map, EwDaemon *daemon, EwTopology *topology, GtkWindow *parent,
                             AdwToastOverlay *overlay);

G_END_DECLS
