/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A QR code drawn with text.
 */
#pragma once

#include <gio/gio.h>

#include "console/terminal.h"

G_BEGIN_DECLS

/* The text as a QR code for a dark terminal: half blocks in UTF-8, else two characters a module (with color it brings
   its own ground and is readable everywhere). (transfer full, ew_free_secret) */
gchar *ew_qr_draw (const gchar *text, const EwTerminal *terminal, GError **error);

G_END_DECLS
