/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/token-face.h"

#include <math.h>

#define SQUARE_SHARE 0.926 /* a square of a circle's weight is a little smaller */
#define CORNER_SHARE 0.28
#define HALO 6.0
#define SMALL 30.0       /* below this lines get thinner too */
#define BADGE_LEAST 40.0 /* smaller faces have no room for a badge: the dashes and the label show it */

static void
shape (cairo_t *cr, gboolean round, gdouble cx, gdouble cy, gdouble size)
{
  gdouble half = round ? size / 2 : size * SQUARE_SHARE / 2;
  gdouble r = round ? half : 2 * half * CORNER_SHARE;

  cairo_new_sub_path (cr);
  cairo_arc (cr, cx + half - r, cy - half + r, r, -G_PI_2, 0);
  cairo_arc (cr, cx + half - r, cy + half - r, r, 0, G_PI_2);
  cairo_arc (cr, cx - half + r, cy + half - r, r, G_PI_2, G_PI);
  cairo_arc (cr, cx - half + r, cy - half + r, r, G_PI, 3 * G_PI_2);
  cairo_close_path (cr);
}

static void
draw_body (cairo_t *cr, const EwTokenFace *face, const EwMapColors *colors, gdouble cx, gdouble cy, gdouble size)
{
  gboolean there = face->state == EW_NODE_ONLINE, was_there = face->state == EW_NODE_WAS_ONLINE;
  const gdouble offline[2] = { 3, 4 }, waiting[2] = { 6, 4 };

  if (face->on_path)
    {
      shape (cr, face->round, cx, cy, size + 2 * HALO);
      gdk_cairo_set_source_rgba (cr, &colors->halo);
      cairo_fill (cr);
    }
  shape (cr, face->round, cx, cy, size - 1.5);
  gdk_cairo_set_source_rgba (cr, face->self ? &colors->path : there ? &colors->token : &colors->background);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, face->selected ? 3 : 1.5);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  if (face->state == EW_NODE_OFFLINE)
    cairo_set_dash (cr, offline, 2, 0);
  else if (!there && !was_there)
    cairo_set_dash (cr, waiting, 2, 0);
  gdk_cairo_set_source_rgba (cr, face->selected || face->self                                ? &colors->path
                                 : there                                                     ? &colors->token_border
                                 : face->state == EW_NODE_OFFLINE || was_there || face->past ? &colors->offline
                                                                                             : &colors->waiting);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
}

static void
draw_check (cairo_t *cr, const EwMapColors *colors, gdouble x, gdouble y)
{
  cairo_arc (cr, x, y, 8, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &colors->online);
  cairo_fill (cr);
  cairo_move_to (cr, x - 3.2, y + 0.2);
  cairo_line_to (cr, x - 0.8, y + 2.6);
  cairo_line_to (cr, x + 3.4, y - 2);
  cairo_set_line_width (cr, 1.8);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  gdk_cairo_set_source_rgba (cr, &colors->check);
  cairo_stroke (cr);
}

/* A hollow ring: offline. Three dots: waiting for a person. */
static void
draw_missing (cairo_t *cr, const EwTokenFace *face, const EwMapColors *colors, gdouble x, gdouble y)
{
  if (face->state == EW_NODE_OFFLINE)
    {
      cairo_arc (cr, x, y, 5.2, 0, 2 * G_PI);
      cairo_set_line_width (cr, 2);
      gdk_cairo_set_source_rgba (cr, &colors->secondary);
      cairo_stroke (cr);
      return;
    }
  gdk_cairo_set_source_rgba (cr, face->past ? &colors->secondary : &colors->waiting);
  for (gint i = -1; i <= 1; i++)
    {
      cairo_arc (cr, x + i * 4.6, y, 1.7, 0, 2 * G_PI);
      cairo_fill (cr);
    }
}

static void
draw_badge (cairo_t *cr, const EwTokenFace *face, const EwMapColors *colors, gdouble cx, gdouble cy, gdouble size)
{
  gdouble x = cx + size * 0.36, y = cy + size * (face->badge_up ? -0.36 : 0.36);

  cairo_arc (cr, x, y, 9.5, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &colors->badge_back);
  cairo_fill (cr);
  if (face->state == EW_NODE_ONLINE)
    draw_check (cr, colors, x, y);
  else
    draw_missing (cr, face, colors, x, y);
}

static void
draw_icon (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors, gdouble cx, gdouble cy,
           gdouble size, GdkPaintable *icon)
{
  const GdkRGBA *color = face->self                      ? &colors->on_accent
                         : face->state == EW_NODE_ONLINE ? &colors->icon
                                                         : &colors->icon_off;
  GdkRGBA all[4] = { *color, *color, *color, *color };
  gdouble side = round (size * 0.42);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)(cx - side / 2), (float)(cy - side / 2)));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (icon), GDK_SNAPSHOT (snapshot), side, side, all, 4);
  gtk_snapshot_restore (snapshot);
}

