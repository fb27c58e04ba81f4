/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the mesh and the packet switch: tells the switch who the nodes are, and keeps what the switch sees of them
 * (online, where, when), storing the part that a restart needs.
 */
#pragma once

#include "edge/mesh/mesh.h"
#include "edge/switch/switch.h"

G_BEGIN_DECLS

typedef struct EwLookout EwLookout;

/* Starts the switch (config's callbacks and user_data are set here) with all nodes and reaches out to them. The mesh
 * outlives it. */
EwLookout *ew_lookout_new (EwMesh *mesh, EwSwitchConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Stores what is not yet stored and stops the switch. */
void ew_lookout_free (EwLookout *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLookout, ew_lookout_free)

/* NULL restores silence: func is told of every node that came or went. */
void ew_lookout_set_func (EwLookout *self, void (*func) (gpointer user_data, const gchar *id), gpointer user_data);
/* FALSE: the switch does not know it; *out is zero then. */
gboolean ew_lookout_get (EwLookout *self, const gchar *id, EwSwitchNodeStatus *out);
gboolean ew_lookout_is_online (EwLookout *self, const gchar *id);
guint ew_lookout_count_online (EwLookout *self);
EwSwitch *ew_lookout_get_switch (EwLookout *self);
/* The regular work, every 5 s: its own check of who is there, storing of endpoints, the timestamp floor, whether there
 * is an exit. */
void ew_lookout_tick (EwLookout *self);

G_END_DECLS
