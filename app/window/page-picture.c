/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/page-picture.h"

#include <adwaita.h>
#include <math.h>

#include "access/colour.h"
#include "node/node-icon.h"

/* Everything in units of a square with this side, its center in the middle. */
#define SIDE 200.0
#define CENTRE (SIDE / 2)
#define EDGE_RADIUS 31.0
#define RING 76.0
#define TOKEN 13.0 /* half a token's side, its radius where it is round */
#define ICON 14.0
#define EDGE_ICON 26.0

struct _EwPagePicture
{
  GObject parent_instance;
  GtkWidget *widget; /* weak; whose colors */
  EwPicture picture;
};

typedef struct
{
  gdouble degrees; /* clockwise from 12 o'clock */
  gboolean round;
  const gchar *icon;
} Token;

static const Token tokens[] = {
  { -24, FALSE, "edgeway-kind-home-symbolic" },  { 28, FALSE, "edgeway-kind-server-symbolic" },
  { 80, FALSE, "edgeway-kind-server-symbolic" }, { 132, FALSE, "edgeway-kind-gateway-symbolic" },
  { -132, TRUE, "edgeway-kind-phone-symbolic" }, { -76, FALSE, "edgeway-kind-nas-symbolic" },
  { 180, TRUE, "edgeway-kind-laptop-symbolic" }, /* this computer, last */
};

#define N_TOKENS G_N_ELEMENTS (tokens)
#define SELF (N_TOKENS - 1)

typedef struct
{
  GdkRGBA line, face, icon, accent, accent_icon, accent_face, error;
} Palette;

/* As the widget's own theme has it, where that names it. */
static void
take_colour (EwPagePicture *self, const gchar *name, const gchar *otherwise, GdkRGBA *colour)
{
  if (self->widget == NULL || !ew_colour_look_up (self->widget, name, colour))
    gdk_rgba_parse (colour, otherwise);
}

static GdkRGBA
mix (const GdkRGBA *one, const GdkRGBA *other, gfloat share)
{
  return (GdkRGBA){ one->red + (other->red - one->red) * share, one->green + (other->green - one->green) * share,
                    one->blue + (other->blue - one->blue) * share, 1 };
}

static Palette
palette_for (EwPagePicture *self, const GdkRGBA *foreground)
{
  gboolean dark = 0.3 * foreground->red + 0.59 * foreground->green + 0.11 * foreground->blue > 0.5;
  gboolean contrast = self->widget != NULL
                      && adw_style_manager_get_high_contrast (
                        adw_style_manager_get_for_display (gtk_widget_get_display (self->widget)));
  Palette palette;
  gdk_rgba_parse (&palette.line, contrast ? (dark ? "#d5dae2" : "#2b3038") : dark ? "#7f8b9b" : "#858c97");
  take_colour (self, "card_bg_color", dark ? "#36363a" : "#ffffff", &palette.face);
  if (palette.face.alpha < 1) /* what lies below would shine through: the lines */
    gdk_rgba_parse (&palette.face, dark ? "#36363a" : "#ffffff");
  palette.icon = palette.line;
  take_colour (self, "accent_bg_color", "#3584e4", &palette.accent);
  take_colour (self, "accent_color", dark ? "#78aeed" : "#1a5fb4", &palette.accent_icon);
  palette.accent_face = mix (&palette.face, &palette.accent, 0.18f);
  take_colour (self, "error_bg_color", "#e01b24", &palette.error);
  return palette;
}

static void
token_place (const Token *token, gdouble *x, gdouble *y)
{
  gdouble angle = token->degrees * G_PI / 180;
  *x = CENTRE + RING * sin (angle);
  *y = CENTRE - RING * cos (angle);
}

static void
set_dashes (cairo_t *cr, gboolean dashed)
{
  const gdouble dashes[] = { 4, 3 };
  cairo_set_dash (cr, dashes, dashed ? 2 : 0, 0);
}

