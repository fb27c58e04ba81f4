/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/window.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/toast.h"
#include "details/node-actions.h"
#include "details/service-actions.h"
#include "model/recent-nodes.h"
#include "model/words.h"
#include "window/mesh-view.h"
#include "window/narrow.h"
#include "window/online-news.h"
#include "window/page-choice.h"
#include "window/pages.h"
#include "window/problem-bar.h"
#include "window/status-bar.h"

/* Below this the header has no room for words on its buttons, px. */
#define NARROW_WIDTH 520
/* Below this the map has no room for its names, px: the list is shown, unless the map was asked for. */
#define LIST_WIDTH 450
#define NORMAL_DPI 96
/* As in window.ui and the settings' schema, px. */
#define MINIMUM_WIDTH 360
#define MINIMUM_HEIGHT 400
#define SIZE_SETTLED_MS 250

struct _EwWindow
{
  AdwApplicationWindow parent_instance;
  EwControl *control;
  EwDaemon *daemon;
  EwTopology *topology;
  GSettings *settings; /* NULL: nothing is remembered */
  EwPage page;
  gboolean narrow;
  gboolean listed;    /* the list is shown for want of room */
  gboolean switching; /* … or not any more: not the person's choice */
  guint size_delay;
  AdwBin *main;
  AdwToastOverlay *toasts;
  GtkWidget *content;
  GtkBox *rows;
  AdwHeaderBar *header;
  AdwWindowTitle *title;
  GtkWidget *add_button, *add_label, *view_switch, *search_button;
  GtkSearchBar *search_bar;
  GtkSearchEntry *search_entry;
  GtkStack *body;
  EwMeshView *mesh;
  EwPages *pages;
  EwProblemBar *problem;
  EwStatusBar *status;
  EwOnlineNews *news;
};

G_DEFINE_FINAL_TYPE (EwWindow, ew_window, ADW_TYPE_APPLICATION_WINDOW)

enum
{
  PROP_0,
  PROP_SELECTED,
};

void
ew_window_toast (EwWindow *self, const gchar *text)
{
  ew_toast_show (self->toasts, text);
}

void
ew_window_refuse (EwWindow *self, const gchar *text)
{
  ew_toast_refuse (self->toasts, text);
}

static void
set_action_enabled (EwWindow *self, const gchar *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);
  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* Shown over a bus of its own, neither the system's nor the session's. */
static gboolean
is_demo (EwWindow *self)
{
  const gchar *bus = ew_daemon_get_bus_address (self->daemon);
  return bus != NULL && g_strcmp0 (bus, g_getenv ("DBUS_SESSION_BUS_ADDRESS")) != 0;
}

static void
show_title (EwWindow *self)
{
  const gchar *mesh = ew_daemon_get_mesh (self->daemon);
  guint n = ew_topology_get_n_nodes (self->topology);
  gboolean counted = n > 0 && ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED;
  g_autofree gchar *subtitle = NULL, *whole = NULL;
  if (counted)
    /* Translators: nodes of the mesh, such as 7 of 9 online */
    subtitle = g_strdup_printf (ngettext ("%u of %u online", "%u of %u online", n),
                                ew_topology_get_n_online (self->topology), n);
  else if (ew_control_get_possible (self->control))
    subtitle = ew_words_state (self->daemon);
  gtk_window_set_title (GTK_WINDOW (self), is_demo (self) ? _ ("Edgeway Demo") : _ ("Edgeway"));
  if (is_demo (self))
    {
      g_autofree gchar *plain = g_steal_pointer (&subtitle);
      /* Translators: below the window's title: "Demo · 5 of 5 online" */
      subtitle = plain != NULL ? g_strdup_printf (_ ("Demo · %s"), plain) : g_strdup (_ ("Demo"));
    }
  adw_window_title_set_title (self->title, *mesh != '\0' ? mesh : _ ("Edgeway"));
  adw_window_title_set_subtitle (self->title, subtitle != NULL ? subtitle : "");
  if (self->narrow) /* both may be cut there */
    whole = g_strjoin ("\n", adw_window_title_get_title (self->title), subtitle, NULL);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->title), whole);
}

