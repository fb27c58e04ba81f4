/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * map-picture OUT.png: the map of a mesh that is not there, as a picture to look at. Needs a display; for colors see
 * ADW_DEBUG_COLOR_SCHEME and ADW_DEBUG_HIGH_CONTRAST.
 */
#include <adwaita.h>
#include <stdlib.h>

#include "lib/fake-topology.h"
#include "map/map-view.h"

static gint n_nodes = 9, width = 1180, height = 616, seconds = 2;
static gchar *selected, *search;
static gdouble zoom = 1, text = 1;
static gint letters, n_services;
static gboolean long_addresses;
static gboolean rtl, still, focused;

static const GOptionEntry options[] = {
  { "nodes", 'n', 0, G_OPTION_ARG_INT, &n_nodes, "How many nodes", "N" },
  { "width", 'w', 0, G_OPTION_ARG_INT, &width, "Width of the map", "PX" },
  { "height", 'h', 0, G_OPTION_ARG_INT, &height, "Height of the map", "PX" },
  { "select", 's', 0, G_OPTION_ARG_STRING, &selected, "Select a node, or \"edge\"", "NAME" },
  { "search", 0, 0, G_OPTION_ARG_STRING, &search, "Search for this", "TEXT" },
  { "zoom", 'z', 0, G_OPTION_ARG_DOUBLE, &zoom, "Zoom in or out so far", "FACTOR" },
  { "text", 't', 0, G_OPTION_ARG_DOUBLE, &text, "Scale of the text", "FACTOR" },
  { "letters", 'l', 0, G_OPTION_ARG_INT, &letters, "Names with this many letters", "N" },
  { "services", 0, 0, G_OPTION_ARG_INT, &n_services, "So many services at nas, and some elsewhere", "N" },
  { "ipv6", '6', 0, G_OPTION_ARG_NONE, &long_addresses, "Long addresses and networks", NULL },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "Of traffic before the picture", "N" },
  { "focus", 0, 0, G_OPTION_ARG_NONE, &focused, "Give the map the keyboard", NULL },
  { "rtl", 0, 0, G_OPTION_ARG_NONE, &rtl, "Text from right to left", NULL },
  { "still", 0, 0, G_OPTION_ARG_NONE, &still, "No animations", NULL },
  { NULL },
};

static gboolean
on_over (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_over, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
save (GtkWidget *map, const gchar *path)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (map);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GskRenderer) renderer = gsk_cairo_renderer_new ();
  g_autoptr (GdkTexture) texture = NULL;
  gint w = gtk_widget_get_width (map), h = gtk_widget_get_height (map);

  gdk_paintable_snapshot (paintable, snapshot, w, h);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL || !gsk_renderer_realize (renderer, NULL, NULL))
    return FALSE;
  texture = gsk_renderer_render_texture (renderer, node, &GRAPHENE_RECT_INIT (0, 0, w, h));
  gsk_renderer_unrealize (renderer);
  return gdk_texture_save_to_png (texture, path);
}

static void
arrange (GtkWidget *map, EwTopology *topology)
{
  if (g_strcmp0 (selected, "edge") == 0)
    ew_map_view_set_selected (EW_MAP_VIEW (map), G_OBJECT (ew_topology_get_edge (topology)));
  else if (selected != NULL)
    {
      g_autofree gchar *name = ew_fake_name (selected);

      ew_map_view_set_selected (EW_MAP_VIEW (map), (GObject *)ew_topology_find_by_name (topology, name));
    }
  if (search != NULL)
    ew_map_view_set_search (EW_MAP_VIEW (map), search);
  if (focused)
    gtk_widget_child_focus (map, GTK_DIR_TAB_FORWARD);
  for (gdouble z = 1; z < zoom - 0.01; z *= 1.25)
    {
      ew_map_view_zoom_in (EW_MAP_VIEW (map));
      run_for (260);
    }
  for (gdouble z = 1; z > zoom + 0.01; z /= 1.25)
    {
      ew_map_view_zoom_out (EW_MAP_VIEW (map));
      run_for (260);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("OUT.png");
  g_autoptr (GError) error = NULL;
  g_autoptr (EwDaemon) daemon = NULL;
  g_autoptr (EwTopology) topology = NULL;
  GtkWidget *window, *map;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2)
    {
      g_printerr ("%s\n", error != NULL ? error->message : "Name a file to write.");
      return EXIT_FAILURE;
    }
  adw_init ();
  gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (gdk_display_get_default ()),
                                    "/org/edgeway/Edgeway/icons");
  if (rtl)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  if (still)
    g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  {
    g_autoptr (GtkCssProvider) style = gtk_css_provider_new ();

    gtk_css_provider_load_from_resource (style, "/org/edgeway/Edgeway/style.css");
    gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (style),
                                                GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  }
  daemon = ew_daemon_new ("unix:path=/nonexistent");
  topology = ew_topology_new (daemon);
  run_for (200); /* the daemon is looked for, and not found */
  g_object_set (gtk_settings_get_default (), "gtk-xft-dpi", (gint)(96 * 1024 * text), NULL);
  ew_fake_lengthen ((guint)letters, long_addresses);
  ew_fake_fill (topology, (guint)n_nodes);
  if (n_services > 0)
    {
      ew_fake_serve (topology, 4, (guint)n_services, "answers");
      ew_fake_serve (topology, 7, 1, "refuses");
      ew_fake_serve (topology, 8, 2, "answers");
      ew_fake_serve (topology, 3, 1, "offline");
    }
  map = ew_map_view_new (daemon, topology);
  gtk_widget_set_size_request (map, width, height);
  window = gtk_window_new ();
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_child (GTK_WINDOW (window), map);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_present (GTK_WINDOW (window));
  run_for (300);
  for (guint second = 1; second <= (guint)seconds; second++)
    {
      run_for (1000);
      ew_fake_count (topology, (guint)n_nodes, second);
    }
  arrange (map, topology);
  run_for (600);
  for (guint i = 0; !save (map, argv[1]); i++) /* during layout there is no picture yet */
    {
      if (i == 100)
        return EXIT_FAILURE;
      run_for (20);
    }
  gtk_window_destroy (GTK_WINDOW (window));
  return EXIT_SUCCESS;
}
