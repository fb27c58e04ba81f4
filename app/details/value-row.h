/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fact in the details panel: its title, its value; not there while it is unknown. One that is copyable is shown as
 * title instead, what it is below it, with a button that copies it.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Properties: value s; NULL or "": the row is hidden.
               said s, construct-only: what a toast says once the value was copied; NULL: not copyable. */
#define EW_TYPE_VALUE_ROW (ew_value_row_get_type ())
G_DECLARE_FINAL_TYPE (EwValueRow, ew_value_row, EW, VALUE_ROW, AdwActionRow)

GtkWidget *ew_value_row_new_copyable (const gchar *what, const gchar *value, const gchar *said);
void ew_value_row_set_value (EwValueRow *self, const gchar *value);

G_END_DECLS
