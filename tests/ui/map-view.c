/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map as a widget: what is said of its tokens, where Tab and the actions lead, and what may not move. Needs a
 * display; test_map.py brings one.
 */
#include <adwaita.h>

#include "lib/fake-topology.h"
#include "map/map-dots.h"
#include "map/map-view-private.h"
#include "model/ticker.h"
#include "model/search.h"
#include "model/topology-private.h"

typedef struct
{
  EwDaemon *daemon;
  EwTopology *topology;
  GtkWidget *window, *map;
  GObject *activated;
} World;

static gboolean
on_over (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static const gchar *
title_of (EwPathCard *card)
{
  return gtk_label_get_text (GTK_LABEL (gtk_widget_get_template_child (GTK_WIDGET (card), EW_TYPE_PATH_CARD, "title")));
}

static void
run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_over, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
on_activated (EwMapView *map, GObject *object, World *world)
{
  world->activated = object;
}

static void
set_up (World *world, gconstpointer n)
{
  *world = (World){ .daemon = ew_daemon_new ("unix:path=/nonexistent") };
  world->topology = ew_topology_new (world->daemon);
  run_for (200);
  ew_fake_fill (world->topology, GPOINTER_TO_UINT (n));
  world->map = ew_map_view_new (world->daemon, world->topology);
  g_signal_connect (world->map, "activated", G_CALLBACK (on_activated), world);
  world->window = gtk_window_new ();
  gtk_window_set_child (GTK_WINDOW (world->window), world->map);
  gtk_window_set_default_size (GTK_WINDOW (world->window), 1180, 616);
  gtk_window_present (GTK_WINDOW (world->window));
  gtk_test_widget_wait_for_draw (world->map);
  run_for (100);
}

static void
tear_down (World *world, gconstpointer n)
{
  gtk_window_destroy (GTK_WINDOW (world->window));
  g_object_unref (world->topology);
  g_object_unref (world->daemon);
}

/* NULL: it has none. */
static EwToken *
token_of (World *world, const gchar *name)
{
  for (GtkWidget *child = gtk_widget_get_first_child (world->map); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (EW_IS_TOKEN (child) && EW_IS_NODE (ew_token_get_object (EW_TOKEN (child)))
        && g_str_equal (ew_node_get_name (EW_NODE (ew_token_get_object (EW_TOKEN (child)))), name))
      return EW_TOKEN (child);
  return NULL;
}

static guint
count_tokens (World *world, EwTokenRole role)
{
  guint n = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (world->map); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += EW_IS_TOKEN (child) && ew_token_get_role (EW_TOKEN (child)) == role;
  return n;
}

static graphene_rect_t
bounds_of (World *world, const gchar *name)
{
  graphene_rect_t bounds;

  g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (token_of (world, name)), world->map, &bounds));
  return bounds;
}

static void
test_said (World *world, gconstpointer n)
{
  EwToken *nas = token_of (world, "nas"), *build = token_of (world, "build-01");

  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), ==, 9);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_EDGE), ==, 1);
  gtk_test_accessible_assert_role (nas, GTK_ACCESSIBLE_ROLE_BUTTON);
  gtk_test_accessible_assert_property (nas, GTK_ACCESSIBLE_PROPERTY_LABEL, "nas, online, 12 ms through edge Frankfurt");
  gtk_test_accessible_assert_property (nas, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Server, Mesh IP 100.96.0.6. Press Enter for details.");
  gtk_test_accessible_assert_property (build, GTK_ACCESSIBLE_PROPERTY_LABEL, "build-01, not joined yet");
}

static EwToken *
capsule_of (World *world, const gchar *name)
{
  for (GtkWidget *child = gtk_widget_get_first_child (world->map); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GObject *object = EW_IS_TOKEN (child) ? ew_token_get_object (EW_TOKEN (child)) : NULL;

      if (object == NULL || ew_token_get_role (EW_TOKEN (child)) != EW_TOKEN_SERVICE)
        continue;
      if (g_strcmp0 (name, EW_IS_SERVICE (object) ? ew_service_get_name (EW_SERVICE (object))
                                                  : ew_node_get_name (EW_NODE (object)))
          == 0)
        return EW_TOKEN (child);
    }
  return NULL;
}

