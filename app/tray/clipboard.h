/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text to the clipboard from a program that has no window. Under Wayland only a focused window may do that: one is
 * shown for a moment there and says what it copied.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ew_clipboard_copy (const gchar *text);
/* Before the program ends: hands the text to the clipboard's manager, where there is one. */
void ew_clipboard_leave (void);

G_END_DECLS
