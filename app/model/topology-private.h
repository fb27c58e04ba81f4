/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two halves of EwTopology share: topology.c is the object and opens its stream, topology-messages.c makes the
 * list of what comes in, topology-services.c that of the services.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "stream.h"
#include "topology.h"

G_BEGIN_DECLS

struct _EwTopology
{
  GObject parent;
  EwDaemon *daemon;
  gboolean wanted;

  GCancellable *opening; /* NULL: no call on its way */
  EwStream *lines;       /* NULL: not open */
  guint reopen, reopen_s;
  gchar *refusal; /* NULL: none. Asking again by itself would only show another password prompt */
  EwStreamState state;
  gchar *error;
  gint64 as_of;    /* 0: all is as it is now */
  gint64 clock_us; /* how far this computer's clock is ahead of the edge's; 0: about the same, or unknown */

  GPtrArray *nodes;  /* EwNode, in the list's order */
  GPtrArray *coming; /* EwNode of the snapshot so far that are new: put into the list in their order at its end */
  GHashTable *by_id; /* ID of the node → EwNode, of nodes and coming */
  GListStore *edges;
  GListStore *services;
  GHashTable *seen_services; /* IDs in the snapshot so far; NULL: none is being received */
  gboolean services_changed; /* not told yet */
  gboolean taking;           /* a message: it is told at its end */
  gchar *mesh;
  EwNode *self_node; /* borrowed from nodes or coming */
  guint n_online;    /* coming ones counted */
  EwNode *told_self; /* what notify said last; told once a message */
  guint told_nodes, told_online;
  GPtrArray *news; /* EwNode that came online in this message */

  GHashTable *seen;      /* IDs in the snapshot so far, borrowed from nodes and coming; NULL: none is being received */
  gboolean had_snapshot; /* of this stream */
  GHashTable *active;    /* EwNode: counted since the last refresh, or with a rate that has to sink */
  guint decay;
  gint64 refreshed_us;
};

enum
{
  EW_TOPOLOGY_PROP_0,
  PROP_STREAM,
  PROP_ERROR,
  PROP_N_ONLINE,
  PROP_N_NODES,
  PROP_EDGES,
  PROP_SERVICES,
  PROP_SELF,
  PROP_MESH,
  PROP_AS_OF,
  N_PROPERTIES
};


extern GParamSpec *ew_topology_properties[];
extern guint ew_topology_counters_signal, ew_topology_online_signal, ew_topology_names_signal,
  ew_topology_services_signal;

/* One message of the stream; anything else is left out. */
void ew_topology_take_message (EwTopology *self, JsonObject *message);
/* No node and no edge is known any more. */
void ew_topology_forget (EwTopology *self);
/* The stream ended: a snapshot in pieces is dropped, and nothing more is counted. */
void ew_topology_forget_stream (EwTopology *self);
/* Services: new or changed; removed; those of a part of a snapshot; at its end, only those; none; as of another time. */
void ew_topology_take_service (EwTopology *self, JsonObject *object);
void ew_topology_remove_service (EwTopology *self, const gchar *id);
void ew_topology_take_services (EwTopology *self, JsonArray *array);
void ew_topology_keep_services (EwTopology *self);
void ew_topology_forget_services (EwTopology *self);
void ew_topology_date_services (EwTopology *self);
/* Once a message. */
void ew_topology_tell_services (EwTopology *self);
/* The one door to the stream's state. */
void ew_topology_set_stream (EwTopology *self, EwStreamState state, const gchar *error);

G_END_DECLS
