/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "access/toast.h"

#include <glib/gi18n.h>

#include "access/access.h"

#define SECONDS_A_WORD 0.4
#define SECONDS_LEAST 3
#define LINE_CHARS 60
#define LINE_CHARS_LEAST 16
/* How much of the overlay's width isn't text, px. */
#define BESIDE 110

/* As many characters as a line has room for: a toast gives its words the height that they have in their natural width.
 */
static gint
line_chars (GtkWidget *overlay, GtkWidget *label)
{
  PangoContext *context = gtk_widget_get_pango_context (label);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  gint wide = PANGO_PIXELS (pango_font_metrics_get_approximate_char_width (metrics)), room;
  pango_font_metrics_unref (metrics);
  room = gtk_widget_get_width (overlay) - BESIDE;
  return room > 0 && wide > 0 ? CLAMP (room / (wide + 1), LINE_CHARS_LEAST, LINE_CHARS) : LINE_CHARS;
}

static void
name_close (GtkWidget *widget)
{
  const gchar *icon = GTK_IS_BUTTON (widget) ? gtk_button_get_icon_name (GTK_BUTTON (widget)) : NULL;

  if (g_strcmp0 (icon, "window-close-symbolic") == 0)
    gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Dismiss"), -1);
  for (widget = gtk_widget_get_first_child (widget); widget != NULL; widget = gtk_widget_get_next_sibling (widget))
    name_close (widget);
}

/* The toast's button to close it has a picture alone. Its widget is there once the toast shows. */
static void
on_label_mapped (GtkWidget *label)
{
  GtkWidget *widget = label;

  while (widget != NULL && !g_str_equal (G_OBJECT_TYPE_NAME (widget), "AdwToastWidget"))
    widget = gtk_widget_get_parent (widget);
  if (widget != NULL)
    name_close (widget);
}

/* The toast's own title is one line, cut off where the window ends. */
static GtkWidget *
make_label (GtkWidget *overlay, const gchar *said)
{
  GtkWidget *label = gtk_label_new (said);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), line_chars (overlay, label));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");
  g_signal_connect (label, "map", G_CALLBACK (on_label_mapped), NULL);
  return label;
}

/* An overlay's toasts that are shown or queued, newest last. */
#define KEPT "ew-toasts"
#define WORTH "ew-toast-worth"
#define WORDS "ew-toast-words"

typedef enum
{
  NEWS,
  ANSWER,
  REFUSAL,
} Worth;

static Worth
get_worth (AdwToast *toast)
{
  return (Worth)GPOINTER_TO_INT (g_object_get_data (G_OBJECT (toast), WORTH));
}

static void
on_dismissed (AdwToast *toast, AdwToastOverlay *overlay)
{
  GPtrArray *kept = g_object_get_data (G_OBJECT (overlay), KEPT);
  if (kept != NULL)
    g_ptr_array_remove (kept, toast);
}

static GPtrArray *
get_kept (AdwToastOverlay *overlay)
{
  GPtrArray *kept = g_object_get_data (G_OBJECT (overlay), KEPT);
  if (kept == NULL)
    {
      kept = g_ptr_array_new_with_free_func (g_object_unref);
      g_object_set_data_full (G_OBJECT (overlay), KEPT, kept, (GDestroyNotify)g_ptr_array_unref);
    }
  return kept;
}

/* A refusal doesn't replace another one: each is an answer that a person is waiting for. */
static gboolean
gives_way (AdwToast *old, Worth worth, const gchar *said)
{
  return g_strcmp0 (g_object_get_data (G_OBJECT (old), WORDS), said) == 0
         || (get_worth (old) != REFUSAL && get_worth (old) <= worth);
}

static void
make_room (GPtrArray *kept, Worth worth, const gchar *said)
{
  for (guint i = kept->len; i-- > 0;)
    {
      g_autoptr (AdwToast) old = g_object_ref (kept->pdata[i]);
      if (gives_way (old, worth, said))
        adw_toast_dismiss (old);
    }
}

/* A more important toast is shown, which this one must not cover. */
static gboolean
must_wait (GPtrArray *kept, Worth worth)
{
  for (guint i = 0; i < kept->len; i++)
    if (get_worth (kept->pdata[i]) > worth)
      return TRUE;
  return FALSE;
}

static AdwToast *
show_toast (AdwToastOverlay *overlay, const gchar *said, Worth worth)
{
  g_auto (GStrv) words = g_strsplit (said, " ", -1);
  AdwToast *toast;
  GPtrArray *kept;

  if (overlay == NULL)
    return NULL;
  kept = get_kept (overlay);
  make_room (kept, worth, said);
  toast = adw_toast_new ("");
  g_object_set_data (G_OBJECT (toast), WORTH, GINT_TO_POINTER (worth));
  g_object_set_data_full (G_OBJECT (toast), WORDS, g_strdup (said), g_free);
  adw_toast_set_custom_title (toast, make_label (GTK_WIDGET (overlay), said));
  adw_toast_set_timeout (toast, SECONDS_LEAST + (guint)(SECONDS_A_WORD * g_strv_length (words)));
  /* A toast with high priority is shown at once; the one it replaces is shown again later. */
  adw_toast_set_priority (toast, must_wait (kept, worth) ? ADW_TOAST_PRIORITY_NORMAL : ADW_TOAST_PRIORITY_HIGH);
  g_ptr_array_add (kept, g_object_ref (toast));
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (on_dismissed), overlay, 0);
  adw_toast_overlay_add_toast (overlay, toast);
  return toast;
}

AdwToast *
ew_toast_show (AdwToastOverlay *overlay, const gchar *said)
{
  return show_toast (overlay, said, ANSWER);
}

AdwToast *
ew_toast_refuse (AdwToastOverlay *overlay, const gchar *said)
{
  return show_toast (overlay, said, REFUSAL);
}

AdwToast *
ew_toast_tell (AdwToastOverlay *overlay, const gchar *said)
{
  return show_toast (overlay, said, NEWS);
}

const gchar *
ew_toast_copied (GtkWidget *widget, const gchar *said)
{
  gboolean x11 = g_str_has_prefix (G_OBJECT_TYPE_NAME (gtk_widget_get_display (widget)), "GdkX11");

  return x11 || ew_access_had_input (widget)
           ? said
           : _ (
             "Nothing was copied, because this desktop takes a copy only after a key or a click. Press a key in this "
             "window, then copy again.");
}
