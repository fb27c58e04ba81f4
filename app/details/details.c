/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "details.h"

#include <edgeway-config.h>
#include <adwaita.h>

#include "edge-details.h"
#include "model/ticker.h"
#include "node-details.h"
#include "service-details.h"

struct _EwDetails
{
  GtkWidget parent;
  EwTopology *topology;
  GObject *selected, *shown;
  gulong counters;
  guint clock;
  GtkWidget *stack, *node, *edge, *service, *node_scroll, *edge_scroll, *service_scroll;
};

enum
{
  PROP_SELECTED = 1,
  N_PROPS,
};
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (EwDetails, ew_details, GTK_TYPE_WIDGET)

static void
to_top (GtkWidget *scroll)
{
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroll)), 0);
}

/* Where nothing is selected the edge is shown: every path leads through it. */
static void
show_object (EwDetails *self)
{
  GObject *object = self->selected != NULL ? self->selected : (GObject *)ew_topology_get_edge (self->topology);

  if (object == self->shown)
    return;
  self->shown = object; /* only compared */
  ew_node_details_set_node (EW_NODE_DETAILS (self->node), EW_IS_NODE (object) ? EW_NODE (object) : NULL);
  ew_edge_details_set_edge (EW_EDGE_DETAILS (self->edge), EW_IS_EDGE (object) ? EW_EDGE (object) : NULL);
  ew_service_details_set_service (EW_SERVICE_DETAILS (self->service),
                                  EW_IS_SERVICE (object) ? EW_SERVICE (object) : NULL);
  to_top (self->service_scroll);
  to_top (self->node_scroll);
  to_top (self->edge_scroll);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), object == NULL           ? "nothing"
                                                             : EW_IS_NODE (object)    ? "node"
                                                             : EW_IS_SERVICE (object) ? "service"
                                                                                      : "edge");
}

static void
set_selected (EwDetails *self, GObject *object)
{
  if (!g_set_object (&self->selected, object))
    return;
  show_object (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

static void
on_edge_chosen (EwDetails *self)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);

  if (edge != NULL)
    set_selected (self, G_OBJECT (edge));
}

/* A node's service, or a service's node. */
static void
on_chosen (EwDetails *self, GObject *object)
{
  set_selected (self, object);
}

static void
on_services_changed (EwDetails *self)
{
  if (EW_IS_SERVICE (self->selected)
      && (GObject *)ew_topology_find_service (self->topology, ew_service_get_id (EW_SERVICE (self->selected)))
           != self->selected)
    set_selected (self, NULL);
}

static void
on_nodes_changed (EwDetails *self)
{
  if (EW_IS_NODE (self->selected)
      && (GObject *)ew_topology_find (self->topology, ew_node_get_id (EW_NODE (self->selected))) != self->selected)
    set_selected (self, NULL);
}

static void
refresh (EwDetails *self)
{
  ew_node_details_refresh (EW_NODE_DETAILS (self->node));
  ew_edge_details_refresh (EW_EDGE_DETAILS (self->edge));
}

static void
on_clock (gpointer user_data)
{
  refresh (user_data);
}

static void
ew_details_map (GtkWidget *widget)
{
  EwDetails *self = EW_DETAILS (widget);

  GTK_WIDGET_CLASS (ew_details_parent_class)->map (widget);
  self->counters = g_signal_connect_swapped (self->topology, "counters", G_CALLBACK (refresh), self);
  self->clock = ew_ticker_follow (on_clock, self);
  refresh (self);
}

static void
ew_details_unmap (GtkWidget *widget)
{
  EwDetails *self = EW_DETAILS (widget);

  g_clear_signal_handler (&self->counters, self->topology);
  ew_ticker_leave (&self->clock);
  GTK_WIDGET_CLASS (ew_details_parent_class)->unmap (widget);
}

static void
ew_details_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    g_value_set_object (value, EW_DETAILS (object)->selected);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_details_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    set_selected (EW_DETAILS (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_details_dispose (GObject *object)
{
  EwDetails *self = EW_DETAILS (object);

  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->selected);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_details_parent_class)->dispose (object);
}

static void
ew_details_class_init (EwDetailsClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->get_property = ew_details_get_property;
  object_class->set_property = ew_details_set_property;
  object_class->dispose = ew_details_dispose;
  widget_class->map = ew_details_map;
  widget_class->unmap = ew_details_unmap;
  properties[PROP_SELECTED] = g_param_spec_object (
    "selected", NULL, NULL, G_TYPE_OBJECT, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  g_type_ensure (EW_TYPE_NODE_DETAILS);
  g_type_ensure (EW_TYPE_EDGE_DETAILS);
  g_type_ensure (EW_TYPE_SERVICE_DETAILS);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/details.ui");
  gtk_widget_class_bind_template_child (widget_class, EwDetails, stack);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, node);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, edge);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, service);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, service_scroll);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, node_scroll);
  gtk_widget_class_bind_template_child (widget_class, EwDetails, edge_scroll);
  gtk_widget_class_bind_template_callback (widget_class, on_edge_chosen);
  gtk_widget_class_bind_template_callback (widget_class, on_chosen);
}

static void
ew_details_init (EwDetails *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ew_details_new (EwDaemon *daemon, EwTopology *topology)
{
  EwDetails *self = g_object_new (EW_TYPE_DETAILS, NULL);

  self->topology = g_object_ref (topology);
  ew_node_details_set_model (EW_NODE_DETAILS (self->node), daemon, topology);
  ew_edge_details_set_model (EW_EDGE_DETAILS (self->edge), daemon, topology);
  ew_service_details_set_model (EW_SERVICE_DETAILS (self->service), daemon, topology);
  g_signal_connect_object (ew_topology_get_edges (topology), "items-changed", G_CALLBACK (show_object), self,
                           G_CONNECT_SWAPPED);
  show_object (self);
  g_signal_connect_object (topology, "services-changed", G_CALLBACK (on_services_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "items-changed", G_CALLBACK (on_nodes_changed), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
