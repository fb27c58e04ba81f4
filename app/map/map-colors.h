/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map's colors, for light, dark and high contrast. Normal is grey-blue; color means "chosen" or "look here", and
 * never stands alone: every state has a shape and words too. Each is checked for contrast against the background.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct
{
  GdkRGBA background, text, secondary;
  GdkRGBA spoke, offline, waiting; /* lines: online, offline, not joined yet */
  GdkRGBA path, halo, pill, on_accent;
  GdkRGBA online, waiting_text, accent_text;
  GdkRGBA plate, plate_border;
  GdkRGBA token, token_border, icon, icon_off, badge_back;
  GdkRGBA disc, disc_border, shadow;
  GdkRGBA packet, check;
  GdkRGBA error;
} EwMapColors;

/* One of four, valid forever: equal pointers are equal colors. */
const EwMapColors *ew_map_colors_get (gboolean dark, gboolean high_contrast);

G_END_DECLS
