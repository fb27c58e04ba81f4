/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The application's keys work in each of its windows: the wizard, dialogs, the diagnosis.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* From now on each window of this process belongs to the application: keys are only looked up for those. */
void ew_every_window_follow (GtkApplication *application);
/* Closes all windows except main, which may be NULL. FALSE: one stays, because it asks something first. */
gboolean ew_every_window_close_others (GtkApplication *application, GtkWindow *main);
/* Shows the keyboard shortcuts, over the active window. */
void ew_every_window_show_shortcuts (GtkApplication *application);

G_END_DECLS
