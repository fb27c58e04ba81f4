/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Other programs' firewalls, as the mesh's packets meet them: from each chain that the kernel calls, along its jumps.
 */
#include "net/surroundings.h"
#include "net/host-private.h"
#include "host/nft-ways.h"

#include <linux/netfilter.h>
#include <string.h>

/* A container platform has thousands of chains, and those that this is about are near the beginning. */
#define CHAINS_MAX 64

typedef struct
{
  EwHost *host;
  EwSurroundings *surroundings;
  EwNetlink *netlink;
  GHashTable *opened; /* "FAMILY TABLE CHAIN" of those that name Edgeway's interface to let something through */
} Survey;

static gchar *
full_name (const EwNftChain *chain)
{
  return g_strdup_printf ("%s %s %s", ew_nft_family_name (chain->family), chain->table, chain->name);
}

/* Edgeway's rule for the range is in the chain. */
static gboolean
is_exempted (EwHost *host, const gchar *chain, const EwPrefix *range)
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    {
      const EwChange *change = ew_ledger_get (host->ledger, i);
      if (change->kind == EW_CHANGE_FOREIGN && change->prefix.ip.family != EW_FAMILY_NONE
          && g_str_equal (change->name, chain) && ew_prefix_equal (&change->prefix, range))
        return ew_foreign_is_there (change);
    }
  return FALSE;
}

static gboolean
is_known (const GPtrArray *drops, const gchar *chain, const EwPrefix *range)
{
  for (guint i = 0; i < drops->len; i++)
    {
      const EwSourceDrop *known = drops->pdata[i];
      if (g_str_equal (known->chain, chain) && ew_prefix_equal (&known->range, range))
        return TRUE;
    }
  return FALSE;
}

/* Edgeway's exemption returns to the chain before, so there must be one. */
static void
note_drop (Survey *survey, const EwNftChain *chain, gboolean forward, const EwNftSourceDrop *drop)
{
  EwSurroundings *surroundings = survey->surroundings;
  g_autofree gchar *name = full_name (chain);

  for (guint i = 0; i < surroundings->ranges->len; i++)
    {
      const EwPrefix *range = &g_array_index (surroundings->ranges, EwPrefix, i);
      if (!ew_nft_source_drop_concerns (drop, surroundings->interface, range)
          || is_known (surroundings->source_drops, name, range))
        continue;
      EwSourceDrop *noted = ew_surroundings_add_source_drop (surroundings, name, &drop->source, range);
      noted->forward = forward;
      noted->fixable = !chain->based && ew_foreign_may_change (name);
      noted->exempted = is_exempted (survey->host, name, range);
    }
}

static gboolean
has_name (const GPtrArray *names, const gchar *name)
{
  for (guint i = 0; i < names->len; i++)
    if (g_str_equal (names->pdata[i], name))
      return TRUE;
  return FALSE;
}

/* Breadth first; the jumps of nftables stay inside a table. */
static void
walk (Survey *survey, const EwNftChain *base)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gboolean forward = base->hook == NF_INET_FORWARD;

  g_ptr_array_add (names, g_strdup (base->name));
  for (guint i = 0; i < names->len && i < CHAINS_MAX; i++)
    {
      EwNftChain chain = { .family = base->family, .based = i == 0 };
      g_strlcpy (chain.table, base->table, sizeof chain.table);
      g_strlcpy (chain.name, names->pdata[i], sizeof chain.name);
      g_autoptr (EwNftWays) ways = ew_nft_ways_read (survey->netlink, &chain);
      if (ways == NULL)
        continue;
      if (has_name (ways->opened, survey->surroundings->interface))
        g_hash_table_add (survey->opened, full_name (base));
      for (guint j = 0; j < ways->drops->len; j++)
        note_drop (survey, &chain, forward, &g_array_index (ways->drops, EwNftSourceDrop, j));
      for (guint j = 0; j < ways->jumps->len; j++)
        if (!has_name (names, ways->jumps->pdata[j]))
          g_ptr_array_add (names, g_strdup (ways->jumps->pdata[j]));
    }
}

static void
note_droppers (Survey *survey, guint8 family, gboolean forward)
{
  g_auto (GStrv) chains = ew_foreign_dropping (family, forward ? "forward" : "input", NULL);

  for (guint i = 0; chains[i] != NULL; i++)
    {
      gboolean known = FALSE;
      for (guint j = 0; j < survey->surroundings->droppers->len; j++)
        {
          const EwDropper *other = survey->surroundings->droppers->pdata[j];
          known |= other->forward == forward && g_str_equal (other->chain, chains[i]);
        }
      if (known) /* of the family inet */
        continue;
      EwDropper *dropper = ew_surroundings_add_dropper (survey->surroundings, chains[i], forward);
      dropper->by_edgeway = forward && ew_gateway_has_opened (survey->host, chains[i]);
      dropper->opened = dropper->by_edgeway || g_hash_table_contains (survey->opened, chains[i]);
    }
}

void
ew_foreign_survey (EwHost *host, EwSurroundings *surroundings)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) chains = netlink != NULL ? ew_nft_chains (netlink) : NULL;
  g_autoptr (GHashTable) opened = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Survey survey = { .host = host, .surroundings = surroundings, .netlink = netlink, .opened = opened };

  for (guint i = 0; chains != NULL && i < chains->len; i++)
    {
      const EwNftChain *chain = &g_array_index (chains, EwNftChain, i);
      if (chain->based
          && (chain->hook == NF_INET_LOCAL_IN || (chain->hook == NF_INET_FORWARD && surroundings->forwards))
          && !g_str_equal (chain->table, "edgeway"))
        walk (&survey, chain);
    }
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      note_droppers (&survey, family, FALSE);
      note_droppers (&survey, family, TRUE);
    }
}
