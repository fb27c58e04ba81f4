/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The selected path in words: this computer, the edge, the node, with the latency of each leg and their sum. In a
 * narrow map one line: the path's name and its sum. For a node without a path it says so, on one line.
 */
#pragma once

#include <gtk/gtk.h>

#include "map/layout.h"
#include "model/node.h"

G_BEGIN_DECLS

#define EW_TYPE_PATH_CARD (ew_path_card_get_type ())
G_DECLARE_FINAL_TYPE (EwPathCard, ew_path_card, EW, PATH_CARD, GtkWidget)

EwPathCard *ew_path_card_new (void);
/* node: NULL: the path to the edge alone. self, edge: NULL while unknown. FALSE: no text to show. */
gboolean ew_path_card_set (EwPathCard *self, EwNode *node, EwNode *this_computer, EwEdge *edge);

#define EW_PATH_CARD_SHAPES 2

/* The sizes that it may have, the best first. text: how large words are, see EwMapMeasures; most: px beside the
   ring. Returns how many. */
guint ew_path_card_get_shapes (EwPathCard *self, gdouble text, gdouble most, EwCardShape shapes[EW_PATH_CARD_SHAPES]);
void ew_path_card_set_shape (EwPathCard *self, guint shape); /* one of them */

G_END_DECLS
