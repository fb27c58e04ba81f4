/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The nodes used last: those whose address was copied and those that were pinged, the latest first, at most ten. The
 * app and the tray write and read them in GSettings (key recent-nodes); they belong to the mesh this computer is in and
 * are forgotten when it leaves. settings may be NULL everywhere: nothing is remembered then.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_RECENT_NODES_KEY "recent-nodes"
#define EW_RECENT_NODES_MAX 10

/* The desktop's settings, schema org.edgeway.Edgeway; NULL where the schema is not installed. Transfer full. */
GSettings *ew_settings_new (void);

/* To the front; a node that is there under this name gets this address. */
void ew_recent_nodes_add (GSettings *settings, const gchar *name, const gchar *address);
/* nodes: of EwNode. Those that are remembered by an address get the name that this node has now; the others stay as they
   are. */
void ew_recent_nodes_follow (GSettings *settings, GListModel *nodes);
void ew_recent_nodes_clear (GSettings *settings);
/* name and address of number index, counted from 0; FALSE: there are fewer. Both transfer full. */
gboolean ew_recent_nodes_get (GSettings *settings, guint index, gchar **name, gchar **address);

G_END_DECLS
