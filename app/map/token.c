/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/token.h"

#include <math.h>

#include "map/map-measures.h"
#include "map/token-face.h"
#include "node/node-icon.h"

#define HIT_SLACK 3.0
#define HUB_ICON 22.0
#define CROSS 11.0f /* px, the radius of its disc */
#define HUB_MARGIN 6.0
#define TWO_LINES 1.7       /* of the radius: what is wider is broken */
#define LESS 0.6            /* the scale of words to which all of a name counts more */
#define HUB_TITLE_LEAST 2.2 /* of its height: some letters of a name that is shortened */
#define DIMMED_OPACITY 0.22

struct _EwToken
{
  GtkWidget parent;
  EwTokenRole role;
  GObject *object;
  gdouble size;
  EwTokenFace face;
  const EwMapColors *colors; /* NULL: nothing to draw yet */
  GtkIconPaintable *icon;
  gchar *name, *description;
  gchar *edge_name; /* all of it; title may be shorter */
  gdouble from, to, inner, outer;
  PangoLayout *title, *subtitle, *value;
  PangoLayout *text; /* a capsule's */
  gdouble width, height;
};

G_DEFINE_FINAL_TYPE (EwToken, ew_token, GTK_TYPE_WIDGET)

enum
{
  OPEN,
  PATH,
  MENU,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
is_round (EwToken *self)
{
  return self->role == EW_TOKEN_EDGE || self->face.round;
}

void
ew_wedge_path (cairo_t *cr, gdouble cx, gdouble cy, gdouble from, gdouble to, gdouble inner, gdouble outer,
               gdouble margin)
{
  gdouble r = MIN (MIN (8 + margin / 2, (outer - inner) / 2 + margin), (to - from) * inner / 2 + margin);
  gdouble out = outer + margin, in = MAX (inner - margin, 1);
  gdouble mo = margin / outer, mi = margin / MAX (inner, 1);
  gdouble ro = r / out, ri = r / in;

  cairo_new_sub_path (cr);
  cairo_arc (cr, cx, cy, out, from - mo + ro, to + mo - ro);
  cairo_curve_to (cr, cx + out * cos (to + mo), cy + out * sin (to + mo), cx + out * cos (to + mo),
                  cy + out * sin (to + mo), cx + (out - r) * cos (to + mo), cy + (out - r) * sin (to + mo));
  cairo_line_to (cr, cx + (in + r) * cos (to + mi), cy + (in + r) * sin (to + mi));
  cairo_curve_to (cr, cx + in * cos (to + mi), cy + in * sin (to + mi), cx + in * cos (to + mi),
                  cy + in * sin (to + mi), cx + in * cos (to + mi - ri), cy + in * sin (to + mi - ri));
  cairo_arc_negative (cr, cx, cy, in, to + mi - ri, from - mi + ri);
  cairo_curve_to (cr, cx + in * cos (from - mi), cy + in * sin (from - mi), cx + in * cos (from - mi),
                  cy + in * sin (from - mi), cx + (in + r) * cos (from - mi), cy + (in + r) * sin (from - mi));
  cairo_line_to (cr, cx + (out - r) * cos (from - mo), cy + (out - r) * sin (from - mo));
  cairo_curve_to (cr, cx + out * cos (from - mo), cy + out * sin (from - mo), cx + out * cos (from - mo),
                  cy + out * sin (from - mo), cx + out * cos (from - mo + ro), cy + out * sin (from - mo + ro));
  cairo_close_path (cr);
}

static void
ew_token_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                  gint *minimum_baseline, gint *natural_baseline)
{
  EwToken *self = EW_TOKEN (widget);

  if (self->role == EW_TOKEN_SERVICE)
    *minimum = *natural
      = (gint)ceil ((orientation == GTK_ORIENTATION_HORIZONTAL ? self->width : self->height) + 2 * EW_TOKEN_MARGIN);
  else
    *minimum = *natural = self->role == EW_TOKEN_SECTOR ? 0 : (gint)ceil (self->size + 2 * EW_TOKEN_MARGIN);
  *minimum_baseline = *natural_baseline = -1;
}

