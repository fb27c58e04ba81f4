/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-colors.h"

typedef struct
{
  const gchar *name[26]; /* in the order of EwMapColors */
} Table;

static const Table tables[4] = {
  /* light */
  { { "#f8f9fa", "#323236", "#5e5c64", "#758194", "#858c97", "#b87a00", "#3584e4",          "rgba(53,132,228,0.2)",
      "#1c71d8", "#ffffff", "#218c58", "#8f5902", "#1a65b8", "#eef1f6", "#dde2ea",          "#ffffff",
      "#bcc4d0", "#3d434d", "#77767e", "#eef1f6", "#ffffff", "#7d899a", "rgba(0,0,0,0.10)", "#465264",
      "#ffffff", "#e01b24" } },
  /* dark */
  { { "#222325", "#ffffff", "#b3b3b8", "#7f8b9b", "#6b7079", "#f6d32d", "#3584e4",          "rgba(98,160,234,0.26)",
      "#1c71d8", "#ffffff", "#33d17a", "#f8e45c", "#8ab8f2", "#2f3135", "#3b3e44",          "#3d4046",
      "#626874", "#eef0f3", "#94979e", "#2f3135", "#34373c", "#8d99a9", "rgba(0,0,0,0.35)", "#cdd6e2",
      "#1b1d20", "#ed333b" } },
  /* high contrast, light */
  { { "#ffffff", "#000000", "#1f1f24", "#2b3038", "#50555d", "#8f5902", "#0b56ad",       "rgba(11,86,173,0.3)",
      "#0b56ad", "#ffffff", "#006b37", "#663f00", "#0b4a94", "#f3f3f5", "#50555d",       "#ffffff",
      "#000000", "#000000", "#50555d", "#ffffff", "#ffffff", "#000000", "rgba(0,0,0,0)", "#000000",
      "#ffffff", "#b3000f" } },
  /* high contrast, dark */
  { { "#000000", "#ffffff", "#e4e4e8", "#d3d9e2", "#a9afb9", "#f6d32d", "#62a0ea",       "rgba(98,160,234,0.4)",
      "#99c1f1", "#000000", "#57e389", "#f9f06b", "#a9cdf7", "#161719", "#a9afb9",       "#000000",
      "#ffffff", "#ffffff", "#c0c4cb", "#000000", "#000000", "#ffffff", "rgba(0,0,0,0)", "#ffffff",
      "#000000", "#ff8080" } },
};

const EwMapColors *
ew_map_colors_get (gboolean dark, gboolean high_contrast)
{
  static EwMapColors parsed[G_N_ELEMENTS (tables)];
  static gboolean done;

  for (guint i = 0; !done && i < G_N_ELEMENTS (tables); i++)
    {
      GdkRGBA *colors = &parsed[i].background;

      for (guint k = 0; k < sizeof (EwMapColors) / sizeof (GdkRGBA); k++)
        gdk_rgba_parse (&colors[k], tables[i].name[k]);
    }
  done = TRUE;
  return &parsed[(high_contrast ? 2 : 0) + (dark ? 1 : 0)];
}
