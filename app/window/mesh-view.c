/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/mesh-view.h"

#include "access/side-panel.h"
#include "details/details.h"
#include "details/node-list.h"
#include "map/map-view.h"
#include "model/search.h"

/* The panel's width where it stands beside the map, px. */
#define PANEL_WIDTH 340

struct _EwMeshView
{
  AdwBin parent_instance;
  GObject *selected; /* NULL: nothing */
  gchar *search;
  EwTopology *topology;
  EwSidePanel *panel;
  gboolean beside; /* the details were shown beside the map when there was room for both */
  AdwViewStack *views;
  EwMapView *map;
  GtkWidget *list;
};

G_DEFINE_FINAL_TYPE (EwMeshView, ew_mesh_view, ADW_TYPE_BIN)

enum
{
  PROP_0,
  PROP_SELECTED,
  PROP_VIEW,
  PROP_DETAILS_SHOWN,
  PROP_SEARCH,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

void
ew_mesh_view_zoom_in (EwMeshView *self)
{
  ew_map_view_zoom_in (self->map);
}

void
ew_mesh_view_zoom_out (EwMeshView *self)
{
  ew_map_view_zoom_out (self->map);
}

void
ew_mesh_view_zoom_fit (EwMeshView *self)
{
  ew_map_view_zoom_fit (self->map);
}

gboolean
ew_mesh_view_go_to_first (EwMeshView *self)
{
  GObject *first = ew_node_list_get_first (EW_NODE_LIST (self->list));
  if (first == NULL)
    return FALSE;
  if (adw_view_stack_get_visible_child (self->views) == GTK_WIDGET (self->map))
    ew_map_view_go_to (self->map, first);
  else
    {
      g_object_set (self, "selected", first, NULL);
      gtk_widget_grab_focus (self->list);
    }
  return TRUE;
}

gchar *
ew_mesh_view_get_found (EwMeshView *self)
{
  g_auto (GStrv) words = ew_search_words (self->search);
  return ew_search_found (words, self->topology);
}

static void
activated (EwMeshView *self, GObject *object)
{
  g_object_set (self, "selected", object, "details-shown", TRUE, NULL);
}

static void
set_view (EwMeshView *self, const gchar *view)
{
  GtkWidget *child = view != NULL ? adw_view_stack_get_child_by_name (self->views, view) : NULL;
  if (child == NULL || child == adw_view_stack_get_visible_child (self->views))
    return;
  /* The focus goes along where it was in the view, and stays where it was elsewhere. */
  gboolean had_focus = gtk_widget_get_focus_child (GTK_WIDGET (self->views)) != NULL;
  adw_view_stack_set_visible_child (self->views, child);
  if (had_focus)
    gtk_widget_child_focus (child, GTK_DIR_TAB_FORWARD);
}

static gboolean
reveal_later (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  ew_side_panel_set_shown (EW_MESH_VIEW (widget)->panel, GPOINTER_TO_INT (user_data));
  return G_SOURCE_REMOVE;
}

/* The panel's animation has no time to start from before the first frame: it waits for that. */
static void
show_details (EwMeshView *self, gboolean shown)
{
  GtkWidget *widget = GTK_WIDGET (self);
  if (gtk_widget_get_mapped (widget) && gtk_widget_get_width (widget) == 0)
    gtk_widget_add_tick_callback (widget, reveal_later, GINT_TO_POINTER (shown), NULL);
  else
    ew_side_panel_set_shown (self->panel, shown);
}

static void
ew_mesh_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwMeshView *self = EW_MESH_VIEW (object);
  switch (id)
    {
    case PROP_SELECTED:
      g_value_set_object (value, self->selected);
      break;
    case PROP_VIEW:
      g_value_set_string (value, adw_view_stack_get_visible_child_name (self->views));
      break;
    case PROP_DETAILS_SHOWN:
      g_value_set_boolean (value, ew_side_panel_get_shown (self->panel));
      break;
    case PROP_SEARCH:
      g_value_set_string (value, self->search);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_mesh_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwMeshView *self = EW_MESH_VIEW (object);
  switch (id)
    {
    case PROP_SELECTED:
      if (g_set_object (&self->selected, g_value_get_object (value)))
        g_object_notify_by_pspec (object, pspec);
      break;
    case PROP_VIEW:
      set_view (self, g_value_get_string (value)); /* the stack notifies */
      break;
    case PROP_DETAILS_SHOWN:
      show_details (self, g_value_get_boolean (value)); /* the panel notifies */
      break;
    case PROP_SEARCH:
      g_free (self->search);
      self->search = g_value_dup_string (value);
      g_object_notify_by_pspec (object, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
view_changed (EwMeshView *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VIEW]);
}

static void
details_changed (EwMeshView *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DETAILS_SHOWN]);
}