static gboolean
ew_token_contains (GtkWidget *widget, gdouble x, gdouble y)
{
  EwToken *self = EW_TOKEN (widget);
  gdouble dx = x - gtk_widget_get_width (widget) / 2.0, dy = y - gtk_widget_get_height (widget) / 2.0;
  gdouble distance = hypot (dx, dy);

  if (self->role == EW_TOKEN_SERVICE)
    return fabs (dx) <= self->width / 2 && fabs (dy) <= self->height / 2;
  if (self->role != EW_TOKEN_SECTOR)
    return distance <= self->size / 2 + HIT_SLACK;
  return distance >= self->inner && distance <= self->outer
         && fabs (remainder (atan2 (dy, dx) - (self->from + self->to) / 2, 2 * G_PI)) <= (self->to - self->from) / 2;
}

/* What is written in the disc, from above: the sign, the edge's name, what it is, the latency. */
enum
{
  HUB_SIGN,
  HUB_TITLE,
  HUB_SUBTITLE,
  HUB_VALUE,
  N_HUB
};

typedef struct
{
  PangoLayout *layout;   /* NULL: not there; and the sign */
  gdouble width, height; /* height 0: not there */
  gdouble room;          /* of the disc, where it stands */
} HubLine;

/* most: the width from which on it takes two lines; 0: it doesn't. */
static void
measure_line (HubLine *line, PangoLayout *layout, gdouble most)
{
  gint width, height;

  *line = (HubLine){ .layout = layout };
  if (layout == NULL)
    return;
  pango_layout_set_width (layout, -1);
  pango_layout_get_pixel_size (layout, &width, &height);
  if (most > 0 && width > most)
    {
      PangoRectangle text;

      pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
      pango_layout_set_width (layout, (gint)(most * PANGO_SCALE));
      pango_layout_get_extents (layout, NULL, &text);
      pango_layout_set_width (layout, text.width); /* so that it begins at its left edge */
      pango_layout_get_pixel_size (layout, &width, &height);
    }
  line->width = width;
  line->height = height;
}

/* The room of each line in a disc of this radius, all of them in its middle. TRUE: it is enough; short: for some
   letters of the name. */
static gboolean
fit_lines (HubLine lines[N_HUB], gdouble radius, gboolean is_short)
{
  gdouble y = 0;
  gboolean enough = TRUE;

  for (guint i = 0; i < N_HUB; i++)
    y -= lines[i].height / 2;
  for (guint i = 0; i < N_HUB; i++)
    {
      gdouble far = MAX (fabs (y), fabs (y + lines[i].height));
      gdouble least
        = i == HUB_TITLE && is_short ? MIN (lines[i].width, lines[i].height * HUB_TITLE_LEAST) : lines[i].width;

      y += lines[i].height;
      if (lines[i].height <= 0)
        continue;
      lines[i].room = far < radius ? 2 * sqrt (radius * radius - far * far) : 0;
      enough = enough && lines[i].room >= least;
    }
  return enough;
}

/* What has no room is left out: first the kind, then the sign. Then words are made a little smaller, then the name is
   shortened, then all is made smaller. Returns the scale of the words. */
static gdouble
choose_lines (EwToken *self, HubLine lines[N_HUB])
{
  gdouble radius = self->size / 2 - HUB_MARGIN;

  if (self->title != NULL)
    pango_layout_set_text (self->title, self->edge_name, -1);
  lines[HUB_SIGN] = (HubLine){ .width = HUB_ICON, .height = HUB_ICON + 2 };
  measure_line (&lines[HUB_TITLE], self->title, 0);
  measure_line (&lines[HUB_SUBTITLE], self->subtitle, self->face.state == EW_NODE_ONLINE ? 0 : radius * TWO_LINES);
  measure_line (&lines[HUB_VALUE], self->value, 0);
  if (fit_lines (lines, radius, FALSE))
    return 1;
  if (self->face.state == EW_NODE_ONLINE) /* else it says since when there is no answer */
    lines[HUB_SUBTITLE].height = 0;
  if (fit_lines (lines, radius, FALSE))
    return 1;
  lines[HUB_SIGN].height = 0;
  for (gdouble scale = 1; scale >= LESS; scale -= 0.05)
    if (fit_lines (lines, radius / scale, FALSE))
      return scale;
  for (gdouble scale = 1; scale > 0.1; scale -= 0.05)
    if (fit_lines (lines, radius / scale, TRUE))
      return scale;
  return 0.1;
}

