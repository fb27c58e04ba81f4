/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "copy.h"

#define SECONDS_A_WORD 0.4
#define SECONDS_LEAST 3

AdwToast *
ew_copy_say (AdwToastOverlay *overlay, const gchar *said)
{
  g_autofree gchar *escaped = g_markup_escape_text (said, -1); /* a toast's title is markup */
  g_auto (GStrv) words = g_strsplit (said, " ", -1);
  AdwToast *toast;

  if (overlay == NULL)
    return NULL;
  toast = adw_toast_new (escaped);
  adw_toast_set_timeout (toast, SECONDS_LEAST + (guint)(SECONDS_A_WORD * g_strv_length (words)));
  adw_toast_overlay_add_toast (overlay, toast);
  return toast;
}

void
ew_copy_text (GtkWidget *widget, const gchar *text, const gchar *said)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), text);
  ew_copy_say (overlay != NULL ? ADW_TOAST_OVERLAY (overlay) : NULL, said);
}
