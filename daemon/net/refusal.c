/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The routes that a node never takes (README.md), whatever an edge says. No I/O: a table tests it.
 */
#include "net/host.h"
#include "common/phrase.h"

#define V4_SHORTEST 8
#define V6_SHORTEST 16

typedef struct
{
  const gchar *range;
  const gchar *reason;
} ForbiddenRange;

static const ForbiddenRange forbidden[] = {
  { "0.0.0.0/8", N_ ("it covers addresses that mean \"this network\"") },
  { "127.0.0.0/8", N_ ("it covers this computer's own loopback addresses") },
  { "::1/128", N_ ("it covers this computer's own loopback address") },
  { "169.254.0.0/16", N_ ("it covers link-local addresses, which belong to each link") },
  { "fe80::/10", N_ ("it covers link-local addresses, which belong to each link") },
  { "224.0.0.0/4", N_ ("it covers multicast addresses") },
  { "255.255.255.255/32", N_ ("it covers the broadcast address") },
  { "ff00::/8", N_ ("it covers multicast addresses") },
  { "::ffff:0:0/96", N_ ("it covers IPv4 addresses written as IPv6") },
};

static gboolean
contains_any (const EwPrefix *route, const GArray *ips)
{
  for (guint i = 0; ips != NULL && i < ips->len; i++)
    if (ew_prefix_contains (route, &g_array_index (ips, EwIp, i)))
      return TRUE;
  return FALSE;
}

static const gchar *
refusal_by_range (const EwPrefix *route)
{
  for (gsize i = 0; i < G_N_ELEMENTS (forbidden); i++)
    {
      EwPrefix range;
      if (ew_prefix_parse (forbidden[i].range, &range, NULL) && ew_prefix_overlaps (route, &range))
        return forbidden[i].reason;
    }
  return NULL;
}

static const gchar *
refusal_by_facts (const EwPrefix *route, const EwHostFacts *facts)
{
  for (guint i = 0; facts->on_link != NULL && i < facts->on_link->len; i++)
    if (ew_prefix_overlaps (route, &g_array_index (facts->on_link, EwPrefix, i)))
      return N_ ("it overlaps a network that this computer is connected to");
  if (contains_any (route, facts->gateways))
    return N_ ("it covers this computer's own gateway");
  if (contains_any (route, facts->resolvers))
    return N_ ("it covers a name server that this computer uses");
  return NULL;
}

const gchar *
ew_route_refusal (const EwPrefix *route, const EwHostFacts *facts, const EwIp *edges, gsize n_edges)
{
  const gchar *reason;

  if (route->ip.family != EW_FAMILY_V4 && route->ip.family != EW_FAMILY_V6)
    return N_ ("it isn't an IPv4 or IPv6 range");
  if (route->length < (route->ip.family == EW_FAMILY_V4 ? V4_SHORTEST : V6_SHORTEST))
    return N_ ("it is too wide: it must be /8 (IPv6: /16) or longer");
  reason = refusal_by_range (route);
  if (reason == NULL && facts != NULL)
    reason = refusal_by_facts (route, facts);
  for (gsize i = 0; reason == NULL && i < n_edges; i++)
    if (ew_prefix_contains (route, &edges[i]))
      reason = N_ ("it covers the address of an edge, which must be reached outside the tunnel");
  return reason;
}
