/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nodes and enrollment keys as text, from the JSON that the edge's API answers with (daemon/edge/API.md). All strings
 * are (transfer full) and end in a line break.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "console/terminal.h"

G_BEGIN_DECLS

/* A table of GET /v1/nodes, by name. */
gchar *ew_listing_nodes (const EwTerminal *terminal, JsonObject *answer);
/* All of one node. edge_name: its edge's, NULL: the ID that the node names is shown. */
gchar *ew_listing_node (const EwTerminal *terminal, JsonObject *node, const gchar *edge_name);
/* A table of GET /v1/keys; except: an ID that is left out, or NULL. NULL where there is none. */
gchar *ew_listing_keys (const EwTerminal *terminal, JsonObject *answer, const gchar *except);

G_END_DECLS
