/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One node, and one edge, of the map: observable, never polled. No GTK.
 */
#pragma once

#include <gio/gio.h>

#include "model-enums.h"

G_BEGIN_DECLS

/* Properties, read-only, with notify: id s; name s; kind EwKind; state EwNodeState; addresses GStrv (plain IPs, IPv4
   first); routes GStrv (CIDRs; not empty: a gateway); names GStrv (additional ones); os s, version s (NULL: unknown); problem s (NULL: none); plain b
   (other WireGuard software); self b; edge-id s (NULL: none); administrator b; https b. Counters change without notify; one
   "counters" signal of the node follows each refresh. */
#define EW_TYPE_NODE (ew_node_get_type ())
G_DECLARE_FINAL_TYPE (EwNode, ew_node, EW, NODE, GObject)

const gchar *ew_node_get_id (EwNode *self);
const gchar *ew_node_get_name (EwNode *self);
EwKind ew_node_get_kind (EwNode *self);
EwNodeState ew_node_get_state (EwNode *self);
gint64 ew_node_get_as_of (EwNode *self); /* when its state was known, µs since the epoch; 0: it is as it is now */
const gchar *const *ew_node_get_addresses (EwNode *self);
const gchar *ew_node_get_address (EwNode *self); /* the first one; NULL: none yet */
const gchar *const *ew_node_get_routes (EwNode *self);
const gchar *const *ew_node_get_names (EwNode *self); /* additional ones; DNS labels */
gboolean ew_node_is_gateway (EwNode *self);
gboolean ew_node_is_self (EwNode *self);
gboolean ew_node_is_plain (EwNode *self);
gboolean ew_node_is_administrator (EwNode *self);
/* Online, and its packets go through TCP, because UDP from its network has no answer. */
gboolean ew_node_is_https (EwNode *self);
const gchar *ew_node_get_os (EwNode *self);      /* NULL: unknown */
const gchar *ew_node_get_version (EwNode *self); /* NULL: unknown */
const gchar *ew_node_get_problem (EwNode *self); /* a code of the edge's; NULL: none */
gint64 ew_node_get_created (EwNode *self);       /* enrolment, µs since the epoch; 0: unknown */
gdouble ew_node_get_rtt_ms (EwNode *self);       /* between node and edge; below 0: unknown */
gint64 ew_node_get_last_seen (EwNode *self);     /* µs since the epoch; 0: never or unknown */
gint64 ew_node_get_last_handshake (EwNode *self);
gint64 ew_node_get_rx_bytes (EwNode *self); /* what the node received; below 0: unknown */
gint64 ew_node_get_tx_bytes (EwNode *self);
gdouble ew_node_get_rx_rate (EwNode *self); /* bytes a second, mean of 5 s; 0 while unknown */
gdouble ew_node_get_tx_rate (EwNode *self);

/* Whether an edge forwards VPN mode's traffic to the internet. */
typedef enum
{
  EW_EXIT_UNKNOWN,
  EW_EXIT_NO,
  EW_EXIT_YES,
} EwExit;

/* Properties: id s; name s; endpoint s; online b (FALSE also while it hasn't been heard); addresses GStrv (in the
   mesh, IPv4 first); version s (NULL: unknown); exit EwExit. */
#define EW_TYPE_EDGE (ew_edge_get_type ())
G_DECLARE_FINAL_TYPE (EwEdge, ew_edge, EW, EDGE, GObject)

const gchar *ew_edge_get_id (EwEdge *self);
const gchar *ew_edge_get_name (EwEdge *self);
const gchar *ew_edge_get_endpoint (EwEdge *self);
gboolean ew_edge_get_online (EwEdge *self);
gint64 ew_edge_get_as_of (EwEdge *self); /* when it was heard last, µs since the epoch; 0: it is heard */
const gchar *const *ew_edge_get_addresses (EwEdge *self); /* of an older edge: none */
const gchar *ew_edge_get_address (EwEdge *self);          /* the first one; NULL: unknown */
const gchar *ew_edge_get_version (EwEdge *self);          /* NULL: unknown */
EwExit ew_edge_get_exit (EwEdge *self);

G_END_DECLS