/* Capsules at the nodes; more than three are folded, what is selected or has the focus stays, and what has gone is no
   longer selected. */
static void
test_services (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  EwToken *capsule;

  ew_fake_serve (world->topology, 4, 3, "answers");
  run_for (300);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_SERVICE), ==, 3);
  capsule = capsule_of (world, "ha");
  gtk_test_accessible_assert_role (capsule, GTK_ACCESSIBLE_ROLE_BUTTON);
  gtk_test_accessible_assert_property (capsule, GTK_ACCESSIBLE_PROPERTY_LABEL, "ha, service of nas:8000, works");
  gtk_test_accessible_assert_property (capsule, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Port 80, address 100.111.0.1. Press Enter for details.");
  gtk_widget_grab_focus (GTK_WIDGET (capsule));
  gtk_widget_activate_action (GTK_WIDGET (capsule), "token.open", NULL);
  g_assert_true (EW_IS_SERVICE (map->selected) && map->selected == world->activated);
  g_assert_true (
    ew_map_is_on_path (map, ew_map_find_item (map, (GObject *)ew_topology_find_by_name (world->topology, "nas"))));
  ew_fake_serve (world->topology, 4, 3, "refuses"); /* the same capsule, other words */
  run_for (300);
  g_assert_true (capsule_of (world, "ha") == capsule && gtk_widget_has_focus (GTK_WIDGET (capsule)));
  gtk_test_accessible_assert_property (capsule, GTK_ACCESSIBLE_PROPERTY_LABEL, "ha, service of nas:8000, doesn't work");
  ew_fake_serve (world->topology, 4, 12, "answers");
  run_for (300);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_SERVICE), ==, 1);
  capsule = capsule_of (world, "nas");
  gtk_test_accessible_assert_property (capsule, GTK_ACCESSIBLE_PROPERTY_LABEL, "12 services of nas");
  gtk_widget_activate_action (GTK_WIDGET (capsule), "token.open", NULL);
  g_assert_true (world->activated == ew_token_get_object (token_of (world, "nas")));
  ew_map_view_set_selected (map, (GObject *)ew_topology_find_service_by_name (world->topology, "ha"));
  g_assert_nonnull (map->selected);
  ew_fake_fill (world->topology, GPOINTER_TO_UINT (n)); /* a snapshot without services */
  run_for (300);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_SERVICE), ==, 0);
  g_assert_null (map->selected);
}

static void
test_actions (World *world, gconstpointer n)
{
  EwToken *nas = token_of (world, "nas");
  GObject *node = ew_token_get_object (nas);

  gtk_widget_activate_action (GTK_WIDGET (nas), "token.path", NULL);
  g_assert_true (EW_MAP_VIEW (world->map)->selected == node);
  run_for (100);
  gtk_test_accessible_assert_state (nas, GTK_ACCESSIBLE_STATE_PRESSED, GTK_ACCESSIBLE_TRISTATE_TRUE);
  g_assert_null (world->activated);
  gtk_widget_activate_action (GTK_WIDGET (nas), "token.open", NULL);
  g_assert_true (world->activated == node);
  ew_map_view_set_selected (EW_MAP_VIEW (world->map), NULL);
  run_for (100);
  gtk_test_accessible_assert_state (nas, GTK_ACCESSIBLE_STATE_PRESSED, GTK_ACCESSIBLE_TRISTATE_FALSE);
}

/* Into the ring at this computer, then to the zoom buttons, then out. */
static void
test_tab (World *world, gconstpointer n)
{
  GtkWidget *focus;
  guint buttons = 0;

  gtk_window_set_focus (GTK_WINDOW (world->window), NULL);
  g_assert_true (gtk_widget_child_focus (world->map, GTK_DIR_TAB_FORWARD));
  focus = gtk_window_get_focus (GTK_WINDOW (world->window));
  g_assert_true (focus == GTK_WIDGET (token_of (world, "thinkpad")));
  while (gtk_widget_child_focus (world->map, GTK_DIR_TAB_FORWARD))
    {
      g_assert_true (GTK_IS_BUTTON (gtk_window_get_focus (GTK_WINDOW (world->window))));
      g_assert_cmpuint (++buttons, <=, 3);
    }
  g_assert_cmpuint (buttons, ==, 3);
}

