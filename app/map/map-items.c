/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is on the map: an item for every node of the topology, its label's lines, its token.
 */
#include "map/map-view-private.h"

#include <glib/gi18n.h>
#include <math.h>

#include "map/map-services.h"
#include "map/map-words.h"
#include "model/words.h"
#include "node/node-icon.h"

#define IN_SIGHT 48.0        /* px beyond the view's edges */
#define SEAT_NAME_LEAST 32.0 /* px of a seat's pitch for a token, with a line of text below it */

void
ew_map_item_free (EwMapItem *item)
{
  if (item->token != NULL)
    gtk_widget_unparent (GTK_WIDGET (item->token));
  ew_map_services_clear (item);
  g_clear_object (&item->name);
  g_clear_object (&item->state_text);
  g_clear_object (&item->detail);
  g_clear_object (&item->leaf);
  g_free (item->words);
  g_object_unref (item->node);
  g_free (item);
}

EwMapItem *
ew_map_find_item (EwMapView *self, GObject *object)
{
  GObject *node = object;

  if (EW_IS_SERVICE (object))
    node = (GObject *)ew_topology_find (self->topology, ew_service_get_node_id (EW_SERVICE (object)));
  return node != NULL ? g_hash_table_lookup (self->by_node, node) : NULL;
}

EwMapItem *
ew_map_self_item (EwMapView *self)
{
  return ew_map_find_item (self, (GObject *)ew_topology_get_self (self->topology));
}

guint
ew_map_index (EwMapView *self, EwMapItem *item)
{
  guint index = 0;

  return g_ptr_array_find (self->items, item, &index) ? index : G_MAXUINT;
}

gboolean
ew_map_is_current (EwMapView *self)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);

  return ew_topology_get_as_of (self->topology) == 0 && (edge == NULL || ew_edge_get_online (edge));
}

/* As it is drawn: this computer is as connected as its own daemon says. */
static EwNodeState
shown_state (EwMapView *self, EwNode *node)
{
  EwState state = ew_daemon_get_state (self->daemon);

  if (ew_node_is_self (node) && state != EW_STATE_CONNECTED && state != EW_STATE_UNKNOWN)
    return EW_NODE_OFFLINE;
  return ew_node_get_state (node);
}

gdouble
ew_map_angle (EwMapView *self, guint index)
{
  const EwMapItem *item = g_ptr_array_index (self->items, index);

  return item->to_angle - remainder (item->to_angle - item->from_angle, 2 * G_PI) * (1 - self->slid);
}

gdouble
ew_map_distance (EwMapView *self, guint index)
{
  EwPoint centre = self->layout->places[index].centre;

  return hypot (centre.x - self->layout->centre.x, centre.y - self->layout->centre.y);
}

EwPoint
ew_map_point (EwMapView *self, gdouble radius, gdouble angle)
{
  return (EwPoint){ self->layout->centre.x + radius * cos (angle), self->layout->centre.y + radius * sin (angle) };
}

static void
on_node_changed (EwMapView *self)
{
  self->layout_stale = TRUE;
  ew_map_update_found (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static EwMapItem *
item_new (EwMapView *self, EwNode *node)
{
  EwMapItem *item = g_new0 (EwMapItem, 1);

  item->node = g_object_ref (node);
  item->fresh = TRUE;
  g_signal_connect_object (node, "notify", G_CALLBACK (on_node_changed), self, G_CONNECT_SWAPPED);
  g_hash_table_insert (self->by_node, node, item);
  return item;
}

static void
forget_item (EwMapView *self, EwMapItem *item)
{
  g_signal_handlers_disconnect_by_func (item->node, on_node_changed, self);
  g_hash_table_remove (self->by_node, item->node);
  if (self->awaited == item)
    self->awaited = NULL;
  if (item->token != NULL)
    {
      g_hash_table_remove (self->by_token, item->token);
      if (self->current == item->token)
        self->current = NULL;
    }
  ew_map_item_free (item);
}

void
ew_map_items_update (EwMapView *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->topology));
  g_autoptr (GPtrArray) old = self->items;
  g_autoptr (GHashTable) kept = g_hash_table_new (NULL, NULL);

  self->items = g_ptr_array_sized_new (n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (self->topology), i);
      EwMapItem *item = g_hash_table_lookup (self->by_node, node);

      if (item == NULL)
        item = item_new (self, node);
      g_hash_table_add (kept, item);
      g_ptr_array_add (self->items, item);
    }
  for (guint i = 0; i < old->len; i++)
    if (!g_hash_table_contains (kept, old->pdata[i]))
      forget_item (self, old->pdata[i]);
  if (EW_IS_NODE (self->selected) && ew_map_find_item (self, self->selected) == NULL)
    ew_map_view_set_selected (self, NULL);
  self->items_stale = FALSE;
  self->services_stale = TRUE;
  self->layout_stale = TRUE;
}

/* Tokens and wedges. */

