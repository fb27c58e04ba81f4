/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A command to run elsewhere, in the terminal's letters, with a button that copies it.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Properties: command s; label s, what it is for (a screen reader says it before the command). */
#define EW_TYPE_COMMAND_ROW (ew_command_row_get_type ())
G_DECLARE_FINAL_TYPE (EwCommandRow, ew_command_row, EW, COMMAND_ROW, AdwBin)

const gchar *ew_command_row_get_command (EwCommandRow *self);
void ew_command_row_set_command (EwCommandRow *self, const gchar *command);
void ew_command_row_set_label (EwCommandRow *self, const gchar *label);

G_END_DECLS
