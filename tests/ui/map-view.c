/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map as a widget: what is said of its tokens, where Tab and the actions lead, and what may not move. Needs a
 * display; test_map.py brings one.
 */
#include <adwaita.h>

#include "lib/fake-topology.h"
#include "map/map-dots.h"
#include "map/map-view.h"
#include "map/token.h"

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

/* NULL: there is none for it. */
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

static void
test_actions (World *world, gconstpointer n)
{
  EwToken *nas = token_of (world, "nas");
  GObject *node = ew_token_get_object (nas);

  gtk_widget_activate_action (GTK_WIDGET (nas), "token.path", NULL);
  g_assert_true (ew_map_view_get_selected (EW_MAP_VIEW (world->map)) == node);
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
  g_assert_null (ew_map_view_get_selected (EW_MAP_VIEW (world->map)));
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
  ADD ("/map/view/tab", 9, test_tab);
  ADD ("/map/view/stays", 9, test_stays);
  ADD ("/map/view/seats", 200, test_seats);
  ADD ("/map/view/comes-and-goes", 9, test_comes_and_goes);
  return g_test_run ();
}
