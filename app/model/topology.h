/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh as it is now: a GListModel of EwNode in the order of enrolment, then of IDs (those of an unknown time last;
 * what comes later is appended, nothing moves when a state or a counter changes), and its edges. Fed by OpenTopology's
 * stream (daemon/edge/API.md), which is open only between ew_topology_set_wanted TRUE and FALSE: while a window that
 * shows it is visible. No GTK.
 */
#pragma once

#include "daemon.h"
#include "node.h"
#include "service.h"

G_BEGIN_DECLS

/* Properties: stream EwStreamState; error s (a sentence, NULL: none); n-online u; n-nodes u (not-joined ones counted);
   edges GListModel of EwEdge; services GListModel of EwService; self EwNode (this computer, NULL while unknown); mesh s;
   as-of x: while this computer isn't connected to its edge or the stream is not open, since when: all is only as it was
   last seen then, µs since the epoch; 0: it is as it is now.
   Signals: "names-changed" (): a node that was there has another name;
   "services-changed" (): a service has come, changed or gone; once a message;
   "counters" (): rates, round trips and last-seen of nodes were refreshed, at most once a second;
            "node-came-online" (EwNode): for a toast; never for those of the first snapshot. */
#define EW_TYPE_TOPOLOGY (ew_topology_get_type ())
G_DECLARE_FINAL_TYPE (EwTopology, ew_topology, EW, TOPOLOGY, GObject)

EwTopology *ew_topology_new (EwDaemon *daemon);
/* wanted: a view is open. When none is, what was known stays, marked as last seen. */
void ew_topology_set_wanted (EwTopology *self, gboolean wanted);
/* Asks at once for a stream that failed, also where it was refused: for a "Try Again" button. */
void ew_topology_retry (EwTopology *self);
EwStreamState ew_topology_get_stream (EwTopology *self);
const gchar *ew_topology_get_error (EwTopology *self);
gboolean ew_topology_is_refused (EwTopology *self); /* by the computer's policy, or by a person at a prompt */
guint ew_topology_get_n_online (EwTopology *self);
guint ew_topology_get_n_nodes (EwTopology *self);
const gchar *ew_topology_get_mesh (EwTopology *self);
gint64 ew_topology_get_as_of (EwTopology *self);
GListModel *ew_topology_get_edges (EwTopology *self);                    /* borrowed */
EwEdge *ew_topology_get_edge (EwTopology *self);                         /* the first edge, borrowed; NULL: unknown */
EwNode *ew_topology_get_self (EwTopology *self);                         /* borrowed; NULL: unknown */
EwNode *ew_topology_find (EwTopology *self, const gchar *id);            /* borrowed; NULL: none */
EwNode *ew_topology_find_by_name (EwTopology *self, const gchar *name);  /* borrowed; NULL: none */
GListModel *ew_topology_get_services (EwTopology *self);                 /* borrowed */
EwService *ew_topology_find_service (EwTopology *self, const gchar *id); /* borrowed; NULL: none */
EwService *ew_topology_find_service_by_name (EwTopology *self, const gchar *name); /* borrowed; NULL: none */
/* Those that lead to the node, by name. (transfer full) */
GPtrArray *ew_topology_get_services_of (EwTopology *self, EwNode *node);
/* … by its name or an additional one: whose the name is. */
EwNode *ew_topology_find_by_any_name (EwTopology *self, const gchar *name);

G_END_DECLS
