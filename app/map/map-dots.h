/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The few dots that move along spokes with traffic, in a layer of their own: a frame redraws them and nothing else.
 * Thirty frames a second while there is something to see, none at all otherwise: without traffic, while unmapped, 10 s
 * after the window lost the focus, and where animations are off.
 */
#pragma once

#include <gtk/gtk.h>

#include "map/map-colors.h"

G_BEGIN_DECLS

#define EW_DOTS_MAX 40

/* A round dot of size px around (x, y); rim_width: 0 for none. */
void ew_dot_append (GtkSnapshot *snapshot, gdouble x, gdouble y, gdouble size, const GdkRGBA *fill, const GdkRGBA *rim,
                    gdouble rim_width);

/* One spoke, from the edge's port to the token, in dial coordinates. */
typedef struct
{
  gdouble x0, y0, x1, y1;
  gdouble out, back; /* bytes a second: to the node, from the node */
  gboolean path;     /* on the selected path: white on its color */
} EwDotTrack;

#define EW_TYPE_MAP_DOTS (ew_map_dots_get_type ())
G_DECLARE_FINAL_TYPE (EwMapDots, ew_map_dots, EW, MAP_DOTS, GtkWidget)

EwMapDots *ew_map_dots_new (void);
/* tracks are copied; the busiest ones get the dots when there are too many. */
void ew_map_dots_set_tracks (EwMapDots *self, const EwDotTrack *tracks, guint n);
void ew_map_dots_set_colors (EwMapDots *self, const EwMapColors *colors);
/* From dial to widget coordinates (transfer none), and what lies above the dots (NULL: nothing). */
void ew_map_dots_set_view (EwMapDots *self, GskTransform *transform, GskRenderNode *top);

G_END_DECLS