static void
draw_all (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors, gdouble cx, gdouble cy,
          gdouble size, GdkPaintable *icon)
{
  gdouble reach = size / 2 + EW_TOKEN_MARGIN;
  graphene_rect_t bounds
    = GRAPHENE_RECT_INIT ((float)(cx - reach), (float)(cy - reach), (float)(2 * reach), (float)(2 * reach));
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &bounds);

  draw_body (cr, face, colors, cx, cy, size);
  cairo_destroy (cr);
  if (icon != NULL)
    draw_icon (snapshot, face, colors, cx, cy, size, icon);
  if (size < BADGE_LEAST || face->state == EW_NODE_WAS_ONLINE)
    return;
  cr = gtk_snapshot_append_cairo (snapshot, &bounds);
  draw_badge (cr, face, colors, cx, cy, size);
  cairo_destroy (cr);
}

void
ew_token_face_draw (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors, gdouble cx, gdouble cy,
                    gdouble size, GdkPaintable *icon)
{
  gdouble scale = MIN (size / SMALL, 1);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_scale (snapshot, (float)scale, (float)scale); /* a seat's token: the same picture, smaller */
  draw_all (snapshot, face, colors, cx / scale, cy / scale, size / scale, icon);
  gtk_snapshot_restore (snapshot);
}

void
ew_token_focus_ring_draw (GtkSnapshot *snapshot, const EwMapColors *colors, gboolean round, gdouble cx, gdouble cy,
                          gdouble size)
{
  gdouble reach = size / 2 + EW_TOKEN_MARGIN;
  cairo_t *cr = gtk_snapshot_append_cairo (
    snapshot, &GRAPHENE_RECT_INIT ((float)(cx - reach), (float)(cy - reach), (float)(2 * reach), (float)(2 * reach)));

  shape (cr, round, cx, cy, size + 10);
  cairo_set_line_width (cr, 2);
  gdk_cairo_set_source_rgba (cr, &colors->accent_text);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
trace_capsule (cairo_t *cr, const graphene_rect_t *box, gdouble margin)
{
  gdouble x = (gdouble)box->origin.x - margin, y = (gdouble)box->origin.y - margin;
  gdouble width = (gdouble)box->size.width + 2 * margin, height = (gdouble)box->size.height + 2 * margin;
  gdouble r = height / 2;

  cairo_new_sub_path (cr);
  cairo_arc (cr, x + r, y + r, r, G_PI_2, 3 * G_PI_2);
  cairo_arc (cr, x + width - r, y + r, r, 3 * G_PI_2, G_PI_2);
  cairo_close_path (cr);
}

void
ew_token_capsule_draw (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors, PangoLayout *text,
                       const graphene_rect_t *box, gboolean focused)
{
  const gdouble dashes[2] = { 3, 3 };
  gboolean is_offline = face->state != EW_NODE_ONLINE || face->past;
  graphene_rect_t bounds;
  cairo_t *cr;
  gint width, height;

  graphene_rect_inset_r (box, -6, -6, &bounds);
  cr = gtk_snapshot_append_cairo (snapshot, &bounds);
  trace_capsule (cr, box, 0);
  gdk_cairo_set_source_rgba (cr, &colors->token);
  cairo_fill_preserve (cr);
  if (is_offline && !face->selected)
    cairo_set_dash (cr, dashes, 2, 0);
  cairo_set_line_width (cr, face->selected ? 2.5 : 1.25);
  gdk_cairo_set_source_rgba (cr, face->selected ? &colors->path
                                 : is_offline   ? &colors->offline
                                                : &colors->token_border);
  cairo_stroke (cr);
  if (focused)
    {
      cairo_set_dash (cr, NULL, 0, 0);
      trace_capsule (cr, box, 3.5);
      cairo_set_line_width (cr, 2);
      gdk_cairo_set_source_rgba (cr, &colors->accent_text);
      cairo_stroke (cr);
    }
  cairo_destroy (cr);
  if (text == NULL)
    return;
  pango_layout_get_pixel_size (text, &width, &height);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (
    snapshot, &GRAPHENE_POINT_INIT ((float)round ((gdouble)box->origin.x + ((gdouble)box->size.width - width) / 2),
                                    (float)round ((gdouble)box->origin.y + ((gdouble)box->size.height - height) / 2)));
  gtk_snapshot_append_layout (snapshot, text, is_offline ? &colors->secondary : &colors->text);
  gtk_snapshot_restore (snapshot);
}