static void
enable_zoom (EwWindow *self)
{
  g_autofree gchar *view = NULL;
  g_object_get (self->mesh, "view", &view, NULL);
  gboolean map = self->page == EW_PAGE_MESH && g_strcmp0 (view, "map") == 0;
  set_action_enabled (self, "zoom-in", map);
  set_action_enabled (self, "zoom-out", map);
  set_action_enabled (self, "fit", map);
  /* On the map letters find a name by themselves. */
  gtk_search_bar_set_key_capture_widget (self->search_bar, map ? NULL : GTK_WIDGET (self->mesh));
}

/* The header offers only what works on this page. */
static void
show_header (EwWindow *self)
{
  gboolean mesh = self->page == EW_PAGE_MESH;
  gboolean possible = ew_control_get_possible (self->control);
  gtk_widget_set_visible (self->view_switch, mesh);
  gtk_widget_set_visible (self->search_button, mesh && !self->narrow); /* the menu has it too */
  gtk_widget_set_visible (self->add_button, possible && ew_daemon_get_administrator (self->daemon)
                                              && ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED);
  gtk_widget_set_sensitive (self->add_button, !ew_daemon_get_trial (self->daemon));
  gtk_widget_set_tooltip_text (self->add_button, ew_daemon_get_trial (self->daemon)
                                                   ? _ ("Other computers can't reach a trial's edge")
                                                   : _ ("Add to the Mesh"));
  gtk_widget_set_visible (GTK_WIDGET (self->status), possible);
  set_action_enabled (self, "view", mesh);
  set_action_enabled (self, "search", mesh);
  set_action_enabled (self, "details", mesh);
  enable_zoom (self);
  if (!mesh)
    gtk_search_bar_set_search_mode (self->search_bar, FALSE);
}

static void
refresh (EwWindow *self)
{
  EwSituation situation = ew_situation_get (self->daemon, self->topology);
  self->page = ew_page_choose (&situation);
  ew_pages_show (self->pages, self->page);
  ew_problem_bar_show (self->problem, ew_problem_choose (&situation));
  gtk_stack_set_visible_child_name (self->body, self->page == EW_PAGE_MESH ? "mesh" : "pages");
  show_title (self);
  show_header (self);
}

/* The number of matches is announced where the person types. */
static void
say_found (EwWindow *self)
{
  g_autofree gchar *found = ew_mesh_view_get_found (self->mesh);
  GtkEditable *text = gtk_editable_get_delegate (GTK_EDITABLE (self->search_entry));
  const gchar *said = found != NULL ? found : "";
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->search_entry), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, said, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, said, -1);
}

static void
ew_window_search_changed (EwWindow *self)
{
  g_object_set (self->mesh, "search", gtk_editable_get_text (GTK_EDITABLE (self->search_entry)), NULL);
  say_found (self);
}

/* Enter goes to the first match, also before the entry has told what was typed last. */
static void
ew_window_search_activated (EwWindow *self)
{
  ew_window_search_changed (self);
  if (*gtk_editable_get_text (GTK_EDITABLE (self->search_entry)) == '\0' || !ew_mesh_view_go_to_first (self->mesh))
    gtk_widget_error_bell (GTK_WIDGET (self));
}

static void
set_action_state (EwWindow *self, const gchar *name, GVariant *state)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);
  g_simple_action_set_state (G_SIMPLE_ACTION (action), state);
}

static void
change_view (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  g_object_set (EW_WINDOW (user_data)->mesh, "view", g_variant_get_string (value, NULL), NULL);
}

static void
view_changed (EwWindow *self)
{
  g_autofree gchar *view = NULL;
  g_object_get (self->mesh, "view", &view, NULL);
  set_action_state (self, "view", g_variant_new_string (view));
  enable_zoom (self);
  if (self->switching)
    return;
  self->listed = FALSE;
  if (self->settings != NULL)
    g_settings_set_string (self->settings, "view", view);
}

static void
change_details (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  g_object_set (EW_WINDOW (user_data)->mesh, "details-shown", g_variant_get_boolean (value), NULL);
}

/* The panel can also be swiped away. */
static void
details_changed (EwWindow *self)
{
  gboolean shown;
  g_object_get (self->mesh, "details-shown", &shown, NULL);
  set_action_state (self, "details", g_variant_new_boolean (shown));
  if (self->settings != NULL)
    g_settings_set_boolean (self->settings, "show-details", shown);
}

