/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a node, an edge or a service matches a search: by name, address, route, system or target. One search for the map
 * and the list.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* What was typed, cut into case-folded words (transfer full); empty for NULL and blanks. */
gchar **ew_search_words (const gchar *search);
/* Every word occurs in one of the object's (EwNode's, EwEdge's or EwService's) texts. No words: TRUE. */
gboolean ew_search_matches (gchar **words, GObject *object);
/* How many nodes, edges and services match, in words (transfer full): "3 matches", "Nothing found". No words: NULL. */
gchar *ew_search_found (gchar **words, EwTopology *topology);

G_END_DECLS
