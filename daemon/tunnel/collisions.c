/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks of this machine inside the mesh's range: a carrier's 100.100.5.0/24, a cloud's name server 100.100.2.136.
 * They keep their addresses, and the mesh has the rest of the range: it is cut into the prefixes that lie around them,
 * so that whichever way a look-up goes, no route of ours covers them.
 */
#include "tunnel/plan.h"

#include <string.h>

static gboolean
covers (const EwPrefix *a, const EwPrefix *b)
{
  return a->length <= b->length && ew_prefix_overlaps (a, b);
}

/* Appends what is left of prefix without the holes. */
static void
add_around (GArray *out, const EwPrefix *prefix, const GArray *holes)
{
  gboolean whole = TRUE;
  for (guint i = 0; i < holes->len; i++)
    {
      const EwPrefix *hole = &g_array_index (holes, EwPrefix, i);
      if (covers (hole, prefix))
        return;
      whole = whole && !ew_prefix_overlaps (hole, prefix);
    }
  if (whole)
    {
      g_array_append_val (out, *prefix);
      return;
    }
  EwPrefix half = *prefix;
  half.length++;
  add_around (out, &half, holes);
  half.ip.bytes[(half.length - 1) / 8] |= (guint8)(0x80 >> (half.length - 1) % 8);
  add_around (out, &half, holes);
}

static void
add_problem (EwPlan *plan, const EwPrefix *prefix, const EwPrefix *range, const gchar *what)
{
  gchar text[EW_PREFIX_STRLEN];
  ew_prefix_format (range, text);
  g_autofree gchar *reason = g_strdup_printf ("%s lies inside the mesh's addresses %s", what, text);
  g_ptr_array_add (plan->problems,
                   ew_host_problem_new (EW_HOST_PROBLEM_RANGE, prefix,
                                        "Nodes with an address in there cannot be reached from this computer. If there "
                                        "are any, change that network, or make the mesh with another range.",
                                        reason));
}

static void
add_hole (EwPlan *plan, GArray *holes, const EwPrefix *hole, const EwPrefix *range, const gchar *what)
{
  if (!covers (range, hole))
    return;
  for (guint i = 0; i < holes->len; i++)
    if (covers (&g_array_index (holes, EwPrefix, i), hole))
      return;
  g_array_append_val (holes, *hole);
  add_problem (plan, hole, range, what);
}

static void
add_addresses (EwPlan *plan, GArray *holes, const EwIp *ips, gsize n, const EwPrefix *range, const gchar *what)
{
  for (gsize i = 0; i < n; i++)
    {
      EwPrefix hole = ew_prefix_from_ip (&ips[i]);
      add_hole (plan, holes, &hole, range, what);
    }
}

/* The edges' own addresses inside of the mesh are no other network's, whoever uses them as a name server. */
static gboolean
is_service (const EwDocument *document, const EwIp *ip)
{
  for (guint i = 0; i < document->service->len; i++)
    if (ew_ip_equal (&g_array_index (document->service, EwIp, i), ip))
      return TRUE;
  return FALSE;
}

void
ew_plan_take_range (EwPlan *plan, const EwPrefix *range, const EwDocument *document, const EwHostFacts *facts,
                    const EwIp *edges, gsize n_edges)
{
  g_autoptr (GArray) holes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  g_autoptr (GArray) resolvers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  for (guint i = 0; i < facts->resolvers->len; i++)
    if (!is_service (document, &g_array_index (facts->resolvers, EwIp, i)))
      g_array_append_val (resolvers, g_array_index (facts->resolvers, EwIp, i));
  for (guint i = 0; i < facts->on_link->len; i++)
    add_hole (plan, holes, &g_array_index (facts->on_link, EwPrefix, i), range,
              "a network that this computer is connected to");
  add_addresses (plan, holes, (const EwIp *)facts->gateways->data, facts->gateways->len, range,
                 "this computer's gateway");
  add_addresses (plan, holes, (const EwIp *)resolvers->data, resolvers->len, range,
                 "a name server that this computer uses");
  add_addresses (plan, holes, edges, n_edges, range, "an edge, which must be reached outside of the tunnel,");
  add_around (plan->routes, range, holes);
}