static void
test_stays (World *world, gconstpointer n)
{
  graphene_rect_t before = bounds_of (world, "nas"), after;

  ew_map_view_set_selected (EW_MAP_VIEW (world->map), ew_token_get_object (token_of (world, "web")));
  ew_fake_count (world->topology, 9, 3);
  run_for (300);
  after = bounds_of (world, "nas");
  g_assert_true (graphene_rect_equal (&before, &after));
  ew_map_view_zoom_in (EW_MAP_VIEW (world->map));
  run_for (600);
  after = bounds_of (world, "nas");
  g_assert_false (graphene_rect_equal (&before, &after));
  ew_map_view_zoom_fit (EW_MAP_VIEW (world->map));
  run_for (600);
  after = bounds_of (world, "nas");
  g_assert_true (graphene_point_near (&before.origin, &after.origin, 0.5f));
}

static void
test_seats (World *world, gconstpointer n)
{
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_SECTOR), ==, 3);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), ==, 0);
  for (guint i = 0; i < 5; i++)
    {
      ew_map_view_zoom_in (EW_MAP_VIEW (world->map));
      run_for (300);
    }
  run_for (400);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), >, 0);
}

/* Wait for what is zoomed or moved to be drawn sharp. */
static void
rest (World *world)
{
  for (guint i = 0; i < 200 && (i < 4 || EW_MAP_VIEW (world->map)->moving != 0); i++)
    run_for (50);
  run_for (100);
}

/* Until what was asked for is laid out and drawn, however slow the machine is. */
static void
lay_out (World *world)
{
  for (guint i = 0; i < 2 || EW_MAP_VIEW (world->map)->layout_stale; i++)
    {
      gtk_widget_queue_draw (world->map);
      gtk_test_widget_wait_for_draw (world->map);
    }
}

/* What lies above the dots. Between a change and the next frame it doesn't exist: on a slow machine that takes long.
   (transfer full) */
static GskRenderNode *
get_top (World *world)
{
  EwMapView *map = EW_MAP_VIEW (world->map);

  for (guint i = 0; i < 200 && (map->top == NULL || map->layout_stale); i++)
    {
      gtk_widget_queue_draw (world->map);
      gtk_test_widget_wait_for_draw (world->map);
    }
  g_assert_nonnull (map->top);
  return gsk_render_node_ref (map->top);
}

/* Another one is drawn. */
static void
wait_for_other_top (World *world, GskRenderNode *top)
{
  EwMapView *map = EW_MAP_VIEW (world->map);

  for (guint i = 0; i < 300 && (map->top == NULL || map->top == top); i++)
    run_for (100);
  g_assert_nonnull (map->top);
  g_assert_true (map->top != top);
}

/* The map finds what the list finds, and dims everything else: nodes, the edge, names of sectors. */
static void
test_search (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  const gchar *const texts[] = { "192.168.1", "ubuntu", "NAS", "100.96.0.6", "frankfurt", "web zzz", "zzz", "", NULL };

  for (guint t = 0; texts[t] != NULL; t++)
    {
      g_auto (GStrv) words = ew_search_words (texts[t]);
      guint found = ew_search_matches (words, G_OBJECT (ew_topology_get_edge (world->topology)));
      gboolean some[EW_N_SECTORS] = { FALSE };
      g_autofree gchar *said = NULL;

      ew_map_view_set_search (map, texts[t]);
      lay_out (world);
      for (guint i = 0; i < map->items->len; i++)
        {
          EwMapItem *item = g_ptr_array_index (map->items, i);
          gboolean matches = ew_search_matches (words, G_OBJECT (item->node));

          g_assert_cmpint (item->dimmed, ==, !matches);
          found += matches;
          some[item->sector] |= matches;
        }
      for (guint s = 0; s < EW_N_SECTORS; s++)
        g_assert_cmpint (map->sector_dimmed[s], ==, !some[s]);
      said = found == 0 ? g_strdup ("Nothing found") : g_strdup_printf ("%u match%s", found, found == 1 ? "" : "es");
      g_assert_cmpint (gtk_widget_get_visible (GTK_WIDGET (map->found)), ==, *texts[t] != '\0');
      if (*texts[t] != '\0')
        g_assert_cmpstr (gtk_label_get_label (map->found), ==, said);
    }
  ew_map_view_set_search (map, "192.168.1");
  run_for (100);
  for (guint i = 0; i < map->layout->n_places; i++) /* labels make room for the line */
    {
      const EwLayoutLabel *label = &map->layout->places[i].label;
      graphene_rect_t line;

      g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (map->found), world->map, &line));
      g_assert_false (
        label->lines > 0
        && graphene_rect_contains_point (&line, &GRAPHENE_POINT_INIT ((float)label->box.x, (float)label->box.y)));
    }
  g_assert_cmpstr (gtk_label_get_label (map->found), ==, "1 match");
}

