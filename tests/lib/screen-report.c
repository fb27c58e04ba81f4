/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For LD_PRELOAD into the app: at SIGUSR2 it writes what is drawn in each of its windows to the file that
 * EDGEWAY_SCREEN_REPORT names, a JSON object a line, in the order of painting. Places are in px of the window with its
 * frame; its own line comes first.
 *
 *   {"window": TITLE, "type": "EwWindow", "width": 360, "height": 740, "least": 350}      least: without its frame
 *   {"fill": [x, y, width, height]}                                   something that hides what is below it
 *   {"words": [x, y, width, height], "text": "nas", "cut": false, "turned": false, "colour": [r, g, b, a]}
 *   {"label": [x, y, width, height], "text": "…", "cut": true, "tooltip": "…"}
 *
 * "words" are glyphs as they are painted, "text" and "cut" (with an ellipsis) known of those only that a widget painted
 * itself; "label" is a GtkLabel, after all that is painted. The last line is {}. */
#include <dlfcn.h>
#include <errno.h>
#include <glib-unix.h>
#include <gtk/gtk.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdio.h>

#define CUT "cut:"
#define WHOLE "whole:"
#define SAMPLE_HEIGHT 64 /* px: strokes of glyphs that high are some px wide */
#define SAMPLE_WIDTH 512

static FILE *report;

typedef struct
{
  GskTransform *transform; /* owned */
  graphene_rect_t clip;    /* in px of the window */
  double opacity;
  const char *text; /* of the layout that is being painted; NULL: a toolkit's widget's */
} Place;

/* What the app painted into its own pictures: a node of cairo's, and what is on it. The latest ones; both owned. */
static struct
{
  GskRenderNode *picture, *content;
} pictures[64];
static size_t n_pictures;

static void *
next_of (const char *name)
{
  return dlsym (RTLD_NEXT, name);
}

/* The words of a layout go along with its nodes. */
void
gtk_snapshot_append_layout (GtkSnapshot *snapshot, PangoLayout *layout, const GdkRGBA *colour)
{
  void (*append) (GtkSnapshot *, PangoLayout *, const GdkRGBA *) = next_of ("gtk_snapshot_append_layout");
  GtkSnapshot *own = gtk_snapshot_new ();
  GskRenderNode *words, *named;

  append (own, layout, colour);
  words = gtk_snapshot_free_to_node (own);
  if (words == NULL)
    return;
  named = gsk_debug_node_new (
    words, g_strconcat (pango_layout_is_ellipsized (layout) ? CUT : WHOLE, pango_layout_get_text (layout), NULL));
  gtk_snapshot_append_node (snapshot, named);
  gsk_render_node_unref (words);
  gsk_render_node_unref (named);
}

GskRenderNode *
gsk_cairo_node_new (const graphene_rect_t *bounds)
{
  GskRenderNode *(*make) (const graphene_rect_t *) = next_of ("gsk_cairo_node_new");
  const size_t i = n_pictures++ % G_N_ELEMENTS (pictures);

  g_clear_pointer (&pictures[i].picture, gsk_render_node_unref);
  g_clear_pointer (&pictures[i].content, gsk_render_node_unref);
  pictures[i].picture = make (bounds);
  return gsk_render_node_ref (pictures[i].picture);
}

/* What is drawn thus comes onto the picture that was made last, in its place. */
void
gsk_render_node_draw (GskRenderNode *node, cairo_t *cr)
{
  void (*draw) (GskRenderNode *, cairo_t *) = next_of ("gsk_render_node_draw");

  if (n_pictures > 0 && pictures[(n_pictures - 1) % G_N_ELEMENTS (pictures)].content == NULL)
    pictures[(n_pictures - 1) % G_N_ELEMENTS (pictures)].content = gsk_render_node_ref (node);
  draw (node, cr);
}

