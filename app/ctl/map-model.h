/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map's JSON as the drawing needs it: cleaned texts, known numbers, a stable order.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "console/terminal.h"

G_BEGIN_DECLS

typedef enum
{
  EW_MAP_NODE_ONLINE,
  EW_MAP_NODE_WAS_ONLINE, /* as last seen */
  EW_MAP_NODE_OFFLINE,
  EW_MAP_NODE_AWAITING_APPROVAL,
  EW_MAP_NODE_NOT_JOINED,
} EwMapNodeState;

/* A service at one of the nodes that it leads to. */
typedef struct
{
  gchar *name, *ports;
  const gchar *
    trouble; /* what is wrong with that target, in two or three words; NULL: nothing that is known, or the node isn't online */
} EwMapService;

typedef struct
{
  gchar *id, *name, *kind, *edge; /* edge: an ID; "" for none */
  gchar *problem;                 /* in words; NULL: none */
  EwMapNodeState state;
  gboolean self, https; /* https: its packets come through the edge's TCP port */
  GStrv addresses, routes;
  gdouble rtt_ms;            /* below 0: unknown */
  gint64 rx_bytes, tx_bytes; /* below 0: unknown */
  gint64 last_seen;          /* µs; 0: never or unknown */
  GPtrArray *services;       /* EwMapService, by name */
} EwMapNode;

typedef struct
{
  gchar *id, *name, *endpoint;
  gboolean online;
} EwMapEdge;

typedef struct
{
  gchar *mesh;
  gboolean as_last_seen; /* this computer isn't connected: everything is as last seen */
  GPtrArray *edges;      /* EwMapEdge, by name */
  GPtrArray *nodes;      /* EwMapNode: self, then by name */
} EwMap;

EwMap *ew_map_new (JsonObject *json, const EwTerminal *terminal);
void ew_map_free (EwMap *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwMap, ew_map_free)

/* The nodes at an edge (borrowed). A mesh with one edge has all its nodes there; with several, edge NULL holds the
   nodes that are at no edge. */
GPtrArray *ew_map_nodes_of (EwMap *self, const EwMapEdge *edge);

G_END_DECLS
