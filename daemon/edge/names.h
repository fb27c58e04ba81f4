/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's DNS as a whole: server, forwarder and the mesh's records, and those that must know whether it answers (the
 * firewall, the nodes' documents, status).
 */
#pragma once

#include "edge/dns/server.h"
#include "edge/mesh/mesh.h"
#include "edge/options.h"
#include "edge/switch/switch.h"

G_BEGIN_DECLS

typedef struct EwEdgeNames EwEdgeNames;

/* EW_ERROR_INVALID_ARGUMENT: a resolver that the options name is the edge itself. */
EwEdgeNames *ew_edge_names_new (EwMesh *mesh, const EwEdgeOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_edge_names_free (EwEdgeNames *self);
/* Starts the server at the TUN, while the ports below 1024 may still be bound. interface NULL: there is no TUN, and so
 * no node to answer. */
void ew_edge_names_start (EwEdgeNames *self, const gchar *interface);
/* The switch runs: from here on it and the mesh are kept informed. NULL: it is about to end. */
void ew_edge_names_set_switch (EwEdgeNames *self, EwSwitch *packet_switch);
/* What is in the way: a sentence, NULL: nothing that the switch's limits don't say. (transfer full) */
gchar *ew_edge_names_dup_limits (EwEdgeNames *self);

G_END_DECLS
