/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/topology-mirror.h"

#include "account/client.h"
#include "common/util.h"
#include <string.h>

#define PART_MAX (256 * 1024) /* bytes, about: a snapshot's part is ended here */
#define COUNTERS_MAX 1000     /* nodes in one message */

/* A node, an edge or a service. */
typedef struct
{
  gchar *text;
  gchar *counters; /* what was said since; NULL: nothing */
} Entry;

/* One state of the map; a snapshot in several parts makes another before it counts. */
typedef struct
{
  JsonObject *head; /* the message without the map */
  JsonObject *map;  /* without edges, services and nodes */
  GTree *nodes;     /* id → Entry */
  GTree *edges;
  GTree *services;
  gsize size; /* bytes of text */
} State;

struct EwTopologyMirror
{
  gchar *self_id;
  State *state;    /* NULL: none yet */
  State *incoming; /* NULL: no snapshot is under way */
  gboolean knows_clock;
  gint64 (*clock) (void);
  gint64 clock_us; /* so much is it ahead of the edge's clock */
};

/* States. */

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_free (entry->text);
  g_free (entry->counters);
  g_free (entry);
}

static gint
compare_ids (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (a, b);
}

/* The members of object but these. */
static JsonObject *
copy_without (JsonObject *object, const gchar *const *members)
{
  JsonObject *copy = json_object_new ();
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    if (!g_strv_contains (members, name))
      json_object_set_member (copy, name, json_node_copy (node));
  return copy;
}

static State *
state_new (JsonObject *message, JsonObject *map)
{
  static const gchar *const of_message[] = { "type", "map", "more", "now", NULL };
  static const gchar *const of_map[] = { "nodes", "edges", "services", NULL };
  State *state = g_new0 (State, 1);
  state->head = copy_without (message, of_message);
  state->map = copy_without (map, of_map);
  state->nodes = g_tree_new_full (compare_ids, NULL, g_free, entry_free);
  state->edges = g_tree_new_full (compare_ids, NULL, g_free, entry_free);
  state->services = g_tree_new_full (compare_ids, NULL, g_free, entry_free);
  return state;
}

static void
state_free (State *state)
{
  if (state == NULL)
    return;
  json_object_unref (state->head);
  json_object_unref (state->map);
  g_tree_unref (state->nodes);
  g_tree_unref (state->edges);
  g_tree_unref (state->services);
  g_free (state);
}

static gsize
entry_size (const gchar *id, const Entry *entry)
{
  return strlen (id) + strlen (entry->text) + (entry->counters ? strlen (entry->counters) : 0);
}

static void
state_remove (State *state, GTree *tree, const gchar *id)
{
  const Entry *old = g_tree_lookup (tree, id);
  if (old == NULL)
    return;
  state->size -= entry_size (id, old);
  g_tree_remove (tree, id);
}

/* FALSE: it has no ID. */
static gboolean
state_put (State *state, GTree *tree, JsonObject *object)
{
  const gchar *id = ew_json_string (object, "id");
  Entry *entry;
  if (id == NULL)
    return FALSE;
  state_remove (state, tree, id);
  entry = g_new0 (Entry, 1);
  entry->text = ew_json_to_string (object, FALSE);
  state->size += entry_size (id, entry);
  g_tree_insert (tree, g_strdup (id), entry);
  return TRUE;
}

/* Messages. */

static void
mark_self (EwTopologyMirror *self, JsonObject *node)
{
  json_object_set_boolean_member (node, "self", g_strcmp0 (ew_json_string (node, "id"), self->self_id) == 0);
}

