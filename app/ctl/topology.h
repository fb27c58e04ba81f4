/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the topology's stream (JSON lines, daemon/edge/API.md "Topology messages") into one map.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Takes fd. Waits for the whole snapshot up to snapshot_ms, then up to settle_ms more for the round trips that the edge
   measures only while a client is watching; returns as soon as every online node has one. (transfer full) the map,
   "schema" set. */
JsonObject *ew_topology_read (gint fd, guint snapshot_ms, guint settle_ms, GError **error);

/* One message into the map. FALSE: not a message we know; the map is as before. For tests. */
typedef struct
{
  JsonObject *map; /* NULL before the first snapshot */
  gboolean complete;
} EwTopology;
gboolean ew_topology_apply (EwTopology *self, JsonObject *message);
gboolean ew_topology_is_measured (EwTopology *self); /* every online node has its round trip */
void ew_topology_clear (EwTopology *self);

G_END_DECLS
