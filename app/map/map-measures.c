/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-measures.h"

#include <math.h>

/* Of Cantarell at 11 points: a line, and the mean of the letters and digits in bold. */
#define LINE 19.0
#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"
#define LETTERS_WIDTH 284.0

static void
measure_text (GtkWidget *widget, const gchar *text, gdouble scale, gboolean bold, gint *width, gint *height)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);
  PangoAttrList *attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  pango_attr_list_insert (attributes, pango_attr_weight_new (bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  pango_layout_get_pixel_size (layout, width, height);
}

void
ew_map_measure (GtkWidget *widget, EwMapMeasures *measures)
{
  gint width, line, pill;

  measure_text (widget, LETTERS, 1, TRUE, &width, &line);
  measure_text (widget, LETTERS, EW_TEXT_PILL, TRUE, NULL, &pill);
  measure_text (widget, LETTERS, EW_TEXT_DETAIL, FALSE, NULL, &measures->detail_height);
  measures->name_height = line - 1;
  measures->text = MAX (MAX (line / LINE, width / LETTERS_WIDTH), 1);
  measures->name_most = (gint)ceil (190 * measures->text);
  measures->name_least = (gint)ceil (60 * measures->text);
  measures->leaf_most = (gint)ceil (180 * measures->text);
  measures->pill_height = MAX (21, pill + 5);
}

/* kept of its n letters, the first half and the last. (transfer full) */
static gchar *
shorten (const gchar *text, glong n, glong kept)
{
  g_autofree gchar *first = g_utf8_substring (text, 0, (kept + 1) / 2);

  return g_strconcat (first, "…", g_utf8_offset_to_pointer (text, n - kept / 2), NULL);
}

gboolean
ew_map_shorten (PangoLayout *layout, const gchar *text, gint most)
{
  glong n = g_utf8_strlen (text, -1), kept = 0;
  gint width;

  pango_layout_set_text (layout, text, -1);
  pango_layout_get_pixel_size (layout, &width, NULL);
  if (width <= most || n < 3)
    return FALSE;
  for (glong least = 0, above = n; least <= above;) /* the most letters that fit */
    {
      glong middle = (least + above) / 2;
      g_autofree gchar *shorter = shorten (text, n, middle);

      pango_layout_set_text (layout, shorter, -1);
      pango_layout_get_pixel_size (layout, &width, NULL);
      if (width <= most)
        {
          kept = middle;
          least = middle + 1;
        }
      else
        above = middle - 1;
    }
  {
    g_autofree gchar *shorter = shorten (text, n, kept);

    pango_layout_set_text (layout, shorter, -1);
  }
  return TRUE;
}