static void
draw_spoke (cairo_t *cr, const Token *token, gboolean dashed, const GdkRGBA *colour)
{
  gdouble angle = token->degrees * G_PI / 180;
  gdouble near = EDGE_RADIUS + 1, far = RING - TOKEN - 1;
  cairo_move_to (cr, CENTRE + near * sin (angle), CENTRE - near * cos (angle));
  cairo_line_to (cr, CENTRE + far * sin (angle), CENTRE - far * cos (angle));
  gdk_cairo_set_source_rgba (cr, colour);
  cairo_set_line_width (cr, 2);
  set_dashes (cr, dashed);
  cairo_stroke (cr);
}

static void
token_path (cairo_t *cr, const Token *token)
{
  const gdouble radius = token->round ? TOKEN : 5;
  gdouble x, y;
  token_place (token, &x, &y);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + TOKEN - radius, y - TOKEN + radius, radius, -(G_PI / 2), 0);
  cairo_arc (cr, x + TOKEN - radius, y + TOKEN - radius, radius, 0, (G_PI / 2));
  cairo_arc (cr, x - TOKEN + radius, y + TOKEN - radius, radius, (G_PI / 2), G_PI);
  cairo_arc (cr, x - TOKEN + radius, y - TOKEN + radius, radius, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}

static void
draw_token (cairo_t *cr, const Token *token, gboolean dashed, const GdkRGBA *line, const GdkRGBA *face)
{
  token_path (cr, token);
  gdk_cairo_set_source_rgba (cr, face);
  cairo_fill_preserve (cr);
  gdk_cairo_set_source_rgba (cr, line);
  cairo_set_line_width (cr, 1.5);
  set_dashes (cr, dashed);
  cairo_stroke (cr);
}

static void
draw_cut (cairo_t *cr, const Palette *palette)
{
  const gdouble y = CENTRE + (EDGE_RADIUS + RING - TOKEN) / 2;
  const gdouble arm = 3;
  set_dashes (cr, FALSE);
  cairo_new_sub_path (cr);
  cairo_arc (cr, CENTRE, y, 8, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &palette->error);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_set_line_width (cr, 2);
  cairo_move_to (cr, CENTRE - arm, y - arm);
  cairo_line_to (cr, CENTRE + arm, y + arm);
  cairo_move_to (cr, CENTRE + arm, y - arm);
  cairo_line_to (cr, CENTRE - arm, y + arm);
  cairo_stroke (cr);
}

static void
draw_self (EwPagePicture *self, cairo_t *cr, const Palette *palette)
{
  const Token *token = &tokens[SELF];
  switch (self->picture)
    {
    case EW_PICTURE_INVITED:
      draw_spoke (cr, token, TRUE, &palette->accent);
      draw_token (cr, token, TRUE, &palette->accent, &palette->accent_face);
      break;
    case EW_PICTURE_BROKEN:
      draw_spoke (cr, token, TRUE, &palette->line);
      draw_token (cr, token, FALSE, &palette->accent, &palette->accent);
      draw_cut (cr, palette);
      break;
    case EW_PICTURE_ALONE:
      draw_spoke (cr, token, FALSE, &palette->accent);
      draw_token (cr, token, FALSE, &palette->accent, &palette->accent);
      break;
    case EW_PICTURE_ABSENT:
    default:
      draw_spoke (cr, token, TRUE, &palette->line);
      draw_token (cr, token, TRUE, &palette->line, &palette->face);
      break;
    }
}

static void
draw_wheel (EwPagePicture *self, cairo_t *cr, const Palette *palette)
{
  for (guint i = 0; i < SELF; i++)
    {
      draw_spoke (cr, &tokens[i], TRUE, &palette->line);
      draw_token (cr, &tokens[i], TRUE, &palette->line, &palette->face);
    }
  draw_self (self, cr, palette);
  set_dashes (cr, FALSE);
  cairo_new_sub_path (cr);
  cairo_arc (cr, CENTRE, CENTRE, EDGE_RADIUS, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &palette->face);
  cairo_fill_preserve (cr);
  gdk_cairo_set_source_rgba (cr, &palette->line);
  cairo_set_line_width (cr, 2);
  cairo_stroke (cr);
}

