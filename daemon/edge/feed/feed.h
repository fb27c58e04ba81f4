/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the mesh and the packet switch: tells the switch who the nodes are, and keeps what the switch sees of them
 * (online, where, when), storing the part that a restart needs.
 */
#pragma once

#include "edge/mesh/mesh.h"
#include "edge/switch/switch.h"

G_BEGIN_DECLS

typedef struct EwFeed EwFeed;

/* Starts the switch (config's callbacks and user_data are set here) with all nodes and reaches out to them. The mesh
 * outlives it. */
EwFeed *ew_feed_new (EwMesh *mesh, EwSwitchConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Stores what is not yet stored and stops the switch. */
void ew_feed_free (EwFeed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwFeed, ew_feed_free)

/* NULL restores silence: func is called for every node that was added or removed. */
void ew_feed_set_func (EwFeed *self, void (*func) (gpointer user_data, const gchar *id), gpointer user_data);
/* The same for the other one who wants to know: a node came or went. */
void ew_feed_set_presence_func (EwFeed *self, void (*func) (gpointer user_data, const gchar *id), gpointer user_data);
/* FALSE: the switch does not know it; *out is zero then. */
gboolean ew_feed_get (EwFeed *self, const gchar *id, EwSwitchNodeStatus *out);
gboolean ew_feed_is_online (EwFeed *self, const gchar *id);
guint ew_feed_count_online (EwFeed *self);
EwSwitch *ew_feed_get_switch (EwFeed *self);
/* The regular work: its own check of who is there, storing of endpoints, the timestamp floor, whether there is an exit.
 * Returns after how many seconds there may be more of it though nothing happens; what happens is told by func, a few
 * seconds after which it's to be called as well. */
guint ew_feed_tick (EwFeed *self);
/* NULL restores silence. It may be called within any call here. */
void ew_feed_set_work_func (EwFeed *self, void (*func) (gpointer user_data), gpointer user_data);

G_END_DECLS
