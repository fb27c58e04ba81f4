/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Toasts that are read to their end.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* A toast of few words or some sentences, wrapped where they are long, for as long as reading them takes. overlay may
 * be NULL. The toast is borrowed; NULL without an overlay. */
AdwToast *ew_toast_show (AdwToastOverlay *overlay, const gchar *said);

G_END_DECLS