static void
zoom_in (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ew_mesh_view_zoom_in (EW_WINDOW (user_data)->mesh);
}

static void
zoom_out (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ew_mesh_view_zoom_out (EW_WINDOW (user_data)->mesh);
}

static void
zoom_fit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ew_mesh_view_zoom_fit (EW_WINDOW (user_data)->mesh);
}

/* Whose address was copied, or who was pinged, is offered in the tray. */
static void
node_used (EwWindow *self, GVariant *id)
{
  EwNode *node = ew_topology_find (self->topology, g_variant_get_string (id, NULL));
  if (node != NULL && ew_node_get_address (node) != NULL)
    ew_recent_nodes_add (self->settings, ew_node_get_name (node), ew_node_get_address (node));
}

static void
add_node_actions (EwWindow *self)
{
  const gchar *const used[] = { "copy-address", "ping" };
  ew_node_actions_add (G_ACTION_MAP (self), self->daemon, self->topology, GTK_WINDOW (self), self->toasts);
  ew_service_actions_add (G_ACTION_MAP (self), self->daemon, self->topology, GTK_WINDOW (self), self->toasts);
  for (guint i = 0; i < G_N_ELEMENTS (used); i++)
    g_signal_connect_object (g_action_map_lookup_action (G_ACTION_MAP (self), used[i]), "activate",
                             G_CALLBACK (node_used), self, G_CONNECT_SWAPPED);
}

static void
open_search (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwWindow *self = user_data;
  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

static void
add_actions (EwWindow *self)
{
  const GActionEntry entries[] = {
    { "view", NULL, "s", "'map'", change_view },
    { "details", NULL, NULL, "false", change_details },
    { "search", open_search },
    { "zoom-in", zoom_in },
    { "zoom-out", zoom_out },
    { "fit", zoom_fit },
  };
  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
}

/* --- only while it is visible --- */

static void
follow_visibility (EwWindow *self)
{
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (self));
  gboolean minimised = GDK_IS_TOPLEVEL (surface)
                       && (gdk_toplevel_get_state (GDK_TOPLEVEL (surface)) & GDK_TOPLEVEL_STATE_MINIMIZED) != 0;
  ew_topology_set_wanted (self->topology, gtk_widget_get_mapped (GTK_WIDGET (self)) && !minimised);
}

/* A view that was chosen once stays, however wide the window is. */
static void
choose_view (EwWindow *self, gint width)
{
  g_autoptr (GVariant) chosen = self->settings != NULL ? g_settings_get_user_value (self->settings, "view") : NULL;
  gboolean listed = width < LIST_WIDTH;
  if (chosen != NULL || listed == self->listed)
    return;
  self->switching = TRUE;
  g_object_set (self->mesh, "view", listed ? "list" : "map", NULL);
  self->switching = FALSE;
  self->listed = listed;
}

/* How wide the window is for its words: large text needs more room. */
static gint
width_for_words (EwWindow *self, GdkSurface *surface)
{
  gint width = gdk_surface_get_width (surface), dpi = 0; /* of text: dots an inch, times 1024 */
  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-xft-dpi", &dpi, NULL);
  return dpi > NORMAL_DPI * 1024 ? (gint)((gint64)width * NORMAL_DPI * 1024 / dpi) : width;
}

static void
follow_width (EwWindow *self, GParamSpec *pspec, GdkSurface *surface)
{
  gint width = width_for_words (self, surface);
  gboolean narrow = width < NARROW_WIDTH;
  if (width <= 0)
    return;
  choose_view (self, width);
  if (narrow == self->narrow)
    return;
  self->narrow = narrow;
  g_autofree gchar *buttons = narrow ? ew_narrow_buttons (GTK_WIDGET (self)) : NULL;
  adw_header_bar_set_decoration_layout (self->header, buttons); /* NULL: the desktop's */
  gtk_widget_set_visible (self->add_label, !narrow);
  ew_status_bar_set_narrow (self->status, narrow);
  show_title (self);
  show_header (self);
}