/* A window made narrow hides the details rather than the map; made wide again it has them back, if it had them. */
static void
fold_changed (EwMeshView *self)
{
  gboolean folded = ew_side_panel_get_folded (self->panel);
  if (folded)
    self->beside = ew_side_panel_get_shown (self->panel);
  if (folded || self->beside)
    ew_side_panel_set_shown (self->panel, !folded);
}

static void
ew_mesh_view_dispose (GObject *object)
{
  EwMeshView *self = EW_MESH_VIEW (object);
  g_clear_object (&self->selected);
  g_clear_object (&self->topology);
  g_clear_pointer (&self->search, g_free);
  G_OBJECT_CLASS (ew_mesh_view_parent_class)->dispose (object);
}

static void
ew_mesh_view_class_init (EwMeshViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  g_type_ensure (EW_TYPE_SIDE_PANEL);
  object_class->dispose = ew_mesh_view_dispose;
  object_class->get_property = ew_mesh_view_get_property;
  object_class->set_property = ew_mesh_view_set_property;
  properties[PROP_SELECTED] = g_param_spec_object ("selected", NULL, NULL, G_TYPE_OBJECT, flags);
  properties[PROP_VIEW] = g_param_spec_string ("view", NULL, NULL, "map", flags);
  properties[PROP_DETAILS_SHOWN] = g_param_spec_boolean ("details-shown", NULL, NULL, FALSE, flags);
  properties[PROP_SEARCH] = g_param_spec_string ("search", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/mesh-view.ui");
  gtk_widget_class_bind_template_child (widget_class, EwMeshView, panel);
  gtk_widget_class_bind_template_child (widget_class, EwMeshView, views);
}

static void
ew_mesh_view_init (EwMeshView *self)
{
  self->search = g_strdup ("");
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->views, "notify::visible-child", G_CALLBACK (view_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->panel, "notify::shown", G_CALLBACK (details_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->panel, "notify::folded", G_CALLBACK (fold_changed), self, G_CONNECT_SWAPPED);
}

static void
add_view (EwMeshView *self, GtkWidget *view, const gchar *name)
{
  adw_view_stack_add_named (self->views, view, name);
  g_object_bind_property (self, "selected", view, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "search", view, "search", G_BINDING_DEFAULT);
  g_signal_connect_object (view, "activated", G_CALLBACK (activated), self, G_CONNECT_SWAPPED);
}

EwMeshView *
ew_mesh_view_new (EwDaemon *daemon, EwTopology *topology)
{
  EwMeshView *self = g_object_new (EW_TYPE_MESH_VIEW, NULL);
  GtkWidget *details = ew_details_new (daemon, topology);
  GtkWidget *map = ew_map_view_new (daemon, topology);
  self->topology = g_object_ref (topology);
  self->map = EW_MAP_VIEW (map);
  self->list = ew_node_list_new (daemon, topology);
  add_view (self, map, "map");
  add_view (self, self->list, "list");
  ew_side_panel_set_panel (self->panel, details, PANEL_WIDTH);
  g_object_bind_property (self, "selected", details, "selected", G_BINDING_BIDIRECTIONAL);
  return self;
}
