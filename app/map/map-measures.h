/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How large the map's words are, and what follows from it: every size around words is a multiple of the font's. One
 * place for all of them; measured again when the font or the scale of text changes.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define EW_TEXT_DETAIL 0.85 /* of the second line and of capsules, of the font's size */
#define EW_TEXT_SECTOR 0.79
#define EW_TEXT_PILL 0.82

typedef struct
{
  gdouble text; /* 1 with the font that the map was drawn for, or a smaller one */
  gint name_height, detail_height;
  gint name_most; /* px: names that are wider are shortened */
  gint name_least;
  gint leaf_most;
  gdouble pill_height;
} EwMapMeasures;

void ew_map_measure (GtkWidget *widget, EwMapMeasures *measures);
/* Writes text, and without its middle where it is wider than most px. TRUE: it is shortened. (Pango's own ellipsis
   fills the width: it leaves a gap of up to a letter.) */
gboolean ew_map_shorten (PangoLayout *layout, const gchar *text, gint most);

G_END_DECLS