static void
snapshot_icon (EwPagePicture *self, GtkSnapshot *snapshot, const gchar *name, gdouble x, gdouble y, gdouble size,
               const GdkRGBA *colour)
{
  GdkDisplay *display = self->widget != NULL ? gtk_widget_get_display (self->widget) : gdk_display_get_default ();
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (display);
  g_autoptr (GtkIconPaintable) icon
    = gtk_icon_theme_lookup_icon (theme, name, NULL, (gint)size, 2, GTK_TEXT_DIR_NONE, GTK_ICON_LOOKUP_FORCE_SYMBOLIC);
  const GdkRGBA colours[4] = { *colour, *colour, *colour, *colour };
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((gfloat)(x - size / 2), (gfloat)(y - size / 2)));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (icon), snapshot, size, size, colours,
                                            G_N_ELEMENTS (colours));
  gtk_snapshot_restore (snapshot);
}

static void
snapshot_icons (EwPagePicture *self, GtkSnapshot *snapshot, const Palette *palette)
{
  const GdkRGBA white = { 1, 1, 1, 1 };
  const GdkRGBA *own = self->picture == EW_PICTURE_ABSENT    ? &palette->icon
                       : self->picture == EW_PICTURE_INVITED ? &palette->accent_icon
                                                             : &white;
  gboolean coloured = self->picture == EW_PICTURE_INVITED || self->picture == EW_PICTURE_ALONE;
  for (guint i = 0; i < N_TOKENS; i++)
    {
      gdouble x, y;
      token_place (&tokens[i], &x, &y);
      snapshot_icon (self, snapshot, tokens[i].icon, x, y, ICON, i == SELF ? own : &palette->icon);
    }
  snapshot_icon (self, snapshot, EW_ICON_EDGE, CENTRE, CENTRE, EDGE_ICON,
                 coloured ? &palette->accent_icon : &palette->icon);
}

static void
snapshot_symbolic (GtkSymbolicPaintable *paintable, GdkSnapshot *snapshot, gdouble width, gdouble height,
                   const GdkRGBA *colours, gsize n_colours)
{
  EwPagePicture *self = EW_PAGE_PICTURE (paintable);
  const GdkRGBA fallback = { 0.2f, 0.2f, 0.2f, 1 };
  Palette palette = palette_for (self, n_colours > 0 ? &colours[0] : &fallback);
  gfloat scale = (gfloat)(MIN (width, height) / SIDE);
  /* GTK 4.8 misplaces cairo nodes that are scaled after a translation: this one scales itself. */
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, SIDE * scale, SIDE * scale));
  cairo_scale (cr, scale, scale);
  draw_wheel (self, cr, &palette);
  cairo_destroy (cr);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_scale (snapshot, scale, scale);
  snapshot_icons (self, snapshot, &palette);
  gtk_snapshot_restore (snapshot);
}

static void
snapshot_plain (GdkPaintable *paintable, GdkSnapshot *snapshot, gdouble width, gdouble height)
{
  snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (paintable), snapshot, width, height, NULL, 0);
}

static gint
intrinsic_side (GdkPaintable *paintable)
{
  return (gint)SIDE;
}

static void
paintable_init (GdkPaintableInterface *interface)
{
  interface->snapshot = snapshot_plain;
  interface->get_intrinsic_width = intrinsic_side;
  interface->get_intrinsic_height = intrinsic_side;
}

static void
symbolic_init (GtkSymbolicPaintableInterface *interface)
{
  interface->snapshot_symbolic = snapshot_symbolic;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EwPagePicture, ew_page_picture, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (GDK_TYPE_PAINTABLE, paintable_init)
                                 G_IMPLEMENT_INTERFACE (GTK_TYPE_SYMBOLIC_PAINTABLE, symbolic_init))

static void
ew_page_picture_dispose (GObject *object)
{
  g_clear_weak_pointer (&EW_PAGE_PICTURE (object)->widget);
  G_OBJECT_CLASS (ew_page_picture_parent_class)->dispose (object);
}

static void
ew_page_picture_class_init (EwPagePictureClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_page_picture_dispose;
}

static void
ew_page_picture_init (EwPagePicture *self)
{
}

GdkPaintable *
ew_page_picture_new (GtkWidget *widget, EwPicture picture)
{
  EwPagePicture *self = g_object_new (EW_TYPE_PAGE_PICTURE, NULL);
  g_set_weak_pointer (&self->widget, widget);
  self->picture = picture;
  return GDK_PAINTABLE (self);
}
