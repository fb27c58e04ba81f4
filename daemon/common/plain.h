/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the programs themselves say, where the locale's encoding isn't UTF-8 (LC_ALL=C): "…" becomes "...", not '?'.
 * Names and other text from elsewhere: ew_terminal_clean ().
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Typographic characters as ASCII; everything else stays. (transfer full) */
gchar *ew_plain_spell (const gchar *text);
/* The same where the locale's encoding isn't UTF-8, otherwise text. Call after setlocale(). (transfer full) */
gchar *ew_plain_fit (const gchar *text);
/* From now on g_print() and g_printerr(), with which GOption shows its help too, do that. */
void ew_plain_init (void);

G_END_DECLS
