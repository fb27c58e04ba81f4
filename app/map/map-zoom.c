/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Zoom and pan: wheel, pinch, drag, keys and buttons. What is under the pointer or the fingers stays there.
 */
#include "map/map-view-private.h"

#include <math.h>

#define STEP 1.25
#define DRAG_LEAST 6.0 /* px: less is a click */
#define GLIDE_MS 200
#define BESIDE_RING 184.0 /* px that labels need there */
#define ABOVE_RING 63.0
#define BEYOND_VIEW 0.35 /* of the view's size, drawn on each side of it */
#define BOX_STEPS 48
#define BOX_MARGIN 24.0   /* px beside a sector that is fitted */
#define BOX_LABEL 46.0    /* above and below it */
#define SIGHT_MARGIN 60.0 /* px from the view's edges for what is brought into sight */

/* The layout is made for the zoom at rest (from 1), so that words, lines and tokens keep their size; while the zoom
   changes its picture is scaled. */
gdouble
ew_map_scale (EwMapView *self)
{
  return self->layout != NULL ? self->zoom / self->layout->zoom : self->zoom;
}

static EwPoint
dial_centre (EwMapView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  if (self->layout != NULL)
    return self->layout->centre;
  return (EwPoint){ gtk_widget_get_width (widget) / 2.0, gtk_widget_get_height (widget) / 2.0 };
}

GskTransform *
ew_map_transform (EwMapView *self)
{
  gdouble cx = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0, cy = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
  EwPoint centre = dial_centre (self);
  float scale = (float)ew_map_scale (self);
  GskTransform *transform = NULL;

  transform
    = gsk_transform_translate (transform, &GRAPHENE_POINT_INIT ((float)(cx + self->pan_x), (float)(cy + self->pan_y)));
  transform = gsk_transform_scale (transform, scale, scale);
  return gsk_transform_translate (transform, &GRAPHENE_POINT_INIT ((float)-centre.x, (float)-centre.y));
}

EwPoint
ew_map_to_dial (EwMapView *self, gdouble x, gdouble y)
{
  gdouble cx = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0, cy = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
  EwPoint centre = dial_centre (self);
  gdouble scale = ew_map_scale (self);

  return (EwPoint){ (x - cx - self->pan_x) / scale + centre.x, (y - cy - self->pan_y) / scale + centre.y };
}

/* The map cannot be lost: what surrounds the ring with its labels fills the window, or is centered where it is smaller;
   and the window's middle is never outside the ring. */
static void
limit_pan (EwMapView *self, gdouble zoom, gdouble *pan_x, gdouble *pan_y)
{
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gdouble reach, most_x, most_y, distance;

  if (self->layout == NULL || width <= 0 || height <= 0)
    return;
  reach = self->layout->radius / self->layout->zoom * zoom;
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->layout->mode == EW_LAYOUT_SEATS && self->layout->sectors[s].present)
      reach = MAX (reach, self->layout->sectors[s].outer / self->layout->zoom * zoom);
  most_x = zoom > 1 ? MAX (reach + BESIDE_RING - width / 2, 0) : 0; /* unmagnified it has been laid out to fit */
  most_y = zoom > 1 ? MAX (reach + ABOVE_RING - height / 2, 0) : 0;
  *pan_x = CLAMP (*pan_x, -most_x, most_x);
  *pan_y = CLAMP (*pan_y, -most_y, most_y);
  distance = hypot (*pan_x, *pan_y);
  if (distance > reach)
    {
      *pan_x *= reach / distance;
      *pan_y *= reach / distance;
    }
}

/* Names come with the pitch of seats: a large mesh is magnified further. */
static gdouble
zoom_most (EwMapView *self)
{
  if (self->layout == NULL || self->layout->mode != EW_LAYOUT_SEATS || self->layout->nodes_per_seat > 1)
    return EW_MAP_ZOOM_MOST;
  return MAX (EW_MAP_ZOOM_MOST, 1.4 * ew_map_named_pitch (self) * self->layout->zoom / MAX (self->layout->pitch, 1));
}

/* What is drawn at rest, in dial coordinates: beyond the view, as far as it may be moved before it is drawn again. */
graphene_rect_t
ew_map_area (EwMapView *self)
{
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  EwPoint c = self->layout->centre;
  graphene_rect_t area, all = GRAPHENE_RECT_INIT (0, 0, (float)(2 * c.x), (float)(2 * c.y));

  if (self->layout->zoom <= 1)
    return all;
  area = GRAPHENE_RECT_INIT ((float)floor (c.x - self->area_x - width / 2 - width * BEYOND_VIEW),
                             (float)floor (c.y - self->area_y - height / 2 - height * BEYOND_VIEW),
                             (float)ceil (width * (1 + 2 * BEYOND_VIEW)), (float)ceil (height * (1 + 2 * BEYOND_VIEW)));
  if (!graphene_rect_intersection (&area, &all, &area))
    return all;
  return area;
}

