/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Waiting for one node that was just made: is it on the map, has it joined, is it online, was it removed.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

typedef enum
{
  EW_WATCH_UNSEEN, /* not on the map yet, or the map isn't live now */
  EW_WATCH_NOT_JOINED,
  EW_WATCH_JOINED, /* known to the mesh, not online */
  EW_WATCH_ONLINE,
  EW_WATCH_GONE, /* it was on the map and no longer is: removed or expired */
} EwWatchState;

/* Signal "changed" (): the state did, or the node's addresses. */
#define EW_TYPE_WATCH (ew_watch_get_type ())
G_DECLARE_FINAL_TYPE (EwWatch, ew_watch, EW, WATCH, GObject)

/* id: NULL: found by its name first, then followed by its ID. */
EwWatch *ew_watch_new (EwTopology *topology, const gchar *name, const gchar *id);
EwWatchState ew_watch_get_state (EwWatch *self);
EwNode *ew_watch_get_node (EwWatch *self); /* borrowed; NULL while it is not on the map */

G_END_DECLS
