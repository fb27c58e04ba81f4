/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the lines on the map mean: only those that are on it.
 */
#pragma once

#include <gtk/gtk.h>

#include "map/map-colors.h"

G_BEGIN_DECLS

typedef enum
{
  EW_LEGEND_TRAFFIC = 1 << 0,
  EW_LEGEND_WAITING = 1 << 1, /* not joined yet */
  EW_LEGEND_OFFLINE = 1 << 2,
  EW_LEGEND_SEATS = 1 << 3, /* dots stand for nodes instead of lines; with EW_LEGEND_TENS one for ten */
  EW_LEGEND_TENS = 1 << 4,
  EW_LEGEND_PAST = 1 << 5,  /* everything is as last seen: no connection is being made */
  EW_LEGEND_HTTPS = 1 << 6, /* a double line */
} EwLegendRows;

#define EW_TYPE_MAP_LEGEND (ew_map_legend_get_type ())
G_DECLARE_FINAL_TYPE (EwMapLegend, ew_map_legend, EW, MAP_LEGEND, GtkWidget)

EwMapLegend *ew_map_legend_new (void);
void ew_map_legend_set (EwMapLegend *self, EwLegendRows rows, const EwMapColors *colors);

G_END_DECLS