/* Whether the picture that is scaled while moving covers all of the dial that is in sight. */
static gboolean
is_covered (EwMapView *self)
{
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  EwPoint from = ew_map_to_dial (self, 0, 0), to = ew_map_to_dial (self, width, height);
  graphene_rect_t area, seen, all;

  if (self->layout == NULL || self->layout->zoom <= 1)
    return TRUE;
  all = GRAPHENE_RECT_INIT (0, 0, (float)(2 * self->layout->centre.x), (float)(2 * self->layout->centre.y));
  seen = GRAPHENE_RECT_INIT ((float)from.x, (float)from.y, (float)(to.x - from.x), (float)(to.y - from.y));
  area = ew_map_area (self);
  graphene_rect_inset (&area, -1, -1);
  return !graphene_rect_intersection (&seen, &all, &seen) || graphene_rect_contains_rect (&area, &seen);
}

/* The layout of the zoom and the place as they are now, with the next frame. */
void
ew_map_settle (EwMapView *self)
{
  self->layout_zoom = MAX (self->zoom, 1);
  self->area_x = self->pan_x;
  self->area_y = self->pan_y;
  self->layout_stale = TRUE;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

static void
apply (EwMapView *self, gdouble zoom, gdouble pan_x, gdouble pan_y)
{
  self->zoom = CLAMP (zoom, EW_MAP_ZOOM_LEAST, zoom_most (self));
  limit_pan (self, self->zoom, &pan_x, &pan_y);
  self->pan_x = pan_x;
  self->pan_y = pan_y;
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "map.zoom-in", self->zoom < zoom_most (self));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "map.zoom-out", self->zoom > EW_MAP_ZOOM_LEAST);
  ew_map_set_moving (self);
  if (!is_covered (self))
    ew_map_settle (self);
}

/* After a new layout: another size, or fewer nodes. */
void
ew_map_limit (EwMapView *self)
{
  gdouble zoom = MIN (self->zoom, zoom_most (self)), pan_x = self->pan_x, pan_y = self->pan_y;

  limit_pan (self, zoom, &pan_x, &pan_y);
  if (zoom != self->zoom || pan_x != self->pan_x || pan_y != self->pan_y)
    apply (self, zoom, pan_x, pan_y);
}

static void
on_glide (gdouble value, gpointer user_data)
{
  EwMapView *self = user_data;
  gdouble now[3];

  for (guint i = 0; i < 3; i++)
    now[i] = self->zoom_from[i] + (self->zoom_to[i] - self->zoom_from[i]) * value;
  apply (self, now[0], now[1], now[2]);
}

