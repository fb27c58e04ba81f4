/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One clock for all times shown as "4 seconds ago": a widget that shows one follows it while visible, so that two
 * places never show different ages of one thing. It ticks once a second, and not at all without followers. No GTK.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef void (*EwTickerFunc) (gpointer user_data);

/* function is called at every tick until ew_ticker_leave with what this returns; it may leave and follow in there. */
guint ew_ticker_follow (EwTickerFunc function, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
/* *id becomes 0; does nothing if it is 0 already. */
void ew_ticker_leave (guint *id);
/* Whether it has followers. */
gboolean ew_ticker_is_running (void);

G_END_DECLS
