/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names.h"

#include "common/util.h"
#include "console/format.h"

static JsonObject *
element_at (JsonArray *array, guint at)
{
  JsonNode *element = json_array_get_element (array, at);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static guint
length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

/* Composing. */

/* from: whose "addresses" the name leads to. */
static void
add_name (GPtrArray *all, const gchar *suffix, const gchar *name, const gchar *type, const gchar *node,
          JsonObject *from)
{
  g_autofree gchar *full = g_strconcat (name, ".", suffix, NULL);
  JsonArray *addresses = ew_json_array (from, "addresses");
  JsonObject *entry;

  if (name == NULL)
    return;
  entry = json_object_new ();
  json_object_set_string_member (entry, "name", full);
  json_object_set_string_member (entry, "type", type);
  if (node != NULL)
    json_object_set_string_member (entry, "node", node);
  else
    json_object_set_null_member (entry, "node");
  json_object_set_array_member (entry, "addresses", addresses != NULL ? json_array_ref (addresses) : json_array_new ());
  g_ptr_array_add (all, entry);
}

static gint
compare_by_name (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_json_string (*(JsonObject *const *)a, "name"), ew_json_string (*(JsonObject *const *)b, "name"));
}

static void
add_node (GPtrArray *all, const gchar *suffix, JsonObject *node)
{
  const gchar *own = ew_json_string (node, "name");
  g_auto (GStrv) names = ew_json_strv (node, "names", G_MAXUINT);

  add_name (all, suffix, own, "node", own, node);
  for (gchar **name = names; name != NULL && *name != NULL; name++)
    add_name (all, suffix, *name, "name", own, node);
}

JsonObject *
ew_names_compose (JsonObject *names, JsonObject *nodes)
{
  const gchar *suffix = ew_json_string (names, "suffix");
  JsonArray *edges = ew_json_array (names, "edges"), *list = ew_json_array (nodes, "nodes"),
            *domains = ew_json_array (names, "domains"), *services = ew_json_array (names, "services"),
            *sorted = json_array_new ();
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  JsonObject *composed = json_object_new ();

  for (guint i = 0; suffix != NULL && i < length_of (edges); i++)
    if (element_at (edges, i) != NULL)
      add_name (all, suffix, ew_json_string (element_at (edges, i), "name"), "edge", NULL, element_at (edges, i));
  for (guint i = 0; suffix != NULL && i < length_of (list); i++)
    if (element_at (list, i) != NULL)
      add_node (all, suffix, element_at (list, i));
  for (guint i = 0; suffix != NULL && i < length_of (services); i++)
    if (element_at (services, i) != NULL)
      add_name (all, suffix, ew_json_string (element_at (services, i), "name"), "service", NULL,
                element_at (services, i));
  g_ptr_array_sort (all, compare_by_name);
  for (guint i = 0; i < all->len; i++)
    json_array_add_object_element (sorted, g_ptr_array_index (all, i));
  json_object_set_int_member (composed, "schema", 1);
  json_object_set_string_member (composed, "suffix", suffix != NULL ? suffix : "");
  json_object_set_array_member (composed, "names", sorted);
  json_object_set_array_member (composed, "domains", domains != NULL ? json_array_ref (domains) : json_array_new ());
  return composed;
}

/* Formatting. */

/* The states of ListNames in words; one we do not know is shown as it is. */
static const gchar *
describe (const gchar *state)
{
  static const gchar *const words[][2] = {
    { "offered", "offered, not accepted here" },
    { "accepted", "accepted" },
    { "accepted-not-offered", "accepted, not offered now" },
    { "refused", "refused here" },
    { "refused-not-offered", "refused here, not offered now" },
    { "own", "offered by this computer" },
    { "blocked", "not in use" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (words[i][0], state))
      return words[i][1];
  return state;
}

static gchar *
domain_text (const EwTerminal *terminal, JsonObject *domain)
{
  g_autofree gchar *state = ew_format_get_text (terminal, domain, "state", "unknown");
  g_autofree gchar *reason = ew_format_get_text (terminal, domain, "reason", "");

  return g_strconcat (describe (state), *reason != '\0' ? ": " : "", reason, NULL);
}

gchar *
ew_names_format (const EwTerminal *terminal, JsonObject *composed)
{
  static const gchar *const headings[] = { "NAME", "LEADS TO", "WHAT IT IS", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  JsonArray *names = ew_json_array (composed, "names"), *domains = ew_json_array (composed, "domains");

  for (guint i = 0; i < length_of (names); i++)
    {
      JsonObject *entry = element_at (names, i);
      const gchar *type = entry != NULL ? ew_json_string (entry, "type") : NULL;
      g_autofree gchar *name = ew_format_get_text (terminal, entry, "name", "?");
      g_autofree gchar *node = ew_format_get_text (terminal, entry, "node", "?");
      g_autofree gchar *addresses = ew_format_get_list (terminal, entry, "addresses", " ");
      g_autofree gchar *alias = g_strconcat ("additional name of ", node, NULL);
      const gchar *what = g_strcmp0 (type, "name") == 0 ? alias : type != NULL ? type : "";
      const gchar *cells[] = { name, *addresses != '\0' ? addresses : "-", what };
      ew_table_add (table, cells);
    }
  for (guint i = 0; i < length_of (domains); i++)
    {
      JsonObject *entry = element_at (domains, i);
      if (entry == NULL || ew_json_string (entry, "node") == NULL)
        continue; /* no node offers it: it leads nowhere */
      g_autofree gchar *domain = ew_format_get_text (terminal, entry, "domain", "?");
      g_autofree gchar *node = ew_format_get_text (terminal, entry, "node", "?");
      g_autofree gchar *resolver = ew_format_get_text (terminal, entry, "resolver", "?");
      g_autofree gchar *state = domain_text (terminal, entry);
      g_autofree gchar *below = g_strconcat ("*.", domain, NULL);
      g_autofree gchar *leads = g_strdup_printf ("what %s says", resolver);
      g_autofree gchar *what = g_strdup_printf ("domain through %s: %s", node, state);
      const gchar *cells[] = { below, leads, what };
      ew_table_add (table, cells);
    }
  return ew_table_to_string (table, terminal);
}

gchar *
ew_names_format_additional (const EwTerminal *terminal, JsonObject *names)
{
  static const gchar *const headings[] = { "NAME", "NODE", "RESOLVER", "HERE", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  JsonArray *array = ew_json_array (names, "names"), *domains = ew_json_array (names, "domains");
  guint n = length_of (array), all = n + length_of (domains);

  for (guint i = 0; i < all; i++)
    {
      JsonObject *entry = i < n ? element_at (array, i) : element_at (domains, i - n);
      if (entry == NULL)
        continue;
      g_autofree gchar *name = ew_format_get_text (terminal, entry, i < n ? "name" : "domain", "?");
      g_autofree gchar *node = ew_format_get_text (terminal, entry, "node", "-");
      g_autofree gchar *resolver = ew_format_get_text (terminal, entry, "resolver", "-");
      g_autofree gchar *here = i < n ? g_strdup ("") : domain_text (terminal, entry);
      const gchar *cells[] = { name, node, resolver, here };
      ew_table_add (table, cells);
    }
  return all > 0 ? ew_table_to_string (table, terminal) : NULL;
}
