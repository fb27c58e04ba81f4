/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge-details.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "model/full-name.h"
#include "node/node-icon.h"
#include "ping-row.h"
#include "row-words.h"
#include "value-row.h"

struct _EwEdgeDetails
{
  AdwBin parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwEdge *edge;
  gulong notify;
  GtkWidget *name, *state, *state_image, *state_words, *note;
  GtkWidget *ssh, *address_row, *address6_row, *endpoint_row, *name_row, *version_row, *exit_row, *leg_row,
    *transport_row, *ping_row, *mesh_row, *nodes_row;
};

G_DEFINE_FINAL_TYPE (EwEdgeDetails, ew_edge_details, ADW_TYPE_BIN)

static void
set_value (GtkWidget *row, const gchar *value)
{
  ew_value_row_set_value (EW_VALUE_ROW (row), value);
}

static const gchar *
transport_words (const gchar *transport)
{
  if (g_strcmp0 (transport, "udp") == 0)
    return _ ("UDP");
  return g_strcmp0 (transport, "https") == 0 ? _ ("HTTPS") : NULL;
}

static void
show_head (EwEdgeDetails *self)
{
  gboolean online = ew_edge_get_online (self->edge), trial = ew_daemon_get_trial (self->daemon);

  gtk_label_set_label (GTK_LABEL (self->name), ew_edge_get_name (self->edge));
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image),
                                ew_node_state_icon_name (online ? EW_NODE_ONLINE : EW_NODE_OFFLINE));
  gtk_label_set_label (GTK_LABEL (self->state_words), ew_row_words_edge_state (self->edge));
  if (online)
    gtk_widget_add_css_class (self->state, "online");
  else
    gtk_widget_remove_css_class (self->state, "online");
  gtk_widget_set_visible (self->note, trial);
}

static const gchar *
exit_words (EwExit exit)
{
  switch (exit)
    {
    case EW_EXIT_YES:
      return _ ("Yes");
    case EW_EXIT_NO:
      return _ ("No");
    case EW_EXIT_UNKNOWN:
    default:
      return NULL;
    }
}

void
ew_edge_details_refresh (EwEdgeDetails *self)
{
  const gchar *const *addresses;
  g_autofree gchar *latency = NULL, *nodes = NULL, *full_name = NULL;

  if (self->edge == NULL)
    return;
  show_head (self);
  latency = ew_row_words_edge_latency (ew_topology_get_self (self->topology));
  nodes = g_strdup_printf (_ ("%u, %u online"), ew_topology_get_n_nodes (self->topology),
                           ew_topology_get_n_online (self->topology));
  addresses = ew_edge_get_addresses (self->edge);
  set_value (self->address_row, addresses[0]);
  set_value (self->address6_row, addresses[0] != NULL ? addresses[1] : NULL);
  gtk_widget_set_visible (self->ssh, addresses[0] != NULL);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->ssh), "s", ew_edge_get_id (self->edge));
  set_value (self->version_row, ew_edge_get_version (self->edge));
  set_value (self->exit_row, exit_words (ew_edge_get_exit (self->edge)));
  set_value (self->endpoint_row, ew_edge_get_endpoint (self->edge));
  full_name = ew_full_name (self->daemon, ew_edge_get_name (self->edge));
  set_value (self->name_row, full_name != NULL ? full_name : ew_edge_get_name (self->edge));
  set_value (self->leg_row, latency);
  set_value (self->transport_row, transport_words (ew_daemon_get_transport (self->daemon)));
  set_value (self->mesh_row, ew_topology_get_mesh (self->topology));
  set_value (self->nodes_row, nodes);
}

void
ew_edge_details_set_edge (EwEdgeDetails *self, EwEdge *edge)
{
  if (edge == self->edge)
    return;
  if (self->edge != NULL)
    g_clear_signal_handler (&self->notify, self->edge);
  g_set_object (&self->edge, edge);
  if (edge == NULL)
    return;
  self->notify = g_signal_connect_swapped (edge, "notify", G_CALLBACK (ew_edge_details_refresh), self);
  ew_ping_row_set_target (EW_PING_ROW (self->ping_row), self->daemon, NULL);
  ew_edge_details_refresh (self);
}

static void
ew_edge_details_dispose (GObject *object)
{
  EwEdgeDetails *self = EW_EDGE_DETAILS (object);

  if (self->edge != NULL)
    g_clear_signal_handler (&self->notify, self->edge);
  g_clear_object (&self->edge);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_edge_details_parent_class)->dispose (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EwEdgeDetails, name)

static void
ew_edge_details_class_init (EwEdgeDetailsClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_edge_details_dispose;
  g_type_ensure (EW_TYPE_VALUE_ROW);
  g_type_ensure (EW_TYPE_PING_ROW);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/edge-details.ui");
  BIND (name);
  BIND (state);
  BIND (state_image);
  BIND (state_words);
  BIND (note);
  BIND (ssh);
  BIND (address_row);
  BIND (address6_row);
  BIND (version_row);
  BIND (exit_row);
  BIND (endpoint_row);
  BIND (name_row);
  BIND (leg_row);
  BIND (transport_row);
  BIND (ping_row);
  BIND (mesh_row);
  BIND (nodes_row);
}

static void
ew_edge_details_init (EwEdgeDetails *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (self->name);
}

void
ew_edge_details_set_model (EwEdgeDetails *self, EwDaemon *daemon, EwTopology *topology)
{
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  g_signal_connect_object (daemon, "notify", G_CALLBACK (ew_edge_details_refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify", G_CALLBACK (ew_edge_details_refresh), self, G_CONNECT_SWAPPED);
}