/* The disc itself is part of the dial, below the path's arc; here is what is written on it. */
static void
draw_hub (EwToken *self, GtkSnapshot *snapshot, gdouble cx, gdouble cy)
{
  const EwMapColors *colors = self->colors;
  const GdkRGBA *inks[N_HUB] = { NULL, &colors->text, &colors->secondary, &colors->text };
  const GdkRGBA *color = self->face.state == EW_NODE_ONLINE ? &colors->accent_text : &colors->icon_off;
  GdkRGBA accent[4] = { *color, *color, *color, *color };
  HubLine lines[N_HUB];
  gdouble scale = choose_lines (self, lines), y = 0;

  if (self->title != NULL && lines[HUB_TITLE].width > lines[HUB_TITLE].room)
    {
      gint width;

      ew_map_shorten (self->title, self->edge_name, (gint)lines[HUB_TITLE].room);
      pango_layout_get_pixel_size (self->title, &width, NULL);
      lines[HUB_TITLE].width = width;
    }
  for (guint i = 0; i < N_HUB; i++)
    y -= lines[i].height / 2;
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)cx, (float)cy));
  gtk_snapshot_scale (snapshot, (float)scale, (float)scale);
  for (guint i = 0; i < N_HUB; y += lines[i++].height)
    {
      gdouble width = MIN (lines[i].width, lines[i].room);

      if (lines[i].height <= 0)
        continue;
      gtk_snapshot_save (snapshot);
      gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)(-width / 2), (float)y));
      if (i == HUB_SIGN && self->icon != NULL)
        gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (self->icon), GDK_SNAPSHOT (snapshot),
                                                  HUB_ICON, HUB_ICON, accent, 4);
      else if (lines[i].layout != NULL)
        gtk_snapshot_append_layout (snapshot, lines[i].layout, inks[i]);
      gtk_snapshot_restore (snapshot);
    }
  gtk_snapshot_restore (snapshot);
}

/* On the disc's rim, where the tick of a node would be: a cross, so that it doesn't depend on the color. */
static void
draw_cross (EwToken *self, GtkSnapshot *snapshot, gdouble cx, gdouble cy)
{
  const EwMapColors *colors = self->colors;
  gdouble x = cx + self->size / 2 * M_SQRT1_2, y = cy - self->size / 2 * M_SQRT1_2;
  cairo_t *cr = gtk_snapshot_append_cairo (
    snapshot, &GRAPHENE_RECT_INIT ((float)(x - CROSS - 3), (float)(y - CROSS - 3), 2 * CROSS + 6, 2 * CROSS + 6));

  cairo_arc (cr, x, y, CROSS + 2, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &colors->background);
  cairo_fill (cr);
  cairo_arc (cr, x, y, CROSS, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &colors->error);
  cairo_fill (cr);
  for (gint side = -1; side <= 1; side += 2)
    {
      cairo_move_to (cr, x - side * CROSS * 0.4, y - CROSS * 0.4);
      cairo_line_to (cr, x + side * CROSS * 0.4, y + CROSS * 0.4);
    }
  cairo_set_line_width (cr, 2.4);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  gdk_cairo_set_source_rgba (cr, &colors->check);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

gboolean
ew_token_shows_all (EwToken *self)
{
  HubLine lines[N_HUB];

  choose_lines (self, lines);
  return lines[HUB_TITLE].room >= lines[HUB_TITLE].width && lines[HUB_SUBTITLE].height > 0;
}

gboolean
ew_token_shows_state (EwToken *self)
{
  HubLine lines[N_HUB];

  return choose_lines (self, lines) >= 1 && lines[HUB_VALUE].room >= lines[HUB_VALUE].width;
}

static void
draw_wedge (EwToken *self, GtkSnapshot *snapshot, gdouble cx, gdouble cy)
{
  gdouble reach = self->outer + EW_TOKEN_MARGIN;
  gboolean focused = gtk_widget_has_visible_focus (GTK_WIDGET (self));
  GtkWidget *map = gtk_widget_get_parent (GTK_WIDGET (self));
  graphene_rect_t seen,
    bounds = GRAPHENE_RECT_INIT ((float)(cx - reach), (float)(cy - reach), (float)(2 * reach), (float)(2 * reach));
  cairo_t *cr;

  if (!focused && !self->face.selected)
    return;
  /* Zoomed, it is many times larger than what is in sight of it. */
  if (map == NULL || !gtk_widget_compute_bounds (map, GTK_WIDGET (self), &seen)
      || !graphene_rect_intersection (&bounds, &seen, &bounds))
    return;
  cr = gtk_snapshot_append_cairo (snapshot, &bounds);
  ew_wedge_path (cr, cx, cy, self->from, self->to, self->inner, self->outer, focused ? 3 : 0);
  cairo_set_line_width (cr, focused ? 2 : 1.5);
  gdk_cairo_set_source_rgba (cr, focused ? &self->colors->accent_text : &self->colors->path);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
ew_token_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwToken *self = EW_TOKEN (widget);
  gdouble cx = gtk_widget_get_width (widget) / 2.0, cy = gtk_widget_get_height (widget) / 2.0;

  if (self->colors == NULL)
    return;
  if (self->role == EW_TOKEN_SECTOR)
    {
      draw_wedge (self, snapshot, cx, cy);
      return;
    }
  if (self->role == EW_TOKEN_SERVICE)
    {
      ew_token_capsule_draw (snapshot, &self->face, self->colors, self->text,
                             &GRAPHENE_RECT_INIT ((float)(cx - self->width / 2), (float)(cy - self->height / 2),
                                                  (float)self->width, (float)self->height),
                             gtk_widget_has_visible_focus (widget));
      return;
    }
  if (self->role == EW_TOKEN_EDGE)
    {
      draw_hub (self, snapshot, cx, cy);
      if (self->face.state == EW_NODE_OFFLINE)
        draw_cross (self, snapshot, cx, cy);
    }
  else
    ew_token_face_draw (snapshot, &self->face, self->colors, cx, cy, self->size, GDK_PAINTABLE (self->icon));
  if (gtk_widget_has_visible_focus (widget))
    ew_token_focus_ring_draw (snapshot, self->colors, is_round (self), cx, cy, self->size);
}

static void
on_pressed (GtkGestureClick *gesture, gint n_press, gdouble x, gdouble y, EwToken *self)
{
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (gesture));
  guint button = gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));

  if (button == GDK_BUTTON_SECONDARY || (event != NULL && gdk_event_triggers_context_menu (event)))
    {
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
      g_signal_emit (self, signals[MENU], 0, x, y);
    }
}

