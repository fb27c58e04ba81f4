/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Putting text on the clipboard and saying so.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* text on the clipboard of widget's display; said ("Mesh IP copied") by a toast of the AdwToastOverlay around widget.
 */
void ew_copy_text (GtkWidget *widget, const gchar *text, const gchar *said);

G_END_DECLS