void
ew_map_zoom_to (EwMapView *self, gdouble zoom, gdouble pan_x, gdouble pan_y, gboolean animated)
{
  adw_animation_pause (self->zooming);
  if (!animated || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    {
      apply (self, zoom, pan_x, pan_y);
      return;
    }
  self->zoom_from[0] = self->zoom;
  self->zoom_from[1] = self->pan_x;
  self->zoom_from[2] = self->pan_y;
  self->zoom_to[0] = CLAMP (zoom, EW_MAP_ZOOM_LEAST, zoom_most (self));
  limit_pan (self, self->zoom_to[0], &pan_x, &pan_y);
  self->zoom_to[1] = pan_x;
  self->zoom_to[2] = pan_y;
  adw_animation_reset (self->zooming);
  adw_animation_play (self->zooming);
}

/* Around a point of the view that stays where it is. */
static void
zoom_around (EwMapView *self, gdouble zoom, gdouble x, gdouble y, gboolean animated)
{
  gdouble cx = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0, cy = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
  gdouble to = CLAMP (zoom, EW_MAP_ZOOM_LEAST, zoom_most (self)), share = to / self->zoom;

  ew_map_zoom_to (self, to, (x - cx) - (x - cx - self->pan_x) * share, (y - cy) - (y - cy - self->pan_y) * share,
                  animated);
}

/* Its box in the middle, as large as it fits. */
void
ew_map_zoom_to_sector (EwMapView *self, EwSector s)
{
  const EwLayoutSector *sector = &self->layout->sectors[s];
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gdouble left = G_MAXDOUBLE, right = -G_MAXDOUBLE, top = G_MAXDOUBLE, bottom = -G_MAXDOUBLE, zoom;

  for (guint i = 0; i <= BOX_STEPS; i++)
    for (guint side = 0; side < 2; side++)
      {
        gdouble angle = sector->from + (sector->to - sector->from) * i / BOX_STEPS;
        gdouble radius = (side == 0 ? sector->inner : sector->outer) / self->layout->zoom;

        left = MIN (left, radius * cos (angle));
        right = MAX (right, radius * cos (angle));
        top = MIN (top, radius * sin (angle));
        bottom = MAX (bottom, radius * sin (angle));
      }
  zoom = MIN ((width - 2 * BOX_MARGIN) / MAX (right - left, 1), (height - 2 * BOX_LABEL) / MAX (bottom - top, 1));
  zoom = CLAMP (zoom, 1, zoom_most (self));
  ew_map_zoom_to (self, zoom, -(left + right) / 2 * zoom, -(top + bottom) / 2 * zoom, TRUE);
}

void
ew_map_zoom_to_seat (EwMapView *self, guint index)
{
  EwPoint at = self->layout->places[index].centre, c = self->layout->centre;
  gdouble pitch = MAX (self->layout->pitch / self->layout->zoom, 0.1);
  gdouble zoom = CLAMP (1.05 * ew_map_named_pitch (self) / pitch, self->zoom, zoom_most (self));
  gdouble share = zoom / self->layout->zoom;

  ew_map_zoom_to (self, zoom, -(at.x - c.x) * share, -(at.y - c.y) * share, TRUE);
}

/* The person goes there with the keyboard or the search: what is out of sight is moved into view. */
void
ew_map_bring_into_sight (EwMapView *self, guint index)
{
  gdouble half_x = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0 - SIGHT_MARGIN;
  gdouble half_y = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0 - SIGHT_MARGIN;
  gdouble zoom = adw_animation_get_state (self->zooming) == ADW_ANIMATION_PLAYING ? self->zoom_to[0] : self->zoom;
  gdouble x, y, pan_x = self->pan_x, pan_y = self->pan_y;

  if (self->layout == NULL || index >= self->layout->n_places)
    return;
  x = (self->layout->places[index].centre.x - self->layout->centre.x) / self->layout->zoom * zoom;
  y = (self->layout->places[index].centre.y - self->layout->centre.y) / self->layout->zoom * zoom;
  pan_x = CLAMP (pan_x, -x - MAX (half_x, 0), -x + MAX (half_x, 0));
  pan_y = CLAMP (pan_y, -y - MAX (half_y, 0), -y + MAX (half_y, 0));
  if (pan_x != self->pan_x || pan_y != self->pan_y)
    ew_map_zoom_to (self, zoom, pan_x, pan_y, TRUE);
}

void
ew_map_view_zoom_in (EwMapView *self)
{
  zoom_around (self, self->zoom * STEP, gtk_widget_get_width (GTK_WIDGET (self)) / 2.0,
               gtk_widget_get_height (GTK_WIDGET (self)) / 2.0, TRUE);
}

void
ew_map_view_zoom_out (EwMapView *self)
{
  zoom_around (self, self->zoom / STEP, gtk_widget_get_width (GTK_WIDGET (self)) / 2.0,
               gtk_widget_get_height (GTK_WIDGET (self)) / 2.0, TRUE);
}

void
ew_map_view_zoom_fit (EwMapView *self)
{
  ew_map_zoom_to (self, 1, 0, 0, TRUE);
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, gdouble dx, gdouble dy, EwMapView *self)
{
  zoom_around (self, self->zoom * pow (STEP, -CLAMP (dy, -3, 3) / 2), self->pointer_x, self->pointer_y, FALSE);
  return TRUE;
}

static void
on_motion (GtkEventControllerMotion *controller, gdouble x, gdouble y, EwMapView *self)
{
  self->pointer_x = x;
  self->pointer_y = y;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, EwMapView *self)
{
  self->gesture_zoom = self->zoom;
}

static void
on_pinch (GtkGestureZoom *gesture, gdouble scale, EwMapView *self)
{
  gdouble x, y;

  if (gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y))
    zoom_around (self, self->gesture_zoom * scale, x, y, FALSE);
}

static void
on_drag_begin (GtkGestureDrag *gesture, gdouble x, gdouble y, EwMapView *self)
{
  self->gesture_pan_x = self->pan_x;
  self->gesture_pan_y = self->pan_y;
}

static void
on_drag_update (GtkGestureDrag *gesture, gdouble dx, gdouble dy, EwMapView *self)
{
  if (hypot (dx, dy) < DRAG_LEAST)
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  ew_map_zoom_to (self, self->zoom, self->gesture_pan_x + dx, self->gesture_pan_y + dy, FALSE);
}

static void
on_click (GtkGestureClick *gesture, gint n_press, gdouble x, gdouble y, EwMapView *self)
{
  GtkWidget *picked = gtk_widget_pick (GTK_WIDGET (self), x, y, GTK_PICK_DEFAULT);

  if (picked == GTK_WIDGET (self) && n_press == 1)
    ew_map_view_set_selected (self, NULL);
}

void
ew_map_zoom_init (EwMapView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new (), *drag = gtk_gesture_drag_new (), *click = gtk_gesture_click_new ();

  self->zoom = self->layout_zoom = 1;
  self->zooming
    = adw_timed_animation_new (widget, 0, 1, GLIDE_MS, adw_callback_animation_target_new (on_glide, self, NULL));
  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (click, "released", G_CALLBACK (on_click), self);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));
}
