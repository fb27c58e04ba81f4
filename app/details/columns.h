/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The columns of the list view: the same in every row whatever its content, fewer where there is less room, and below
 * that the parts of a row under one another. Widths come from the font and the longest usual words of each column, so
 * no row needs to know another.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  EW_COLUMN_ICON,
  EW_COLUMN_NAME,
  EW_COLUMN_ADDRESS,
  EW_COLUMN_STATE,
  EW_COLUMN_LATENCY,
  EW_COLUMN_RATE,
  EW_COLUMN_COPY,
  EW_COLUMN_N,
} EwColumn;

/* Widths in px that all rows of one list share. */
#define EW_TYPE_COLUMN_WIDTHS (ew_column_widths_get_type ())
G_DECLARE_FINAL_TYPE (EwColumnWidths, ew_column_widths, EW, COLUMN_WIDTHS, GObject)

/* context: whose font and words are measured; unowned, must outlive the widths' use. */
EwColumnWidths *ew_column_widths_new (GtkWidget *context);
void ew_column_widths_invalidate (EwColumnWidths *self); /* the font changed; NULL: nothing */

/* Lays the parts (children of its widget, EW_COLUMN_N of them, unowned) out in columns. */
#define EW_TYPE_COLUMNS (ew_columns_get_type ())
G_DECLARE_FINAL_TYPE (EwColumns, ew_columns, EW, COLUMNS, GtkLayoutManager)

GtkLayoutManager *ew_columns_new (EwColumnWidths *widths, GtkWidget *const *parts);

G_END_DECLS
