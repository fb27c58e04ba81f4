/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In nftables every base chain of a hook has a say: an accept of ours does not overrule a drop in Docker's, ufw's or
 * firewalld's chain. Where one of them drops what it doesn't know, two rules of ours go to its head, limited to our
 * interface: what comes from it and what goes into it. What of that is really let through, our own chain decides
 * (firewall.c).
 *
 * The rules use only what iptables-nft can read back ("-i IF -j ACCEPT"), else `iptables -L` would fail on the chain.
 */
#include "net/host-private.h"
#include "common/util.h"

#include <string.h>

#define NFT_JSON_MAX (32u << 20)

/* The elements "nftables" of a JSON answer; NULL where there is none. */
static JsonObject *
nft_list (const gchar *command, JsonArray **elements)
{
  g_autofree gchar *output = NULL;

  if (!ew_nft_run (command, TRUE, &output, NULL))
    return NULL;
  JsonObject *object = ew_json_parse_object (output, (gssize)strlen (output), NFT_JSON_MAX, NULL);
  *elements = ew_json_array (object, "nftables");
  if (*elements != NULL)
    return object;
  g_clear_pointer (&object, json_object_unref);
  return NULL;
}

/* The member called kind ("chain", "rule") of the i-th element, or NULL. */
static JsonObject *
nft_element (JsonArray *elements, guint i, const gchar *kind)
{
  JsonNode *node = json_array_get_element (elements, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? ew_json_object (json_node_get_object (node), kind) : NULL;
}

/* A rule without a condition that ends in drop or reject. */
static gboolean
rule_drops_all (JsonObject *rule)
{
  JsonArray *expressions = ew_json_array (rule, "expr");
  guint n = expressions != NULL ? json_array_get_length (expressions) : 0;
  gboolean drops = FALSE;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (expressions, i);
      JsonObject *expression = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      if (expression == NULL)
        return FALSE;
      if (json_object_has_member (expression, "drop") || json_object_has_member (expression, "reject"))
        drops = TRUE;
      else if (!json_object_has_member (expression, "counter") && !json_object_has_member (expression, "log"))
        return FALSE;
    }
  return drops;
}

/* The chain's last rule drops all, as firewalld's and many a hand-written table's does. */
static gboolean
chain_ends_in_drop (const gchar *chain)
{
  g_autofree gchar *command = g_strconcat ("list chain ", chain, NULL);
  JsonArray *elements;
  g_autoptr (JsonObject) object = nft_list (command, &elements);
  gboolean drops = FALSE;

  for (guint i = 0; object != NULL && i < json_array_get_length (elements); i++)
    {
      JsonObject *rule = nft_element (elements, i, "rule");
      if (rule != NULL)
        drops = rule_drops_all (rule);
    }
  return drops;
}

static gboolean
has_chain (JsonArray *elements, const gchar *family, const gchar *table, const gchar *name)
{
  for (guint i = 0; i < json_array_get_length (elements); i++)
    {
      JsonObject *chain = nft_element (elements, i, "chain");
      if (chain != NULL && g_strcmp0 (ew_json_string (chain, "family"), family) == 0
          && g_strcmp0 (ew_json_string (chain, "table"), table) == 0
          && g_strcmp0 (ew_json_string (chain, "name"), name) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
family_matches (const gchar *nft_family, guint8 family)
{
  return g_strcmp0 (nft_family, "inet") == 0 || g_strcmp0 (nft_family, family == EW_FAMILY_V4 ? "ip" : "ip6") == 0;
}

GStrv
ew_foreign_dropping (guint8 family, const gchar *hook)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  JsonArray *elements;
  g_autoptr (JsonObject) object = nft_list ("list chains", &elements);

  for (guint i = 0; object != NULL && i < json_array_get_length (elements); i++)
    {
      JsonObject *chain = nft_element (elements, i, "chain");
      const gchar *nft_family = ew_json_string (chain, "family"), *table = ew_json_string (chain, "table"),
                  *name = ew_json_string (chain, "name");
      if (chain == NULL || g_strcmp0 (ew_json_string (chain, "hook"), hook) != 0 || !family_matches (nft_family, family)
          || table == NULL || name == NULL || g_str_equal (table, "edgeway"))
        continue;
      g_autofree gchar *full = g_strdup_printf ("%s %s %s", nft_family, table, name);
      if (g_strcmp0 (ew_json_string (chain, "policy"), "drop") != 0 && !chain_ends_in_drop (full))
        continue;
      /* Docker puts its jump to DOCKER-USER first again and again, and leaves what stands in there alone. */
      g_autofree gchar *docker = g_strdup_printf ("%s %s DOCKER-USER", nft_family, table);
      gboolean by_docker = g_str_equal (hook, "forward") && has_chain (elements, nft_family, table, "DOCKER-USER");
      g_strv_builder_add (found, by_docker ? docker : full);
    }
  return g_strv_builder_end (found);
}

gboolean
ew_foreign_insert (const EwChange *change, GError **error)
{
  g_autofree gchar *script
    = g_strdup_printf ("insert rule %s iifname \"%s\" counter accept comment \"edgeway %s\"\n"
                       "insert rule %s oifname \"%s\" counter accept comment \"edgeway %s\"\n",
                       change->name, change->interface, change->value, change->name, change->interface, change->value);

  return ew_nft_run (script, FALSE, NULL, error);
}

/* The commands that delete our rules from the chain; empty where none is there. */
static gchar *
foreign_deletions (const EwChange *change)
{
  g_autofree gchar *command = g_strconcat ("list chain ", change->name, NULL);
  g_autofree gchar *comment = g_strconcat ("edgeway ", change->value, NULL);
  g_autoptr (GString) script = g_string_new (NULL);
  JsonArray *elements;
  g_autoptr (JsonObject) object = nft_list (command, &elements);

  for (guint i = 0; object != NULL && i < json_array_get_length (elements); i++)
    {
      JsonObject *rule = nft_element (elements, i, "rule");
      if (rule != NULL && g_strcmp0 (ew_json_string (rule, "comment"), comment) == 0)
        g_string_append_printf (script, "delete rule %s handle %" G_GINT64_FORMAT "\n", change->name,
                                ew_json_int (rule, "handle", 0));
    }
  return g_string_free (g_steal_pointer (&script), FALSE);
}

gboolean
ew_foreign_remove (const EwChange *change, GError **error)
{
  g_autofree gchar *script = foreign_deletions (change);

  return *script == '\0' || ew_nft_run (script, FALSE, NULL, error);
}

gboolean
ew_foreign_is_there (const EwChange *change)
{
  g_autofree gchar *script = foreign_deletions (change);

  return *script != '\0';
}
