/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-legend.h"

#include <glib/gi18n.h>
#include <math.h>

#define SAMPLE 34.0
#define GAP 8.0
#define ROW_LEAST 21.0
#define ROW_SPACE 4.0 /* px between two lines of text */
#define MAX_ROWS 5

typedef enum
{
  SAMPLE_TRAFFIC,
  SAMPLE_HTTPS,
  SAMPLE_WAITING,
  SAMPLE_OFFLINE,
  SAMPLE_ONLINE_SEAT,
  SAMPLE_WAITING_SEAT,
  SAMPLE_OFFLINE_SEAT,
} Sample;

struct _EwMapLegend
{
  GtkWidget parent;
  EwLegendRows rows;
  const EwMapColors *colors;
  guint n;
  Sample samples[MAX_ROWS];
  PangoLayout *texts[MAX_ROWS];
};

G_DEFINE_FINAL_TYPE (EwMapLegend, ew_map_legend, GTK_TYPE_WIDGET)

static const GdkRGBA *
waiting_color (EwMapLegend *self)
{
  return self->rows & EW_LEGEND_PAST ? &self->colors->offline : &self->colors->waiting;
}

static void
draw_line (EwMapLegend *self, cairo_t *cr, Sample sample)
{
  const EwMapColors *colors = self->colors;
  const gdouble offline[2] = { 3, 6 }, waiting[2] = { 8, 6 };

  cairo_set_line_width (cr, 2);
  if (sample == SAMPLE_TRAFFIC)
    {
      const gdouble widths[3] = { 1.6, 4, 8 };

      gdk_cairo_set_source_rgba (cr, &colors->spoke);
      for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
        cairo_rectangle (cr, i * SAMPLE / 3, -widths[i] / 2, SAMPLE / 3, widths[i]);
      cairo_fill (cr);
      return;
    }
  if (sample == SAMPLE_HTTPS)
    {
      gdk_cairo_set_source_rgba (cr, &colors->spoke);
      for (gint side = -1; side <= 1; side += 2)
        cairo_rectangle (cr, 0, side * 2.5 - 0.75, SAMPLE, 1.5);
      cairo_fill (cr);
      return;
    }
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_dash (cr, sample == SAMPLE_OFFLINE ? offline : waiting, 2, 0);
  gdk_cairo_set_source_rgba (cr, sample == SAMPLE_OFFLINE ? &colors->offline : waiting_color (self));
  cairo_move_to (cr, 1, 0);
  cairo_line_to (cr, SAMPLE - 1, 0);
  cairo_stroke (cr);
}

static void
draw_seat (EwMapLegend *self, cairo_t *cr, Sample sample)
{
  const EwMapColors *colors = self->colors;

  cairo_arc (cr, SAMPLE - 7, 0, 4, 0, 2 * G_PI);
  if (sample == SAMPLE_ONLINE_SEAT)
    {
      gdk_cairo_set_source_rgba (cr, &colors->spoke);
      cairo_fill (cr);
      return;
    }
  gdk_cairo_set_source_rgba (cr, sample == SAMPLE_WAITING_SEAT ? waiting_color (self) : &colors->background);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, 1.3);
  gdk_cairo_set_source_rgba (cr, sample == SAMPLE_WAITING_SEAT ? &colors->text : &colors->offline);
  cairo_stroke (cr);
}

/* As high as its text asks for. */
static gdouble
row_height (EwMapLegend *self)
{
  gint height = 0;

  if (self->n > 0)
    pango_layout_get_pixel_size (self->texts[0], NULL, &height);
  return MAX (ROW_LEAST, height + ROW_SPACE);
}

