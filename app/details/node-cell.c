/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-cell.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "copy.h"
#include "model/words.h"
#include "node/node-icon.h"
#include "row-words.h"

struct _EwNodeCell
{
  GtkWidget parent;
  EwTopology *topology;
  EwNodeRow *row;
  gulong row_notify, object_notify, counters;
  GtkWidget *heading_box, *heading, *card, *icon, *icon_image, *names, *name, *note, *address, *state, *state_image,
    *state_words, *latency, *rate, *copy;
};

G_DEFINE_FINAL_TYPE (EwNodeCell, ew_node_cell, GTK_TYPE_WIDGET)

static void
set_class (GtkWidget *widget, const gchar *class, gboolean on)
{
  if (on)
    gtk_widget_add_css_class (widget, class);
  else
    gtk_widget_remove_css_class (widget, class);
}

/* Setting the same text again must not cause a new layout. */
static void
set_label (GtkWidget *label, const gchar *text)
{
  if (!g_str_equal (gtk_label_get_label (GTK_LABEL (label)), text))
    gtk_label_set_label (GTK_LABEL (label), text);
}

static void
set_names (EwNodeCell *self, const gchar *name, const gchar *note, const gchar *address)
{
  set_label (self->name, name);
  set_label (self->note, note);
  gtk_widget_set_visible (self->note, *note != '\0');
  set_label (self->address, address);
  gtk_widget_set_visible (self->address, *address != '\0');
}

static void
set_state (EwNodeCell *self, const gchar *icon, const gchar *words, gboolean online)
{
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image), icon);
  set_label (self->state_words, words);
  set_class (self->state, "online", online);
}

/* For screen readers: what the list item is. */
static void
set_spoken (EwNodeCell *self, const gchar *spoken)
{
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));

  if (item != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

static void
set_copy (EwNodeCell *self, const gchar *tooltip, const gchar *name, gboolean possible)
{
  g_autofree gchar *spoken = g_strdup_printf ("%s: %s", tooltip, name);

  gtk_widget_set_tooltip_text (self->copy, tooltip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->copy), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  gtk_widget_set_sensitive (self->copy, possible);
}

static void
show_node (EwNodeCell *self, EwNode *node)
{
  EwNode *own = ew_topology_get_self (self->topology);
  const gchar *address = ew_node_get_address (node);
  g_autofree gchar *note = ew_row_words_note (node), *words = ew_words_node_state (node),
                   *latency = ew_row_words_latency (node, own), *rate = ew_row_words_rate (node),
                   *spoken = ew_words_node_spoken (node, own, ew_topology_get_edge (self->topology));

  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon_image), ew_node_icon_name (node));
  set_class (self->icon, "round", ew_node_icon_is_round (node));
  set_class (self->icon, "own", ew_node_is_self (node));
  set_class (self->icon, "not-joined", ew_node_get_state (node) == EW_NODE_NOT_JOINED);
  set_names (self, ew_node_get_name (node), note, address != NULL ? address : "");
  set_state (self, ew_node_state_icon_name (ew_node_get_state (node)), words,
             ew_node_get_state (node) == EW_NODE_ONLINE);
  set_label (self->latency, latency);
  set_label (self->rate, rate);
  set_copy (self, _ ("Copy Mesh IP"), ew_node_get_name (node), address != NULL);
  set_spoken (self, spoken);
}

static void
show_edge (EwNodeCell *self, EwEdge *edge)
{
  gboolean online = ew_edge_get_online (edge);
  const gchar *endpoint = ew_edge_get_endpoint (edge);
  g_autofree gchar *latency = ew_row_words_edge_latency (ew_topology_get_self (self->topology)),
                   *spoken = ew_row_words_edge_spoken (edge);

  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon_image), EW_ICON_EDGE);
  set_class (self->icon, "round", TRUE);
  set_class (self->icon, "own", FALSE);
  set_class (self->icon, "not-joined", FALSE);
  set_names (self, ew_edge_get_name (edge), endpoint != NULL ? endpoint : "", "");
  set_state (self, ew_node_state_icon_name (online ? EW_NODE_ONLINE : EW_NODE_OFFLINE), ew_row_words_edge_state (edge),
             online);
  set_label (self->latency, online ? latency : "");
  set_label (self->rate, "");
  set_copy (self, _ ("Copy Endpoint"), ew_edge_get_name (edge), endpoint != NULL && *endpoint != '\0');
  set_spoken (self, spoken);
}

static void
show_service (EwNodeCell *self, EwService *service)
{
  const gchar *address = ew_service_get_address (service);
  EwServiceState state = ew_service_get_state (service);
  g_autofree gchar *targets = ew_words_service_targets (service), *words = ew_words_service_state (service),
                   *spoken = ew_words_service_spoken (service),
                   *ports = ew_words_service_ports (service),
                   /* Translators: a service's ports and where they lead: "Port 80 → nas:8123" */
                     *note = g_strdup_printf (_ ("Port %s → %s"), ports, targets);

  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon_image), EW_ICON_SERVICE);
  set_class (self->icon, "round", FALSE);
  set_class (self->icon, "own", FALSE);
  set_class (self->icon, "not-joined", FALSE);
  set_names (self, ew_service_get_name (service), note, address != NULL ? address : "");
  set_state (self, ew_service_state_icon_name (state), words, state == EW_SERVICE_WORKS);
  set_label (self->latency, "");
  set_label (self->rate, "");
  set_copy (self, _ ("Copy Address"), ew_service_get_name (service), address != NULL);
  set_spoken (self, spoken);
}

