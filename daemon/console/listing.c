/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "console/listing.h"

#include "common/util.h"
#include "console/format.h"

/* "5 min ago"; NULL if the member isn't a time. */
static gchar *
ago_text (JsonObject *object, const gchar *member)
{
  const gchar *time = ew_json_string (object, member);
  g_autofree gchar *span = NULL;

  if (time == NULL)
    return NULL;
  span = ew_format_span ((g_get_real_time () - ew_time_parse (time)) / G_USEC_PER_SEC);
  return g_str_equal (span, "now") ? g_steal_pointer (&span) : g_strconcat (span, " ago", NULL);
}

/* "in 5 min". */
static gchar *
until_text (JsonObject *object, const gchar *member)
{
  const gchar *time = ew_json_string (object, member);
  g_autofree gchar *span = NULL;

  if (time == NULL)
    return g_strdup ("");
  span = ew_format_span ((ew_time_parse (time) - g_get_real_time ()) / G_USEC_PER_SEC);
  return g_str_equal (span, "now") ? g_steal_pointer (&span) : g_strconcat ("in ", span, NULL);
}

/* The objects of an array member: (transfer container), borrowed from answer. */
static GPtrArray *
get_objects (JsonObject *answer, const gchar *member)
{
  JsonArray *array = ew_json_array (answer, member);
  GPtrArray *objects = g_ptr_array_new ();

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (element))
        g_ptr_array_add (objects, json_node_get_object (element));
    }
  return objects;
}

/* Nodes. */

static gchar *
seen_text (JsonObject *node)
{
  gchar *ago = ew_json_bool (node, "online", FALSE) ? g_strdup ("now") : ago_text (node, "last_seen");

  return ago != NULL ? ago : g_strdup ("never");
}

static void
add_node_row (const EwTerminal *terminal, EwTable *table, JsonObject *node)
{
  g_autofree gchar *name = ew_format_get_text (terminal, node, "name", "?");
  g_autofree gchar *kind = ew_format_get_text (terminal, node, "kind", "");
  g_autofree gchar *state = ew_format_get_text (terminal, node, "state", "unknown");
  g_autofree gchar *addresses = ew_format_get_list (terminal, node, "addresses", " ");
  g_autofree gchar *routes = ew_format_get_list (terminal, node, "routes", " ");
  g_autofree gchar *seen = seen_text (node);
  g_autofree gchar *marked = g_strconcat (name, ew_json_bool (node, "self", FALSE) ? " (this computer)" : "", NULL);
  g_autofree gchar *role = ew_format_get_text (terminal, node, "role", "");
  g_autofree gchar *what = g_strconcat (kind, g_str_equal (role, "admin") ? ", administrator" : "", NULL);
  const gchar *cells[] = { marked, what, state, seen, addresses, routes };

  ew_table_add (table, cells);
}

static gint
compare_by_name (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_json_string (*(JsonObject *const *)a, "name"), ew_json_string (*(JsonObject *const *)b, "name"));
}

gchar *
ew_listing_nodes (const EwTerminal *terminal, JsonObject *answer)
{
  static const gchar *const headings[] = { "NAME", "KIND", "STATE", "SEEN", "ADDRESSES", "ROUTES", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  g_autoptr (GPtrArray) nodes = get_objects (answer, "nodes");

  g_ptr_array_sort (nodes, compare_by_name);
  for (guint i = 0; i < nodes->len; i++)
    add_node_row (terminal, table, g_ptr_array_index (nodes, i));
  return ew_table_to_string (table, terminal);
}

static void
add_line (GString *text, const gchar *label, const gchar *value)
{
  if (value != NULL && *value != '\0')
    g_string_append_printf (text, "%-11s%s\n", label, value);
}

static void
add_traffic (GString *text, JsonObject *node)
{
  g_autofree gchar *rx = ew_format_bytes (ew_json_int (node, "rx_bytes", 0)),
                   *tx = ew_format_bytes (ew_json_int (node, "tx_bytes", 0)),
                   *traffic = g_strdup_printf ("%s received, %s sent", rx, tx);

  add_line (text, "traffic", traffic);
}

gchar *
ew_listing_node (const EwTerminal *terminal, JsonObject *node, const gchar *edge_name)
{
  static const gchar *const texts[][2]
    = { { "name", "name" },           { "id", "id" },       { "kind", "kind" },
        { "role", "role" },           { "state", "state" }, { "edge", "edge" },
        { "transport", "transport" }, { "system", "os" },   { "version", "version" } };
  static const gchar *const lists[] = { "names", "addresses", "routes" };
  g_autofree gchar *seen = seen_text (node), *handshake = ago_text (node, "last_handshake"),
                   *problem = ew_format_problem (node);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree gchar *own = ew_format_get_text (terminal, node, texts[i][1], "");
      g_autofree gchar *edge = ew_terminal_clean (terminal, edge_name);
      add_line (text, texts[i][0], g_str_equal (texts[i][0], "edge") && *own != '\0' && *edge != '\0' ? edge : own);
    }
  add_line (text, "seen", seen);
  add_line (text, "problem", problem);
  add_line (text, "handshake", handshake);
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree gchar *value = ew_format_get_list (terminal, node, lists[i], "  ");
      add_line (text, lists[i], value);
    }
  if (ew_json_int (node, "mtu", 0) > 0)
    g_string_append_printf (text, "%-11s%d\n", "mtu", (gint)ew_json_int (node, "mtu", 0));
  add_traffic (text, node);
  return g_string_free (text, FALSE);
}

/* Keys. */

static gchar *
maker_text (const EwTerminal *terminal, JsonObject *key)
{
  const gchar *maker = ew_json_string (key, "maker");

  if (maker == NULL)
    return g_strdup ("unknown");
  if (g_str_equal (maker, "owner"))
    return g_strdup ("the owner");
  return ew_format_get_text (terminal, key, "maker_name", maker);
}

static void
add_key_row (const EwTerminal *terminal, EwTable *table, JsonObject *key)
{
  g_autofree gchar *id = ew_format_get_text (terminal, key, "id", "?");
  g_autofree gchar *label = ew_format_get_text (terminal, key, "label", "any name");
  g_autofree gchar *purpose = g_strconcat (label, ew_json_bool (key, "renews", FALSE) ? " (renewal)" : "", NULL);
  g_autofree gchar *kind = ew_format_get_text (terminal, key, "kind", "");
  g_autofree gchar *maker = maker_text (terminal, key), *created = ago_text (key, "created"),
                   *expires = until_text (key, "expires");
  const gchar *cells[] = { id, purpose, kind, maker, created, expires };

  ew_table_add (table, cells);
}

gchar *
ew_listing_keys (const EwTerminal *terminal, JsonObject *answer, const gchar *except)
{
  static const gchar *const headings[] = { "ID", "FOR", "KIND", "MADE BY", "MADE", "EXPIRES", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  g_autoptr (GPtrArray) keys = get_objects (answer, "keys");
  guint n = 0;

  for (guint i = 0; i < keys->len; i++)
    {
      JsonObject *key = g_ptr_array_index (keys, i);
      if (except != NULL && g_strcmp0 (ew_json_string (key, "id"), except) == 0)
        continue;
      add_key_row (terminal, table, key);
      n++;
    }
  return n > 0 ? ew_table_to_string (table, terminal) : NULL;
}
