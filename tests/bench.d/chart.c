/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `chart FILE.png`: bars from stdin, drawn by cairo. Lines, their words parted by tabs:
 *
 *   title TEXT      axis TEXT      series NAME…      panel NAME      bar LABEL VALUE…     (a value for each series)
 */
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SERIES 4
#define MAX_ROWS 64
#define WIDTH 1100
#define LEFT 290
#define RIGHT 90
#define TOP 100
#define BAR 15
#define GAP 12
#define PANEL_HEAD 34
#define BOTTOM 70

typedef struct
{
  char label[96]; /* of a panel where there are no values */
  double values[MAX_SERIES];
  int n; /* values; -1: a panel begins */
} Row;

typedef struct
{
  char title[200], axis[96], series[MAX_SERIES][48];
  int n_series, n_rows;
  Row rows[MAX_ROWS];
} Chart;

/* Told apart by people who do not see red and green apart, and by lightness. */
static const double colours[MAX_SERIES][3]
  = { { 0.34, 0.62, 0.87 }, { 0.10, 0.27, 0.47 }, { 0.93, 0.65, 0.26 }, { 0.55, 0.55, 0.55 } };

static void
copy (char *to, size_t size, const char *from)
{
  snprintf (to, size, "%s", from != NULL ? from : "");
}

static void
read_line (Chart *chart, char *line)
{
  char *rest = line, *word = strsep (&rest, "\t");
  Row *row = &chart->rows[chart->n_rows];

  if (strcmp (word, "title") == 0)
    copy (chart->title, sizeof chart->title, rest);
  else if (strcmp (word, "axis") == 0)
    copy (chart->axis, sizeof chart->axis, rest);
  else if (strcmp (word, "series") == 0)
    while ((word = strsep (&rest, "\t")) != NULL && chart->n_series < MAX_SERIES)
      copy (chart->series[chart->n_series++], sizeof chart->series[0], word);
  else if (chart->n_rows < MAX_ROWS && strcmp (word, "panel") == 0)
    {
      copy (row->label, sizeof row->label, rest);
      row->n = -1;
      chart->n_rows++;
    }
  else if (chart->n_rows < MAX_ROWS && strcmp (word, "bar") == 0)
    {
      copy (row->label, sizeof row->label, strsep (&rest, "\t"));
      while ((word = strsep (&rest, "\t")) != NULL && row->n < MAX_SERIES)
        row->values[row->n++] = atof (word);
      chart->n_rows++;
    }
}

static double
height_of (const Row *row)
{
  return row->n < 0 ? PANEL_HEAD : row->n * BAR + GAP;
}

static double
highest (const Chart *chart)
{
  double most = 0;

  for (int i = 0; i < chart->n_rows; i++)
    for (int v = 0; v < chart->rows[i].n; v++)
      most = fmax (most, chart->rows[i].values[v]);
  return most > 0 ? most : 1;
}

