/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The actions of a node, the edge or a service, where the pointer is or beside its token.
 */
#include "access/access.h"
#include "map/map-view-private.h"
#include "node/node-menu.h"

/* The focus returns to where the menu was opened: GTK would give it to the nearest widget. */
static void
return_focus (GtkWidget *popover)
{
  GtkWidget *token = g_object_get_data (G_OBJECT (popover), "token");
  GtkWidget *view = gtk_widget_get_parent (popover);
  GtkRoot *root = gtk_widget_get_root (popover);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (root != NULL && gtk_widget_get_parent (token) == view && (focus == NULL || gtk_widget_is_ancestor (focus, view)))
    gtk_widget_grab_focus (token);
}

static gboolean
on_closed_idle (gpointer user_data)
{
  return_focus (user_data);
  gtk_widget_unparent (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_closed (GtkWidget *popover, EwMapView *self)
{
  if (self->popover == popover)
    self->popover = NULL;
  /* The menu's action is activated after it has closed: free it a little later. */
  g_idle_add_full (G_PRIORITY_LOW, on_closed_idle, g_object_ref (popover), g_object_unref);
}

GObject *
ew_map_menu_object (EwMapView *self, EwToken *token, gdouble x, gdouble y)
{
  EwMapItem *item = g_hash_table_lookup (self->by_token, token);

  if (ew_token_get_role (token) == EW_TOKEN_SERVICE)
    return ew_token_get_object (token);
  if (ew_token_get_role (token) == EW_TOKEN_EDGE)
    return (GObject *)ew_topology_get_edge (self->topology);
  if (ew_token_get_role (token) == EW_TOKEN_SECTOR && self->layout != NULL && x >= 0)
    item = ew_map_seat_at (self, x, y);
  return item != NULL ? G_OBJECT (item->node) : NULL;
}

void
ew_map_menu_open (EwMapView *self, EwToken *token, GObject *object, gdouble x, gdouble y)
{
  g_autoptr (GMenuModel) menu = EW_IS_EDGE (object)      ? ew_edge_menu_new (EW_EDGE (object))
                                : EW_IS_SERVICE (object) ? ew_service_menu_new (EW_SERVICE (object), self->daemon)
                                                         : ew_node_menu_new (EW_NODE (object), self->daemon, TRUE);
  GtkWidget *popover = gtk_popover_menu_new_from_model (menu);
  graphene_point_t at, in_view;

  if (self->popover != NULL)
    gtk_popover_popdown (GTK_POPOVER (self->popover));
  if (x < 0 || y < 0) /* from the keyboard: below the token's middle */
    at = GRAPHENE_POINT_INIT ((float)(gtk_widget_get_width (GTK_WIDGET (token)) / 2.0),
                              (float)(gtk_widget_get_height (GTK_WIDGET (token)) - EW_TOKEN_MARGIN));
  else
    at = GRAPHENE_POINT_INIT ((float)x, (float)y);
  if (!gtk_widget_compute_point (GTK_WIDGET (token), GTK_WIDGET (self), &at, &in_view))
    in_view = at;
  self->popover = popover;
  g_object_set_data_full (G_OBJECT (popover), "token", g_object_ref (token), g_object_unref);
  gtk_widget_set_parent (popover, GTK_WIDGET (self));
  gtk_popover_set_has_arrow (GTK_POPOVER (popover), FALSE);
  gtk_popover_set_pointing_to (GTK_POPOVER (popover), &(GdkRectangle){ (gint)in_view.x, (gint)in_view.y, 1, 1 });
  g_signal_connect (popover, "closed", G_CALLBACK (on_closed), self);
  ew_access_tidy (popover);
  gtk_popover_popup (GTK_POPOVER (popover));
}
