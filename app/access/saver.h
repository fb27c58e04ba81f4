/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a person where to save a file, by whichever way this version of GTK has.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct EwSaver EwSaver;

/* file: borrowed; NULL: the person doesn't want to. The saver is finished: free it. */
typedef void (*EwSaverChosen) (GFile *file, gpointer user_data);

/* Opens the question over parent with that name of a file in it. Freeing the saver while the question is open closes it
   without calling back. */
EwSaver *ew_saver_ask (GtkWindow *parent, const gchar *title, const gchar *file_name, EwSaverChosen chosen,
                       gpointer user_data);
void ew_saver_free (EwSaver *saver);

G_END_DECLS
