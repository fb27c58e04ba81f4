/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clipboard.h"

#include <gdk/gdk.h>
#include <glib/gi18n.h>
#ifdef GDK_WINDOWING_WAYLAND
#include <gdk/gdkwayland.h>
#endif

#define SHOWN_MS 1500

static void
put (const gchar *text)
{
  GtkClipboard *clipboard = gtk_clipboard_get (GDK_SELECTION_CLIPBOARD);

  gtk_clipboard_set_text (clipboard, text, -1);
  gtk_clipboard_set_can_store (clipboard, NULL, 0);
}

#ifdef GDK_WINDOWING_WAYLAND
static gboolean
close_window (gpointer window)
{
  gtk_widget_destroy (window); /* nothing, where the person closed it in the meantime */
  return G_SOURCE_REMOVE;
}

/* The focus, or where the desktop gives a new window none, a click. */
static gboolean
on_allowed (GtkWidget *window, GdkEvent *event, gpointer label)
{
  const gchar *text = g_object_get_data (G_OBJECT (window), "text");
  g_autofree gchar *words = g_strdup_printf (_ ("%s copied"), text);

  put (text);
  gtk_label_set_text (label, words);
  g_signal_handlers_disconnect_by_func (window, on_allowed, label);
  g_timeout_add_full (G_PRIORITY_DEFAULT, SHOWN_MS, close_window, g_object_ref (window), g_object_unref);
  return GDK_EVENT_PROPAGATE;
}

static void
copy_through_window (const gchar *text)
{
  GtkWidget *window = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  g_autofree gchar *words = g_strdup_printf (_ ("Click here to copy %s"), text);
  GtkWidget *label = gtk_label_new (words);

  gtk_window_set_title (GTK_WINDOW (window), g_get_application_name ());
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_resizable (GTK_WINDOW (window), FALSE);
  gtk_container_set_border_width (GTK_CONTAINER (window), 24);
  gtk_container_add (GTK_CONTAINER (window), label);
  g_object_set_data_full (G_OBJECT (window), "text", g_strdup (text), g_free);
  gtk_widget_add_events (window, GDK_BUTTON_PRESS_MASK);
  g_signal_connect (window, "focus-in-event", G_CALLBACK (on_allowed), label);
  g_signal_connect (window, "button-press-event", G_CALLBACK (on_allowed), label);
  gtk_widget_show_all (window);
}
#endif

void
ew_clipboard_copy (const gchar *text)
{
#ifdef GDK_WINDOWING_WAYLAND
  if (GDK_IS_WAYLAND_DISPLAY (gdk_display_get_default ()))
    {
      copy_through_window (text);
      return;
    }
#endif
  put (text);
}

void
ew_clipboard_leave (void)
{
  gtk_clipboard_store (gtk_clipboard_get (GDK_SELECTION_CLIPBOARD));
}
