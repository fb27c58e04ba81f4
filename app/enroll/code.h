/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A QR code as a GdkPaintable: dark on white whatever the theme, with its quiet zone, every module the same whole
 * number of pixels where there is room for it.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define EW_TYPE_CODE (ew_code_get_type ())
G_DECLARE_FINAL_TYPE (EwCode, ew_code, EW, CODE, GObject)

/* NULL: the text does not fit into a code (about 2900 bytes). The modules are zeroed when it is freed. */
EwCode *ew_code_new (const gchar *text);
/* Modules along one side, the quiet zone counted: a picture smaller than this cannot be scanned. */
gint ew_code_get_modules (EwCode *self);
/* Draws nothing from now on, and forgets what it drew. */
void ew_code_wipe (EwCode *self);

G_END_DECLS
