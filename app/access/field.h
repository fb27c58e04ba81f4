/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An entry's row with a note below it: what is wrong with what was typed is shown, scrolled to and spoken.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* problem: a sentence; NULL: the input is valid, and note shows hint, which may be NULL. */
void ew_field_set_problem (GtkWidget *entry, GtkLabel *note, const gchar *problem, const gchar *hint);
/* The row itself takes no focus: the text in it does. */
void ew_field_focus (GtkWidget *entry);

G_END_DECLS
