/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-view.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <math.h>

#include "map/map-services.h"
#include "map/map-view-private.h"

#define SLIDE_MS 400

enum
{
  PROP_0,
  PROP_SELECTED,
  PROP_SEARCH,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];
static guint activated_signal;

G_DEFINE_FINAL_TYPE (EwMapView, ew_map_view, GTK_TYPE_WIDGET)

void
ew_map_activate (EwMapView *self, GObject *object)
{
  g_signal_emit (self, activated_signal, 0, object);
}

EwToken *
ew_map_home (EwMapView *self)
{
  EwMapItem *own = ew_map_self_item (self);

  if (own == NULL)
    return self->items->len > 0 ? ((EwMapItem *)self->items->pdata[0])->token : NULL;
  return own->token != NULL ? own->token : self->wedges[own->sector];
}

/* Tokens. */

static EwSector
wedge_of (EwMapView *self, EwToken *token)
{
  EwSector sector = EW_SECTOR_DEVICES;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->wedges[s] == token)
      sector = s;
  return sector;
}

static void
on_open (EwToken *token, gdouble x, gdouble y, EwMapView *self)
{
  EwMapItem *item;

  switch (ew_token_get_role (token))
    {
    case EW_TOKEN_SECTOR:
      if (x >= 0)
        ew_map_zoom_to_sector (self, wedge_of (self, token));
      else
        gtk_widget_activate_action (GTK_WIDGET (self), "win.view", "s", "list");
      break;
    case EW_TOKEN_EDGE:
      if (ew_topology_get_edge (self->topology) != NULL)
        ew_map_activate (self, G_OBJECT (ew_topology_get_edge (self->topology)));
      break;
    case EW_TOKEN_NODE:
      item = g_hash_table_lookup (self->by_token, token);
      if (item != NULL)
        {
          ew_map_view_set_selected (self, G_OBJECT (item->node));
          ew_map_activate (self, G_OBJECT (item->node));
        }
      break;
    case EW_TOKEN_SERVICE:
      ew_map_view_set_selected (self, ew_token_get_object (token));
      ew_map_activate (self, ew_token_get_object (token));
      break;
    }
}

static void
on_path (EwToken *token, gdouble x, gdouble y, EwMapView *self)
{
  EwMapItem *item;

  switch (ew_token_get_role (token))
    {
    case EW_TOKEN_SECTOR:
      item = x < 0 ? NULL : ew_map_seat_at (self, x, y);
      if (item != NULL)
        ew_map_view_set_selected (self, G_OBJECT (item->node));
      else if (x < 0)
        ew_map_zoom_to_sector (self, wedge_of (self, token));
      break;
    case EW_TOKEN_EDGE:
      ew_map_view_set_selected (self, (GObject *)ew_topology_get_edge (self->topology));
      break;
    case EW_TOKEN_NODE:
    case EW_TOKEN_SERVICE:
      ew_map_view_set_selected (self, ew_token_get_object (token));
      break;
    }
}

static void
on_menu (EwToken *token, gdouble x, gdouble y, EwMapView *self)
{
  GObject *object = ew_map_menu_object (self, token, x, y);

  if (object != NULL)
    ew_map_menu_open (self, token, object, x, y);
}

static void
on_focus (EwToken *token, GParamSpec *spec, EwMapView *self)
{
  if (!gtk_widget_has_focus (GTK_WIDGET (token)))
    return;
  if (self->layout != NULL) /* before that, Tab can only enter at the edge */
    self->current = token;
  /* Its label may have been hidden: now it comes first. */
  self->layout_stale = TRUE;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  if (gtk_widget_has_visible_focus (GTK_WIDGET (token)) && ew_token_get_object (token) != NULL)
    {
      EwMapItem *item = ew_map_find_item (self, ew_token_get_object (token));

      if (item != NULL)
        ew_map_bring_into_sight (self, ew_map_index (self, item));
    }
}

static gboolean
on_wedge_tooltip (EwToken *token, gint x, gint y, gboolean keyboard, GtkTooltip *tooltip, EwMapView *self)
{
  EwMapItem *item = keyboard || self->layout == NULL ? NULL : ew_map_seat_at (self, x, y);

  if (item == NULL)
    return FALSE;
  gtk_tooltip_set_text (tooltip, ew_node_get_name (item->node));
  return TRUE;
}

