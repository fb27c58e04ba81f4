/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a node or a service may be called, as it is typed: a DNS label in small letters. The edge has the last word.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* NULL: valid; else why not, a sentence (transfer full). node: whose name it becomes; its current name is valid. */
gchar *ew_name_problem (const gchar *name, EwTopology *topology, EwNode *node);
/* The same for a service; service: whose name it becomes; NULL: a new one. (transfer full) */
gchar *ew_service_name_problem (const gchar *name, EwTopology *topology, EwService *service);

G_END_DECLS
