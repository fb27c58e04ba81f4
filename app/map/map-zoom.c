/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Zoom and pan: wheel, pinch, drag, keys and buttons. What is under the pointer or the fingers stays there.
 */
#include "map/map-view-private.h"

#include <math.h>

#define STEP 1.25
#define DRAG_LEAST 6.0 /* px: less is a click */
#define GLIDE_MS 200

GskTransform *
ew_map_transform (EwMapView *self)
{
  gdouble cx = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0, cy = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
  GskTransform *transform = NULL;

  transform
    = gsk_transform_translate (transform, &GRAPHENE_POINT_INIT ((float)(cx + self->pan_x), (float)(cy + self->pan_y)));
  transform = gsk_transform_scale (transform, (float)self->zoom, (float)self->zoom);
  return gsk_transform_translate (transform, &GRAPHENE_POINT_INIT ((float)-cx, (float)-cy));
}

EwPoint
ew_map_to_dial (EwMapView *self, gdouble x, gdouble y)
{
  gdouble cx = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0, cy = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;

  return (EwPoint){ (x - cx - self->pan_x) / self->zoom + cx, (y - cy - self->pan_y) / self->zoom + cy };
}

/* The dial cannot be lost: its middle stays in reach. */
static void
apply (EwMapView *self, gdouble zoom, gdouble pan_x, gdouble pan_y)
{
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));

  self->zoom = CLAMP (zoom, EW_MAP_ZOOM_LEAST, EW_MAP_ZOOM_MOST);
  self->pan_x = CLAMP (pan_x, -width / 2 * self->zoom, width / 2 * self->zoom);
  self->pan_y = CLAMP (pan_y, -height / 2 * self->zoom, height / 2 * self->zoom);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "map.zoom-in", self->zoom < EW_MAP_ZOOM_MOST);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "map.zoom-out", self->zoom > EW_MAP_ZOOM_LEAST);
  ew_map_set_moving (self);
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
  self->zoom_to[0] = CLAMP (zoom, EW_MAP_ZOOM_LEAST, EW_MAP_ZOOM_MOST);
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
  gdouble to = CLAMP (zoom, EW_MAP_ZOOM_LEAST, EW_MAP_ZOOM_MOST), share = to / self->zoom;

  ew_map_zoom_to (self, to, (x - cx) - (x - cx - self->pan_x) * share, (y - cy) - (y - cy - self->pan_y) * share,
                  animated);
}

void
ew_map_zoom_to_sector (EwMapView *self, EwSector s)
{
  const EwLayoutSector *sector = &self->layout->sectors[s];
  gdouble width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gdouble middle = (sector->inner + sector->outer) / 2, angle = (sector->from + sector->to) / 2;
  gdouble across = MAX (sector->outer - sector->inner, (sector->to - sector->from) * middle) + 40;
  gdouble zoom
    = CLAMP (MIN (width, height) / across, EW_MAP_SEAT_TOKEN / MAX (self->layout->pitch, 1) + 0.1, EW_MAP_ZOOM_MOST);
  EwPoint at = ew_map_point (self, middle, angle);

  ew_map_zoom_to (self, zoom, -(at.x - width / 2) * zoom, -(at.y - height / 2) * zoom, TRUE);
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

  self->zoom = 1;
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