static GskRenderNode *
content_of (GskRenderNode *picture)
{
  for (size_t i = 0; i < G_N_ELEMENTS (pictures); i++)
    if (pictures[i].picture == picture)
      return pictures[i].content;
  return NULL;
}

static void
write_line (JsonBuilder *builder)
{
  g_autoptr (JsonNode) node = json_builder_get_root (builder);
  g_autofree char *line = json_to_string (node, FALSE);

  fprintf (report, "%s\n", line);
}

static JsonBuilder *
begin_line (const char *kind, const graphene_rect_t *box)
{
  JsonBuilder *builder = json_builder_new ();
  const double sides[] = { box->origin.x, box->origin.y, box->size.width, box->size.height };

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, kind);
  json_builder_begin_array (builder);
  for (size_t i = 0; i < G_N_ELEMENTS (sides); i++)
    json_builder_add_double_value (builder, sides[i]);
  json_builder_end_array (builder);
  return builder;
}

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
add_truth (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
end_line (JsonBuilder *builder)
{
  json_builder_end_object (builder);
  write_line (builder);
  g_object_unref (builder);
}

/* FALSE: none of it is visible. */
static gboolean
place_box (const Place *place, const graphene_rect_t *bounds, graphene_rect_t *box)
{
  gsk_transform_transform_bounds (place->transform, bounds, box);
  return graphene_rect_intersection (box, &place->clip, box) && box->size.width > 0 && box->size.height > 0;
}

static void
write_fill (const Place *place, const graphene_rect_t *bounds, const GdkRGBA *colour)
{
  graphene_rect_t box;

  if (colour->alpha * place->opacity > 0.98 && place_box (place, bounds, &box))
    end_line (begin_line ("fill", &box));
}

/* Of the most opaque pixel. */
static GdkRGBA
colour_in (cairo_surface_t *surface)
{
  const int stride = cairo_image_surface_get_stride (surface);
  guint32 most = 0;

  cairo_surface_flush (surface);
  for (int y = 0; y < cairo_image_surface_get_height (surface); y++)
    {
      const guint32 *row = (const void *)(cairo_image_surface_get_data (surface) + y * stride);
      for (int x = 0; x < cairo_image_surface_get_width (surface); x++)
        if (row[x] >> 24 > most >> 24)
          most = row[x];
    }
  const float alpha = (float)(most >> 24);
  if (most >> 24 == 0)
    return (GdkRGBA){ 0 };
  return (GdkRGBA){ (float)(most >> 16 & 0xff) / alpha, (float)(most >> 8 & 0xff) / alpha, (float)(most & 0xff) / alpha,
                    alpha / 255 };
}

/* As it is painted: gsk_text_node_get_color() doesn't always point at the color in GTK 4.18, and never says which color
   space it is in. */
static GdkRGBA
find_colour (GskRenderNode *text, const graphene_rect_t *bounds)
{
  void (*draw) (GskRenderNode *, cairo_t *) = next_of ("gsk_render_node_draw");
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, SAMPLE_WIDTH, SAMPLE_HEIGHT);
  cairo_t *cr = cairo_create (surface);
  const double scale = SAMPLE_HEIGHT / (double)bounds->size.height;

  cairo_scale (cr, scale, scale);
  cairo_translate (cr, -bounds->origin.x, -bounds->origin.y);
  draw (text, cr);
  const GdkRGBA colour = colour_in (surface);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  return colour;
}

static void
write_words (const Place *place, GskRenderNode *node)
{
  const gboolean turned = gsk_transform_get_category (place->transform) < GSK_TRANSFORM_CATEGORY_2D_AFFINE;
  graphene_rect_t bounds, box;
  JsonBuilder *builder;

  gsk_render_node_get_bounds (node, &bounds);
  if (!place_box (place, &bounds, &box))
    return;
  const GdkRGBA colour = find_colour (node, &bounds);
  const float values[] = { colour.red, colour.green, colour.blue, (float)(colour.alpha * place->opacity) };
  builder = begin_line ("words", &box);
  if (place->text != NULL)
    {
      add_text (builder, "text", strchr (place->text, ':') + 1);
      add_truth (builder, "cut", g_str_has_prefix (place->text, CUT));
    }
  add_truth (builder, "turned", turned);
  json_builder_set_member_name (builder, "colour");
  json_builder_begin_array (builder);
  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    json_builder_add_double_value (builder, values[i]);
  json_builder_end_array (builder);
  end_line (builder);
}

