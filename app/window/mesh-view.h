/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh itself: map or list, and the details panel at the end, which folds over them in a narrow window. The three
 * have one selection.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Properties, read-write: selected (an EwNode, an EwEdge, an EwService or NULL); view s ("map", "list"); details-shown b;
   search s ("": everything). */
#define EW_TYPE_MESH_VIEW (ew_mesh_view_get_type ())
G_DECLARE_FINAL_TYPE (EwMeshView, ew_mesh_view, EW, MESH_VIEW, AdwBin)

EwMeshView *ew_mesh_view_new (EwDaemon *daemon, EwTopology *topology);

/* The first match of the search, selected and with the focus. FALSE: no match. */
gboolean ew_mesh_view_go_to_first (EwMeshView *self);
/* How many the search has found, in words (transfer full); NULL: nothing is searched for. */
gchar *ew_mesh_view_get_found (EwMeshView *self);
void ew_mesh_view_zoom_in (EwMeshView *self);
void ew_mesh_view_zoom_out (EwMeshView *self);
void ew_mesh_view_zoom_fit (EwMeshView *self);

G_END_DECLS
