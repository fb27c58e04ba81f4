/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/path-card.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "model/words.h"
#include "node/node-icon.h"

struct _EwPathCard
{
  GtkWidget parent;
  GtkWidget *box;
  GtkWidget *stops;
  GtkLabel *title, *sum;
  GtkLabel *near_name, *near_note, *near_ms;
  GtkLabel *edge_name;
  GtkWidget *far_leg, *far_stop;
  GtkLabel *far_ms, *far_name, *far_note;
  GtkImage *near_icon, *far_icon;
};

G_DEFINE_FINAL_TYPE (EwPathCard, ew_path_card, GTK_TYPE_WIDGET)

static void
set_leg (GtkLabel *label, EwNode *node)
{
  gboolean known = node != NULL && ew_node_get_state (node) == EW_NODE_ONLINE && ew_node_get_rtt_ms (node) >= 0;
  g_autofree gchar *text = known          ? ew_words_latency (ew_node_get_rtt_ms (node))
                           : node != NULL ? ew_words_node_state (node)
                                          : g_strdup ("");

  gtk_label_set_text (label, text);
}

static void
set_near (EwPathCard *self, EwNode *node)
{
  gtk_label_set_text (self->near_name, node != NULL ? ew_node_get_name (node) : _ ("This computer"));
  gtk_widget_set_visible (GTK_WIDGET (self->near_note), node != NULL);
  if (node != NULL)
    gtk_image_set_from_icon_name (self->near_icon, ew_node_icon_name (node));
  set_leg (self->near_ms, node);
}

static void
set_far (EwPathCard *self, EwNode *node)
{
  const gchar *address = node != NULL ? ew_node_get_address (node) : NULL;

  gtk_widget_set_visible (self->far_leg, node != NULL);
  gtk_widget_set_visible (self->far_stop, node != NULL);
  if (node == NULL)
    return;
  gtk_label_set_text (self->far_name, ew_node_get_name (node));
  gtk_label_set_text (self->far_note, address != NULL ? address : "");
  gtk_image_set_from_icon_name (self->far_icon, ew_node_icon_name (node));
  set_leg (self->far_ms, node);
}

void
ew_path_card_set (EwPathCard *self, EwNode *node, EwNode *this_computer, EwEdge *edge)
{
  const gchar *edge_name = edge != NULL ? ew_edge_get_name (edge) : _ ("Edge");
  g_autofree gchar *title = NULL, *sum = NULL;
  gdouble ms = node != NULL            ? ew_words_path_ms (node, this_computer)
               : this_computer != NULL ? ew_node_get_rtt_ms (this_computer)
                                       : -1;

  if (node != NULL && ew_node_get_state (node) != EW_NODE_ONLINE)
    ms = -1;
  if (this_computer != NULL && ew_node_get_state (this_computer) != EW_NODE_ONLINE)
    ms = -1;
  title = g_strdup_printf (_ ("Path to %s"), node != NULL ? ew_node_get_name (node) : edge_name);
  gtk_label_set_text (self->title, title);
  sum = ms < 0 ? g_strdup ("") : node != NULL ? ew_words_sum_latency (ms) : ew_words_latency (ms);
  gtk_label_set_text (self->sum, sum);
  set_near (self, this_computer);
  gtk_label_set_text (self->edge_name, edge_name);
  set_far (self, node);
}

void
ew_path_card_set_compact (EwPathCard *self, gboolean compact)
{
  gtk_widget_set_visible (self->stops, !compact);
  if (compact)
    gtk_widget_add_css_class (self->box, "compact");
  else
    gtk_widget_remove_css_class (self->box, "compact");
}

static void
ew_path_card_dispose (GObject *object)
{
  EwPathCard *self = EW_PATH_CARD (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (ew_path_card_parent_class)->dispose (object);
}

static void
ew_path_card_class_init (EwPathCardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ew_path_card_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/map/path-card.ui");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, box);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, stops);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, title);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, sum);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_note);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_ms);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_icon);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, edge_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_leg);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_stop);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_ms);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_note);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_icon);
}

static void
ew_path_card_init (EwPathCard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

EwPathCard *
ew_path_card_new (void)
{
  return g_object_new (EW_TYPE_PATH_CARD, NULL);
}
