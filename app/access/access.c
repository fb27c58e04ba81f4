/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access.h"

#define FOLLOWED "ew-access-followed"

#if ADW_CHECK_VERSION(1, 4, 0)
#define SPLITS(widget) (ADW_IS_OVERLAY_SPLIT_VIEW (widget) || ADW_IS_NAVIGATION_VIEW (widget))
#else
#define SPLITS(widget) (ADW_IS_FLAP (widget) || ADW_IS_LEAFLET (widget))
#endif

/* Widgets that decide themselves which of their children show; the children's own property "visible" doesn't tell. */
static gboolean
hides_children (GtkWidget *widget)
{
  return GTK_IS_STACK (widget) || ADW_IS_VIEW_STACK (widget) || SPLITS (widget) || ADW_IS_SQUEEZER (widget)
         || GTK_IS_REVEALER (widget) || g_str_equal (G_OBJECT_TYPE_NAME (widget), "AdwGizmo");
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
  /* Otherwise its change to visible would announce that it shows. */
  g_signal_connect (child, "notify::visible", G_CALLBACK (tell), NULL);
  tell (child);
}

/* The words of the first label below; NULL: the button has no label. */
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

/* A name that a button was given stays. Without a name, a screen reader can't say what a picture means, nor read text
   in a child that isn't the button's own label. */
static void
name_button (GtkButton *button)
{
  GtkWidget *widget = GTK_WIDGET (button);
  const gchar *words = gtk_widget_get_tooltip_text (widget);
  GtkWidget *row = gtk_widget_get_ancestor (widget, ADW_TYPE_ACTION_ROW);

  /* Since libadwaita 1.3 a row names what it activates after itself, whatever is written on that. */
  if (row != NULL && adw_action_row_get_activatable_widget (ADW_ACTION_ROW (row)) == widget)
    gtk_accessible_reset_relation (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
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

/* GTK 4.18 names an item after its label, which has no name of its own there. */
static void
name_items (GtkWidget *widget)
{
  const gchar *words = g_str_equal (G_OBJECT_TYPE_NAME (widget), "GtkModelButton") ? words_in (widget) : NULL;

  if (words != NULL)
    {
      gtk_accessible_reset_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
      name (widget, words);
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    name_items (child);
}

static void
follow_menu (GtkWidget *menu)
{
  if (g_object_get_data (G_OBJECT (menu), FOLLOWED) != NULL)
    return;
  g_object_set_data (G_OBJECT (menu), FOLLOWED, GINT_TO_POINTER (TRUE));
  g_signal_connect (menu, "map", G_CALLBACK (name_items), NULL);
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
  if (GTK_IS_POPOVER_MENU (root))
    follow_menu (root);
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

void
ew_access_present (GtkWindow *window)
{
  ew_access_tidy (GTK_WIDGET (window));
  gtk_window_present (window);
}

static GHashTable *named; /* name → GtkWidget, borrowed: what was shown under that name and is still open */

static gboolean
is_widget (gpointer name, gpointer widget, gpointer which)
{
  return widget == which;
}

static void
on_gone (gpointer user_data, GObject *widget)
{
  g_hash_table_foreach_remove (named, is_widget, widget);
}

void
ew_access_set_name (GtkWidget *widget, const gchar *name)
{
  if (named == NULL)
    named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_object_weak_ref (G_OBJECT (widget), on_gone, NULL);
  g_hash_table_insert (named, g_strdup (name), widget);
}

gboolean
ew_access_raise (const gchar *name)
{
  GtkWidget *widget = named != NULL ? g_hash_table_lookup (named, name) : NULL;
  GtkRoot *window = widget != NULL && gtk_widget_get_visible (widget) ? gtk_widget_get_root (widget) : NULL;

  if (window == NULL)
    return FALSE;
  gtk_window_present (GTK_WINDOW (window));
  return TRUE;
}

void
ew_access_present_once (GtkWindow *window, const gchar *name)
{
  ew_access_set_name (GTK_WIDGET (window), name);
  ew_access_present (window);
}
