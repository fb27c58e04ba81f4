/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The selected path in words: this computer, the edge, the node, with the latency of each leg and their sum. In a
 * narrow map only its first line.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/node.h"

G_BEGIN_DECLS

#define EW_TYPE_PATH_CARD (ew_path_card_get_type ())
G_DECLARE_FINAL_TYPE (EwPathCard, ew_path_card, EW, PATH_CARD, GtkWidget)

EwPathCard *ew_path_card_new (void);
/* node: NULL: the path to the edge alone. self, edge: NULL while unknown. */
void ew_path_card_set (EwPathCard *self, EwNode *node, EwNode *this_computer, EwEdge *edge);
void ew_path_card_set_compact (EwPathCard *self, gboolean compact);

G_END_DECLS