void
ew_node_cell_refresh (EwNodeCell *self)
{
  EwNode *node;

  if (self->row == NULL)
    return;
  node = ew_node_row_get_node (self->row);
  if (node != NULL)
    show_node (self, node);
  else if (EW_IS_SERVICE (ew_node_row_get_object (self->row)))
    show_service (self, EW_SERVICE (ew_node_row_get_object (self->row)));
  else
    show_edge (self, EW_EDGE (ew_node_row_get_object (self->row)));
}

static void
show_place (EwNodeCell *self)
{
  if (self->row == NULL)
    return;
  gtk_label_set_label (GTK_LABEL (self->heading), ew_group_title (ew_node_row_get_group (self->row)));
  gtk_widget_set_visible (self->heading_box, ew_node_row_is_first (self->row));
  set_class (self->card, "first", ew_node_row_is_first (self->row));
  set_class (self->card, "last", ew_node_row_is_last (self->row));
}

EwNodeRow *
ew_node_cell_get_row (EwNodeCell *self)
{
  return self->row;
}

void
ew_node_cell_set_row (EwNodeCell *self, EwNodeRow *row)
{
  if (self->row != NULL)
    {
      g_clear_signal_handler (&self->object_notify, ew_node_row_get_object (self->row));
      g_clear_signal_handler (&self->row_notify, self->row);
    }
  g_set_object (&self->row, row);
  if (row == NULL)
    return;
  self->row_notify = g_signal_connect_swapped (row, "notify", G_CALLBACK (show_place), self);
  self->object_notify
    = g_signal_connect_swapped (ew_node_row_get_object (row), "notify", G_CALLBACK (ew_node_cell_refresh), self);
  show_place (self);
  ew_node_cell_refresh (self);
}

static void
ew_node_cell_copy (EwNodeCell *self)
{
  EwNode *node = self->row != NULL ? ew_node_row_get_node (self->row) : NULL;

  if (node != NULL)
    ew_copy_text (GTK_WIDGET (self), ew_node_get_address (node), _ ("Mesh IP copied"));
  else if (self->row != NULL && EW_IS_SERVICE (ew_node_row_get_object (self->row)))
    ew_copy_text (GTK_WIDGET (self), ew_service_get_address (EW_SERVICE (ew_node_row_get_object (self->row))),
                  _ ("Address copied"));
  else if (self->row != NULL)
    ew_copy_text (GTK_WIDGET (self), ew_edge_get_endpoint (EW_EDGE (ew_node_row_get_object (self->row))),
                  _ ("Endpoint copied"));
}

static void
ew_node_cell_map (GtkWidget *widget)
{
  EwNodeCell *self = EW_NODE_CELL (widget);

  self->counters = g_signal_connect_swapped (self->topology, "counters", G_CALLBACK (ew_node_cell_refresh), self);
  ew_node_cell_refresh (self);
  GTK_WIDGET_CLASS (ew_node_cell_parent_class)->map (widget);
}

static void
ew_node_cell_unmap (GtkWidget *widget)
{
  EwNodeCell *self = EW_NODE_CELL (widget);

  g_clear_signal_handler (&self->counters, self->topology);
  GTK_WIDGET_CLASS (ew_node_cell_parent_class)->unmap (widget);
}

static void
ew_node_cell_dispose (GObject *object)
{
  EwNodeCell *self = EW_NODE_CELL (object);

  ew_node_cell_set_row (self, NULL);
  g_clear_pointer (&self->heading_box, gtk_widget_unparent);
  g_clear_pointer (&self->card, gtk_widget_unparent);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_node_cell_parent_class)->dispose (object);
}

/* A click on a heading isn't a click on the row below it. */
static void
on_heading_pressed (GtkGesture *gesture)
{
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
ew_node_cell_class_init (EwNodeCellClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_node_cell_dispose;
  widget_class->map = ew_node_cell_map;
  widget_class->unmap = ew_node_cell_unmap;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/node-cell.ui");
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, heading_box);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, heading);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, card);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, icon);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, icon_image);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, names);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, name);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, note);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, address);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, state);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, state_image);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, state_words);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, latency);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, rate);
  gtk_widget_class_bind_template_child (widget_class, EwNodeCell, copy);
  gtk_widget_class_bind_template_callback (widget_class, ew_node_cell_copy);
  gtk_widget_class_bind_template_callback (widget_class, on_heading_pressed);
}

static void
ew_node_cell_init (EwNodeCell *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (self->name);
  ew_ellipsis_add_tooltip (self->note);
  ew_ellipsis_add_tooltip (self->address);
  ew_ellipsis_add_tooltip (self->state_words);
  ew_ellipsis_add_tooltip (self->latency);
  ew_ellipsis_add_tooltip (self->rate);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))),
                                  GTK_ORIENTATION_VERTICAL);
}

GtkWidget *
ew_node_cell_new (EwTopology *topology, EwColumnWidths *widths)
{
  EwNodeCell *self = g_object_new (EW_TYPE_NODE_CELL, NULL);
  GtkWidget *const parts[EW_COLUMN_N]
    = { self->icon, self->names, self->address, self->state, self->latency, self->rate, self->copy };

  self->topology = g_object_ref (topology);
  gtk_widget_set_layout_manager (self->card, ew_columns_new (widths, parts));
  return GTK_WIDGET (self);
}
