/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access.h"

#include <string.h>

#define FOLLOWED "ew-access-followed"

/* Who decides by itself which of its children show; the children's own property "visible" says nothing of it. */
static gboolean
hides_children (GtkWidget *widget)
{
  return GTK_IS_STACK (widget) || ADW_IS_VIEW_STACK (widget) || ADW_IS_LEAFLET (widget) || ADW_IS_FLAP (widget)
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
  /* Being made visible would otherwise tell that it shows. */
  g_signal_connect (child, "notify::visible", G_CALLBACK (tell), NULL);
  tell (child);
}

/* The label without the mark of its mnemonic. */
static void
name_button (GtkWidget *button)
{
  const gchar *label = gtk_button_get_label (GTK_BUTTON (button));
  g_autofree gchar *plain = g_strdup (label != NULL ? label : "");
  gchar *to = plain;

  for (const gchar *from = plain; *from != '\0'; from++)
    if (*from != '_' || *++from != '\0') /* of two underscores one is meant */
      *to++ = *from;
    else
      break;
  *to = '\0';
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, plain, -1);
}

static void
name_row (GtkWidget *row)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), -1);
}

void
ew_access_tidy (GtkWidget *root)
{
  if (GTK_IS_BUTTON (root) && gtk_button_get_use_underline (GTK_BUTTON (root)))
    name_button (root);
  else if (ADW_IS_EXPANDER_ROW (root) || ADW_IS_COMBO_ROW (root))
    name_row (root);
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
