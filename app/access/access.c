/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access.h"

#include "access/scroller.h"

#define LEAST_MESSAGE 96 /* px: less than any has */
#define FOLLOWED "ew-access-followed"

/* Who decides by itself which of its children show; the children's own property "visible" says nothing of it. */
static gboolean
hides_children (GtkWidget *widget)
{
  return GTK_IS_STACK (widget) || ADW_IS_VIEW_STACK (widget) || ADW_IS_LEAFLET (widget) || ADW_IS_FLAP (widget)
         || ADW_IS_SQUEEZER (widget) || GTK_IS_REVEALER (widget)
         || g_str_equal (G_OBJECT_TYPE_NAME (widget), "AdwGizmo");
}

static void
tell (GtkWidget *child)
{
  GtkWidget *parent = gtk_widget_get_parent (child);
  gboolean hidden = !gtk_widget_get_mapped (child);

  /* Between a stack and its child stands the page, an object of its own. */
  if (parent != NULL && GTK_IS_STACK (parent))
    gtk_accessible_update_state (GTK_ACCESSIBLE (gtk_stack_get_page (GTK_STACK (parent), child)),
                                 GTK_ACCESSIBLE_STATE_HIDDEN, hidden, -1);
  gtk_accessible_update_state (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_STATE_HIDDEN, hidden, -1);
}

static void
follow (GtkWidget *child)
{
  if (g_object_get_data (G_OBJECT (child), FOLLOWED) != NULL)
    return;
  g_object_set_data (G_OBJECT (child), FOLLOWED, GINT_TO_POINTER (TRUE));
  g_signal_connect (child, "map", G_CALLBACK (tell), NULL);
  g_signal_connect (child, "unmap", G_CALLBACK (tell), NULL);
  /* Being made visible would otherwise tell that it shows. */
  g_signal_connect (child, "notify::visible", G_CALLBACK (tell), NULL);
  tell (child);
}

/* The words of the first label below; NULL: there are none. */
static const gchar *
words_in (GtkWidget *widget)
{
  const gchar *words = GTK_IS_LABEL (widget) ? gtk_label_get_text (GTK_LABEL (widget)) : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && words == NULL;
       child = gtk_widget_get_next_sibling (child))
    words = words_in (child);
  return words;
}

static gboolean
is_named (GtkWidget *widget)
{
  return gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL);
}

static void
name (GtkWidget *widget, const gchar *words)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
}

/* A name that a button was given stays. Without one a picture says nothing, nor does what is written in a child that is
   no label of the button's own. */
static void
name_button (GtkButton *button)
{
  GtkWidget *widget = GTK_WIDGET (button);
  const gchar *words = gtk_widget_get_tooltip_text (widget);

  if (gtk_button_get_use_underline (button)) /* "_Keep", before the label that is right */
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL);
  else if (gtk_button_get_label (button) == NULL && !is_named (widget))
    {
      if (words == NULL)
        words = words_in (widget);
      if (words != NULL)
        name (widget, words);
    }
}

static void
name_row (GtkWidget *row)
{
  name (row, adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)));
}

/* Of the switch in a row that folds out. */
static void
name_switch (GtkWidget *widget)
{
  GtkWidget *row = gtk_widget_get_ancestor (widget, ADW_TYPE_EXPANDER_ROW);

  if (row != NULL && !is_named (widget))
    name (widget, adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)));
}

/* A tooltip would lie over the first item of the menu. */
static void
keep_tooltip_off (GtkMenuButton *button)
{
  GtkPopover *popover = gtk_menu_button_get_popover (button);

  if (popover == NULL || !gtk_widget_get_has_tooltip (GTK_WIDGET (button))
      || g_object_get_data (G_OBJECT (button), FOLLOWED) != NULL)
    return;
  g_object_set_data (G_OBJECT (button), FOLLOWED, GINT_TO_POINTER (TRUE));
  g_object_bind_property (popover, "visible", button, "has-tooltip", G_BINDING_INVERT_BOOLEAN);
}

#define INPUT "ew-access-input"

static gboolean
on_event (GtkEventControllerLegacy *controller, GdkEvent *event)
{
  switch (gdk_event_get_event_type (event))
    {
    case GDK_KEY_PRESS:
    case GDK_BUTTON_PRESS:
    case GDK_TOUCH_BEGIN:
      g_object_set_data (G_OBJECT (gdk_event_get_display (event)), INPUT, GINT_TO_POINTER (TRUE));
      break;
    default:
      break;
    }
  return GDK_EVENT_PROPAGATE;
}

static void
follow_input (GtkWidget *window)
{
  GtkEventController *controller;

  if (g_object_get_data (G_OBJECT (window), INPUT) != NULL)
    return;
  g_object_set_data (G_OBJECT (window), INPUT, GINT_TO_POINTER (TRUE));
  controller = gtk_event_controller_legacy_new ();
  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  g_signal_connect (controller, "event", G_CALLBACK (on_event), NULL);
  gtk_widget_add_controller (window, controller);
}

gboolean
ew_access_had_input (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (gtk_widget_get_display (widget)), INPUT) != NULL;
}

void
ew_access_tidy (GtkWidget *root)
{
  if (GTK_IS_WINDOW (root))
    follow_input (root);
  if (GTK_IS_MENU_BUTTON (root))
    keep_tooltip_off (GTK_MENU_BUTTON (root));
  if (GTK_IS_BUTTON (root))
    name_button (GTK_BUTTON (root));
  else if (ADW_IS_EXPANDER_ROW (root))
    name_row (root);
  else if (GTK_IS_SWITCH (root))
    name_switch (root);
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL; child = gtk_widget_get_next_sibling (child))
    {
      if (hides_children (root))
        follow (child);
      ew_access_tidy (child);
    }
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

/* With large text a question can be higher than the screen, and its buttons are at its end. */
static void
let_scroll (GtkWidget *dialog)
{
  GtkWidget *message = find_message (dialog), *box = message != NULL ? gtk_widget_get_parent (message) : NULL,
            *scroller;

  if (!GTK_IS_BOX (box)) /* it scrolls already, or is made in another way */
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
ew_access_present (GtkWindow *window)
{
  if (ADW_IS_MESSAGE_DIALOG (window))
    let_scroll (GTK_WIDGET (window));
  ew_access_tidy (GTK_WIDGET (window));
  gtk_window_present (window);
}

#define NAME "ew-access-name"

gboolean
ew_access_raise (const gchar *name)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
      if (g_strcmp0 (g_object_get_data (G_OBJECT (window), NAME), name) == 0
          && gtk_widget_get_visible (GTK_WIDGET (window)))
        {
          gtk_window_present (window);
          return TRUE;
        }
    }
  return FALSE;
}

void
ew_access_present_once (GtkWindow *window, const gchar *name)
{
  g_object_set_data_full (G_OBJECT (window), NAME, g_strdup (name), g_free);
  ew_access_present (window);
}
