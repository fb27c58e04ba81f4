/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-rows.h"

#include <glib/gi18n.h>

#include "model/search.h"

const gchar *
ew_group_title (EwGroup group)
{
  switch (group)
    {
    case EW_GROUP_EDGE:
      return _ ("Edge");
    case EW_GROUP_DEVICES:
      return _ ("Devices");
    case EW_GROUP_SERVERS:
      return _ ("Servers");
    case EW_GROUP_SITES:
      return _ ("Sites");
    case EW_GROUP_SERVICES:
      return _ ("Services");
    }
  return "";
}

/* One row. */

struct _EwNodeRow
{
  GObject parent;
  GObject *object;
  EwNodeRows *owner; /* unowned; NULL once it dropped this row */
  gulong notify;
  gchar *sort_key;
  EwGroup group;
  gboolean self, first, last, seen;
};

struct _EwNodeRows
{
  GObject parent;
  GListModel *nodes, *edges, *services;
  GHashTable *known; /* node, edge or service → its row: all of the mesh */
  GPtrArray *shown;  /* rows */
  gchar *search;
  guint idle;
};

enum
{
  ROW_OBJECT = 1,
  ROW_FIRST,
  ROW_LAST,
  ROW_N,
};
static GParamSpec *row_properties[ROW_N];

G_DEFINE_TYPE (EwNodeRow, ew_node_row, G_TYPE_OBJECT)

static void queue_rebuild (EwNodeRows *self);

