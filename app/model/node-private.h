/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the topology fills nodes and edges from the JSON of other machines, of which nothing is trusted.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "node.h"

G_BEGIN_DECLS

/* The ID in NODE or EDGE; NULL where it has no valid one. Borrowed from object. */
const gchar *ew_node_id_of (JsonObject *object);

EwNode *ew_node_new (const gchar *id);
/* How far this computer's clock is ahead of the edge's, in µs; for the following times. */
void ew_node_set_clock (EwNode *self, gint64 ahead_us);
/* All of NODE (`map --json`: app/ctl/README.md), properties and counters. now_us: monotonic. */
void ew_node_update (EwNode *self, JsonObject *object, gint64 now_us);
/* Counters alone, where they are there. */
void ew_node_update_counters (EwNode *self, JsonObject *object, gint64 now_us);
/* Rates as of now; TRUE while one of them is not 0 yet and has to be looked at again. */
gboolean ew_node_refresh_rates (EwNode *self, gint64 now_us);
/* The stream ended: rates are unknown, and what was counted before says nothing of the time after. */
void ew_node_forget_rates (EwNode *self);

/* What is known of it is of this time, µs since the epoch; 0: of now. */
void ew_node_set_as_of (EwNode *self, gint64 realtime_us);
void ew_edge_set_as_of (EwEdge *self, gint64 realtime_us);

EwEdge *ew_edge_new (const gchar *id);
void ew_edge_update (EwEdge *self, JsonObject *object);

G_END_DECLS
