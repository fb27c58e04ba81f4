/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/spoke-wheel.h"

#include <math.h>

#include "access/colour.h"
#include "node/node-icon.h"

#define SIDE 180  /* px */
#define HUB 32    /* radius, px */
#define SPOKE 74  /* from the middle to the middle of a token */
#define TOKEN 12  /* half of a token's side */
#define BRIGHT 16 /* half of the side of a token in the accent color */
#define ICON 16   /* px */
#define OTHERS_MAX 7

struct _EwSpokeWheel
{
  GtkWidget parent_instance;
  EwNode *added, *own; /* own: NULL where it isn't known, or the added one */
  EwNode *others[OTHERS_MAX];
  guint n_others;
};

G_DEFINE_FINAL_TYPE (EwSpokeWheel, ew_spoke_wheel, GTK_TYPE_WIDGET)

static void
forget_nodes (EwSpokeWheel *self)
{
  g_clear_object (&self->added);
  g_clear_object (&self->own);
  for (guint i = 0; i < self->n_others; i++)
    g_clear_object (&self->others[i]);
  self->n_others = 0;
}

void
ew_spoke_wheel_set_node (EwSpokeWheel *self, EwTopology *topology, EwNode *added)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (topology));
  EwNode *own = ew_topology_get_self (topology);

  forget_nodes (self);
  self->added = g_object_ref (added);
  self->own = own != NULL && own != added ? g_object_ref (own) : NULL;
  for (guint i = 0; i < n && self->n_others < OTHERS_MAX; i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (topology), i);
      if (node != own && node != added)
        self->others[self->n_others++] = g_steal_pointer (&node);
    }
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
set_color (cairo_t *cr, const GdkRGBA *color, gdouble alpha)
{
  cairo_set_source_rgba (cr, color->red, color->green, color->blue, color->alpha * alpha);
}

static void
add_outline (cairo_t *cr, EwNode *node, gdouble x, gdouble y, gdouble half)
{
  gdouble corner = ew_node_icon_is_round (node) ? half : half / 2;

  cairo_new_sub_path (cr);
  for (guint i = 0; i < 4; i++)
    {
      gdouble turn = i * G_PI / 2, in = half - corner;
      gdouble cx = i == 0 || i == 3 ? x + in : x - in, cy = i < 2 ? y + in : y - in;
      cairo_arc (cr, cx, cy, corner, turn, turn + G_PI / 2);
    }
  cairo_close_path (cr);
}

static void
draw_spoke (cairo_t *cr, EwNode *node, gdouble angle, const GdkRGBA *color, gboolean bright)
{
  gdouble x = SIDE / 2.0 + SPOKE * cos (angle), y = SIDE / 2.0 + SPOKE * sin (angle);

  set_color (cr, color, bright ? 1 : 0.4);
  cairo_set_line_width (cr, bright ? 4 : 1.5);
  cairo_move_to (cr, SIDE / 2.0 + HUB * cos (angle), SIDE / 2.0 + HUB * sin (angle));
  cairo_line_to (cr, SIDE / 2.0 + (SPOKE - TOKEN) * cos (angle), SIDE / 2.0 + (SPOKE - TOKEN) * sin (angle));
  cairo_stroke (cr);
  add_outline (cr, node, x, y, bright ? BRIGHT : TOKEN);
  if (bright)
    cairo_fill (cr);
  else
    cairo_stroke (cr);
}

static void
draw_icon (EwSpokeWheel *self, GtkSnapshot *snapshot, const gchar *name, gdouble x, gdouble y, gdouble side,
           const GdkRGBA *color)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (GTK_WIDGET (self)));
  g_autoptr (GtkIconPaintable) icon
    = gtk_icon_theme_lookup_icon (theme, name, NULL, (gint)side, gtk_widget_get_scale_factor (GTK_WIDGET (self)),
                                  gtk_widget_get_direction (GTK_WIDGET (self)), GTK_ICON_LOOKUP_FORCE_SYMBOLIC);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)(x - side / 2), (float)(y - side / 2)));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (icon), GDK_SNAPSHOT (snapshot), side, side, color,
                                            1);
  gtk_snapshot_restore (snapshot);
}

/* Clockwise from this computer, which is at the bottom; a new node is at the top right, where it's noticed. */
static gdouble
angle_of (guint i, guint total)
{
  return G_PI / 2 + i * 2 * G_PI / total;
}

static void
ew_spoke_wheel_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwSpokeWheel *self = EW_SPOKE_WHEEL (widget);
  guint total = self->n_others + (self->own != NULL ? 2 : 1);
  guint place = self->own != NULL ? MAX (1, (2 * total) / 3) : 0, other = 0;
  gdouble left = (gtk_widget_get_width (widget) - SIDE) / 2.0, added = angle_of (place, total);
  GdkRGBA text, accent, on_accent;
  cairo_t *cr;

  if (self->added == NULL)
    return;
  ew_colour_get (widget, &text);
  if (!ew_colour_look_up (widget, "accent_bg_color", &accent))
    accent = text;
  if (!ew_colour_look_up (widget, "accent_fg_color", &on_accent))
    on_accent = (GdkRGBA){ 1, 1, 1, 1 };
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)left, 0));
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, SIDE, SIDE));
  for (guint i = 1; i < total; i++)
    if (i != place && other < self->n_others)
      draw_spoke (cr, self->others[other++], angle_of (i, total), &text, FALSE);
  if (self->own != NULL)
    draw_spoke (cr, self->own, angle_of (0, total), &accent, TRUE);
  draw_spoke (cr, self->added, added, &accent, TRUE);
  set_color (cr, &text, 0.6);
  cairo_set_line_width (cr, 2);
  cairo_arc (cr, SIDE / 2.0, SIDE / 2.0, HUB, 0, 2 * G_PI);
  cairo_stroke (cr);
  set_color (cr, &accent, 1);
  cairo_set_line_width (cr, 4);
  if (self->own != NULL) /* from this computer's spoke to the new one, the short way round */
    cairo_arc_negative (cr, SIDE / 2.0, SIDE / 2.0, HUB, angle_of (0, total), added - 2 * G_PI);
  cairo_stroke (cr);
  cairo_destroy (cr);
  draw_icon (self, snapshot, EW_ICON_EDGE, SIDE / 2.0, SIDE / 2.0, 2 * ICON, &text);
  draw_icon (self, snapshot, ew_node_icon_name (self->added), SIDE / 2.0 + SPOKE * cos (added),
             SIDE / 2.0 + SPOKE * sin (added), ICON, &on_accent);
  if (self->own != NULL)
    draw_icon (self, snapshot, ew_node_icon_name (self->own), SIDE / 2.0, SIDE / 2.0 + SPOKE, ICON, &on_accent);
  gtk_snapshot_restore (snapshot);
}

static void
ew_spoke_wheel_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                        gint *minimum_baseline, gint *natural_baseline)
{
  *minimum = *natural = SIDE;
}

static void
ew_spoke_wheel_dispose (GObject *object)
{
  forget_nodes (EW_SPOKE_WHEEL (object));
  G_OBJECT_CLASS (ew_spoke_wheel_parent_class)->dispose (object);
}

static void
ew_spoke_wheel_class_init (EwSpokeWheelClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_spoke_wheel_dispose;
  widget_class->snapshot = ew_spoke_wheel_snapshot;
  widget_class->measure = ew_spoke_wheel_measure;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ew_spoke_wheel_init (EwSpokeWheel *self)
{
}
