/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map of a mesh drawn with text: a wheel, the edge its hub, every node on a spoke of its own. There is no line
 * between two nodes, as traffic always passes the edge. Pure: JSON and a time in, lines out.
 *
 * From 76 columns on the hub is in the middle with nodes on both sides; narrower, the hub stands on top. The
 * order is stable: this computer, then the others by name; a node that goes offline stays where it was.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "console/terminal.h"

G_BEGIN_DECLS

#define EW_MAP_WIDTH_MIN 60
#define EW_MAP_WIDTH_MAX 200

/* map: as `map --json` has it (README.md), any member missing or null: unknown; "as_last_seen" true:
   this computer isn't connected, and the map shows the last known state. terminal->width is taken into the bounds
   above. now: microseconds since the epoch. trial: the edge cannot be reached from elsewhere, and the map says so.
   (transfer full) */
GStrv ew_map_view (JsonObject *map, const EwTerminal *terminal, gint64 now, gboolean trial);

G_END_DECLS
