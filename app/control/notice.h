/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sentences for the person, as notifications of the desktop. Each also goes to standard error: where no service shows
 * notifications it is all there is.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* id: a later notice with the same one takes its place. done may be NULL; it is called once the notice was handed over,
   so that the program may end. */
void ew_notice_send (GApplication *application, const gchar *id, const gchar *title, const gchar *body,
                     GSourceOnceFunc done, gpointer user_data);

G_END_DECLS