static void write_node (GskRenderNode *node, const Place *place);

static void
write_clipped (GskRenderNode *child, const graphene_rect_t *clip, const Place *place)
{
  Place below = *place;
  graphene_rect_t box;

  if (!place_box (place, clip, &box))
    return;
  below.clip = box;
  /* A round corner's background is the color below its clip. */
  write_node (child, &below);
}

static void
write_node (GskRenderNode *node, const Place *place)
{
  Place below = *place;
  graphene_rect_t bounds;

  gsk_render_node_get_bounds (node, &bounds);
  switch (gsk_render_node_get_node_type (node))
    {
    case GSK_CONTAINER_NODE:
      for (guint i = 0; i < gsk_container_node_get_n_children (node); i++)
        write_node (gsk_container_node_get_child (node, i), place);
      break;
    case GSK_TRANSFORM_NODE:
      below.transform
        = gsk_transform_transform (gsk_transform_ref (place->transform), gsk_transform_node_get_transform (node));
      write_node (gsk_transform_node_get_child (node), &below);
      gsk_transform_unref (below.transform);
      break;
    case GSK_CLIP_NODE:
      write_clipped (gsk_clip_node_get_child (node), gsk_clip_node_get_clip (node), place);
      break;
    case GSK_ROUNDED_CLIP_NODE:
      write_clipped (gsk_rounded_clip_node_get_child (node), &gsk_rounded_clip_node_get_clip (node)->bounds, place);
      break;
    case GSK_OPACITY_NODE:
      below.opacity *= gsk_opacity_node_get_opacity (node);
      write_node (gsk_opacity_node_get_child (node), &below);
      break;
    case GSK_SHADOW_NODE:
      write_node (gsk_shadow_node_get_child (node), place);
      break;
    case GSK_COLOR_MATRIX_NODE: /* symbolic icons: no words in them */
      break;
    case GSK_CROSS_FADE_NODE:
      write_node (gsk_cross_fade_node_get_end_child (node), place);
      break;
    case GSK_DEBUG_NODE:
      if (g_str_has_prefix (gsk_debug_node_get_message (node), CUT)
          || g_str_has_prefix (gsk_debug_node_get_message (node), WHOLE))
        below.text = gsk_debug_node_get_message (node);
      write_node (gsk_debug_node_get_child (node), &below);
      break;
    case GSK_COLOR_NODE:
      write_fill (place, &bounds, gsk_color_node_get_color (node));
      break;
    case GSK_TEXT_NODE:
      write_words (place, node);
      break;
    case GSK_CAIRO_NODE:
      if (content_of (node) != NULL)
        write_node (content_of (node), place);
      break;
    default:
      break;
    }
}

/* The tooltip that a person sees who points at it, including one that is only made then. */
static char *
ask_tooltip (GtkWidget *widget)
{
  g_autoptr (GtkTooltip) tooltip = NULL;
  gboolean shown = FALSE;

  if (gtk_widget_get_tooltip_text (widget) != NULL)
    return g_strdup (gtk_widget_get_tooltip_text (widget));
  if (!gtk_widget_get_has_tooltip (widget))
    return NULL;
  tooltip = g_object_new (GTK_TYPE_TOOLTIP, NULL);
  g_signal_emit_by_name (widget, "query-tooltip", 1, 1, FALSE, tooltip, &shown);
  return shown ? g_strdup ("made up") : NULL;
}