/* What is hidden in a narrow window must not keep the window from becoming narrow. */
static void
measure_content (GtkWidget *content, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                 gint *minimum_baseline, gint *natural_baseline)
{
  EwWindow *self = EW_WINDOW (gtk_widget_get_root (content));
  GtkWidget *child = gtk_widget_get_first_child (content);
  if (orientation == GTK_ORIENTATION_VERTICAL && for_size >= 0)
    {
      gint width;
      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
      for_size = MAX (for_size, width);
    }
  gtk_widget_measure (child, orientation, for_size, minimum, natural, NULL, NULL);
  if (orientation == GTK_ORIENTATION_HORIZONTAL && !self->narrow)
    *minimum = MIN (*minimum, MINIMUM_WIDTH);
}

static void
allocate_content (GtkWidget *content, gint width, gint height, gint baseline)
{
  GtkWidget *child = gtk_widget_get_first_child (content);
  gint minimum;
  gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  gtk_widget_allocate (child, MAX (width, minimum), height, baseline, NULL);
}

static GtkSizeRequestMode
request_content (GtkWidget *content)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
ew_window_realize (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_window_parent_class)->realize (widget);
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (widget));
  g_signal_connect_object (surface, "notify::state", G_CALLBACK (follow_visibility), widget, G_CONNECT_SWAPPED);
  g_signal_connect_object (surface, "notify::width", G_CALLBACK (follow_width), widget, G_CONNECT_SWAPPED);
}

static void
ew_window_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_window_parent_class)->map (widget);
  follow_visibility (EW_WINDOW (widget));
}

static void
ew_window_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_window_parent_class)->unmap (widget);
  ew_topology_set_wanted (EW_WINDOW (widget)->topology, FALSE);
}

static void
restore (EwWindow *self)
{
  g_autofree gchar *view = NULL;
  if (self->settings == NULL)
    return;
  gtk_window_set_default_size (GTK_WINDOW (self), g_settings_get_int (self->settings, "window-width"),
                               g_settings_get_int (self->settings, "window-height"));
  if (g_settings_get_boolean (self->settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  view = g_settings_get_string (self->settings, "view");
  g_object_set (self->mesh, "view", view, "details-shown", g_settings_get_boolean (self->settings, "show-details"),
                NULL);
}

static void
remember_size (EwWindow *self)
{
  gint width, height;
  gboolean maximised = gtk_window_is_maximized (GTK_WINDOW (self));
  g_clear_handle_id (&self->size_delay, g_source_remove);
  if (self->settings == NULL)
    return;
  if (g_settings_get_boolean (self->settings, "window-maximized") != maximised)
    g_settings_set_boolean (self->settings, "window-maximized", maximised);
  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  if (maximised || width < MINIMUM_WIDTH || height < MINIMUM_HEIGHT)
    return;
  g_settings_set_int (self->settings, "window-width", width);
  g_settings_set_int (self->settings, "window-height", height);
}

static gboolean
on_size_settled (gpointer user_data)
{
  EwWindow *self = user_data;
  self->size_delay = 0;
  remember_size (self);
  return G_SOURCE_REMOVE;
}

/* The end of a session doesn't ask the app: store the size as it changes, once it stays for a moment. */
static void
size_changed (EwWindow *self)
{
  g_clear_handle_id (&self->size_delay, g_source_remove);
  self->size_delay = g_timeout_add (SIZE_SETTLED_MS, on_size_settled, self);
}

static void
follow_size (EwWindow *self)
{
  const gchar *const changes[] = { "notify::default-width", "notify::default-height", "notify::maximized" };
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    g_signal_connect (self, changes[i], G_CALLBACK (size_changed), NULL);
}

static gboolean
ew_window_close_request (GtkWindow *window)
{
  remember_size (EW_WINDOW (window));
  return GTK_WINDOW_CLASS (ew_window_parent_class)->close_request (window);
}

static void
ew_window_dispose (GObject *object)
{
  EwWindow *self = EW_WINDOW (object);
  g_clear_object (&self->news);
  g_clear_object (&self->control);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (ew_window_parent_class)->dispose (object);
}

static void
selected_changed (EwWindow *self)
{
  g_object_notify (G_OBJECT (self), "selected");
}

static void
ew_window_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    g_object_get_property (G_OBJECT (EW_WINDOW (object)->mesh), "selected", value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_window_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    g_object_set_property (G_OBJECT (EW_WINDOW (object)->mesh), "selected", value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_window_class_init (EwWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_window_dispose;
  G_OBJECT_CLASS (klass)->get_property = ew_window_get_property;
  G_OBJECT_CLASS (klass)->set_property = ew_window_set_property;
  g_object_class_install_property (
    G_OBJECT_CLASS (klass), PROP_SELECTED,
    g_param_spec_object ("selected", NULL, NULL, G_TYPE_OBJECT,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS));
  GTK_WINDOW_CLASS (klass)->close_request = ew_window_close_request;
  widget_class->realize = ew_window_realize;
  widget_class->map = ew_window_map;
  widget_class->unmap = ew_window_unmap;
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/window.ui");
  gtk_widget_class_bind_template_child (widget_class, EwWindow, main);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, content);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, rows);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, header);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, title);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, add_button);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, add_label);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, view_switch);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, search_button);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, search_bar);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, EwWindow, body);
  gtk_widget_class_bind_template_callback (widget_class, ew_window_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, ew_window_search_activated);
}