static void
ew_map_legend_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwMapLegend *self = EW_MAP_LEGEND (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  gdouble full = gtk_widget_get_width (widget), row = row_height (self);

  for (guint i = 0; i < self->n; i++)
    {
      gdouble middle = row * (i + 0.5), start = rtl ? full - SAMPLE : 0;
      gint width, height;
      cairo_t *cr = gtk_snapshot_append_cairo (
        snapshot, &GRAPHENE_RECT_INIT ((float)start, (float)(row * i), (float)SAMPLE, (float)row));

      cairo_translate (cr, start, middle);
      (self->samples[i] < SAMPLE_ONLINE_SEAT ? draw_line : draw_seat) (self, cr, self->samples[i]);
      cairo_destroy (cr);
      pango_layout_get_pixel_size (self->texts[i], &width, &height);
      gtk_snapshot_save (snapshot);
      gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)(rtl ? full - SAMPLE - GAP - width : SAMPLE + GAP),
                                                              (float)floor (middle - height / 2.0)));
      gtk_snapshot_append_layout (snapshot, self->texts[i], &self->colors->secondary);
      gtk_snapshot_restore (snapshot);
    }
}

static void
ew_map_legend_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                       gint *minimum_baseline, gint *natural_baseline)
{
  EwMapLegend *self = EW_MAP_LEGEND (widget);
  gint size = 0;

  for (guint i = 0; i < self->n; i++)
    {
      gint width;

      pango_layout_get_pixel_size (self->texts[i], &width, NULL);
      size = orientation == GTK_ORIENTATION_VERTICAL ? size + (gint)row_height (self)
                                                     : MAX (size, (gint)(SAMPLE + GAP) + width);
    }
  *minimum = *natural = size;
  *minimum_baseline = *natural_baseline = -1;
}

static void
add (EwMapLegend *self, Sample sample, const gchar *text)
{
  PangoAttrList *attributes = pango_attr_list_new ();
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);

  pango_attr_list_insert (attributes, pango_attr_scale_new (0.84));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  self->samples[self->n] = sample;
  self->texts[self->n++] = layout;
}

static void
clear (EwMapLegend *self)
{
  for (guint i = 0; i < self->n; i++)
    g_clear_object (&self->texts[i]);
  self->n = 0;
}

static void
fill (EwMapLegend *self)
{
  EwLegendRows rows = self->rows;
  gboolean seats = (rows & EW_LEGEND_SEATS) != 0;

  clear (self);
  if (seats)
    add (self, SAMPLE_ONLINE_SEAT, rows & EW_LEGEND_TENS ? _ ("Online, one dot for several") : _ ("Online"));
  if (rows & EW_LEGEND_TRAFFIC)
    add (self, SAMPLE_TRAFFIC, _ ("Traffic: none to heavy"));
  if (rows & EW_LEGEND_HTTPS)
    add (self, SAMPLE_HTTPS, _ ("Via HTTPS"));
  if (rows & EW_LEGEND_WAITING)
    add (self, seats ? SAMPLE_WAITING_SEAT : SAMPLE_WAITING, _ ("Not joined yet"));
  if (rows & EW_LEGEND_OFFLINE)
    add (self, seats ? SAMPLE_OFFLINE_SEAT : SAMPLE_OFFLINE, _ ("Offline"));
}

void
ew_map_legend_set (EwMapLegend *self, EwLegendRows rows, const EwMapColors *colors)
{
  if (self->rows == rows && self->colors == colors)
    return;
  self->rows = rows;
  self->colors = colors;
  fill (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
ew_map_legend_dispose (GObject *object)
{
  clear (EW_MAP_LEGEND (object));
  G_OBJECT_CLASS (ew_map_legend_parent_class)->dispose (object);
}

static void
ew_map_legend_class_init (EwMapLegendClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ew_map_legend_dispose;
  widget_class->snapshot = ew_map_legend_snapshot;
  widget_class->measure = ew_map_legend_measure;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ew_map_legend_init (EwMapLegend *self)
{
  gtk_widget_set_can_target (GTK_WIDGET (self), FALSE);
}

EwMapLegend *
ew_map_legend_new (void)
{
  return g_object_new (EW_TYPE_MAP_LEGEND, NULL);
}
