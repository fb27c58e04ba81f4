/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/plan.h"
#include "common/error.h"
#include "common/phrase.h"

static void
plan_route_free (gpointer data)
{
  EwPlanRoute *route = data;
  g_free (route->node);
  g_free (route->found);
  g_free (route);
}

void
ew_plan_free (EwPlan *plan)
{
  g_array_unref (plan->addresses);
  g_array_unref (plan->ranges);
  g_array_unref (plan->routes);
  g_array_unref (plan->forwards);
  g_array_unref (plan->allowed_ips);
  g_ptr_array_unref (plan->all);
  g_ptr_array_unref (plan->problems);
  g_free (plan);
}

static gboolean
usable (const EwHostFacts *facts, const EwIp *ip)
{
  return ip->family == EW_FAMILY_V4 || facts->ipv6;
}

static EwPlanRoute *
add_route (EwPlan *plan, const EwPrefix *prefix, const gchar *node)
{
  EwPlanRoute *route = g_new0 (EwPlanRoute, 1);
  route->prefix = *prefix;
  route->node = g_strdup (node);
  g_ptr_array_add (plan->all, route);
  return route;
}

static const gchar *
mesh_overlap (const EwDocument *document, const EwPrefix *prefix)
{
  for (guint i = 0; i < document->ranges->len; i++)
    if (ew_prefix_overlaps (prefix, &g_array_index (document->ranges, EwPrefix, i)))
      return N_ ("it overlaps the mesh's own addresses");
  return NULL;
}

static gboolean
is_own_network (const EwPrefix *range, const EwHostFacts *facts)
{
  for (guint i = 0; i < facts->on_link->len; i++)
    if (ew_prefix_equal (range, &g_array_index (facts->on_link, EwPrefix, i)))
      return TRUE;
  return FALSE;
}

static void
set_conflict (GError **error, const EwPrefix *range, const gchar *refusal)
{
  gchar text[EW_PREFIX_STRLEN];
  ew_prefix_format (range, text);
  g_clear_error (error);
  ew_set_error (error, EW_ERROR, EW_ERROR_HOST_CONFLICT,
                "The mesh's addresses %s can't be used on this computer: %s. Change that network, or make the mesh "
                "with another range.",
                text, refusal);
}

/* A range that no mesh may have is the edge's doing, and nothing of that mesh is taken. One that is wholly a network of
   this computer leaves the other. */
static gboolean
plan_ranges (EwPlan *plan, const EwDocument *document, const EwHostFacts *facts, const EwIp *edges, gsize n_edges,
             GError **error)
{
  static const gchar *const own = N_ ("it is a network that this computer is connected to");
  for (guint i = 0; i < document->ranges->len; i++)
    {
      const EwPrefix *range = &g_array_index (document->ranges, EwPrefix, i);
      if (!usable (facts, &range->ip))
        continue;
      const gchar *refusal
        = ew_prefix_is_private (range) ? ew_route_refusal (range, NULL, NULL, 0) : N_ ("they aren't private");
      if (refusal)
        {
          set_conflict (error, range, refusal);
          return FALSE;
        }
      if (is_own_network (range, facts))
        {
          g_ptr_array_add (plan->problems,
                           ew_host_problem_new (EW_HOST_PROBLEM_RANGE, range,
                                                N_ ("Change that network, or make the mesh with another "
                                                    "range."),
                                                own));
          set_conflict (error, range, own);
          continue;
        }
      ew_plan_take_range (plan, range, document, facts, edges, n_edges);
      g_array_append_val (plan->ranges, *range);
      g_array_append_val (plan->allowed_ips, *range);
    }
  if (plan->ranges->len > 0)
    g_clear_error (error);
  return plan->ranges->len > 0;
}

void
ew_plan_note (EwPlan *plan, const GPtrArray *problems)
{
  for (guint i = 0; i < plan->all->len; i++)
    for (guint j = 0; j < problems->len; j++)
      {
        EwPlanRoute *route = plan->all->pdata[i];
        const EwHostProblem *problem = problems->pdata[j];
        const gchar *concerned = problem->kind == EW_HOST_PROBLEM_ROUTE     ? "accepted"
                                 : problem->kind == EW_HOST_PROBLEM_FORWARD ? "forwarding"
                                                                            : NULL;
        if (g_strcmp0 (route->state, concerned) != 0 || !ew_prefix_equal (&route->prefix, &problem->prefix))
          continue;
        route->found = g_strdup (problem->reason);
        route->reason = route->found;
        route->state = "blocked";
      }
}

