/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "canvas.h"

enum
{
  UP = 1,
  DOWN = 2,
  LEFT = 4,
  RIGHT = 8,
};

typedef struct
{
  gunichar character; /* 0: none, the line shows */
  guint8 directions;
  guint8 style;
  gboolean dashed;
} Cell;

struct _EwCanvas
{
  guint width;
  GPtrArray *rows; /* Cell[width] */
};

EwCanvas *
ew_canvas_new (guint width)
{
  EwCanvas *self = g_new0 (EwCanvas, 1);

  self->width = width;
  self->rows = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
ew_canvas_free (EwCanvas *self)
{
  g_ptr_array_unref (self->rows);
  g_free (self);
}

guint
ew_canvas_get_height (EwCanvas *self)
{
  return self->rows->len;
}

static Cell *
cell_at (EwCanvas *self, gint x, gint y)
{
  if (x < 0 || y < 0 || (guint)x >= self->width)
    return NULL;
  while (self->rows->len <= (guint)y)
    g_ptr_array_add (self->rows, g_new0 (Cell, self->width));
  return (Cell *)g_ptr_array_index (self->rows, y) + x;
}

void
ew_canvas_text (EwCanvas *self, gint x, gint y, EwStyle style, const gchar *text)
{
  for (const gchar *c = text; *c != '\0'; c = g_utf8_next_char (c), x++)
    {
      gunichar character = g_utf8_get_char (c);
      Cell *cell = cell_at (self, x, y);
      if (cell == NULL)
        continue;
      cell->character
        = g_unichar_iswide (character) || g_unichar_iszerowidth (character) || !g_unichar_isprint (character)
            ? '?'
            : character;
      cell->style = (guint8)style;
    }
}

static void
add_line (EwCanvas *self, gint x, gint y, guint directions, EwStyle style, EwLine line)
{
  Cell *cell = cell_at (self, x, y);

  if (cell == NULL || directions == 0)
    return;
  cell->dashed = line == EW_LINE_DASHED && cell->directions == 0;
  cell->directions |= (guint8)directions;
  cell->style = (guint8)style;
}

void
ew_canvas_horizontal (EwCanvas *self, gint x0, gint x1, gint y, EwStyle style, EwLine line)
{
  for (gint x = x0; x <= x1; x++)
    add_line (self, x, y, (x > x0 ? LEFT : 0) | (x < x1 ? RIGHT : 0), style, line);
}

void
ew_canvas_vertical (EwCanvas *self, gint x, gint y0, gint y1, EwStyle style, EwLine line)
{
  for (gint y = y0; y <= y1; y++)
    add_line (self, x, y, (y > y0 ? UP : 0) | (y < y1 ? DOWN : 0), style, line);
}

void
ew_canvas_box (EwCanvas *self, gint x, gint y, gint width, gint height, EwStyle style)
{
  ew_canvas_horizontal (self, x, x + width - 1, y, style, EW_LINE_SOLID);
  ew_canvas_horizontal (self, x, x + width - 1, y + height - 1, style, EW_LINE_SOLID);
  ew_canvas_vertical (self, x, y, y + height - 1, style, EW_LINE_SOLID);
  ew_canvas_vertical (self, x + width - 1, y, y + height - 1, style, EW_LINE_SOLID);
}

static gunichar
line_sign (const Cell *cell, gboolean utf8)
{
  /* Indexed by directions: up 1, down 2, left 4, right 8. */
  static const gunichar signs[16]
    = { ' ', L'╵', L'╷', L'│', L'╴', L'╯', L'╮', L'┤', L'╶', L'╰', L'╭', L'├', L'─', L'┴', L'┬', L'┼' };
  static const gchar plain[16] = { ' ', '|', '|', '|', '-', '+', '+', '+', '-', '+', '+', '+', '-', '+', '+', '+' };
  gboolean straight = (cell->directions & (UP | DOWN)) == 0 || (cell->directions & (LEFT | RIGHT)) == 0;

  if (cell->dashed && straight && cell->directions != 0)
    {
      gboolean horizontal = (cell->directions & (LEFT | RIGHT)) != 0;
      if (!utf8)
        return horizontal ? '.' : ':';
      return horizontal ? L'┄' : L'┆';
    }
  return utf8 ? signs[cell->directions] : (gunichar)plain[cell->directions];
}

static gunichar
shown (const Cell *cell, gboolean utf8)
{
  if (cell->character == 0)
    return line_sign (cell, utf8);
  return utf8 || cell->character < 128 ? cell->character : '?';
}

static gchar *
row_to_string (const Cell *row, guint width, const EwTerminal *terminal)
{
  GString *text = g_string_new (NULL);
  guint length = width, style = EW_STYLE_PLAIN;

  while (length > 0 && shown (&row[length - 1], terminal->utf8) == ' ')
    length--;
  for (guint x = 0; x < length; x++)
    {
      gunichar sign = shown (&row[x], terminal->utf8);
      guint wanted = sign == ' ' ? style : row[x].style;
      if (terminal->colour && wanted != style)
        {
          if (style != EW_STYLE_PLAIN)
            g_string_append (text, EW_STYLE_RESET);
          g_string_append (text, ew_style_escape (wanted));
          style = wanted;
        }
      g_string_append_unichar (text, sign);
    }
  if (style != EW_STYLE_PLAIN)
    g_string_append (text, EW_STYLE_RESET);
  return g_string_free (text, FALSE);
}

GStrv
ew_canvas_to_lines (EwCanvas *self, const EwTerminal *terminal)
{
  GStrv lines = g_new0 (gchar *, self->rows->len + 1);

  for (guint y = 0; y < self->rows->len; y++)
    lines[y] = row_to_string (g_ptr_array_index (self->rows, y), self->width, terminal);
  return lines;
}
