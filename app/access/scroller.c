/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "access/scroller.h"

static void
measure_whole (GtkWidget *bin, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
               gint *minimum_baseline, gint *natural_baseline)
{
  GtkWidget *scrolled = gtk_widget_get_first_child (bin);
  gint whole;

  gtk_widget_measure (scrolled, orientation, for_size, minimum, natural, NULL, NULL);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    return;
  gtk_widget_measure (gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (scrolled)), orientation, for_size, NULL,
                      &whole, NULL, NULL);
  *natural = MAX (*minimum, whole);
}

static void
allocate_whole (GtkWidget *bin, gint width, gint height, gint baseline)
{
  gtk_widget_allocate (gtk_widget_get_first_child (bin), width, height, baseline, NULL);
}

static GtkSizeRequestMode
request_whole (GtkWidget *bin)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
on_extent (GtkAdjustment *extent, GtkWidget *scrolled)
{
  gtk_widget_set_focusable (scrolled, gtk_adjustment_get_upper (extent) > gtk_adjustment_get_page_size (extent) + 1);
}

GtkWidget *
ew_scroller_new (GtkWidget *child, gint least)
{
  GtkWidget *bin = adw_bin_new (), *scrolled = gtk_scrolled_window_new ();

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scrolled), least);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), child);
  gtk_widget_set_focusable (scrolled, FALSE);
  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled)), "changed",
                           G_CALLBACK (on_extent), scrolled, 0);
  gtk_widget_set_layout_manager (bin, gtk_custom_layout_new (request_whole, measure_whole, allocate_whole));
  adw_bin_set_child (ADW_BIN (bin), scrolled);
  return bin;
}

static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  GtkWidget *scrolled = gtk_widget_get_ancestor (widget, GTK_TYPE_SCROLLED_WINDOW);
  graphene_rect_t place;

  if (!gtk_widget_get_visible (widget) || scrolled == NULL)
    return G_SOURCE_REMOVE;
  if (gtk_widget_get_height (widget) == 0)
    return G_SOURCE_CONTINUE;
  GtkAdjustment *extent = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));
  if (gtk_widget_compute_bounds (widget, scrolled, &place))
    {
      const gdouble top = gtk_adjustment_get_value (extent) + (gdouble)place.origin.y;
      gtk_adjustment_clamp_page (extent, top, top + (gdouble)place.size.height);
    }
  return G_SOURCE_REMOVE;
}

void
ew_scroller_show (GtkWidget *widget)
{
  gtk_widget_add_tick_callback (widget, on_tick, NULL, NULL);
}
