/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Links (edgeway://enroll/ew1_…), keys and key files from outside the window. They lead to the wizard, which shows what
 * is in the key and waits for Join; a computer that is in a mesh already is told that it has to leave first.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/daemon.h"

G_BEGIN_DECLS

/* Signals: "accepted" (s: the key or link as given): this computer can join, open the wizard. */
#define EW_TYPE_KEY_OPENER (ew_key_opener_get_type ())
G_DECLARE_FINAL_TYPE (EwKeyOpener, ew_key_opener, EW, KEY_OPENER, GObject)

EwKeyOpener *ew_key_opener_new (EwDaemon *daemon);

/* key_or_link is checked by the wizard. Waits until the daemon is there; a later key replaces an earlier one. parent:
   of the windows opened here. */
void ew_key_opener_open (EwKeyOpener *self, GtkWindow *parent, const gchar *key_or_link);
/* A link, or a local file with a key or link in it. */
void ew_key_opener_open_file (EwKeyOpener *self, GtkWindow *parent, GFile *file);

G_END_DECLS