static void
drop_token (EwMapView *self, EwMapItem *item)
{
  if (item->token == NULL)
    return;
  g_hash_table_remove (self->by_token, item->token);
  if (self->current == item->token)
    self->current = NULL;
  gtk_widget_unparent (GTK_WIDGET (item->token));
  item->token = NULL;
}

static void
need_token (EwMapView *self, EwMapItem *item)
{
  if (item->token != NULL)
    return;
  item->token = ew_token_new (EW_TOKEN_NODE, G_OBJECT (item->node));
  g_hash_table_insert (self->by_token, item->token, item);
  ew_map_adopt (self, item->token);
  if (self->awaited == item)
    {
      self->awaited = NULL;
      gtk_widget_grab_focus (GTK_WIDGET (item->token));
    }
}

/* Which seats are tokens: with enough zoom, those in sight. */
static gboolean
is_in_sight (EwMapView *self, const EwLayoutPlace *place)
{
  EwPoint from = ew_map_to_dial (self, -IN_SIGHT, -IN_SIGHT);
  EwPoint to = ew_map_to_dial (self, gtk_widget_get_width (GTK_WIDGET (self)) + IN_SIGHT,
                               gtk_widget_get_height (GTK_WIDGET (self)) + IN_SIGHT);

  return place->centre.x > from.x && place->centre.y > from.y && place->centre.x < to.x && place->centre.y < to.y;
}

/* The least pitch at which a mesh so large has no more tokens in sight than the view can do with: all in sight have
   one, or none. */
static gdouble
token_pitch (EwMapView *self)
{
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gdouble crowd = self->items->len > EW_MAP_SEAT_TOKENS ? sqrt (width * height / EW_MAP_SEAT_TOKENS) : 0;

  return MAX (crowd, EW_MAP_SEAT_TOKEN);
}

gdouble
ew_map_named_pitch (EwMapView *self)
{
  return MAX (token_pitch (self), SEAT_NAME_LEAST + self->measures.detail_height);
}

void
ew_map_items_tokens (EwMapView *self)
{
  gboolean seats = self->layout->mode == EW_LAYOUT_SEATS;
  gboolean close = self->layout->pitch >= token_pitch (self) && self->layout->nodes_per_seat == 1;

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      gboolean wanted = !seats || (close && is_in_sight (self, &self->layout->places[i]));

      if (wanted)
        need_token (self, item);
      else
        drop_token (self, item);
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      gboolean wanted = seats && self->layout->sectors[s].present;

      if (wanted && self->wedges[s] == NULL)
        {
          self->wedges[s] = ew_token_new (EW_TOKEN_SECTOR, NULL);
          ew_map_adopt (self, self->wedges[s]);
        }
      else if (!wanted && self->wedges[s] != NULL)
        {
          if (self->current == self->wedges[s])
            self->current = NULL;
          g_clear_pointer ((GtkWidget **)&self->wedges[s], gtk_widget_unparent);
        }
    }
}

/* Layout. */

/* Nodes slide from where they are now. TRUE: at least one moves. */
static gboolean
start_angles (EwMapView *self)
{
  gboolean moved = FALSE;

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      gdouble to = self->layout->places[i].angle;
      gdouble now = item->to_angle - remainder (item->to_angle - item->from_angle, 2 * G_PI) * (1 - self->slid);

      item->from_angle = item->fresh ? to : now;
      item->to_angle = to;
      moved |= item->fresh || fabs (remainder (to - now, 2 * G_PI)) > 1e-6;
    }
  return moved;
}

static void
settle (EwMapView *self)
{
  for (guint i = 0; i < self->items->len; i++)
    ((EwMapItem *)g_ptr_array_index (self->items, i))->fresh = FALSE;
  self->slid = 1;
}

static EwLegendRows
legend_rows (EwMapView *self)
{
  EwLegendRows rows = ew_map_coming_mode (self) == EW_LAYOUT_SEATS ? EW_LEGEND_SEATS : EW_LEGEND_TRAFFIC;

  if (self->layout != NULL && self->layout->nodes_per_seat > 1)
    rows |= EW_LEGEND_TENS;
  if (!ew_map_is_current (self)) /* nothing is known of traffic */
    rows = (rows & ~(guint)EW_LEGEND_TRAFFIC) | EW_LEGEND_PAST;
  for (guint i = 0; i < self->items->len && (rows & EW_LEGEND_SEATS) == 0; i++)
    if (((EwMapItem *)g_ptr_array_index (self->items, i))->https)
      rows |= EW_LEGEND_HTTPS;
  for (guint i = 0; i < self->items->len; i++)
    switch (((EwMapItem *)g_ptr_array_index (self->items, i))->state)
      {
      case EW_NODE_OFFLINE:
        rows |= EW_LEGEND_OFFLINE;
        break;
      case EW_NODE_NOT_JOINED:
      case EW_NODE_AWAITING_APPROVAL:
        rows |= EW_LEGEND_WAITING;
        break;
      case EW_NODE_ONLINE:
      case EW_NODE_WAS_ONLINE:
        break;
      }
  return rows;
}