/* Sectors lie below tokens, tokens below the cards. */
void
ew_map_adopt (EwMapView *self, EwToken *token)
{
  g_signal_connect (token, "open", G_CALLBACK (on_open), self);
  g_signal_connect (token, "path", G_CALLBACK (on_path), self);
  g_signal_connect (token, "menu", G_CALLBACK (on_menu), self);
  g_signal_connect (token, "notify::has-focus", G_CALLBACK (on_focus), self);
  if (ew_token_get_role (token) == EW_TOKEN_SECTOR)
    {
      gtk_widget_set_has_tooltip (GTK_WIDGET (token), TRUE);
      g_signal_connect (token, "query-tooltip", G_CALLBACK (on_wedge_tooltip), self);
      gtk_widget_insert_after (GTK_WIDGET (token), GTK_WIDGET (self), NULL);
    }
  else
    gtk_widget_insert_before (GTK_WIDGET (token), GTK_WIDGET (self), GTK_WIDGET (self->dots));
}

/* Selection and search. */

void
ew_map_update_card (EwMapView *self)
{
  EwNode *own = ew_topology_get_self (self->topology);
  EwMapItem *item = ew_map_find_item (self, self->selected); /* of a service: its node's */
  EwNode *node = item != NULL && item->node != own ? item->node : NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->card),
                          self->selected != NULL
                            && ew_path_card_set (self->card, node, own, ew_topology_get_edge (self->topology)));
}

void
ew_map_view_set_selected (EwMapView *self, GObject *selected)
{
  g_return_if_fail (EW_IS_MAP_VIEW (self));
  g_return_if_fail (selected == NULL || EW_IS_NODE (selected) || EW_IS_EDGE (selected) || EW_IS_SERVICE (selected));
  if (!g_set_object (&self->selected, selected))
    return;
  self->card_place.known = FALSE;
  ew_map_update_card (self);
  self->layout_stale = TRUE;
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

void
ew_map_view_set_search (EwMapView *self, const gchar *search)
{
  gboolean was_shown;

  g_return_if_fail (EW_IS_MAP_VIEW (self));
  was_shown = gtk_widget_get_visible (GTK_WIDGET (self->found));
  if (search == NULL)
    search = "";
  if (g_strcmp0 (self->search, search) == 0)
    return;
  g_free (self->search);
  self->search = g_strdup (search);
  ew_map_update_found (self);
  self->layout_stale |= was_shown != gtk_widget_get_visible (GTK_WIDGET (self->found)); /* labels make room for it */
  gtk_widget_queue_resize (GTK_WIDGET (self));
  if (!self->items_stale && !self->layout_stale)
    {
      ew_map_items_retouch (self);
      ew_map_items_refresh (self);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SEARCH]);
}

/* Places. */

static void
ew_map_view_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                     gint *minimum_baseline, gint *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 280 : 240;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 1180 : 616;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (gtk_widget_should_layout (child)) /* cards must fit; the rest is placed where room is left */
      {
        gint least;

        gtk_widget_measure (child, orientation, -1, &least, NULL, NULL, NULL);
      }
  *minimum_baseline = *natural_baseline = -1;
}

static void
allocate_token (EwToken *token, EwPoint at, gdouble width, gdouble height, GskTransform *view)
{
  GskTransform *transform = gsk_transform_ref (view);

  transform
    = gsk_transform_translate (transform, &GRAPHENE_POINT_INIT ((float)(at.x - width / 2), (float)(at.y - height / 2)));
  gtk_widget_allocate (GTK_WIDGET (token), (gint)width, (gint)height, -1, transform);
}

void
ew_map_allocate_token (EwToken *token, EwPoint at, GskTransform *view)
{
  gint width, height;

  gtk_widget_measure (GTK_WIDGET (token), GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
  gtk_widget_measure (GTK_WIDGET (token), GTK_ORIENTATION_VERTICAL, -1, &height, NULL, NULL, NULL);
  allocate_token (token, at, width, height, view);
}

static void
allocate_tokens (EwMapView *self)
{
  GskTransform *view = ew_map_transform (self);
  gint size;

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      if (item->token == NULL)
        continue;
      gtk_widget_measure (GTK_WIDGET (item->token), GTK_ORIENTATION_HORIZONTAL, -1, &size, NULL, NULL, NULL);
      allocate_token (item->token,
                      self->layout->mode == EW_LAYOUT_SEATS
                        ? self->layout->places[i].centre
                        : ew_map_point (self, self->layout->radius, ew_map_angle (self, i)),
                      size, size, view);
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->wedges[s] != NULL)
      {
        gtk_widget_measure (GTK_WIDGET (self->wedges[s]), GTK_ORIENTATION_HORIZONTAL, -1, &size, NULL, NULL, NULL);
        allocate_token (self->wedges[s], self->layout->centre, 2 * self->layout->centre.x, 2 * self->layout->centre.y,
                        view);
      }
  gtk_widget_measure (GTK_WIDGET (self->hub), GTK_ORIENTATION_HORIZONTAL, -1, &size, NULL, NULL, NULL);
  allocate_token (self->hub, self->layout->centre, size, size, view);
  ew_map_services_allocate (self, view);
  gsk_transform_unref (self->allocated);
  self->allocated = view;
}