static gboolean
put_all (EwTopologyMirror *self, State *state, GTree *tree, JsonArray *objects)
{
  for (guint i = 0; objects && i < json_array_get_length (objects); i++)
    {
      JsonNode *element = json_array_get_element (objects, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        return FALSE;
      if (tree == state->nodes)
        mark_self (self, json_node_get_object (element));
      if (!state_put (state, tree, json_node_get_object (element)))
        return FALSE;
    }
  return TRUE;
}

static EwTopologyNews
take_snapshot (EwTopologyMirror *self, JsonObject *message)
{
  JsonObject *map = ew_json_object (message, "map");
  if (map == NULL)
    return EW_TOPOLOGY_NOTHING;
  if (self->incoming == NULL)
    self->incoming = state_new (message, map);
  if (!put_all (self, self->incoming, self->incoming->nodes, ew_json_array (map, "nodes"))
      || !put_all (self, self->incoming, self->incoming->edges, ew_json_array (map, "edges"))
      || !put_all (self, self->incoming, self->incoming->services, ew_json_array (map, "services")))
    {
      g_clear_pointer (&self->incoming, state_free);
      return EW_TOPOLOGY_NOTHING;
    }
  if (ew_json_bool (message, "more", FALSE))
    return EW_TOPOLOGY_NOTHING;
  state_free (self->state);
  self->state = g_steal_pointer (&self->incoming);
  return EW_TOPOLOGY_SNAPSHOT;
}

/* What a message is about: "node", "edge" or "service", and each with "-removed". */
typedef struct
{
  GTree *tree; /* NULL: nothing of these */
  EwTopologyNews news;
} Kind;

static Kind
find_kind (State *state, const gchar *type)
{
  if (g_str_has_prefix (type, "node"))
    return (Kind){ state->nodes, EW_TOPOLOGY_NODES };
  if (g_str_has_prefix (type, "edge"))
    return (Kind){ state->edges, EW_TOPOLOGY_EDGES };
  if (g_str_has_prefix (type, "service"))
    return (Kind){ state->services, EW_TOPOLOGY_SERVICES };
  return (Kind){ NULL, EW_TOPOLOGY_NOTHING };
}

static EwTopologyNews
take_one (EwTopologyMirror *self, State *state, Kind kind, JsonObject *object, GPtrArray *ids)
{
  if (object == NULL)
    return EW_TOPOLOGY_NOTHING;
  if (kind.news == EW_TOPOLOGY_NODES)
    mark_self (self, object);
  if (!state_put (state, kind.tree, object))
    return EW_TOPOLOGY_NOTHING;
  g_ptr_array_add (ids, g_strdup (ew_json_string (object, "id")));
  return kind.news;
}

static EwTopologyNews
take_removal (State *state, Kind kind, const gchar *id, GPtrArray *ids)
{
  if (id == NULL)
    return EW_TOPOLOGY_NOTHING;
  state_remove (state, kind.tree, id);
  g_ptr_array_add (ids, g_strdup (id));
  return kind.news;
}

static EwTopologyNews
take_counters (State *state, JsonArray *nodes, GPtrArray *ids)
{
  for (guint i = 0; nodes && i < json_array_get_length (nodes); i++)
    {
      JsonNode *element = json_array_get_element (nodes, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *id = object ? ew_json_string (object, "id") : NULL;
      Entry *entry = id ? g_tree_lookup (state->nodes, id) : NULL;
      if (entry == NULL)
        continue;
      state->size -= entry_size (id, entry);
      g_free (entry->counters);
      entry->counters = ew_json_to_string (object, FALSE);
      state->size += entry_size (id, entry);
      g_ptr_array_add (ids, g_strdup (id));
    }
  return ids->len > 0 ? EW_TOPOLOGY_COUNTERS : EW_TOPOLOGY_NOTHING;
}

static EwTopologyNews
take_change (EwTopologyMirror *self, const gchar *type, JsonObject *message, GPtrArray *ids)
{
  State *state = self->incoming ? self->incoming : self->state;
  const gchar *id = ew_json_string (message, "id");
  EwTopologyNews news = EW_TOPOLOGY_NOTHING;
  if (state == NULL)
    return news;
  const Kind kind = find_kind (state, type);
  if (g_str_equal (type, "node") || g_str_equal (type, "edge") || g_str_equal (type, "service"))
    news = take_one (self, state, kind, ew_json_object (message, type), ids);
  else if (kind.tree && g_str_has_suffix (type, "-removed"))
    news = take_removal (state, kind, id, ids);
  else if (g_str_equal (type, "counters"))
    news = take_counters (state, ew_json_array (message, "nodes"), ids);
  return state == self->state ? news : EW_TOPOLOGY_NOTHING;
}

static void
take_clock (EwTopologyMirror *self, JsonObject *message)
{
  const gint64 now = ew_time_parse (ew_json_string (message, "now"));
  if (now <= 0)
    return;
  self->knows_clock = TRUE;
  self->clock_us = self->clock () - now;
}

EwTopologyNews
ew_topology_mirror_take (EwTopologyMirror *self, const gchar *message, gsize length, GPtrArray *ids)
{
  g_autoptr (JsonObject) object = ew_json_parse_object (message, length, EW_CLIENT_LIST_MAX_ANSWER, NULL);
  const gchar *type = object ? ew_json_string (object, "type") : NULL;
  EwTopologyNews news;
  if (type == NULL)
    return EW_TOPOLOGY_NOTHING;
  take_clock (self, object);
  news = g_str_equal (type, "snapshot") ? take_snapshot (self, object) : take_change (self, type, object, ids);
  if ((self->state ? self->state->size : 0) + (self->incoming ? self->incoming->size : 0) > EW_TOPOLOGY_MIRROR_MAX)
    return EW_TOPOLOGY_TOO_LARGE;
  return news;
}

void
ew_topology_mirror_restart (EwTopologyMirror *self)
{
  g_clear_pointer (&self->incoming, state_free);
}

gboolean
ew_topology_mirror_is_complete (EwTopologyMirror *self)
{
  return self->state != NULL;
}

/* Lines. */

/* "now":"…", what the edge's clock shows at this moment; nothing where it never said. */
static void
append_clock (GString *line, const EwTopologyMirror *self)
{
  g_autofree gchar *now = ew_time_format (self->clock () - self->clock_us);
  if (self->knows_clock)
    g_string_append_printf (line, "\"now\":\"%s\",", now);
}

/* "{…" of an object, ready for another member. */
static GString *
open_object (JsonObject *object)
{
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  GString *open = g_string_new (text);
  g_string_truncate (open, open->len - 1);
  if (json_object_get_size (object) > 0)
    g_string_append_c (open, ',');
  return open;
}

/* The node with its newest counters. */
static void
append_node (GString *line, const Entry *entry)
{
  g_autoptr (JsonObject) node = NULL, counters = NULL;
  g_autofree gchar *merged = NULL;
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;
  if (entry->counters)
    {
      node = ew_json_parse_object (entry->text, strlen (entry->text), EW_CLIENT_LIST_MAX_ANSWER, NULL);
      counters = ew_json_parse_object (entry->counters, strlen (entry->counters), EW_CLIENT_LIST_MAX_ANSWER, NULL);
    }
  if (node == NULL || counters == NULL)
    {
      g_string_append (line, entry->text);
      return;
    }
  json_object_iter_init (&iter, counters);
  while (json_object_iter_next (&iter, &name, &value))
    json_object_set_member (node, name, json_node_copy (value));
  merged = ew_json_to_string (node, FALSE);
  g_string_append (line, merged);
}

static void
append_all (GString *line, GTree *tree)
{
  for (GTreeNode *node = g_tree_node_first (tree); node; node = g_tree_node_next (node))
    g_string_append_printf (line, "%s%s", node == g_tree_node_first (tree) ? "" : ",",
                            ((const Entry *)g_tree_node_value (node))->text);
}

/* The entries after this ID (NULL: from the first), until the part is full. The last ID that it has, borrowed: NULL: none;
   *more: others follow. */
static const gchar *
append_some (GString *map, GTree *tree, const gchar *after, gboolean *more)
{
  GTreeNode *node = after ? g_tree_upper_bound (tree, after) : g_tree_node_first (tree);
  const gchar *last = NULL;
  for (; node && map->len < PART_MAX; node = g_tree_node_next (node))
    {
      if (last)
        g_string_append_c (map, ',');
      append_node (map, g_tree_node_value (node));
      last = g_tree_node_key (node);
    }
  *more = node != NULL;
  return last;
}

/* after: 's' and the ID of a service, then 'n' and that of a node. */
gchar *
ew_topology_mirror_snapshot (EwTopologyMirror *self, gchar **after, gboolean *more)
{
  State *state = self->state;
  g_autoptr (GString) map = open_object (state->map);
  GString *line = open_object (state->head);
  g_autofree gchar *before = g_steal_pointer (after);
  gboolean at_nodes = before && *before == 'n';
  const gchar *last = NULL;
  *more = FALSE;
  g_string_append (map, "\"edges\":[");
  append_all (map, state->edges);
  g_string_append (map, "],\"services\":[");
  if (!at_nodes)
    last = append_some (map, state->services, before ? before + 1 : NULL, more);
  if (*more)
    *after = g_strconcat ("s", last, NULL);
  g_string_append (map, "],\"nodes\":[");
  if (!*more)
    {
      last = append_some (map, state->nodes, at_nodes ? before + 1 : NULL, more);
      if (*more)
        *after = g_strconcat ("n", last, NULL);
    }
  append_clock (line, self);
  g_string_append_printf (line, "\"type\":\"snapshot\",\"map\":%s]},\"more\":%s}\n", map->str,
                          *more ? "true" : "false");
  return g_string_free (line, FALSE);
}

static gchar *
format_entry (GTree *tree, const gchar *type, const gchar *id)
{
  const Entry *entry = g_tree_lookup (tree, id);
  GString *line = g_string_new (NULL);
  if (entry)
    {
      g_string_append_printf (line, "{\"type\":\"%s\",\"%s\":", type, type);
      append_node (line, entry);
      g_string_append (line, "}\n");
    }
  else
    {
      g_autoptr (JsonObject) removal = json_object_new ();
      g_autofree gchar *text = NULL, *name = g_strconcat (type, "-removed", NULL);
      json_object_set_string_member (removal, "type", name);
      json_object_set_string_member (removal, "id", id);
      text = ew_json_to_string (removal, FALSE);
      g_string_append_printf (line, "%s\n", text);
    }
  return g_string_free (line, FALSE);
}

gchar *
ew_topology_mirror_node (EwTopologyMirror *self, const gchar *id)
{
  return format_entry (self->state->nodes, "node", id);
}

gchar *
ew_topology_mirror_edge (EwTopologyMirror *self, const gchar *id)
{
  return format_entry (self->state->edges, "edge", id);
}

gchar *
ew_topology_mirror_service (EwTopologyMirror *self, const gchar *id)
{
  return format_entry (self->state->services, "service", id);
}

gchar *
ew_topology_mirror_counters (EwTopologyMirror *self, GHashTable *ids)
{
  GString *line = g_string_new ("{\"type\":\"counters\",");
  GHashTableIter iter;
  gpointer id;
  guint n = 0;
  append_clock (line, self);
  g_string_append (line, "\"nodes\":[");
  g_hash_table_iter_init (&iter, ids);
  while (n < COUNTERS_MAX && g_hash_table_iter_next (&iter, &id, NULL))
    {
      const Entry *entry = g_tree_lookup (self->state->nodes, id);
      if (entry && entry->counters)
        g_string_append_printf (line, "%s%s", n++ ? "," : "", entry->counters);
      g_hash_table_iter_remove (&iter);
    }
  g_string_append (line, "]}\n");
  return g_string_free (line, FALSE);
}

/* Life. */

EwTopologyMirror *
ew_topology_mirror_new (const gchar *self_id, gint64 (*clock) (void))
{
  EwTopologyMirror *self = g_new0 (EwTopologyMirror, 1);
  self->self_id = g_strdup (self_id);
  self->clock = clock;
  return self;
}

void
ew_topology_mirror_free (EwTopologyMirror *self)
{
  state_free (self->state);
  state_free (self->incoming);
  g_free (self->self_id);
  g_free (self);
}