/* A node among many, out of sight: once selected it is in sight, a token with the focus. */
static void
test_goes_to (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (world->topology), GPOINTER_TO_UINT (n) - 1);
  EwMapItem *item;

  ew_map_view_go_to (map, G_OBJECT (node));
  run_for (300);
  rest (world);
  item = ew_map_find_item (map, G_OBJECT (node));
  g_assert_true (map->selected == G_OBJECT (node));
  g_assert_nonnull (item->token);
  g_assert_true (gtk_widget_has_focus (GTK_WIDGET (item->token)));
}

/* One message of the stream about nas. */
static void
tell_nas (World *world, const gchar *more)
{
  g_autofree gchar *json = g_strdup_printf ("{\"type\":\"node\",\"node\":{\"id\":\"%s\",\"name\":\"nas\",\"kind\":"
                                            "\"server\",\"addresses\":[\"100.96.0.6\"],%s}}",
                                            ew_node_get_id (ew_topology_find_by_name (world->topology, "nas")), more);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);

  g_assert_nonnull (root);
  ew_topology_take_message (world->topology, json_node_get_object (root));
}

/* Counters alone: no notify signal. */
static void
count_nas (World *world, guint ms)
{
  g_autofree gchar *json = g_strdup_printf ("{\"type\":\"counters\",\"nodes\":[{\"id\":\"%s\",\"rtt_ms\":%u}]}",
                                            ew_node_get_id (ew_topology_find_by_name (world->topology, "nas")), ms);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);

  ew_topology_take_message (world->topology, json_node_get_object (root));
}

/* What is drawn, written and said follows what is known, with or without counters, and the clock while it is seen. */
static void
test_follows (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  EwNode *nas = ew_topology_find_by_name (world->topology, "nas");
  g_autofree gchar *seen = NULL, *before = NULL;
  g_autoptr (GDateTime) now = NULL;
  EwMapItem *item = ew_map_find_item (map, G_OBJECT (nas));
  g_autoptr (GskRenderNode) top = NULL;

  ew_map_view_set_selected (map, G_OBJECT (nas));
  lay_out (world);
  ew_map_redraw_top (map); /* as a change would just before it is looked at */
  top = get_top (world);
  tell_nas (world, "\"state\":\"online\",\"rtt_ms\":80");
  wait_for_other_top (world, top); /* the leg's pill */
  run_for (1500);
  g_assert_nonnull (strstr (pango_layout_get_text (item->detail), "≈ 85 ms"));
  gtk_test_accessible_assert_property (item->token, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "nas, online, 85 ms through edge Frankfurt");

  now = g_date_time_new_now_utc ();
  seen = g_date_time_format_iso8601 (now);
  before = g_strdup_printf ("\"state\":\"offline\",\"last_seen\":\"%s\"", seen);
  tell_nas (world, before);
  for (guint i = 0; i < 100 && strstr (pango_layout_get_text (item->detail), "Offline for 3 seconds") == NULL; i++)
    run_for (100);
  g_assert_nonnull (strstr (pango_layout_get_text (item->detail), "Offline for 3 seconds"));
  gtk_test_accessible_assert_property (item->token, GTK_ACCESSIBLE_PROPERTY_LABEL, "nas, offline for 3 seconds");

  g_assert_true (ew_ticker_is_running ());
  gtk_widget_set_visible (world->window, FALSE);
  g_assert_false (ew_ticker_is_running ());
  run_for (2000);
  gtk_widget_set_visible (world->window, TRUE);
  run_for (300);
  g_assert_null (strstr (pango_layout_get_text (item->detail), "Offline for 3 seconds"));
}

