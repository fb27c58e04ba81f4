/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text to the clipboard from a program that has no window. Under Wayland only a focused window may do that: a small one
 * is shown there, which copies as soon as it has the focus, says so and closes; until then it asks for a click.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ew_clipboard_copy (const gchar *text);
/* Before the program ends: hands the text to the clipboard's manager, where there is one. */
void ew_clipboard_leave (void);

G_END_DECLS
