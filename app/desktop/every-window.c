/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/every-window.h"

#include "access/access.h"
#include "access/dialog.h"

#define SHORTCUTS "ew-shortcuts"

static void
on_toplevels_changed (GListModel *toplevels, guint position, guint removed, guint added, gpointer application)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (GObject) window = g_list_model_get_item (toplevels, i);
      /* GTK's inspector has keys of its own. */
      if (GTK_IS_WINDOW (window) && gtk_window_get_application (GTK_WINDOW (window)) == NULL
          && !g_str_has_prefix (G_OBJECT_TYPE_NAME (window), "GtkInspector"))
        gtk_window_set_application (GTK_WINDOW (window), application);
    }
}

void
ew_every_window_follow (GtkApplication *application)
{
  g_signal_connect_object (gtk_window_get_toplevels (), "items-changed", G_CALLBACK (on_toplevels_changed), application,
                           0);
}

/* One of the windows that stay open; NULL: none. */
static GtkWindow *
find_other (GtkApplication *application, GtkWindow *main)
{
  for (GList *each = gtk_application_get_windows (application); each != NULL; each = each->next)
    if (each->data != main && gtk_widget_get_visible (each->data))
      return each->data;
  return NULL;
}

gboolean
ew_every_window_close_others (GtkApplication *application, GtkWindow *main)
{
  g_autolist (GtkWindow) windows = g_list_copy (gtk_application_get_windows (application));
  GtkWindow *left;
  for (GList *each = windows; each != NULL; each = each->next)
    g_object_ref (each->data);
  for (GList *each = windows; each != NULL; each = each->next)
    if (each->data != main)
      {
        ew_dialog_close_inside (each->data);
        gtk_window_close (each->data);
      }
  left = find_other (application, main);
  if (left != NULL)
    gtk_window_present (left);
  return left == NULL;
}

void
ew_every_window_show_shortcuts (GtkApplication *application)
{
  GtkWindow *active = gtk_application_get_active_window (application);
  if (active != NULL && g_object_get_data (G_OBJECT (active), SHORTCUTS) != NULL)
    return;
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource (EW_RESOURCE_PATH "/window/help-overlay.ui");
  GtkWindow *overlay = GTK_WINDOW (gtk_builder_get_object (builder, "help_overlay"));
  g_object_set_data (G_OBJECT (overlay), SHORTCUTS, overlay);
  gtk_window_set_transient_for (overlay, active);
  ew_access_present (overlay);
}