static void
on_released (GtkGestureClick *gesture, gint n_press, gdouble x, gdouble y, EwToken *self)
{
  if (gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture)) != GDK_BUTTON_PRIMARY)
    return;
  gtk_widget_grab_focus (GTK_WIDGET (self));
  g_signal_emit (self, signals[n_press == 2 ? OPEN : PATH], 0, x, y);
}

static void
on_open_action (GtkWidget *widget, const gchar *action, GVariant *parameter)
{
  g_signal_emit (widget, signals[OPEN], 0, -1.0, -1.0);
}

static void
on_path_action (GtkWidget *widget, const gchar *action, GVariant *parameter)
{
  g_signal_emit (widget, signals[PATH], 0, -1.0, -1.0);
}

static void
load_icon (EwToken *self, const gchar *name)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (widget));

  g_clear_object (&self->icon);
  if (name != NULL) /* twice as fine as needed: the map can be zoomed */
    self->icon = gtk_icon_theme_lookup_icon (theme, name, NULL, 24, 2 * gtk_widget_get_scale_factor (widget),
                                             GTK_TEXT_DIR_NONE, GTK_ICON_LOOKUP_FORCE_SYMBOLIC);
}

void
ew_token_set_face (EwToken *self, const EwTokenFace *face, const EwMapColors *colors)
{
  if (g_strcmp0 (self->face.icon_name, face->icon_name) != 0 || self->icon == NULL)
    load_icon (self, face->icon_name);
  if (self->face.selected != face->selected || self->colors == NULL)
    gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_PRESSED,
                                 face->selected ? GTK_ACCESSIBLE_TRISTATE_TRUE : GTK_ACCESSIBLE_TRISTATE_FALSE, -1);
  if (self->face.dimmed != face->dimmed)
    gtk_widget_set_opacity (GTK_WIDGET (self), face->dimmed ? DIMMED_OPACITY : 1);
  self->face = *face;
  self->colors = colors;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
