/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions and short words over a window: since libadwaita 1.5 they are inside that window, in earlier versions
 * separate windows. Only this room knows the difference.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* A message with these words, to which responses are added. Its signal "response" is told the chosen one:
   void f (GtkWidget *dialog, const gchar *response, gpointer data). Floating; ew_dialog_present() takes ownership, and
   the answer destroys it. */
GtkWidget *ew_dialog_new (const gchar *heading, const gchar *body);
/* label has a mnemonic. */
void ew_dialog_add_response (GtkWidget *dialog, const gchar *response, const gchar *label,
                             AdwResponseAppearance appearance);
/* Something below the words, such as rows to fill in. */
void ew_dialog_set_extra (GtkWidget *dialog, GtkWidget *extra);
void ew_dialog_set_enabled (GtkWidget *dialog, const gchar *response, gboolean enabled);
/* The answers of Return (NULL: none) and of Escape. */
void ew_dialog_set_defaults (GtkWidget *dialog, const gchar *on_return, const gchar *on_escape);
/* The type of the about window, to be made with g_object_new(). */
GType ew_dialog_about_type (void);

/* Shows a dialog over parent, or over the window that is over that and has to be answered first. name: as
   ew_access_present_once() has it; NULL: none. */
void ew_dialog_present (GtkWidget *dialog, GtkWindow *parent, const gchar *name);
/* Closes it without an answer, after its signal's handlers were disconnected. */
void ew_dialog_dismiss (GtkWidget *dialog);
/* Closes those inside a window, as Escape would: they would take its own closing for theirs. */
void ew_dialog_close_inside (GtkWindow *window);

G_END_DECLS