static void
ew_node_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwNodeRow *self = EW_NODE_ROW (object);

  switch (id)
    {
    case ROW_OBJECT:
      g_value_set_object (value, self->object);
      break;
    case ROW_FIRST:
      g_value_set_boolean (value, self->first);
      break;
    case ROW_LAST:
      g_value_set_boolean (value, self->last);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_node_row_finalize (GObject *object)
{
  EwNodeRow *self = EW_NODE_ROW (object);

  g_clear_signal_handler (&self->notify, self->object);
  g_clear_object (&self->object);
  g_free (self->sort_key);
  G_OBJECT_CLASS (ew_node_row_parent_class)->finalize (object);
}

static void
ew_node_row_class_init (EwNodeRowClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ew_node_row_get_property;
  object_class->finalize = ew_node_row_finalize;
  row_properties[ROW_OBJECT] = g_param_spec_object ("object", NULL, NULL, G_TYPE_OBJECT, flags);
  row_properties[ROW_FIRST] = g_param_spec_boolean ("first", NULL, NULL, FALSE, flags);
  row_properties[ROW_LAST] = g_param_spec_boolean ("last", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, ROW_N, row_properties);
}

static void
ew_node_row_init (EwNodeRow *self)
{
}

GObject *
ew_node_row_get_object (EwNodeRow *self)
{
  return self->object;
}

EwNode *
ew_node_row_get_node (EwNodeRow *self)
{
  return EW_IS_NODE (self->object) ? EW_NODE (self->object) : NULL;
}

EwGroup
ew_node_row_get_group (EwNodeRow *self)
{
  return self->group;
}

gboolean
ew_node_row_is_first (EwNodeRow *self)
{
  return self->first;
}

gboolean
ew_node_row_is_last (EwNodeRow *self)
{
  return self->last;
}

static void
on_object_notify (EwNodeRow *self)
{
  if (self->owner != NULL)
    queue_rebuild (self->owner);
}

static EwNodeRow *
row_new (EwNodeRows *owner, GObject *object)
{
  EwNodeRow *self = g_object_new (EW_TYPE_NODE_ROW, NULL);

  self->object = g_object_ref (object);
  self->owner = owner;
  self->notify = g_signal_connect_swapped (object, "notify", G_CALLBACK (on_object_notify), self);
  return self;
}

/* What a row is sorted by may change while it is shown. */
static void
row_read (EwNodeRow *self)
{
  EwNode *node = ew_node_row_get_node (self);
  const gchar *name = node != NULL                   ? ew_node_get_name (node)
                      : EW_IS_SERVICE (self->object) ? ew_service_get_name (EW_SERVICE (self->object))
                                                     : ew_edge_get_name (EW_EDGE (self->object));

  g_free (self->sort_key);
  self->sort_key = g_utf8_collate_key_for_filename (name != NULL ? name : "", -1); /* web-2 before web-10 */
  self->self = node != NULL && ew_node_is_self (node);
  if (node == NULL)
    self->group = EW_IS_SERVICE (self->object) ? EW_GROUP_SERVICES : EW_GROUP_EDGE;
  else if (ew_node_is_gateway (node))
    self->group = EW_GROUP_SITES;
  else
    self->group = ew_node_get_kind (node) == EW_KIND_SERVER ? EW_GROUP_SERVERS : EW_GROUP_DEVICES;
}

static gint
row_compare (gconstpointer a, gconstpointer b)
{
  const EwNodeRow *left = *(EwNodeRow *const *)a, *right = *(EwNodeRow *const *)b;

  if (left->group != right->group)
    return left->group < right->group ? -1 : 1;
  if (left->self != right->self)
    return left->self ? -1 : 1;
  return g_strcmp0 (left->sort_key, right->sort_key);
}

static void
row_set_place (EwNodeRow *self, gboolean first, gboolean last)
{
  gboolean first_changed = self->first != first, last_changed = self->last != last;

  self->first = first;
  self->last = last;
  if (first_changed)
    g_object_notify_by_pspec (G_OBJECT (self), row_properties[ROW_FIRST]);
  if (last_changed)
    g_object_notify_by_pspec (G_OBJECT (self), row_properties[ROW_LAST]);
}

/* All rows. */

static GType
get_item_type (GListModel *model)
{
  return EW_TYPE_NODE_ROW;
}

static guint
get_n_items (GListModel *model)
{
  return EW_NODE_ROWS (model)->shown->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  EwNodeRows *self = EW_NODE_ROWS (model);

  return position < self->shown->len ? g_object_ref (g_ptr_array_index (self->shown, position)) : NULL;
}

static void
list_model_init (GListModelInterface *interface)
{
  interface->get_item_type = get_item_type;
  interface->get_n_items = get_n_items;
  interface->get_item = get_item;
}

G_DEFINE_TYPE_WITH_CODE (EwNodeRows, ew_node_rows, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
row_release (gpointer data)
{
  EwNodeRow *row = data;

  row->owner = NULL;
  g_object_unref (row);
}

/* Tracks everything in model and adds what matches to rows. */
static void
collect (EwNodeRows *self, GListModel *model, gchar **words, GPtrArray *rows)
{
  guint n = g_list_model_get_n_items (model);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (model, i);
      EwNodeRow *row = g_hash_table_lookup (self->known, object);
      if (row == NULL)
        {
          row = row_new (self, object);
          g_hash_table_insert (self->known, object, row);
        }
      row->seen = TRUE;
      row_read (row);
      if (ew_search_matches (words, object))
        g_ptr_array_add (rows, g_object_ref (row));
    }
}

/* TRUE: the row's object was removed; otherwise clears the mark for the next time. */
static gboolean
is_gone (gpointer object, gpointer row, gpointer user_data)
{
  gboolean gone = !EW_NODE_ROW (row)->seen;

  EW_NODE_ROW (row)->seen = FALSE;
  return gone;
}

/* Emits the one stretch that differs, so that a list view keeps its rows, scroll and focus. */
static void
swap (EwNodeRows *self, GPtrArray *rows)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->shown);
  guint start = 0, end = 0, shorter = MIN (before->len, rows->len);

  self->shown = g_ptr_array_ref (rows);
  while (start < shorter && before->pdata[start] == rows->pdata[start])
    start++;
  while (end < shorter - start && before->pdata[before->len - 1 - end] == rows->pdata[rows->len - 1 - end])
    end++;
  for (guint i = 0; i < rows->len; i++)
    {
      EwNodeRow *row = rows->pdata[i];
      row_set_place (row, i == 0 || ((EwNodeRow *)rows->pdata[i - 1])->group != row->group,
                     i + 1 == rows->len || ((EwNodeRow *)rows->pdata[i + 1])->group != row->group);
    }
  if (before->len - start - end > 0 || rows->len - start - end > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), start, before->len - start - end, rows->len - start - end);
}