static void
ew_window_init (EwWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_layout_manager (self->content,
                                 gtk_custom_layout_new (request_content, measure_content, allocate_content));
  add_actions (self);
}

/* --- making one --- */

static void
add_parts (EwWindow *self)
{
  self->problem = ew_problem_bar_new (self->daemon, self->topology);
  self->pages = ew_pages_new (self->daemon, self->topology);
  self->status = ew_status_bar_new (self->control);
  gtk_box_insert_child_after (self->rows, GTK_WIDGET (self->problem), GTK_WIDGET (self->search_bar));
  self->mesh = ew_mesh_view_new (self->daemon, self->topology);
  gtk_stack_add_named (self->body, GTK_WIDGET (self->pages), "pages");
  gtk_stack_add_named (self->body, GTK_WIDGET (self->mesh), "mesh");
  ew_narrow_add_bar (self->main, GTK_WIDGET (self->status));
  gtk_search_bar_connect_entry (self->search_bar, GTK_EDITABLE (self->search_entry));
  g_signal_connect_object (self->pages, "copied", G_CALLBACK (ew_window_toast), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->control, "failed", G_CALLBACK (ew_window_refuse), self, G_CONNECT_SWAPPED);
}

static void
follow_model (EwWindow *self)
{
  const gchar *const of_daemon[]
    = { "notify::availability",  "notify::state",    "notify::reason", "notify::mesh",     "notify::trial",
        "notify::administrator", "notify::problems", "notify::mode",   "notify::lockdown", "notify::proxy-asks" };
  const gchar *const of_topology[] = { "notify::stream", "notify::n-nodes", "notify::n-online", "notify::self" };
  for (guint i = 0; i < G_N_ELEMENTS (of_daemon); i++)
    g_signal_connect_object (self->daemon, of_daemon[i], G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < G_N_ELEMENTS (of_topology); i++)
    g_signal_connect_object (self->topology, of_topology[i], G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  self->news = ew_online_news_new (self->daemon, self->topology, self->toasts);
}

EwWindow *
ew_window_new (GtkApplication *application, EwControl *control, EwTopology *topology, GSettings *settings)
{
  EwWindow *self
    = g_object_new (EW_TYPE_WINDOW, "application", application, "default-width", 1180, "default-height", 760, NULL);
  self->control = g_object_ref (control);
  self->daemon = g_object_ref (ew_control_get_daemon (control));
  self->topology = g_object_ref (topology);
  self->settings = settings != NULL ? g_object_ref (settings) : NULL;
  self->page = EW_PAGE_LOOKING;
  add_parts (self);
  add_node_actions (self);
  restore (self);
  follow_size (self);
  g_signal_connect_object (self->mesh, "notify::view", G_CALLBACK (view_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mesh, "notify::details-shown", G_CALLBACK (details_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mesh, "notify::selected", G_CALLBACK (selected_changed), self, G_CONNECT_SWAPPED);
  details_changed (self);
  follow_model (self);
  refresh (self);
  ew_access_tidy (GTK_WIDGET (self));
  return self;
}