/* A round step that makes four to ten of them. */
static double
step_for (double most)
{
  double power = pow (10, floor (log10 (most / 5))), rest = most / 5 / power;

  return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

static void
text (cairo_t *cr, double x, double y, double align, const char *words)
{
  cairo_text_extents_t size;

  cairo_text_extents (cr, words, &size);
  cairo_move_to (cr, x - align * size.x_advance, y);
  cairo_show_text (cr, words);
}

static void
font (cairo_t *cr, double size, cairo_font_weight_t weight)
{
  cairo_select_font_face (cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, weight);
  cairo_set_font_size (cr, size);
  cairo_set_source_rgb (cr, 0.13, 0.13, 0.13);
}

static void
draw_axis (cairo_t *cr, const Chart *chart, double scale, double bottom)
{
  double most = highest (chart), step = step_for (most);

  font (cr, 13, CAIRO_FONT_WEIGHT_NORMAL);
  for (double at = 0; at <= most + step / 2; at += step)
    {
      char number[32];

      snprintf (number, sizeof number, "%g", at);
      cairo_set_source_rgb (cr, 0.87, 0.87, 0.87);
      cairo_set_line_width (cr, 1);
      cairo_move_to (cr, LEFT + floor (at * scale) + 0.5, TOP);
      cairo_line_to (cr, LEFT + floor (at * scale) + 0.5, bottom);
      cairo_stroke (cr);
      cairo_set_source_rgb (cr, 0.13, 0.13, 0.13);
      text (cr, LEFT + at * scale, bottom + 18, 0.5, number);
    }
  text (cr, LEFT + most * scale / 2, bottom + 44, 0.5, chart->axis);
}

static void
draw_row (cairo_t *cr, const Row *row, double scale, double y)
{
  if (row->n < 0)
    {
      font (cr, 15, CAIRO_FONT_WEIGHT_BOLD);
      text (cr, 24, y + PANEL_HEAD - 12, 0, row->label);
      return;
    }
  font (cr, 14, CAIRO_FONT_WEIGHT_NORMAL);
  text (cr, LEFT - 12, y + row->n * BAR / 2.0 + 5, 1, row->label);
  for (int v = 0; v < row->n; v++)
    {
      char number[32];

      snprintf (number, sizeof number, "%.2f", row->values[v]);
      cairo_set_source_rgb (cr, colours[v][0], colours[v][1], colours[v][2]);
      cairo_rectangle (cr, LEFT, y + v * BAR, row->values[v] * scale, BAR - 2);
      cairo_fill (cr);
      font (cr, 12, CAIRO_FONT_WEIGHT_NORMAL);
      text (cr, LEFT + row->values[v] * scale + 5, y + v * BAR + BAR - 4, 0, number);
    }
}

static void
draw_legend (cairo_t *cr, const Chart *chart)
{
  double x = LEFT;

  font (cr, 19, CAIRO_FONT_WEIGHT_BOLD);
  text (cr, 24, 38, 0, chart->title);
  for (int s = 0; s < chart->n_series; s++)
    {
      cairo_text_extents_t size;

      cairo_set_source_rgb (cr, colours[s][0], colours[s][1], colours[s][2]);
      cairo_rectangle (cr, x, 58, 14, 14);
      cairo_fill (cr);
      font (cr, 14, CAIRO_FONT_WEIGHT_NORMAL);
      cairo_text_extents (cr, chart->series[s], &size);
      text (cr, x + 20, 70, 0, chart->series[s]);
      x += size.x_advance + 50;
    }
}

static int
draw (const Chart *chart, const char *path)
{
  double height = TOP + BOTTOM, y = TOP, scale = (WIDTH - LEFT - RIGHT) / highest (chart);
  cairo_surface_t *surface;
  cairo_status_t status;
  cairo_t *cr;

  for (int i = 0; i < chart->n_rows; i++)
    height += height_of (&chart->rows[i]);
  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, (int)height);
  cr = cairo_create (surface);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  draw_legend (cr, chart);
  draw_axis (cr, chart, scale, height - BOTTOM);
  for (int i = 0; i < chart->n_rows; i++)
    {
      draw_row (cr, &chart->rows[i], scale, y);
      y += height_of (&chart->rows[i]);
    }
  status = cairo_surface_write_to_png (surface, path);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  if (status != CAIRO_STATUS_SUCCESS)
    fprintf (stderr, "chart: %s: %s\n", path, cairo_status_to_string (status));
  return status == CAIRO_STATUS_SUCCESS ? 0 : 1;
}

int
main (int argc, char **argv)
{
  static Chart chart;
  char line[1024];

  if (argc != 2)
    {
      fprintf (stderr, "Usage: chart FILE.png\n");
      return 2;
    }
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      line[strcspn (line, "\n")] = '\0';
      read_line (&chart, line);
    }
  return draw (&chart, argv[1]);
}
