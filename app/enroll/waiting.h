/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a page waits for, in words, with a spinner: the page changes by itself.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define EW_TYPE_WAITING (ew_waiting_get_type ())
G_DECLARE_FINAL_TYPE (EwWaiting, ew_waiting, EW, WAITING, AdwBin)

/* waiting: FALSE: the wait is over, and the spinner stops. */
void ew_waiting_show (EwWaiting *self, gboolean waiting, const gchar *title, const gchar *note);

G_END_DECLS