static gboolean
on_again (gpointer user_data)
{
  EwMapView *self = user_data;

  self->again = 0;
  gtk_widget_queue_resize (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

static void
ew_map_view_size_allocate (GtkWidget *widget, gint width, gint height, gint baseline)
{
  EwMapView *self = EW_MAP_VIEW (widget);
  gboolean resized = self->layout == NULL || fabs (self->layout->centre.x - width / 2.0 * self->layout->zoom) > 0.01
                     || fabs (self->layout->centre.y - height / 2.0 * self->layout->zoom) > 0.01;

  if (self->items_stale)
    ew_map_items_update (self);
  if (self->services_stale)
    {
      self->services_stale = FALSE;
      ew_map_services_update (self);
    }
  if (self->measures.text <= 0)
    ew_map_measure (widget, &self->measures);
  if (self->layout_stale || resized)
    {
      ew_map_items_states (self);
      ew_map_measure_dial (self, width, height);
    }
  self->card_place.known &= !resized;
  ew_map_cards_allocate (self, width, height);
  if (self->layout_stale || resized)
    {
      ew_map_items_layout (self, width, height);
      ew_map_limit (self);
    }
  ew_map_cards_allocate_legend (self);
  gtk_widget_size_allocate (GTK_WIDGET (self->dots), &(GtkAllocation){ 0, 0, width, height }, -1);
  allocate_tokens (self);
  /* A token that came got the focus, or the pan a limit: the requests in the meantime had no effect. */
  if (self->layout_stale && self->again == 0)
    self->again = g_idle_add (on_again, self);
  if (self->popover != NULL)
    gtk_popover_present (GTK_POPOVER (self->popover));
}

/* While visible, relative times are updated; while hidden, no timer runs. */

static void
ew_map_view_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_map_view_parent_class)->map (widget);
  ew_map_set_seen (EW_MAP_VIEW (widget), TRUE);
}

static void
ew_map_view_unmap (GtkWidget *widget)
{
  ew_map_set_seen (EW_MAP_VIEW (widget), FALSE);
  GTK_WIDGET_CLASS (ew_map_view_parent_class)->unmap (widget);
}

static void
ew_map_view_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (ew_map_view_parent_class)->css_changed (widget, change);
  ew_map_follow_style (EW_MAP_VIEW (widget));
}

/* The picture. */

static void
ew_map_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwMapView *self = EW_MAP_VIEW (widget);

  if (self->layout != NULL)
    ew_map_snapshot (self, snapshot);
}

static gboolean
ew_map_view_focus (GtkWidget *widget, GtkDirectionType direction)
{
  return ew_map_focus (EW_MAP_VIEW (widget), direction);
}

/* The object. */

static void
on_slide (gdouble value, gpointer user_data)
{
  ew_map_items_slid (user_data, value);
}

static void
on_zoom_action (GtkWidget *widget, const gchar *action, GVariant *parameter)
{
  EwMapView *self = EW_MAP_VIEW (widget);

  if (g_str_equal (action, "map.zoom-in"))
    ew_map_view_zoom_in (self);
  else if (g_str_equal (action, "map.zoom-out"))
    ew_map_view_zoom_out (self);
  else
    ew_map_view_zoom_fit (self);
}

