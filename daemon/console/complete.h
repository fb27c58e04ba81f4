/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a word that is being typed in a shell could become, for `PROGRAM complete WORD…`, which the shells' completion
 * scripts run (data/completions). Candidates go to stdout, a line each: the word, a tab, a few words about it. The line
 * ":files" or ":folders" asks the shell to offer those instead.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Ends the program, with what has been printed until then, once a person has waited as long as one does for this: what
   an edge knows may be far away. */
void ew_complete_begin (void);

/* Prints candidate if it begins with typed and consists only of letters, digits and ._:/=- : what an edge says must not
   mean anything to a shell. description: NULL or empty: none. */
void ew_complete_offer (const gchar *typed, const gchar *candidate, const gchar *description);

/* Looks at a command's words: argv[0] is the command, argv[argc - 1] the word that is being typed, tables (ended by
   NULL) its options. TRUE: an argument is being typed, *position is its number from 0. FALSE: it's an option or the
   value of one; those that fit have been offered. */
gboolean ew_complete_options (const GOptionEntry *const *tables, gint argc, gchar **argv, guint *position);
/* Offers the options that haven't been given yet. */
void ew_complete_offer_options (const GOptionEntry *const *tables, gint argc, gchar **argv);

G_END_DECLS
