/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One notification, where the session has something that shows it; on standard error too. No GTK.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Replaces the one of that id. done: called once it's on its way, or once it's clear that nothing shows it; may be
   NULL. */
void ew_notice_send (GApplication *application, const gchar *id, const gchar *title, const gchar *body,
                     GSourceOnceFunc done, gpointer user_data);

/* The same with buttons and more in notification, made with that title. Where nothing shows notifications yet, it waits
   for something that does, until cancellable says that it's no longer true. */
void ew_notice_send_full (GApplication *application, const gchar *id, const gchar *title, const gchar *body,
                          GNotification *notification, GCancellable *cancellable);

G_END_DECLS
