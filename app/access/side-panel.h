/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A panel at the end of what a window shows: beside it where there is room for both, else over it (folded). It uses the
 * widget that this version of libadwaita offers.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Properties: "content": GtkWidget; "shown": whether the panel is, gboolean; "folded": gboolean, read only. Whether the
   panel is shown stays as it is when it folds. */
#define EW_TYPE_SIDE_PANEL (ew_side_panel_get_type ())
G_DECLARE_FINAL_TYPE (EwSidePanel, ew_side_panel, EW, SIDE_PANEL, GtkWidget)

/* width: px, of the panel beside the content. */
void ew_side_panel_set_panel (EwSidePanel *self, GtkWidget *panel, gint width);
gboolean ew_side_panel_get_shown (EwSidePanel *self);
void ew_side_panel_set_shown (EwSidePanel *self, gboolean shown);
gboolean ew_side_panel_get_folded (EwSidePanel *self);

G_END_DECLS
