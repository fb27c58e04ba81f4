/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/dialog.h"

#include "access/access.h"
#include "access/hyphens.h"
#include "access/scroller.h"

#if ADW_CHECK_VERSION(1, 5, 0)
#define MESSAGE(dialog) ADW_ALERT_DIALOG (dialog)
#define message(what) adw_alert_dialog_##what
#define NEW_MESSAGE(heading, body) new_alert (heading, body)

/* It has its heading in two sizes, and measures the larger one for less than a long name needs. */
static void
let_shrink (GtkWidget *widget)
{
  if (GTK_IS_LABEL (widget) && gtk_widget_has_css_class (widget, "title-2"))
    gtk_label_set_ellipsize (GTK_LABEL (widget), PANGO_ELLIPSIZE_END);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    let_shrink (child);
}

static GtkWidget *
new_alert (const gchar *heading, const gchar *body)
{
  GtkWidget *dialog = GTK_WIDGET (adw_alert_dialog_new (heading, body));

  if (adw_dialog_get_child (ADW_DIALOG (dialog)) != NULL)
    let_shrink (adw_dialog_get_child (ADW_DIALOG (dialog)));
  return dialog;
}
#else
#define MESSAGE(dialog) ADW_MESSAGE_DIALOG (dialog)
#define message(what) adw_message_dialog_##what
#define NEW_MESSAGE(heading, body) adw_message_dialog_new (NULL, heading, body)
#endif

GtkWidget *
ew_dialog_new (const gchar *heading, const gchar *body)
{
  return NEW_MESSAGE (heading, body);
}

void
ew_dialog_add_response (GtkWidget *dialog, const gchar *response, const gchar *label, AdwResponseAppearance appearance)
{
  message (add_response) (MESSAGE (dialog), response, label);
  message (set_response_appearance) (MESSAGE (dialog), response, appearance);
}

void
ew_dialog_set_extra (GtkWidget *dialog, GtkWidget *extra)
{
  message (set_extra_child) (MESSAGE (dialog), extra);
}

void
ew_dialog_set_enabled (GtkWidget *dialog, const gchar *response, gboolean enabled)
{
  message (set_response_enabled) (MESSAGE (dialog), response, enabled);
}

void
ew_dialog_set_defaults (GtkWidget *dialog, const gchar *on_return, const gchar *on_escape)
{
  message (set_default_response) (MESSAGE (dialog), on_return);
  message (set_close_response) (MESSAGE (dialog), on_escape);
}

/* A modal window that is already over parent would block the new one. */
static GtkWindow *
find_topmost (GtkWindow *parent)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; parent != NULL && i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
      if (gtk_window_get_transient_for (window) == parent && gtk_window_get_modal (window)
          && gtk_widget_get_visible (GTK_WIDGET (window)))
        return find_topmost (window);
    }
  return parent;
}

#if ADW_CHECK_VERSION(1, 5, 0)

GType
ew_dialog_about_type (void)
{
  return ADW_TYPE_ABOUT_DIALOG;
}

void
ew_dialog_present (GtkWidget *dialog, GtkWindow *parent, const gchar *name)
{
  GtkWindow *over = find_topmost (parent);

  if (over != NULL)
    gtk_window_present (over);
  adw_dialog_present (ADW_DIALOG (dialog), GTK_WIDGET (over));
  ew_access_tidy (dialog);
  ew_hyphens_keep_out (dialog);
  if (name != NULL)
    ew_access_set_name (dialog, name);
}

void
ew_dialog_dismiss (GtkWidget *dialog)
{
  adw_dialog_force_close (ADW_DIALOG (dialog));
}

void
ew_dialog_close_inside (GtkWindow *window)
{
  g_autoptr (GListModel) dialogs = ADW_IS_WINDOW (window) ? adw_window_get_dialogs (ADW_WINDOW (window))
                                   : ADW_IS_APPLICATION_WINDOW (window)
                                     ? adw_application_window_get_dialogs (ADW_APPLICATION_WINDOW (window))
                                     : NULL;

  for (guint n = dialogs != NULL ? g_list_model_get_n_items (dialogs) : 0; n > 0; n--)
    {
      g_autoptr (AdwDialog) dialog = g_list_model_get_item (dialogs, n - 1);
      if (dialog != NULL)
        adw_dialog_force_close (dialog);
    }
}

#else

#define LEAST_MESSAGE 96 /* px: less than any dialog has */

GType
ew_dialog_about_type (void)
{
  return ADW_TYPE_ABOUT_WINDOW;
}

static GtkWidget *
find_message (GtkWidget *widget)
{
  GtkWidget *message = gtk_widget_has_css_class (widget, "message-area") ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && message == NULL;
       child = gtk_widget_get_next_sibling (child))
    message = find_message (child);
  return message;
}

static gboolean
on_stacked_idle (gpointer user_data)
{
  gtk_widget_queue_resize (user_data);
  return G_SOURCE_REMOVE;
}

/* Buttons wrap only while they are allocated, and GTK doesn't ask again for the height that they need then. */
static void
on_stacked (GtkWidget *buttons)
{
  g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_stacked_idle, g_object_ref (buttons), g_object_unref);
}

/* With large text a question can be taller than the screen, and its buttons are at its end. (Newer dialogs scroll.) */
static void
let_scroll (GtkWidget *dialog)
{
  GtkWidget *message = find_message (dialog), *box = message != NULL ? gtk_widget_get_parent (message) : NULL,
            *scroller;

  if (!GTK_IS_BOX (box)) /* it already scrolls, or is built differently */
    return;
  g_object_ref (message);
  gtk_box_remove (GTK_BOX (box), message);
  scroller = ew_scroller_new (message, LEAST_MESSAGE);
  g_object_unref (message);
  gtk_widget_set_vexpand (scroller, TRUE);
  gtk_box_prepend (GTK_BOX (box), scroller);
  if (ADW_IS_SQUEEZER (gtk_widget_get_last_child (box)))
    g_signal_connect (gtk_widget_get_last_child (box), "notify::visible-child", G_CALLBACK (on_stacked), NULL);
}

void
ew_dialog_present (GtkWidget *dialog, GtkWindow *parent, const gchar *name)
{
  gtk_window_set_transient_for (GTK_WINDOW (dialog), ADW_IS_MESSAGE_DIALOG (dialog) ? find_topmost (parent) : parent);
  if (ADW_IS_MESSAGE_DIALOG (dialog))
    let_scroll (dialog);
  ew_hyphens_keep_out (dialog);
  if (name != NULL)
    ew_access_present_once (GTK_WINDOW (dialog), name);
  else
    ew_access_present (GTK_WINDOW (dialog));
}

void
ew_dialog_dismiss (GtkWidget *dialog)
{
  gtk_window_destroy (GTK_WINDOW (dialog));
}

void
ew_dialog_close_inside (GtkWindow *window)
{
}

#endif
