/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks of this computer inside the mesh's range: a carrier's 100.100.5.0/24, a cloud's name server 100.100.2.136.
 * They keep their addresses, and the mesh has the rest of the range: it is cut into the prefixes that lie around them,
 * so that no route of Edgeway's covers them, whichever way a look-up goes.
 *
 * Except where the mesh has nodes: addresses are given out one after the other, so they are close to this computer's
 * own and the edges'. A network there may be a rogue one that wants to have the mesh's traffic (CVE-2023-36672,
 * "LocalNet"): any access point can give out 100.96.1.0/24. That part stays in the tunnel, and the network is named.
 */
#include "tunnel/plan.h"
#include "common/phrase.h"

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
add_problem (EwPlan *plan, const EwPrefix *prefix, const EwPrefix *range, const gchar *what, const gchar *fix)
{
  gchar text[EW_PREFIX_STRLEN];
  ew_prefix_format (range, text);
  g_autofree gchar *reason = ew_phrase ("the mesh's addresses %s contain %s", what, text);
  g_ptr_array_add (plan->problems, ew_host_problem_new (EW_HOST_PROBLEM_RANGE, prefix, fix, reason));
}

static gboolean
is_near (const GArray *ips, const EwPrefix *prefix)
{
  for (guint i = 0; i < ips->len; i++)
    {
      const EwIp *ip = &g_array_index (ips, EwIp, i);
      EwPrefix near = { .ip = *ip, .length = ip->family == EW_FAMILY_V4 ? 24 : 64 };
      if (ew_prefix_overlaps (&near, prefix))
        return TRUE;
    }
  return FALSE;
}

static void
add_hole (EwPlan *plan, const EwDocument *document, GArray *holes, const EwPrefix *hole, const EwPrefix *range,
          const gchar *what)
{
  if (!covers (range, hole))
    return;
  if (document && (is_near (document->addresses, hole) || is_near (document->service, hole)))
    {
      add_problem (
        plan, hole, range, what,
        N_ ("Nodes have addresses there, so Edgeway keeps them in the tunnel, and what else has them can't be "
            "reached. If you don't know that network, don't trust it. Otherwise change it, or make the mesh with "
            "another range."));
      return;
    }
  for (guint i = 0; i < holes->len; i++)
    if (covers (&g_array_index (holes, EwPrefix, i), hole))
      return;
  g_array_append_val (holes, *hole);
  add_problem (plan, hole, range, what,
               N_ ("Nodes with an address in there can't be reached from this computer. If there are any, change that "
                   "network, or make the mesh with another range."));
}

/* document NULL: wherever they are. */
static void
add_addresses (EwPlan *plan, const EwDocument *document, GArray *holes, const EwIp *ips, gsize n, const EwPrefix *range,
               const gchar *what)
{
  for (gsize i = 0; i < n; i++)
    {
      EwPrefix hole = ew_prefix_from_ip (&ips[i]);
      add_hole (plan, document, holes, &hole, range, what);
    }
}

/* The edges' own addresses inside the mesh belong to no other network, whatever uses them as a name server. */
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
    add_hole (plan, document, holes, &g_array_index (facts->on_link, EwPrefix, i), range,
              N_ ("a network that this computer is connected to"));
  add_addresses (plan, document, holes, (const EwIp *)facts->gateways->data, facts->gateways->len, range,
                 N_ ("this computer's gateway"));
  add_addresses (plan, document, holes, (const EwIp *)resolvers->data, resolvers->len, range,
                 N_ ("a name server that this computer uses"));
  add_addresses (plan, NULL, holes, edges, n_edges, range,
                 N_ ("the address of an edge, which must be reached outside the tunnel"));
  add_around (plan->routes, range, holes);
}
