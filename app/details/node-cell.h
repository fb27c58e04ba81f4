/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The widget of one EwNodeRow in the list view: its group's heading where it is the group's first, then a line of a
 * card. It refreshes what changes by the second only while it is mapped.
 */
#pragma once

#include <gtk/gtk.h>

#include "columns.h"
#include "model/topology.h"
#include "node-rows.h"

G_BEGIN_DECLS

#define EW_TYPE_NODE_CELL (ew_node_cell_get_type ())
G_DECLARE_FINAL_TYPE (EwNodeCell, ew_node_cell, EW, NODE_CELL, GtkWidget)

GtkWidget *ew_node_cell_new (EwTopology *topology, EwColumnWidths *widths);
/* row: NULL: none. The cell's parent (the list item) is given the row's spoken name. */
void ew_node_cell_set_row (EwNodeCell *self, EwNodeRow *row);
EwNodeRow *ew_node_cell_get_row (EwNodeCell *self); /* borrowed */
void ew_node_cell_refresh (EwNodeCell *self);       /* words that depend on the clock */

G_END_DECLS
