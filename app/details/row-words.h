/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words of a row that aren't plain properties. All (transfer full); "" where there is nothing to say.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* "This computer", "Gateway to 192.168.1.0/24", "Plain WireGuard · via HTTPS" */
gchar *ew_row_words_note (EwNode *node);
/* Why its packets don't go by UDP, a sentence; NULL: they do, or it isn't known. */
const gchar *ew_row_words_way (EwNode *node);
/* "5 ms to edge" for this computer, "≈ 12 ms" for the sum of both legs, or the only leg that is known. */
gchar *ew_row_words_latency (EwNode *node, EwNode *self);
gchar *ew_row_words_rate (EwNode *node); /* both directions together; "" while nothing moves */
const gchar *ew_row_words_edge_state (EwEdge *edge);
gchar *ew_row_words_edge_latency (EwNode *self); /* this computer's leg: "5 ms" */
gchar *ew_row_words_edge_spoken (EwEdge *edge);  /* "Frankfurt, edge, online" */
gchar *ew_row_words_ssh (const gchar *target);   /* "ssh 100.96.0.21", or a full name; NULL: no target */

G_END_DECLS
