/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The side panel: everything known of the selected node, edge or service, kept fresh in place (nothing in it moves the focus or
 * the scroll), and what can be done with it. Its close button is the window's action "details".
 */
#pragma once

#include <gtk/gtk.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Property: selected, read-write: an EwNode, an EwEdge or an EwService; NULL: the panel says that nothing is selected.
   What leaves the mesh is deselected. */
#define EW_TYPE_DETAILS (ew_details_get_type ())
G_DECLARE_FINAL_TYPE (EwDetails, ew_details, EW, DETAILS, GtkWidget)

GtkWidget *ew_details_new (EwDaemon *daemon, EwTopology *topology);

G_END_DECLS