/* Whether a widget is painted with a color somewhere. */
static gboolean
has_color (GtkWidget *widget, const GdkRGBA *color)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  gint width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cr = cairo_create (surface);
  guint32 wanted = ((guint32)round (color->red * 255) << 16) | ((guint32)round (color->green * 255) << 8)
                   | (guint32)round (color->blue * 255);
  gboolean found = FALSE;

  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  gsk_render_node_draw (node, cr);
  cairo_destroy (cr);
  cairo_surface_flush (surface);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        const guchar *row = cairo_image_surface_get_data (surface) + y * cairo_image_surface_get_stride (surface);

        found |= (((const guint32 *)(gconstpointer)row)[x] & 0xffffff) == wanted;
      }
  cairo_surface_destroy (surface);
  return found;
}

/* With an edge that doesn't answer the legend's lines are as grey as those that it explains. */
static void
test_legend (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  g_autoptr (JsonNode) dead = json_from_string (
    "{\"type\":\"edge\",\"edge\":{\"id\":\"edge-1\",\"name\":\"Frankfurt\",\"online\":false}}", NULL);

  lay_out (world);
  g_assert_true (has_color (GTK_WIDGET (map->legend), &map->colors->waiting));
  ew_topology_take_message (world->topology, json_node_get_object (dead));
  lay_out (world);
  g_assert_false (ew_edge_get_online (ew_topology_get_edge (world->topology)));
  g_assert_false (has_color (GTK_WIDGET (map->legend), &map->colors->waiting));
  g_assert_true (has_color (GTK_WIDGET (map->legend), &map->colors->offline));
}

/* The edge has a menu as the nodes do, with the pointer and with the keyboard. */
static void
test_edge_menu (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GMenuModel) section = NULL;
      g_autoptr (GVariant) target = NULL;

      g_signal_emit_by_name (map->hub, "menu", i == 0 ? 40.0 : -1.0, i == 0 ? 40.0 : -1.0);
      g_assert_nonnull (map->popover);
      section = g_menu_model_get_item_link (gtk_popover_menu_get_menu_model (GTK_POPOVER_MENU (map->popover)), 0,
                                            G_MENU_LINK_SECTION);
      target = g_menu_model_get_item_attribute_value (section, 0, G_MENU_ATTRIBUTE_TARGET, G_VARIANT_TYPE_STRING);
      g_assert_cmpstr (g_variant_get_string (target, NULL), ==, "edge-1");
      gtk_popover_popdown (GTK_POPOVER (map->popover));
      for (guint j = 0; j < 100 && map->popover != NULL; j++)
        run_for (50);
      g_assert_null (map->popover);
    }
}

/* Among seats, where no label has a latency in it: the path's pills, and the names of tokens. */
static void
test_follows_seats (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  EwMapItem *item = ew_map_find_item (map, G_OBJECT (ew_topology_find_by_name (world->topology, "nas")));
  g_autoptr (GskRenderNode) top = NULL;

  ew_map_view_go_to (map, G_OBJECT (item->node));
  run_for (300);
  rest (world);
  ew_map_redraw_top (map);
  top = get_top (world);
  count_nas (world, 80);
  wait_for_other_top (world, top);
  run_for (1500);
  gtk_test_accessible_assert_property (item->token, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "nas, online, 85 ms through edge Frankfurt");
}

/* The theme of the widget, not the desktop's: another one in this window, and then everywhere. */
static void
test_theme (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  AdwStyleManager *manager = adw_style_manager_get_for_display (gtk_widget_get_display (world->map));
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  g_assert_true (map->colors == ew_map_colors_get (FALSE, FALSE));
#if GTK_CHECK_VERSION(4, 12, 0)
  gtk_css_provider_load_from_string (provider, ".night { color: white; background: black; }");
#else
  gtk_css_provider_load_from_data (provider, ".night { color: white; background: black; }", -1);
#endif
  gtk_style_context_add_provider_for_display (gtk_widget_get_display (world->map), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_USER);
  gtk_widget_add_css_class (world->window, "night");
  run_for (300);
  g_assert_true (map->colors == ew_map_colors_get (TRUE, FALSE));
  gtk_widget_remove_css_class (world->window, "night");
  run_for (300);
  g_assert_true (map->colors == ew_map_colors_get (FALSE, FALSE));
  adw_style_manager_set_color_scheme (manager, ADW_COLOR_SCHEME_FORCE_DARK);
  run_for (500);
  g_assert_true (map->colors == ew_map_colors_get (TRUE, FALSE));
  adw_style_manager_set_color_scheme (manager, ADW_COLOR_SCHEME_DEFAULT);
}

