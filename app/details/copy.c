/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "copy.h"

#include "access/toast.h"

void
ew_copy_text (GtkWidget *widget, const gchar *text, const gchar *said)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), text);
  ew_toast_show (overlay != NULL ? ADW_TOAST_OVERLAY (overlay) : NULL, ew_toast_copied (widget, said));
}