static void
plan_taken (EwPlan *plan, const EwDocument *document, EwKeystore *choices, const EwHostFacts *facts, const EwIp *edges,
            gsize n_edges)
{
  for (guint i = 0; i < document->routes->len; i++)
    {
      const EwDocumentRoute *offered = document->routes->pdata[i];
      EwPlanRoute *route = add_route (plan, &offered->prefix, offered->node);
      route->reason = ew_route_refusal (&offered->prefix, facts, edges, n_edges);
      if (!route->reason)
        route->reason = mesh_overlap (document, &offered->prefix);
      if (!route->reason && !usable (facts, &offered->prefix.ip))
        route->reason = N_ ("IPv6 is switched off on this computer");
      if (route->reason)
        route->state = "blocked";
      else if (ew_prefixes_contain (choices->accepted, &offered->prefix))
        route->state = "accepted";
      else
        route->state = ew_prefixes_contain (choices->refused, &offered->prefix) ? "refused" : "offered";
      if (g_str_equal (route->state, "accepted"))
        {
          g_array_append_val (plan->routes, offered->prefix);
          g_array_append_val (plan->allowed_ips, offered->prefix);
        }
    }
}

static void
plan_offers (EwPlan *plan, const EwDocument *document, EwKeystore *choices, const EwHostFacts *facts)
{
  for (guint i = 0; i < document->offers->len; i++)
    {
      const EwPrefix *offer = &g_array_index (document->offers, EwPrefix, i);
      EwPlanRoute *route = add_route (plan, offer, document->name);
      /* A subnet behind this node is naturally on one of its networks: only what no node forwards is refused. */
      route->reason = ew_prefix_never (offer);
      if (!route->reason)
        route->reason = mesh_overlap (document, offer);
      if (!route->reason && !usable (facts, &offer->ip))
        route->reason = N_ ("IPv6 is switched off on this computer");
      if (route->reason)
        route->state = "blocked";
      else
        route->state = ew_prefixes_contain (choices->forwarded, offer) ? "forwarding" : "unaccepted-forward";
      if (g_str_equal (route->state, "forwarding"))
        g_array_append_val (plan->forwards, *offer);
    }
}

static gboolean
is_listed (const EwPlan *plan, const EwPrefix *prefix)
{
  for (guint i = 0; i < plan->all->len; i++)
    if (ew_prefix_equal (&((const EwPlanRoute *)plan->all->pdata[i])->prefix, prefix))
      return TRUE;
  return FALSE;
}

/* A stored consent is shown, though it has no effect until a node offers the route. */
static void
plan_unoffered (EwPlan *plan, const GArray *choices)
{
  for (guint i = 0; i < choices->len; i++)
    {
      const EwPrefix *prefix = &g_array_index (choices, EwPrefix, i);
      if (!is_listed (plan, prefix))
        add_route (plan, prefix, NULL)->state = "accepted-not-offered";
    }
}

EwPlan *
ew_plan_new (const EwDocument *document, EwKeystore *choices, const EwHostFacts *facts, const EwIp *edges,
             gsize n_edges, gboolean vpn, GError **error)
{
  g_autoptr (EwPlan) plan = g_new0 (EwPlan, 1);
  plan->addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  plan->ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  plan->routes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  plan->forwards = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  plan->allowed_ips = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  plan->all = g_ptr_array_new_with_free_func (plan_route_free);
  plan->problems = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_host_problem_free);
  for (guint i = 0; i < document->addresses->len; i++)
    if (usable (facts, &g_array_index (document->addresses, EwIp, i)))
      g_array_append_val (plan->addresses, g_array_index (document->addresses, EwIp, i));
  if (!plan_ranges (plan, document, facts, edges, n_edges, error))
    return NULL;
  plan_taken (plan, document, choices, facts, edges, n_edges);
  plan_offers (plan, document, choices, facts);
  plan_unoffered (plan, choices->accepted);
  plan_unoffered (plan, choices->forwarded);
  plan_unoffered (plan, choices->awaited);
  if (vpn)
    {
      EwPrefix all4 = { .ip.family = EW_FAMILY_V4 }, all6 = { .ip.family = EW_FAMILY_V6 };
      g_array_append_val (plan->allowed_ips, all4);
      if (facts->ipv6)
        g_array_append_val (plan->allowed_ips, all6);
    }
  return g_steal_pointer (&plan);
}