/* The outer radius of the ring, px on the screen. */
static gdouble
ring_of (EwMapView *map)
{
  gdouble outer = map->layout->radius;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    outer = MAX (outer, map->layout->sectors[s].outer);
  return outer / map->layout->zoom * map->zoom + 1;
}

/* The window's middle is never outside the ring, whichever way the map is moved and zoomed; unmagnified it is centered.
 */
static void
test_cannot_be_lost (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  const gdouble zooms[] = { 0.5, 1, 2, 4, 50 };

  for (guint z = 0; z < G_N_ELEMENTS (zooms); z++)
    for (gint turn = 0; turn < 8; turn++)
      {
        gdouble x = 1e5 * cos (turn * G_PI_4), y = 1e5 * sin (turn * G_PI_4);

        ew_map_zoom_to (map, zooms[z], x, y, FALSE);
        g_assert_cmpfloat (hypot (map->pan_x, map->pan_y), <=, ring_of (map));
        if (zooms[z] <= 1)
          g_assert_cmpfloat (hypot (map->pan_x, map->pan_y), ==, 0);
        if (zooms[z] >= 4)
          g_assert_cmpfloat (hypot (map->pan_x, map->pan_y), >, 0);
      }
  rest (world);
  gtk_window_set_default_size (GTK_WINDOW (world->window), 700, 500);
  ew_fake_fill (world->topology, 3);
  rest (world);
  g_assert_cmpfloat (hypot (map->pan_x, map->pan_y), <=, ring_of (map));
  ew_map_view_zoom_fit (map);
  rest (world);
  g_assert_cmpfloat (hypot (map->pan_x, map->pan_y), ==, 0);
}

/* Zoomed in, tokens keep their size and stand where they were magnified to. */
static void
test_keeps_sizes (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  graphene_rect_t before = bounds_of (world, "thinkpad"), after;
  float middle = (float)gtk_widget_get_height (world->map) / 2;

  ew_map_zoom_to (map, 3, 0, 0, FALSE);
  rest (world);
  after = bounds_of (world, "thinkpad");
  g_assert_cmpfloat_with_epsilon (after.size.width, before.size.width, 0.5);
  g_assert_cmpfloat_with_epsilon (after.origin.y + after.size.height / 2 - middle,
                                  3 * (before.origin.y + before.size.height / 2 - middle), 1.5);
}

/* Close enough, every seat in sight is a token, and has its name below it. */
static void
test_seat_names (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  guint tokens = 0, names = 0;

  g_assert_true (map->layout->mode == EW_LAYOUT_SEATS);
  ew_map_zoom_to (map, 50, 0, 0, FALSE);
  g_assert_cmpfloat (map->zoom, <, 50);
  ew_map_zoom_to (map, 50, 0, -map->layout->radius / map->layout->zoom * map->zoom, FALSE);
  rest (world);
  for (guint i = 0; i < map->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (map->items, i);
      EwPoint from = ew_map_to_dial (map, 0, 0), at = map->layout->places[i].centre;
      EwPoint to = ew_map_to_dial (map, gtk_widget_get_width (world->map), gtk_widget_get_height (world->map));

      if (at.x < from.x || at.y < from.y || at.x > to.x || at.y > to.y)
        continue;
      g_assert_nonnull (item->token);
      tokens++;
      names += item->name != NULL && !item->shortened;
    }
  g_assert_cmpuint (tokens, >, 4);
  g_assert_cmpuint (names, >=, tokens * 3 / 4);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), <=, EW_MAP_SEAT_TOKENS);
}

