/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "model/full-name.h"
#include "model/recent-nodes.h"
#include "model/words.h"

struct _EwTrayMenu
{
  GtkMenu parent_instance;
  EwControl *control;
  EwDaemon *daemon;
  GSettings *settings; /* NULL: none */
  EwAutostart *autostart;
  guint tick;    /* the guard's seconds, only while it counts */
  guint refresh; /* many changes of the daemon, one of the menu */
  gchar *busy;   /* what is being asked for; NULL: nothing */

  GtkWidget *status, *reason, *exit, *names, *portal;
  GtkWidget *guard, *keep, *undo, *guard_end;
  GtkWidget *connect;
  GtkWidget *mode, *modes[2]; /* by EwMode */
  GtkWidget *lockdown;
  GtkWidget *copy_self, *copy_node, *nodes[EW_RECENT_NODES_MAX];
  GtkWidget *open, *login, *hide;
};

G_DEFINE_TYPE (EwTrayMenu, ew_tray_menu, GTK_TYPE_MENU)

enum
{
  CONNECT_ASKED,
  MODE_ASKED,
  LOCKDOWN_ASKED,
  GUARD_ASKED,
  COPY_ASKED,
  OPEN_ASKED,
  PORTAL_ASKED,
  LOGIN_ASKED,
  HIDE_ASKED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

/* What the person clicked. */

/* A click has flipped the item already: it flips back, which also reminds a panel that drew the flip by itself. TRUE
   with what the item showed before. */
static gboolean
take_back (GtkWidget *item, gpointer handler)
{
  GtkCheckMenuItem *check = GTK_CHECK_MENU_ITEM (item);
  gboolean shown = !gtk_check_menu_item_get_active (check);

  g_signal_handlers_block_matched (item, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, handler, NULL);
  gtk_check_menu_item_set_active (check, shown);
  g_signal_handlers_unblock_matched (item, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, handler, NULL);
  return shown;
}

static void
on_connect (GtkWidget *item, EwTrayMenu *self)
{
  gboolean shown = take_back (item, on_connect);

  g_signal_emit (self, signals[CONNECT_ASKED], 0, !shown);
}

static void
on_mode (GtkWidget *item, EwTrayMenu *self)
{
  EwMode mode = item == self->modes[EW_MODE_VPN] ? EW_MODE_VPN : EW_MODE_CONNECTOR;

  if (!take_back (item, on_mode)) /* the mode that is already shown need not be requested */
    g_signal_emit (self, signals[MODE_ASKED], 0, (guint)mode);
}

static void
on_lockdown (GtkWidget *item, EwTrayMenu *self)
{
  gboolean shown = take_back (item, on_lockdown);

  g_signal_emit (self, signals[LOCKDOWN_ASKED], 0, !shown);
}

static void
on_login (GtkWidget *item, EwTrayMenu *self)
{
  gboolean shown = take_back (item, on_login);

  g_signal_emit (self, signals[LOGIN_ASKED], 0, !shown);
}

static void
on_guard (GtkWidget *item, EwTrayMenu *self)
{
  g_signal_emit (self, signals[GUARD_ASKED], 0, item == self->keep);
}

static void
on_copy_self (GtkWidget *item, EwTrayMenu *self)
{
  const gchar *const *addresses = ew_daemon_get_addresses (self->daemon);

  if (addresses != NULL && addresses[0] != NULL)
    g_signal_emit (self, signals[COPY_ASKED], 0, "", addresses[0]);
}

static void
on_copy_node (GtkWidget *item, EwTrayMenu *self)
{
  for (guint i = 0; i < EW_RECENT_NODES_MAX; i++)
    {
      g_autofree gchar *name = NULL, *address = NULL;

      if (item == self->nodes[i] && ew_recent_nodes_get (self->settings, i, &name, &address))
        {
          g_signal_emit (self, signals[COPY_ASKED], 0, name, address);
          return;
        }
    }
}

static void
on_open (GtkWidget *item, EwTrayMenu *self)
{
  g_signal_emit (self, signals[OPEN_ASKED], 0);
}

static void
on_portal (GtkWidget *item, EwTrayMenu *self)
{
  g_signal_emit (self, signals[PORTAL_ASKED], 0);
}

static void
on_hide (GtkWidget *item, EwTrayMenu *self)
{
  g_signal_emit (self, signals[HIDE_ASKED], 0);
}

/* What the daemon says. */

static void
show_check (GtkWidget *item, gpointer handler, gboolean active)
{
  g_signal_handlers_block_matched (item, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, handler, NULL);
  gtk_check_menu_item_set_active (GTK_CHECK_MENU_ITEM (item), active);
  g_signal_handlers_unblock_matched (item, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, handler, NULL);
}

static void
show_label (GtkWidget *item, const gchar *text)
{
  if (g_strcmp0 (gtk_menu_item_get_label (GTK_MENU_ITEM (item)), text) != 0)
    gtk_menu_item_set_label (GTK_MENU_ITEM (item), text);
}

static void
show_names (EwTrayMenu *self)
{
  const gboolean work = g_str_equal (ew_daemon_get_names (self->daemon), "ok");

  gtk_widget_set_visible (self->names,
                          ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED && ew_names_fail (self->daemon));
  show_label (self->copy_self, work ? _ ("Copy Name of This Computer") : _ ("Copy Address of This Computer"));
  show_label (self->copy_node, work ? _ ("Copy Name of") : _ ("Copy Address of"));
}

static gboolean on_tick (gpointer user_data);

static void
show_guard (EwTrayMenu *self)
{
  gint64 mode_until = ew_daemon_get_guard_until (self->daemon);
  gint64 until = mode_until != 0 ? mode_until : ew_daemon_get_lockdown_until (self->daemon);
  gint64 left = until - g_get_real_time ();
  gboolean counts = until != 0;

  gtk_widget_set_visible (self->guard, counts);
  gtk_widget_set_visible (self->keep, counts);
  gtk_widget_set_visible (self->undo, counts);
  gtk_widget_set_visible (self->guard_end, counts);
  if (counts)
    {
      g_autofree gchar *time = ew_words_countdown (MAX ((left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC, 0));
      g_autofree gchar *text
        = g_strdup_printf (mode_until != 0 ? _ ("Trying VPN mode. Reverts in %s unless you keep it.")
                                           : _ ("Trying lockdown. Turns off in %s unless you keep it."),
                           time);

      show_label (self->guard, text);
    }
  if (counts && left > 0 && self->tick == 0)
    self->tick = g_timeout_add_seconds (1, on_tick, self);
  else if (!counts || left <= 0)
    g_clear_handle_id (&self->tick, g_source_remove);
}

static gboolean
on_tick (gpointer user_data)
{
  EwTrayMenu *self = EW_TRAY_MENU (user_data);

  show_guard (self);
  return self->tick != 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
show_nodes (EwTrayMenu *self)
{
  gboolean any = FALSE;

  for (guint i = 0; i < EW_RECENT_NODES_MAX; i++)
    {
      g_autofree gchar *name = NULL, *address = NULL;
      gboolean there = ew_recent_nodes_get (self->settings, i, &name, &address);

      if (there)
        show_label (self->nodes[i], name);
      gtk_widget_set_visible (self->nodes[i], there);
      any |= there;
    }
  gtk_widget_set_visible (self->copy_node, any && ew_daemon_get_enrolled (self->daemon));
}

static void
show_login (EwTrayMenu *self)
{
  show_check (self->login, on_login, ew_autostart_get (self->autostart));
}

/* Where internet traffic leaves, or why it doesn't; NULL: nothing to say. */
static gchar *
exit_words (EwDaemon *daemon)
{
  const gchar *edge = ew_daemon_get_edge_name (daemon);

  if (ew_words_lockdown_blocks (daemon))
    return ew_words_lockdown (daemon);
  if (ew_words_internet_is_off (daemon))
    return ew_words_internet_off (daemon);
  if (ew_daemon_get_state (daemon) != EW_STATE_CONNECTED || ew_daemon_get_mode (daemon) != EW_MODE_VPN)
    return NULL;
  return *edge != '\0' ? g_strdup_printf (_ ("Internet traffic leaves from %s"), edge)
                       : g_strdup (_ ("Internet traffic leaves from the edge"));
}

static void
show_exit (EwTrayMenu *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  gboolean waits = state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;
  const gchar *reason = waits ? ew_words_reason (self->daemon) : NULL;
  g_autofree gchar *text = exit_words (self->daemon);

  gtk_widget_set_visible (self->exit, text != NULL);
  gtk_widget_set_visible (self->reason, reason != NULL);
  if (text != NULL)
    show_label (self->exit, text);
  if (reason != NULL)
    show_label (self->reason, reason);
}

static gboolean
refresh (gpointer user_data)
{
  EwTrayMenu *self = EW_TRAY_MENU (user_data);
  g_autofree gchar *status = self->busy != NULL ? g_strdup (self->busy) : ew_words_status_line (self->daemon);
  EwState state = ew_daemon_get_state (self->daemon);
  EwMode mode = ew_daemon_get_mode (self->daemon);
  const gchar *const *addresses = ew_daemon_get_addresses (self->daemon);
  gboolean locked = ew_daemon_get_locked_down (self->daemon);
  gboolean up = state == EW_STATE_CONNECTED || state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;
  gboolean usable = ew_daemon_get_enrolled (self->daemon) && state != EW_STATE_AWAITING_APPROVAL;

  self->refresh = 0;
  show_label (self->status, status);
  show_exit (self);
  gtk_widget_set_visible (self->portal, ew_words_wants_login (self->daemon));
  show_guard (self);
  show_check (self->connect, on_connect, up);
  gtk_widget_set_sensitive (self->connect, usable);
  for (guint i = 0; i < G_N_ELEMENTS (self->modes); i++)
    show_check (self->modes[i], on_mode, usable && i == (guint)mode);
  gtk_widget_set_sensitive (self->mode, usable);
  show_check (self->lockdown, on_lockdown, locked);
  gtk_widget_set_sensitive (self->lockdown, ew_control_get_lockable (self->control));
  show_names (self);
  gtk_widget_set_sensitive (self->copy_self, addresses != NULL && addresses[0] != NULL);
  show_nodes (self);
  show_label (self->hide, up ? _ ("Hide Tray Icon (the Tunnel Stays Up)") : _ ("Hide Tray Icon"));
  return G_SOURCE_REMOVE;
}

static void
on_daemon_changed (EwTrayMenu *self)
{
  if (self->refresh == 0)
    self->refresh = g_idle_add (refresh, self);
}

/* The items. */

static GtkWidget *
add (gpointer menu, GtkWidget *item, gpointer handler, EwTrayMenu *self)
{
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), item);
  gtk_widget_show (item);
  if (handler != NULL)
    g_signal_connect (item, GTK_IS_CHECK_MENU_ITEM (item) ? "toggled" : "activate", G_CALLBACK (handler), self);
  return item;
}

static GtkWidget *
add_item (gpointer menu, const gchar *label, gpointer handler, EwTrayMenu *self)
{
  return add (menu, gtk_menu_item_new_with_label (label), handler, self);
}

static GtkWidget *
add_check (gpointer menu, const gchar *label, gpointer handler, EwTrayMenu *self)
{
  return add (menu, gtk_check_menu_item_new_with_label (label), handler, self);
}

/* Drawn as a radio item, but in no group: a group would switch by itself. */
static GtkWidget *
add_radio (gpointer menu, const gchar *label, gpointer handler, EwTrayMenu *self)
{
  GtkWidget *item = add_check (menu, label, handler, self);

  gtk_check_menu_item_set_draw_as_radio (GTK_CHECK_MENU_ITEM (item), TRUE);
  return item;
}

static GtkWidget *
add_separator (gpointer menu)
{
  return add (menu, gtk_separator_menu_item_new (), NULL, NULL);
}

static GtkWidget *
add_submenu (gpointer menu, const gchar *label, GtkWidget **submenu)
{
  GtkWidget *item = add_item (menu, label, NULL, NULL);

  *submenu = gtk_menu_new ();
  gtk_menu_item_set_submenu (GTK_MENU_ITEM (item), *submenu);
  return item;
}

static void
ew_tray_menu_init (EwTrayMenu *self)
{
  GtkWidget *submenu;

  self->status = add_item (self, "", NULL, self);
  gtk_widget_set_sensitive (self->status, FALSE);
  self->reason = add_item (self, "", NULL, self);
  gtk_widget_set_sensitive (self->reason, FALSE);
  self->exit = add_item (self, "", NULL, self);
  gtk_widget_set_sensitive (self->exit, FALSE);
  self->names = add_item (self, _ ("The mesh's names don't work here"), NULL, self);
  gtk_widget_set_sensitive (self->names, FALSE);
  self->portal = add_item (self, _ ("Open the Network's Login Page"), on_portal, self);
  add_separator (self);
  self->guard = add_item (self, "", NULL, self);
  gtk_widget_set_sensitive (self->guard, FALSE);
  self->keep = add_item (self, _ ("Keep"), on_guard, self);
  self->undo = add_item (self, _ ("Undo Now"), on_guard, self);
  self->guard_end = add_separator (self);
  self->connect = add_check (self, _ ("Connect"), on_connect, self);
  self->mode = add_submenu (self, _ ("Mode"), &submenu);
  self->modes[EW_MODE_VPN] = add_radio (submenu, _ ("VPN"), on_mode, self);
  self->modes[EW_MODE_CONNECTOR] = add_radio (submenu, _ ("Connector Only"), on_mode, self);
  /* Translators: while it is on, nothing leaves this computer except through the edge */
  self->lockdown = add_check (self, _ ("Lockdown"), on_lockdown, self);
  add_separator (self);
  self->copy_self = add_item (self, _ ("Copy Address of This Computer"), on_copy_self, self);
  self->copy_node = add_submenu (self, _ ("Copy Address of"), &submenu);
  for (guint i = 0; i < EW_RECENT_NODES_MAX; i++)
    self->nodes[i] = add_item (submenu, "", on_copy_node, self);
  add_separator (self);
  self->open = add_item (self, _ ("Open Map"), on_open, self);
  add_separator (self);
  self->login = add_check (self, _ ("Start at Login"), on_login, self);
  self->hide = add_item (self, _ ("Hide Tray Icon"), on_hide, self);
}

static void
ew_tray_menu_dispose (GObject *object)
{
  EwTrayMenu *self = EW_TRAY_MENU (object);

  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_handle_id (&self->refresh, g_source_remove);
  g_clear_object (&self->daemon);
  g_clear_object (&self->control);
  g_clear_object (&self->settings);
  g_clear_object (&self->autostart);
  g_clear_pointer (&self->busy, g_free);
  G_OBJECT_CLASS (ew_tray_menu_parent_class)->dispose (object);
}

static guint
new_signal (const gchar *name, guint n_parameters, GType first, GType second)
{
  return g_signal_new (name, EW_TYPE_TRAY_MENU, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, n_parameters,
                       first, second);
}

static void
ew_tray_menu_class_init (EwTrayMenuClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_tray_menu_dispose;
  signals[CONNECT_ASKED] = new_signal ("connect-asked", 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  signals[MODE_ASKED] = new_signal ("mode-asked", 1, G_TYPE_UINT, G_TYPE_NONE);
  signals[LOCKDOWN_ASKED] = new_signal ("lockdown-asked", 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  signals[GUARD_ASKED] = new_signal ("guard-asked", 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  signals[COPY_ASKED] = new_signal ("copy-asked", 2, G_TYPE_STRING, G_TYPE_STRING);
  signals[OPEN_ASKED] = new_signal ("open-asked", 0, G_TYPE_NONE, G_TYPE_NONE);
  signals[PORTAL_ASKED] = new_signal ("portal-asked", 0, G_TYPE_NONE, G_TYPE_NONE);
  signals[LOGIN_ASKED] = new_signal ("login-asked", 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  signals[HIDE_ASKED] = new_signal ("hide-asked", 0, G_TYPE_NONE, G_TYPE_NONE);
}

EwTrayMenu *
ew_tray_menu_new (EwControl *control, GSettings *settings, EwAutostart *autostart)
{
  EwTrayMenu *self = g_object_new (EW_TYPE_TRAY_MENU, NULL);
  EwDaemon *daemon = ew_control_get_daemon (control);

  self->control = g_object_ref (control);
  self->daemon = g_object_ref (daemon);
  g_signal_connect_object (daemon, "notify", G_CALLBACK (on_daemon_changed), self, G_CONNECT_SWAPPED);
  if (settings != NULL)
    {
      self->settings = g_object_ref (settings);
      g_signal_connect_object (settings, "changed::" EW_RECENT_NODES_KEY, G_CALLBACK (show_nodes), self,
                               G_CONNECT_SWAPPED);
    }
  self->autostart = g_object_ref (autostart);
  g_signal_connect_object (autostart, "notify::on", G_CALLBACK (show_login), self, G_CONNECT_SWAPPED);
  show_login (self);
  refresh (self);
  return self;
}

void
ew_tray_menu_set_busy (EwTrayMenu *self, const gchar *busy)
{
  g_free (self->busy);
  self->busy = g_strdup (busy);
  on_daemon_changed (self);
}

GtkWidget *
ew_tray_menu_get_open_item (EwTrayMenu *self)
{
  return self->open;
}
