/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The main window: header, search, the line for problems, map or list with the details panel (or the page that stands
 * for them), bottom bar. The topology is wanted only while the window can be seen.
 *
 * Actions: view (s: "map", "list"), details (b), search, zoom-in, zoom-out, fit, and the node actions of
 * details/node-actions.h.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"
#include "control/control.h"

G_BEGIN_DECLS

/* Property: selected, read-write: an EwNode, an EwEdge or NULL. */
#define EW_TYPE_WINDOW (ew_window_get_type ())
G_DECLARE_FINAL_TYPE (EwWindow, ew_window, EW, WINDOW, AdwApplicationWindow)

/* settings: org.edgeway.Edgeway, for the window's size, view and panel; NULL: they have their defaults and are not
   remembered. */
EwWindow *ew_window_new (GtkApplication *application, EwControl *control, EwTopology *topology, GSettings *settings);

/* Says text, a sentence or a few words, for a moment. */
void ew_window_toast (EwWindow *self, const gchar *text);
/* A request failed: shown at once. */
void ew_window_refuse (EwWindow *self, const gchar *text);

G_END_DECLS