static void
write_labels (GtkWidget *widget, GtkWidget *root, const graphene_point_t *frame)
{
  graphene_rect_t box;

  if (!gtk_widget_get_mapped (widget) || !gtk_widget_get_child_visible (widget)
      || (widget != root && GTK_IS_NATIVE (widget)))
    return;
  if (GTK_IS_LABEL (widget) && gtk_widget_compute_bounds (widget, root, &box))
    {
      JsonBuilder *builder;
      g_autofree char *tooltip = NULL;

      graphene_rect_offset (&box, frame->x, frame->y);
      builder = begin_line ("label", &box);
      for (GtkWidget *above = widget; above != NULL && tooltip == NULL; above = gtk_widget_get_parent (above))
        tooltip = ask_tooltip (above);
      add_text (builder, "text", gtk_label_get_text (GTK_LABEL (widget)));
      add_truth (builder, "cut", pango_layout_is_ellipsized (gtk_label_get_layout (GTK_LABEL (widget))));
      add_text (builder, "tooltip", tooltip != NULL ? tooltip : "");
      end_line (builder);
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    write_labels (child, root, frame);
}

static void
write_window (GtkWidget *window)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (window);
  /* With its frame, where there is no compositor to make one. */
  const int width = gdk_paintable_get_intrinsic_width (paintable),
            height = gdk_paintable_get_intrinsic_height (paintable);
  const graphene_point_t frame = GRAPHENE_POINT_INIT ((float)(width - gtk_widget_get_width (window)) / 2,
                                                      (float)(height - gtk_widget_get_height (window)) / 2);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *title = GTK_IS_WINDOW (window) ? gtk_window_get_title (GTK_WINDOW (window)) : NULL;
  Place place = { gsk_transform_new (), GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height), 1, NULL };
  GskRenderNode *node;
  int least;

  gtk_widget_measure (window, GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  json_builder_begin_object (builder);
  add_text (builder, "window", title != NULL ? title : "");
  add_text (builder, "type", G_OBJECT_TYPE_NAME (window));
  json_builder_set_member_name (builder, "width");
  json_builder_add_int_value (builder, width);
  json_builder_set_member_name (builder, "height");
  json_builder_add_int_value (builder, height);
  json_builder_set_member_name (builder, "least");
  json_builder_add_int_value (builder, least);
  json_builder_end_object (builder);
  write_line (builder);
  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (g_steal_pointer (&snapshot));
  if (node != NULL)
    {
      write_node (node, &place);
      gsk_render_node_unref (node);
    }
  gsk_transform_unref (place.transform);
  write_labels (window, window, &frame);
}

static void
write_popovers (GtkWidget *widget)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (GTK_IS_POPOVER (child) && gtk_widget_get_mapped (child))
        write_window (child);
      write_popovers (child);
    }
}

static gboolean
on_idle (gpointer data)
{
  g_autofree char *unfinished = g_strconcat (data, ".new", NULL);
  GListModel *windows = gtk_window_get_toplevels ();

  report = fopen (unfinished, "w");
  if (report == NULL)
    {
      g_warning ("%s: %s", unfinished, g_strerror (errno));
      return G_SOURCE_REMOVE;
    }
  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (!gtk_widget_get_mapped (window))
        continue;
      write_window (window);
      write_popovers (window);
    }
  fputs ("{}\n", report);
  fclose (report);
  if (rename (unfinished, data) != 0)
    g_warning ("%s: %s", (const char *)data, g_strerror (errno));
  return G_SOURCE_REMOVE;
}

/* What has changed has its place after the next frame. */
static gboolean
on_signal (gpointer data)
{
  g_idle_add (on_idle, data);
  return G_SOURCE_CONTINUE;
}

__attribute__ ((constructor)) static void
listen_for_signal (void)
{
  const char *path = g_getenv ("EDGEWAY_SCREEN_REPORT");

  if (path != NULL && g_str_equal (program_invocation_short_name, "edgeway"))
    g_unix_signal_add (SIGUSR2, on_signal, g_strdup (path));
}