/* What is shown of each, and so what the legend explains: its size counts for the layout. */
void
ew_map_items_states (EwMapView *self)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      item->state = shown_state (self, item->node);
      item->https = item->state == EW_NODE_ONLINE && ew_node_is_https (item->node);
    }
  ew_map_legend_set (self->legend, legend_rows (self), self->colors);
}

void
ew_map_items_layout (EwMapView *self, gint width, gint height)
{
  EwLayout *layout = ew_map_make_layout (self, width, height);
  gboolean resized, first = self->layout == NULL;

  resized = first || layout->centre.x != self->layout->centre.x || layout->centre.y != self->layout->centre.y
            || layout->mode != self->layout->mode;
  g_clear_pointer (&self->layout, ew_layout_free);
  self->layout = layout;
  self->layout_stale = FALSE;
  for (guint i = 0; i < self->items->len; i++)
    ew_map_fit_label (self, g_ptr_array_index (self->items, i), &layout->places[i].label);
  if (start_angles (self) && !resized && layout->mode != EW_LAYOUT_SEATS
      && adw_get_enable_animations (GTK_WIDGET (self)) && gtk_widget_get_mapped (GTK_WIDGET (self)))
    {
      self->slid = 0;
      adw_animation_reset (self->slide);
      adw_animation_play (self->slide);
    }
  else if (adw_animation_get_state (self->slide) != ADW_ANIMATION_PLAYING || resized)
    settle (self);
  for (guint i = 0; i < self->items->len && self->slid >= 1; i++)
    ((EwMapItem *)g_ptr_array_index (self->items, i))->fresh = FALSE;
  ew_map_items_tokens (self);
  ew_map_items_retouch (self);
  ew_map_legend_set (self->legend, legend_rows (self), self->colors);
  ew_map_items_refresh (self);
}

void
ew_map_items_slid (EwMapView *self, gdouble slid)
{
  self->slid = slid;
  if (slid >= 1)
    settle (self);
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      if (item->token != NULL && item->fresh)
        gtk_widget_set_opacity (GTK_WIDGET (item->token), slid);
    }
  ew_map_redraw (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

/* Counters: spokes, dots, and the words that have a latency in them. */

static gboolean
refresh_widths (EwMapView *self)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      gdouble width = ew_spoke_width (ew_node_get_rx_rate (item->node) + ew_node_get_tx_rate (item->node), item->width);

      changed |= width != item->width;
      item->width = width;
    }
  return changed;
}

static void
refresh_tracks (EwMapView *self)
{
  g_autoptr (GArray) tracks = g_array_new (FALSE, FALSE, sizeof (EwDotTrack));

  for (guint i = 0; i < self->items->len && self->layout->mode != EW_LAYOUT_SEATS; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      gdouble angle = ew_map_angle (self, i);
      gdouble rim = self->layout->edge_radius + 6;
      EwPoint from = ew_map_point (self, rim, angle);
      EwPoint to = ew_map_point (self, self->layout->radius - self->layout->places[i].size / 2 - 5, angle);
      EwDotTrack track = { from.x,
                           from.y,
                           to.x,
                           to.y,
                           ew_node_get_rx_rate (item->node),
                           ew_node_get_tx_rate (item->node),
                           ew_map_is_on_path (self, item) };

      if (item->state == EW_NODE_ONLINE && !item->dimmed)
        g_array_append_val (tracks, track);
    }
  ew_map_dots_set_tracks (self->dots, (const EwDotTrack *)(gpointer)tracks->data, tracks->len);
}

gboolean
ew_map_is_on_path (EwMapView *self, EwMapItem *item)
{
  return self->selected != NULL && (ew_map_find_item (self, self->selected) == item || ew_node_is_self (item->node));
}

void
ew_map_items_refresh (EwMapView *self)
{
  gboolean changed;

  if (self->layout == NULL)
    return;
  changed = refresh_widths (self);
  refresh_tracks (self);
  if (changed)
    ew_map_redraw (self);
}

/* Updates what is written and spoken; labels move where they became longer. */
void
ew_map_items_retell (EwMapView *self)
{
  gboolean changed = FALSE;

  if (self->layout == NULL || self->items_stale || self->layout_stale)
    return;
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      changed |= ew_map_write_item (self, item, self->layout->mode);
      if (item->token != NULL)
        ew_map_say_node (self, item, &self->layout->places[i]);
    }
  if (self->selected != NULL)
    ew_map_update_card (self);
  if (!changed)
    return;
  self->layout_stale = TRUE;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

/* New numbers. */
void
ew_map_items_recount (EwMapView *self)
{
  if (self->layout == NULL || self->items_stale || self->layout_stale)
    return;
  ew_map_items_retell (self);
  ew_map_items_refresh (self);
  if (self->selected != NULL)
    ew_map_redraw_top (self); /* each leg's latency */
  ew_map_say_edge (self);
}
