/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a node's token looks: its shape, its icon, and the badge of its state; and a service's capsule.
 */
#pragma once

#include "map/token.h"

G_BEGIN_DECLS

/* Around (cx, cy); size: of the face. icon: NULL for none. */
void ew_token_face_draw (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors, gdouble cx,
                         gdouble cy, gdouble size, GdkPaintable *icon);
/* Where the keyboard is. */
void ew_token_focus_ring_draw (GtkSnapshot *snapshot, const EwMapColors *colors, gboolean round, gdouble cx, gdouble cy,
                               gdouble size);
/* A service's capsule: its text in a box that is round at its ends. */
void ew_token_capsule_draw (GtkSnapshot *snapshot, const EwTokenFace *face, const EwMapColors *colors,
                            PangoLayout *text, const graphene_rect_t *box, gboolean focused);

G_END_DECLS
