/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/narrow.h"

#include "access/scroller.h"

#define LEAST_BAR 72 /* px: a row of it */

gchar *
ew_narrow_buttons (GtkWidget *widget)
{
  g_autofree gchar *layout = NULL;
  GString *kept = g_string_new (NULL);
  g_object_get (gtk_widget_get_settings (widget), "gtk-decoration-layout", &layout, NULL);
  g_auto (GStrv) sides = g_strsplit (layout != NULL ? layout : ":close", ":", 2);
  for (guint side = 0; sides[side] != NULL; side++)
    {
      g_auto (GStrv) buttons = g_strsplit (sides[side], ",", -1);
      if (side > 0)
        g_string_append_c (kept, ':');
      if (g_strv_contains ((const gchar *const *)buttons, "close"))
        g_string_append (kept, "close");
    }
  return g_string_free (kept, FALSE);
}

/* A box gives each of its children what it must have, then what it would have, and what is left to who expands. The
   one above a bar asks for no more than it must have, so the bar is whole before the child grows. */
static void
measure_modest (GtkWidget *bin, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                gint *minimum_baseline, gint *natural_baseline)
{
  gtk_widget_measure (gtk_widget_get_first_child (bin), orientation, for_size, minimum, natural, NULL, NULL);
  if (orientation == GTK_ORIENTATION_VERTICAL)
    *natural = *minimum;
}

static void
allocate_modest (GtkWidget *bin, gint width, gint height, gint baseline)
{
  gtk_widget_allocate (gtk_widget_get_first_child (bin), width, height, baseline, NULL);
}

static GtkSizeRequestMode
request_modest (GtkWidget *bin)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

void
ew_narrow_add_bar (AdwBin *above, GtkWidget *bar)
{
  GtkWidget *scroller = ew_scroller_new (bar, LEAST_BAR);
  gtk_widget_set_layout_manager (GTK_WIDGET (above),
                                 gtk_custom_layout_new (request_modest, measure_modest, allocate_modest));
  g_object_bind_property (bar, "visible", scroller, "visible", G_BINDING_SYNC_CREATE);
  gtk_box_insert_child_after (GTK_BOX (gtk_widget_get_parent (GTK_WIDGET (above))), scroller, GTK_WIDGET (above));
}
