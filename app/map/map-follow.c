/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the map follows: the topology and its edge, the daemon's state, the theme, and the clock while it is seen.
 * Whatever it shows is made again when one of them changes.
 */
#include "map/map-services.h"

#include "access/colour.h"
#include "model/ticker.h"

/* Tokens come and go and the legend changes while the map is given its place. Their sizes only change when all
   ancestors are allocated too: hence queue a resize, although allocating the map alone would be enough. */

static void
on_items_changed (EwMapView *self)
{
  self->items_stale = TRUE;
  ew_map_update_found (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
on_services_changed (EwMapView *self)
{
  self->services_stale = self->layout_stale = TRUE;
  ew_map_update_found (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
on_topology_changed (EwMapView *self)
{
  self->layout_stale = TRUE;
  if (self->selected != NULL)
    ew_map_update_card (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
follow_edge (EwMapView *self)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);

  if (edge != self->edge)
    {
      if (self->edge != NULL)
        g_signal_handlers_disconnect_by_func (self->edge, on_topology_changed, self);
      g_set_object (&self->edge, edge);
      if (edge != NULL)
        g_signal_connect_object (edge, "notify", G_CALLBACK (on_topology_changed), self, G_CONNECT_SWAPPED);
    }
  ew_map_update_found (self);
  on_topology_changed (self);
}

/* The theme is the widget's own: light or dark is what its letters are drawn with here, whatever theme the rest of
   the desktop has. High contrast is the display's. */
static void
follow_theme (EwMapView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  AdwStyleManager *manager = adw_style_manager_get_for_display (gtk_widget_get_display (widget));
  const EwMapColors *colors;
  GdkRGBA text;

  ew_colour_get (widget, &text);
  colors = ew_map_colors_get (0.299 * text.red + 0.587 * text.green + 0.114 * text.blue > 0.5,
                              adw_style_manager_get_high_contrast (manager));
  if (colors == self->colors)
    return;
  self->colors = colors;
  ew_map_dots_set_colors (self->dots, self->colors);
  on_topology_changed (self);
}

/* Other colors, another font, or words of another size: everything is measured again. */
void
ew_map_follow_style (EwMapView *self)
{
  if (self->topology == NULL) /* not made yet */
    return;
  follow_theme (self);
  self->measures.text = 0;
  self->card_place.known = FALSE;
  for (guint i = 0; self->items != NULL && i < self->items->len; i++)
    g_clear_pointer (&((EwMapItem *)self->items->pdata[i])->words, g_free);
  ew_map_services_restyle (self);
  self->layout_stale = TRUE;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
on_clock (gpointer user_data)
{
  ew_map_items_retell (user_data);
}

void
ew_map_set_seen (EwMapView *self, gboolean seen)
{
  ew_ticker_leave (&self->clock);
  if (!seen)
    return;
  self->clock = ew_ticker_follow (on_clock, self);
  ew_map_items_recount (self);
}

void
ew_map_follow (EwMapView *self)
{
  EwTopology *topology = self->topology;
  EwDaemon *daemon = self->daemon;

  g_signal_connect_object (topology, "items-changed", G_CALLBACK (on_items_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "services-changed", G_CALLBACK (on_services_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "counters", G_CALLBACK (ew_map_items_recount), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::self", G_CALLBACK (on_topology_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (ew_topology_get_edges (topology), "items-changed", G_CALLBACK (follow_edge), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::as-of", G_CALLBACK (on_topology_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::state", G_CALLBACK (on_topology_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::reason", G_CALLBACK (on_topology_changed), self, G_CONNECT_SWAPPED);
  follow_edge (self);
  follow_theme (self);
  g_signal_connect_object (adw_style_manager_get_for_display (gtk_widget_get_display (GTK_WIDGET (self))),
                           "notify::high-contrast", G_CALLBACK (follow_theme), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (gtk_widget_get_settings (GTK_WIDGET (self)), "notify::gtk-xft-dpi",
                           G_CALLBACK (ew_map_follow_style), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (gtk_widget_get_settings (GTK_WIDGET (self)), "notify::gtk-font-name",
                           G_CALLBACK (ew_map_follow_style), self, G_CONNECT_SWAPPED);
}