/* A sector is fitted: its box is in the middle and fills the view in one direction. */
static void
test_fits_sector (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);

  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      const EwLayoutSector *sector;
      gdouble left = 1e9, right = -1e9, top = 1e9, bottom = -1e9, width = gtk_widget_get_width (world->map),
              height = gtk_widget_get_height (world->map);

      ew_map_zoom_to_sector (map, s);
      rest (world);
      sector = &map->layout->sectors[s];
      for (gdouble angle = sector->from; angle <= sector->to; angle += 0.01)
        for (guint side = 0; side < 2; side++)
          {
            gdouble radius = side == 0 ? sector->inner : sector->outer;

            left = MIN (left, width / 2 + map->pan_x + radius * cos (angle));
            right = MAX (right, width / 2 + map->pan_x + radius * cos (angle));
            top = MIN (top, height / 2 + map->pan_y + radius * sin (angle));
            bottom = MAX (bottom, height / 2 + map->pan_y + radius * sin (angle));
          }
      g_assert_cmpfloat (left, >=, 0);
      g_assert_cmpfloat (top, >=, 0);
      g_assert_cmpfloat (right, <=, width);
      g_assert_cmpfloat (bottom, <=, height);
      g_assert_true (right - left > width * 0.85 || bottom - top > height * 0.75 || map->zoom >= EW_MAP_ZOOM_MOST);
    }
}

static gint
width_of (PangoLayout *text)
{
  gint width = 0;

  if (text != NULL)
    pango_layout_get_pixel_size (text, &width, NULL);
  return width;
}

/* What is written fits where the layout put it: names are shortened, states and latencies never. */
static void
check_words (EwMapView *map)
{
  gint title, legend;

  for (guint i = 0; i < map->items->len; i++)
    {
      const EwMapItem *item = g_ptr_array_index (map->items, i);
      const EwLayoutLabel *label = &map->layout->places[i].label;

      if (label->lines == 0)
        continue;
      g_assert_cmpint (width_of (item->name), <=, label->box.width);
      g_assert_cmpint (label->lines, ==, 2);
      g_assert_cmpint (width_of (label->brief ? item->state_text : item->detail), <=, label->box.width);
      g_assert_false (pango_layout_is_ellipsized (item->state_text));
    }
  g_assert_true (ew_token_shows_state (map->hub));
  g_assert_cmpint (gtk_widget_get_tooltip_text (GTK_WIDGET (map->hub)) == NULL, ==, ew_token_shows_all (map->hub));
  title = map->measures.name_height;
  gtk_widget_measure (GTK_WIDGET (map->legend), GTK_ORIENTATION_VERTICAL, -1, &legend, NULL, NULL, NULL);
  g_assert_cmpint (legend, >=, 3 * title * 0.85); /* three rows that don't lie on each other */
  g_assert_cmpfloat (map->measures.pill_height, >=, map->measures.detail_height);
}

/* The path card: in the map, on no token and on no capsule. */
static void
check_card (World *world)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  graphene_rect_t card, token;

  if (!gtk_widget_get_child_visible (GTK_WIDGET (map->card)))
    return;
  g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (map->card), world->map, &card));
  g_assert_cmpfloat (card.origin.x, >=, 0);
  g_assert_cmpfloat (card.origin.x + card.size.width, <=, gtk_widget_get_width (world->map));
  for (guint i = 0; i < map->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (map->items, i);
      const EwLayoutPlace *place = &map->layout->places[i];

      g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (item->token), world->map, &token));
      graphene_rect_inset (&token, EW_TOKEN_MARGIN, EW_TOKEN_MARGIN);
      g_assert_false (graphene_rect_intersection (&card, &token, NULL));
      if (place->has_leaf)
        {
          token = GRAPHENE_RECT_INIT ((float)(place->leaf.x - place->leaf.width / 2),
                                      (float)(place->leaf.y - place->leaf.height / 2), (float)place->leaf.width,
                                      (float)place->leaf.height);
          g_assert_false (graphene_rect_intersection (&card, &token, NULL));
        }
    }
}