ew_token_set_size (EwToken *self, gdouble size)
{
  if (self->size == size)
    return;
  self->size = size;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
ew_token_set_capsule (EwToken *self, PangoLayout *text, gdouble width, gdouble height)
{
  if (self->text == text && self->width == width && self->height == height)
    return;
  g_set_object (&self->text, text);
  self->width = width;
  self->height = height;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
ew_token_set_words (EwToken *self, const gchar *name, const gchar *description, const gchar *tooltip)
{
  if (g_strcmp0 (self->name, name) != 0)
    {
      g_free (self->name);
      self->name = g_strdup (name);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    }
  if (g_strcmp0 (self->description, description) != 0)
    {
      g_free (self->description);
      self->description = g_strdup (description);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
    }
  if (g_strcmp0 (gtk_widget_get_tooltip_text (GTK_WIDGET (self)), tooltip) != 0)
    gtk_widget_set_tooltip_text (GTK_WIDGET (self), tooltip);
}

void
ew_token_set_wedge (EwToken *self, gdouble from, gdouble to, gdouble inner, gdouble outer)
{
  self->from = from;
  self->to = to;
  self->inner = inner;
  self->outer = outer;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
set_line (EwToken *self, PangoLayout **layout, PangoWeight weight, gdouble scale, const gchar *text)
{
  PangoAttrList *attributes = pango_attr_list_new ();

  if (*layout == NULL)
    *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), NULL);
  pango_attr_list_insert (attributes, pango_attr_weight_new (weight));
  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (*layout, attributes);
  pango_attr_list_unref (attributes);
  pango_layout_set_text (*layout, text, -1);
}

void
ew_token_set_text (EwToken *self, const gchar *title, const gchar *subtitle, const gchar *value)
{
  g_free (self->edge_name);
  self->edge_name = g_strdup (title);
  set_line (self, &self->title, PANGO_WEIGHT_ULTRABOLD, 1.09, title);
  set_line (self, &self->subtitle, PANGO_WEIGHT_NORMAL, 0.86, subtitle);
  g_clear_object (&self->value);
  if (*value != '\0')
    set_line (self, &self->value, PANGO_WEIGHT_BOLD, 0.86, value);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

EwTokenRole
ew_token_get_role (EwToken *self)
{
  return self->role;
}

GObject *
ew_token_get_object (EwToken *self)
{
  return self->object;
}

static void
ew_token_dispose (GObject *object)
{
  EwToken *self = EW_TOKEN (object);

  g_clear_object (&self->object);
  g_clear_object (&self->icon);
  g_clear_object (&self->title);
  g_clear_object (&self->subtitle);
  g_clear_object (&self->value);
  g_clear_object (&self->text);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->edge_name, g_free);
  g_clear_pointer (&self->description, g_free);
  G_OBJECT_CLASS (ew_token_parent_class)->dispose (object);
}

static void
on_focus_changed (EwToken *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
ew_token_class_init (EwTokenClass *klass)
{
  static const gchar *const names[N_SIGNALS] = { "open", "path", "menu" };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ew_token_dispose;
  widget_class->measure = ew_token_measure;
  widget_class->contains = ew_token_contains;
  widget_class->snapshot = ew_token_snapshot;
  for (guint i = 0; i < N_SIGNALS; i++)
    signals[i] = g_signal_new (names[i], EW_TYPE_TOKEN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                               G_TYPE_DOUBLE, G_TYPE_DOUBLE);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_BUTTON);
  gtk_widget_class_set_css_name (widget_class, "token");
  gtk_widget_class_install_action (widget_class, "token.open", NULL, on_open_action);
  gtk_widget_class_install_action (widget_class, "token.path", NULL, on_path_action);
}

static void
ew_token_init (EwToken *self)
{
  GtkGesture *click = gtk_gesture_click_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  g_signal_connect (click, "released", G_CALLBACK (on_released), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  g_signal_connect (self, "notify::has-focus", G_CALLBACK (on_focus_changed), NULL);
}

EwToken *
ew_token_new (EwTokenRole role, GObject *object)
{
  EwToken *self = g_object_new (EW_TYPE_TOKEN, NULL);

  self->role = role;
  self->object = object != NULL ? g_object_ref (object) : NULL;
  if (role == EW_TOKEN_EDGE)
    load_icon (self, EW_ICON_EDGE);
  return self;
}
