/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Toasts by their importance. In each class the newest counts, so that no toast waits for old news:
 *
 *   refusal  what a person asked for didn't happen: at once, in front of everything
 *   answer   what a person asked for happened: at once, but a refusal is read first
 *   news     something happened by itself: after what a person asked for
 *
 * The same words again renew the toast that says them. A toast stays for as long as reading it takes.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* All three: a few words or some sentences, wrapped where they are long. overlay may be NULL. The toast is borrowed;
   NULL without an overlay. */
AdwToast *ew_toast_show (AdwToastOverlay *overlay, const gchar *said);   /* an answer */
AdwToast *ew_toast_refuse (AdwToastOverlay *overlay, const gchar *said); /* a refusal */
AdwToast *ew_toast_tell (AdwToastOverlay *overlay, const gchar *said);   /* news; dismiss it once it is no longer
                                                                            true */

/* What to say after something was put on widget's clipboard: said ("Mesh IP copied"), or that the desktop didn't take
   it. Wayland takes it only after a key or a click, which a screen reader's action isn't. */
const gchar *ew_toast_copied (GtkWidget *widget, const gchar *said);

G_END_DECLS
