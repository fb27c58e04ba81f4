/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the parts of the layout: the ring of tokens (layout.c), seats (seats.c), labels (layout-labels.c).
 */
#pragma once

#include "map/layout.h"

#include <math.h>

#define EW_SIX_OCLOCK G_PI_2
#define EW_EDGE_RADIUS 62.0
#define EW_SPOKE_LEAST 29.0 /* between the edge and a token */
#define EW_PLATE_HALF 42.0
#define EW_PLATE_HALF_COMPACT 26.0
#define EW_TOKEN_SIZE 54.0
#define EW_TOKEN_SIZE_COMPACT 33.0
#define EW_LABEL_DISTANCE 54.0
#define EW_LABEL_DISTANCE_COMPACT 33.0

EwPoint ew_polar (EwPoint centre, gdouble radius, gdouble angle);

/* Fills places and sectors for seats; self->places are there, zeroed. */
void ew_layout_seats (EwLayout *self, const EwLayoutInput *input, EwSlots *slots);

/* After everything else has its place. */
void ew_layout_leaves (EwLayout *self, const EwLayoutInput *input);
void ew_layout_labels (EwLayout *self, const EwLayoutInput *input);
void ew_layout_sector_labels (EwLayout *self, const EwLayoutInput *input);
