/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/toast.h"

#define SECONDS_A_WORD 0.4
#define SECONDS_LEAST 3
#define LINE_CHARS 60
#define LINE_CHARS_LEAST 16
/* What of the overlay's width lies beside the words, px. */
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
  return label;
}

AdwToast *
ew_toast_show (AdwToastOverlay *overlay, const gchar *said)
{
  g_auto (GStrv) words = g_strsplit (said, " ", -1);
  AdwToast *toast;

  if (overlay == NULL)
    return NULL;
  toast = adw_toast_new ("");
  adw_toast_set_custom_title (toast, make_label (GTK_WIDGET (overlay), said));
  adw_toast_set_timeout (toast, SECONDS_LEAST + (guint)(SECONDS_A_WORD * g_strv_length (words)));
  adw_toast_overlay_add_toast (overlay, toast);
  return toast;
}