static void
ew_map_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwMapView *self = EW_MAP_VIEW (object);

  if (id == PROP_SELECTED)
    g_value_set_object (value, self->selected);
  else if (id == PROP_SEARCH)
    g_value_set_string (value, self->search);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_map_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  EwMapView *self = EW_MAP_VIEW (object);

  if (id == PROP_SELECTED)
    ew_map_view_set_selected (self, g_value_get_object (value));
  else if (id == PROP_SEARCH)
    ew_map_view_set_search (self, g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_map_view_dispose (GObject *object)
{
  EwMapView *self = EW_MAP_VIEW (object);
  GtkWidget *child;

  g_clear_handle_id (&self->moving, g_source_remove);
  g_clear_handle_id (&self->again, g_source_remove);
  ew_map_set_seen (self, FALSE);
  if (self->slide != NULL)
    adw_animation_pause (self->slide);
  if (self->zooming != NULL)
    adw_animation_pause (self->zooming);
  if (self->items != NULL)
    for (guint i = 0; i < self->items->len; i++)
      {
        g_signal_handlers_disconnect_by_data (((EwMapItem *)self->items->pdata[i])->node, self);
        ew_map_item_free (self->items->pdata[i]);
      }
  g_clear_pointer (&self->items, g_ptr_array_unref);
  if (self->topology != NULL)
    g_signal_handlers_disconnect_by_data (self->topology, self);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->slide);
  g_clear_object (&self->zooming);
  g_clear_object (&self->selected);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->edge);
  G_OBJECT_CLASS (ew_map_view_parent_class)->dispose (object);
}

static void
ew_map_view_finalize (GObject *object)
{
  EwMapView *self = EW_MAP_VIEW (object);

  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      g_clear_object (&self->sector_names[s]);
      g_clear_object (&self->sector_details[s]);
    }
  ew_map_still_clear (self);
  g_clear_pointer (&self->layout, ew_layout_free);
  g_clear_pointer (&self->dial, ew_layout_free);
  ew_slots_free (self->slots);
  g_hash_table_unref (self->by_node);
  g_hash_table_unref (self->by_token);
  g_string_free (self->typed, TRUE);
  g_free (self->search);
  G_OBJECT_CLASS (ew_map_view_parent_class)->finalize (object);
}

static void
ew_map_view_class_init (EwMapViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  g_type_ensure (EW_TYPE_MAP_DOTS);
  g_type_ensure (EW_TYPE_MAP_LEGEND);
  g_type_ensure (EW_TYPE_PATH_CARD);
  object_class->get_property = ew_map_view_get_property;
  object_class->set_property = ew_map_view_set_property;
  object_class->dispose = ew_map_view_dispose;
  object_class->finalize = ew_map_view_finalize;
  widget_class->measure = ew_map_view_measure;
  widget_class->size_allocate = ew_map_view_size_allocate;
  widget_class->snapshot = ew_map_view_snapshot;
  widget_class->focus = ew_map_view_focus;
  widget_class->map = ew_map_view_map;
  widget_class->unmap = ew_map_view_unmap;
  widget_class->css_changed = ew_map_view_css_changed;
  properties[PROP_SELECTED] = g_param_spec_object ("selected", NULL, NULL, G_TYPE_OBJECT, flags);
  properties[PROP_SEARCH] = g_param_spec_string ("search", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  activated_signal = g_signal_new ("activated", EW_TYPE_MAP_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                   1, G_TYPE_OBJECT);
  gtk_widget_class_set_css_name (widget_class, "meshmap");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_install_action (widget_class, "map.zoom-in", NULL, on_zoom_action);
  gtk_widget_class_install_action (widget_class, "map.zoom-out", NULL, on_zoom_action);
  gtk_widget_class_install_action (widget_class, "map.fit", NULL, on_zoom_action);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/map/map-view.ui");
  gtk_widget_class_bind_template_child (widget_class, EwMapView, dots);
  gtk_widget_class_bind_template_child (widget_class, EwMapView, legend);
  gtk_widget_class_bind_template_child (widget_class, EwMapView, card);
  gtk_widget_class_bind_template_child (widget_class, EwMapView, zoom_box);
  gtk_widget_class_bind_template_child (widget_class, EwMapView, found);
}

static void
ew_map_view_init (EwMapView *self)
{
  self->search = g_strdup ("");
  self->items = g_ptr_array_new ();
  self->by_node = g_hash_table_new (NULL, NULL);
  self->by_token = g_hash_table_new (NULL, NULL);
  self->slots = ew_slots_new ();
  self->items_stale = TRUE;
  self->slid = 1;
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Map of the mesh"), -1);
  self->hub = ew_token_new (EW_TOKEN_EDGE, NULL);
  ew_map_adopt (self, self->hub);
  self->slide = adw_timed_animation_new (GTK_WIDGET (self), 0, 1, SLIDE_MS,
                                         adw_callback_animation_target_new (on_slide, self, NULL));
  ew_map_zoom_init (self);
  ew_map_keys_init (self);
}

GtkWidget *
ew_map_view_new (EwDaemon *daemon, EwTopology *topology)
{
  EwMapView *self = g_object_new (EW_TYPE_MAP_VIEW, NULL);

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  ew_map_follow (self);
  return GTK_WIDGET (self);
}
