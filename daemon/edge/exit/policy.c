/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/policy.h"

#include <string.h>

/* IANA IPv4 Special-Purpose Address Registry; 169.254.169.254 (cloud metadata) lies within link-local. */
static const gchar *const forbidden4[]
  = { "0.0.0.0/8",        /* this network (RFC 791) */
      "10.0.0.0/8",       /* private (RFC 1918) */
      "100.64.0.0/10",    /* shared, carrier-grade NAT (RFC 6598); clouds keep services here too */
      "127.0.0.0/8",      /* loopback */
      "169.254.0.0/16",   /* link-local (RFC 3927), metadata services */
      "168.63.129.16/32", /* Azure's agent for the VM itself: its settings and certificates */
      "172.16.0.0/12",    /* private */
      "192.0.0.0/24",     /* IETF protocol assignments (RFC 6890) */
      "192.0.2.0/24",     /* documentation (RFC 5737) */
      "192.88.99.0/24",   /* 6to4 relays, deprecated (RFC 7526) */
      "192.168.0.0/16",   /* private */
      "198.18.0.0/15",    /* benchmarking (RFC 2544) */
      "198.51.100.0/24",
      "203.0.113.0/24", /* documentation */
      "224.0.0.0/4",    /* multicast */
      "240.0.0.0/4",    /* reserved, broadcast */
      NULL };

/* IANA IPv6 registry: what is outside 2000::/3, and what inside it is special. */
static const gchar *const forbidden6[] = {
  "::/3", /* unspecified, loopback, mapped, NAT64 (also when its IPv4 address is global: the edge has no such upstream) */
  "2001::/23",     /* IETF protocol assignments, Teredo, ORCHID, benchmarking */
  "2001:db8::/32", /* documentation (RFC 3849) */
  "2002::/16",     /* 6to4 (RFC 3056): embeds IPv4 addresses */
  "3fff::/20",     /* documentation (RFC 9637) */
  "4000::/2",
  "8000::/2",
  "c000::/2", /* unassigned, then ULA, link-local, site-local, multicast */
  NULL
};

const gchar *const *
ew_exit_forbidden (EwFamily family)
{
  return family == EW_FAMILY_V4 ? forbidden4 : forbidden6;
}

typedef struct
{
  EwPrefix prefixes[G_N_ELEMENTS (forbidden4) + G_N_ELEMENTS (forbidden6)];
  gsize n;
} ForbiddenTable;

static gpointer
parse_table (gpointer data)
{
  static ForbiddenTable table;
  const gchar *const *lists[] = { forbidden4, forbidden6 };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    for (gsize i = 0; lists[l][i] != NULL; i++)
      if (!ew_prefix_parse (lists[l][i], &table.prefixes[table.n++], NULL))
        g_error ("exit policy: %s isn't a prefix", lists[l][i]);
  return &table;
}

/* Whether one forbidden prefix holds all of this one. */
static gboolean
is_forbidden (const EwPrefix *prefix)
{
  static GOnce once = G_ONCE_INIT;
  const ForbiddenTable *table = g_once (&once, parse_table, NULL);

  for (gsize i = 0; i < table->n; i++)
    if (table->prefixes[i].length <= prefix->length && ew_prefix_contains (&table->prefixes[i], &prefix->ip))
      return TRUE;
  return FALSE;
}

gboolean
ew_exit_is_global (const EwIp *ip)
{
  EwPrefix host;

  if (ip->family == EW_FAMILY_NONE)
    return FALSE;
  host = ew_prefix_from_ip (ip);
  return !is_forbidden (&host);
}

EwExitPolicy *
ew_exit_policy_new (const EwPrefix *closed, gsize n_closed, gboolean upstream4, gboolean upstream6)
{
  EwExitPolicy *policy = g_malloc0 (sizeof *policy + n_closed * sizeof (EwPrefix));

  policy->upstream[0] = upstream4;
  policy->upstream[1] = upstream6;
  for (gsize i = 0; i < n_closed; i++)
    if (!is_forbidden (&closed[i]))
      policy->closed[policy->n_closed++] = closed[i];
  return policy;
}

EwSwitchExitDecision
ew_exit_decide (const EwExitPolicy *policy, const EwIp *destination)
{
  if (!ew_exit_is_global (destination))
    return EW_SWITCH_EXIT_FORBIDDEN;
  for (gsize i = 0; i < policy->n_closed; i++)
    if (ew_prefix_contains (&policy->closed[i], destination))
      return EW_SWITCH_EXIT_FORBIDDEN;
  return policy->upstream[destination->family == EW_FAMILY_V6] ? EW_SWITCH_EXIT_ALLOWED : EW_SWITCH_EXIT_NO_UPSTREAM;
}
