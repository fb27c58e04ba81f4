/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the computer's network should look like: the node document, the user's choices and the computer's own networks,
 * made into addresses, routes and allowed IPs. Here it is decided that a route is never taken whatever the edge says,
 * and that only what was accepted here is forwarded. Pure.
 */
#pragma once

#include "account/document.h"
#include "account/keystore.h"
#include "net/host.h"

G_BEGIN_DECLS

typedef struct
{
  EwPrefix prefix;
  gchar *node;         /* through whom; NULL: no node offers it */
  const gchar *state;  /* "offered", "accepted", "refused", "forwarding", "unaccepted-forward", "blocked",
                          "accepted-not-offered" */
  const gchar *reason; /* of "blocked": a sentence; else NULL */
  gchar *found;        /* reason, if it was found on this computer */
} EwPlanRoute;

typedef struct
{
  GArray *addresses;   /* EwIp: this node's; without IPv6 if the computer has none */
  GArray *ranges;      /* EwPrefix: the mesh's, likewise */
  GArray *routes;      /* EwPrefix: ranges, without what of them is another network's, and accepted routes */
  GArray *forwards;    /* EwPrefix: subnets behind this node, accepted here */
  GArray *allowed_ips; /* EwPrefix: of the edge's peer */
  GPtrArray *all;      /* EwPlanRoute: every route that the document names, then those accepted that it does not */
  GPtrArray *problems; /* EwHostProblem: what of the mesh's ranges isn't the mesh's here */
} EwPlan;

/* edges: the addresses that edges are reached at. NULL with EW_ERROR_HOST_CONFLICT: nothing of the mesh's own ranges
 * can be used on this computer. */
EwPlan *ew_plan_new (const EwDocument *document, EwKeystore *choices, const EwHostFacts *facts, const EwIp *edges,
                     gsize n_edges, gboolean vpn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_plan_free (EwPlan *plan);
/* What couldn't be applied to the computer (EwHostProblem): such routes are "blocked", too. */
void ew_plan_note (EwPlan *plan, const GPtrArray *problems);
/* collisions.c: adds the range to the plan's routes, around this computer's own networks in it, which are noted. */
void ew_plan_take_range (EwPlan *plan, const EwPrefix *range, const EwDocument *document, const EwHostFacts *facts,
                         const EwIp *edges, gsize n_edges);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPlan, ew_plan_free)

G_END_DECLS