/* The scale of text changes while the map is there; names are 63 letters long. */
static void
test_large_text (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  GtkSettings *settings = gtk_widget_get_settings (world->map);
  const gdouble texts[] = { 2, 1.5, 1.25, 1 };
  gdouble edge = map->layout->edge_radius;
  gint dpi;

  g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
  for (guint t = 0; t < 2 * G_N_ELEMENTS (texts); t++)
    {
      g_autofree gchar *name = NULL;

      ew_fake_lengthen (t % 2 ? 63 : 0, t % 2);
      ew_fake_fill (world->topology, GPOINTER_TO_UINT (n));
      name = ew_fake_name (t % 3 ? "nas" : "office-gw");
      g_object_set (settings, "gtk-xft-dpi", (gint)(96 * 1024 * texts[t / 2]), NULL);
      ew_map_view_set_selected (map, NULL);
      lay_out (world);
      check_words (map);
      ew_map_view_set_selected (map, (GObject *)ew_topology_find_by_name (world->topology, name));
      lay_out (world);
      g_assert_true (gtk_widget_get_child_visible (GTK_WIDGET (map->card)));
      g_assert_true (map->layout->places[8].has_leaf);
      check_card (world);
      if (t == 0)
        g_assert_cmpfloat (map->layout->edge_radius, >, edge * 1.1);
    }
  ew_fake_lengthen (0, FALSE);
  g_object_set (settings, "gtk-xft-dpi", dpi, NULL);
}

/* Only a path has a card; for an offline node it says so. */
static void
test_card (World *world, gconstpointer n)
{
  EwMapView *map = EW_MAP_VIEW (world->map);
  const struct
  {
    const gchar *name, *said;
  } cases[] = { { "nas", "Path to nas" },
                { "pixel-8", "pixel-8 is offline" },
                { "build-01", "build-01 hasn't joined yet" },
                { "thinkpad", "Path to Frankfurt" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ew_map_view_set_selected (map, (GObject *)ew_topology_find_by_name (world->topology, cases[i].name));
      lay_out (world);
      g_assert_cmpstr (title_of (map->card), ==, cases[i].said);
      check_card (world);
    }
}

static void
test_comes_and_goes (World *world, gconstpointer n)
{
  ew_fake_fill (world->topology, 14);
  run_for (600);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), ==, 14);
  ew_map_view_set_selected (EW_MAP_VIEW (world->map), ew_token_get_object (token_of (world, "cabin-gw")));
  ew_fake_fill (world->topology, 9);
  run_for (600);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_NODE), ==, 9);
  g_assert_null (EW_MAP_VIEW (world->map)->selected);
  ew_fake_fill (world->topology, 40);
  run_for (600);
  g_assert_cmpuint (count_tokens (world, EW_TOKEN_SECTOR), ==, 3);
}

#define ADD(path, n, test) g_test_add (path, World, GUINT_TO_POINTER (n), set_up, test, tear_down)

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();
  gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (gdk_display_get_default ()),
                                    "/org/edgeway/Edgeway/icons");
  ADD ("/map/view/said", 9, test_said);
  ADD ("/map/view/actions", 9, test_actions);
  ADD ("/map/view/services", 9, test_services);
  ADD ("/map/view/tab", 9, test_tab);
  ADD ("/map/view/stays", 9, test_stays);
  ADD ("/map/view/seats", 200, test_seats);
  ADD ("/map/view/cannot-be-lost", 9, test_cannot_be_lost);
  ADD ("/map/view/cannot-be-lost-many", 1000, test_cannot_be_lost);
  ADD ("/map/view/keeps-sizes", 9, test_keeps_sizes);
  ADD ("/map/view/seat-names", 60, test_seat_names);
  ADD ("/map/view/seat-names-many", 1000, test_seat_names);
  ADD ("/map/view/fits-sector", 60, test_fits_sector);
  ADD ("/map/view/search", 9, test_search);
  ADD ("/map/view/legend", 9, test_legend);
  ADD ("/map/view/legend-seats", 60, test_legend);
  ADD ("/map/view/edge-menu", 9, test_edge_menu);
  ADD ("/map/view/follows", 9, test_follows);
  ADD ("/map/view/follows-seats", 60, test_follows_seats);
  ADD ("/map/view/theme", 9, test_theme);
  ADD ("/map/view/goes-to", 9, test_goes_to);
  ADD ("/map/view/goes-to-many", 1000, test_goes_to);
  ADD ("/map/view/large-text", 9, test_large_text);
  ADD ("/map/view/card", 9, test_card);
  ADD ("/map/view/comes-and-goes", 9, test_comes_and_goes);
  return g_test_run ();
}
