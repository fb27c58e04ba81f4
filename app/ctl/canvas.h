/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sheet of character cells to draw on with text and lines. Lines remember in which directions they leave a cell, so
 * that corners and crossings find their own sign. What falls outside the sheet's width is not drawn; the height grows.
 */
#pragma once

#include "console/terminal.h"

G_BEGIN_DECLS

typedef struct _EwCanvas EwCanvas;

EwCanvas *ew_canvas_new (guint width);
void ew_canvas_free (EwCanvas *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwCanvas, ew_canvas_free)

guint ew_canvas_get_height (EwCanvas *self);

/* Text covers lines. Wide characters become '?': a cell is one column. */
void ew_canvas_text (EwCanvas *self, gint x, gint y, EwStyle style, const gchar *text);

typedef enum
{
  EW_LINE_SOLID,
  EW_LINE_DASHED, /* straight cells only; corners and crossings stay solid */
} EwLine;
/* Both ends included; x0 <= x1, y0 <= y1. */
void ew_canvas_horizontal (EwCanvas *self, gint x0, gint x1, gint y, EwStyle style, EwLine line);
void ew_canvas_vertical (EwCanvas *self, gint x, gint y0, gint y1, EwStyle style, EwLine line);
void ew_canvas_box (EwCanvas *self, gint x, gint y, gint width, gint height, EwStyle style);

/* One string a row, without trailing blanks; in ASCII where the terminal has no UTF-8. */
GStrv ew_canvas_to_lines (EwCanvas *self, const EwTerminal *terminal);

G_END_DECLS