static void
rebuild (EwNodeRows *self)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (GStrv) words = ew_search_words (self->search);

  collect (self, self->edges, words, rows);
  collect (self, self->nodes, words, rows);
  collect (self, self->services, words, rows);
  g_hash_table_foreach_remove (self->known, is_gone, NULL);
  g_ptr_array_sort (rows, row_compare);
  swap (self, rows);
}

static gboolean
on_idle (gpointer user_data)
{
  EwNodeRows *self = user_data;

  self->idle = 0;
  rebuild (self);
  return G_SOURCE_REMOVE;
}

static void
queue_rebuild (EwNodeRows *self)
{
  if (self->idle == 0)
    self->idle = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_idle, self, NULL); /* before the next frame is drawn */
}

static void
ew_node_rows_dispose (GObject *object)
{
  EwNodeRows *self = EW_NODE_ROWS (object);

  g_clear_handle_id (&self->idle, g_source_remove);
  g_hash_table_remove_all (self->known);
  g_ptr_array_set_size (self->shown, 0);
  G_OBJECT_CLASS (ew_node_rows_parent_class)->dispose (object);
}

static void
ew_node_rows_finalize (GObject *object)
{
  EwNodeRows *self = EW_NODE_ROWS (object);

  g_clear_object (&self->nodes);
  g_clear_object (&self->edges);
  g_clear_object (&self->services);
  g_hash_table_unref (self->known);
  g_ptr_array_unref (self->shown);
  g_free (self->search);
  G_OBJECT_CLASS (ew_node_rows_parent_class)->finalize (object);
}

static void
ew_node_rows_class_init (EwNodeRowsClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->dispose = ew_node_rows_dispose;
  object_class->finalize = ew_node_rows_finalize;
}

static void
ew_node_rows_init (EwNodeRows *self)
{
  self->known = g_hash_table_new_full (NULL, NULL, NULL, row_release); /* a row keeps its object */
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
}

EwNodeRows *
ew_node_rows_new (GListModel *nodes, GListModel *edges, GListModel *services)
{
  EwNodeRows *self = g_object_new (EW_TYPE_NODE_ROWS, NULL);

  self->nodes = g_object_ref (nodes);
  self->edges = g_object_ref (edges);
  self->services = g_object_ref (services);
  g_signal_connect_object (nodes, "items-changed", G_CALLBACK (queue_rebuild), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (edges, "items-changed", G_CALLBACK (queue_rebuild), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (services, "items-changed", G_CALLBACK (queue_rebuild), self, G_CONNECT_SWAPPED);
  rebuild (self);
  return self;
}

void
ew_node_rows_set_search (EwNodeRows *self, const gchar *search)
{
  g_free (self->search);
  self->search = g_strdup (search);
  g_clear_handle_id (&self->idle, g_source_remove);
  rebuild (self);
}

guint
ew_node_rows_find (EwNodeRows *self, GObject *object)
{
  guint position;
  EwNodeRow *row = object != NULL ? g_hash_table_lookup (self->known, object) : NULL;

  return row != NULL && g_ptr_array_find (self->shown, row, &position) ? position : G_MAXUINT;
}

gboolean
ew_node_rows_knows (EwNodeRows *self, GObject *object)
{
  return object != NULL && g_hash_table_contains (self->known, object);
}
