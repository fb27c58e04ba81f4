/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `patience` opens the help once, when nothing has come for a while.
 */
#include "enroll/server-key-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "access/toast.h"
#include "edgeway-config.h"
#include "enroll/command-row.h"
#include "enroll/leaving.h"
#include "enroll/online-page.h"
#include "enroll/waiting.h"
#include "enroll/watch.h"
#include "model/words.h"

#define PATIENCE_S 120

struct _EwServerKeyPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNewNode *node;
  EwWatch *watch;
  EwLeaving *leaving;
  guint patience;
  GdkContentProvider *copied; /* the key on the clipboard, while this page owns the clipboard */
  EwCommandRow *install, *accept;
  GtkWidget *clone, *installed; /* other ways, where the edge offers no line to install with */
  GtkWidget *other_ways;
  AdwActionRow *key_row;
  EwWaiting *waiting;
  AdwExpanderRow *help;
  AdwActionRow *reach_row;
};

G_DEFINE_FINAL_TYPE (EwServerKeyPage, ew_server_key_page, EW_TYPE_WIZARD_PAGE)

/* A key that was used, or is no longer needed, should not stay on the clipboard. */
static void
clear_clipboard (EwServerKeyPage *self)
{
  GdkClipboard *clipboard = gdk_display_get_clipboard (gdk_display_get_default ());
  if (self->copied != NULL && gdk_clipboard_get_content (clipboard) == self->copied)
    gdk_clipboard_set_content (clipboard, NULL);
  g_clear_object (&self->copied);
}

static void
go_on (EwServerKeyPage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  if (wizard != NULL)
    ew_wizard_replace (wizard,
                       ew_online_page_new (self->daemon, self->topology, ew_watch_get_node (self->watch), FALSE));
}

static void
on_watch (EwServerKeyPage *self)
{
  EwWatchState state = ew_watch_get_state (self->watch);
  const gchar *name = self->node->name;
  g_autofree gchar *title = NULL, *until = ew_words_time (self->node->expires_us), *note = NULL;

  if (state == EW_WATCH_JOINED)
    {
      title = g_strdup_printf (_ ("%s has joined"), name);
      note = g_strdup (_ ("It isn't connected yet. This page changes when it is."));
    }
  else if (state == EW_WATCH_GONE)
    {
      title = g_strdup_printf (_ ("%s is no longer in the mesh"), name);
      note = g_strdup (_ ("Its key expired, or it was removed. Go back to add it again."));
    }
  else
    {
      title = g_strdup_printf (_ ("Waiting for %s…"), name);
      note = g_strdup_printf (
        _ ("This page changes when it joins. You can also close it: the key works once, until %s."), until);
    }
  ew_waiting_show (self->waiting, state != EW_WATCH_GONE && state != EW_WATCH_ONLINE, title, note);
  ew_leaving_set_over (self->leaving, state != EW_WATCH_UNSEEN && state != EW_WATCH_NOT_JOINED);
  gtk_widget_set_sensitive (GTK_WIDGET (self->key_row), state == EW_WATCH_UNSEEN || state == EW_WATCH_NOT_JOINED);
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), state != EW_WATCH_JOINED);
  if (state != EW_WATCH_UNSEEN && state != EW_WATCH_NOT_JOINED)
    clear_clipboard (self);
  if (state == EW_WATCH_ONLINE)
    go_on (self);
}

/* The second type tells clipboard managers not to keep the text: Klipper's convention, which others follow. GTK 4.8
   lists it, but does not hand out its content, because its name has no slash: managers that check the list still
   obey. */
static GdkContentProvider *
new_secret_content (const gchar *text)
{
  g_autoptr (GBytes) hint = g_bytes_new_static ("secret", strlen ("secret"));
  GdkContentProvider *both[] = {
    gdk_content_provider_new_typed (G_TYPE_STRING, text),
    gdk_content_provider_new_for_bytes ("x-kde-passwordManagerHint", hint),
  };
  return gdk_content_provider_new_union (both, G_N_ELEMENTS (both));
}

static void
on_copy_key (EwServerKeyPage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  g_clear_object (&self->copied);
  self->copied = new_secret_content (self->node->key);
  gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->copied);
  if (wizard != NULL)
    ew_wizard_toast (wizard, ew_toast_copied (GTK_WIDGET (self), _ ("Enrollment key copied")));
}

static gboolean
on_patience (gpointer user_data)
{
  EwServerKeyPage *self = user_data;
  self->patience = 0;
  adw_expander_row_set_expanded (self->help, TRUE);
  return G_SOURCE_REMOVE;
}

static gboolean
ew_server_key_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwServerKeyPage *self = EW_SERVER_KEY_PAGE (page);
  g_autofree gchar *until = ew_words_time (self->node->expires_us);
  g_autofree gchar *body = NULL;

  if (how == EW_LEAVE_BACK)
    body = g_strdup_printf (_ ("%s hasn't joined yet. Going back removes it from the mesh, and its key stops working."),
                            self->node->name);
  else
    body
      = g_strdup_printf (_ ("%s hasn't joined yet. If you keep its key valid, the key works until %s. Until then, the "
                            "map shows it as “Not joined yet”."),
                         self->node->name, until);
  return ew_leaving_ask (self->leaving, how, how == EW_LEAVE_BACK ? _ ("Revoke the Key?") : _ ("Keep the Key Valid?"),
                         body, _ ("_Revoke"), _ ("_Keep Valid"));
}

/* From the edge, where it has packages; else with the other ways. */
static void
show_ways (EwServerKeyPage *self)
{
  const gchar *lines = self->node->install_lines;

  gtk_widget_set_visible (GTK_WIDGET (self->install), lines != NULL);
  gtk_widget_set_visible (self->other_ways, lines != NULL);
  gtk_widget_set_visible (self->clone, lines == NULL);
  gtk_widget_set_visible (self->installed, lines == NULL);
  if (lines == NULL)
    return;
  g_autofree gchar *label = g_strdup_printf (
    /* TRANSLATORS: a node's name, then systems such as "Debian 12, Debian 13". */
    _ ("1. On %s (%s), paste these two lines into a terminal. The first fetches the edge's script and compares its "
       "fingerprint (SHA-256), so that nobody else's script is ever run. The second installs Edgeway and asks for the "
       "key:"),
    self->node->name, self->node->install_systems);
  ew_command_row_set_label (self->install, label);
  ew_command_row_set_command (self->install, lines);
}

static void
fill_in (EwServerKeyPage *self, const gchar *const *networks)
{
  g_autofree gchar *heading = g_strdup_printf (_ ("Set Up %s"), self->node->name);
  g_autofree gchar *list = g_strjoinv (", ", (GStrv)networks);
  g_autofree gchar *accept = g_strdup_printf (
    _ ("3. On %s, allow it to forward %s. Run the same on each computer that should use it:"), self->node->name, list);
  EwEdge *edge = ew_topology_get_edge (self->topology);
  const gchar *endpoint = edge != NULL ? ew_edge_get_endpoint (edge) : ew_daemon_get_edge_endpoint (self->daemon);
  g_autofree gchar *reach
    = endpoint != NULL && *endpoint != '\0'
        ? g_strdup_printf (_ ("%s must be able to reach %s over both TCP and UDP."), self->node->name, endpoint)
        : g_strdup_printf (_ ("%s must be able to reach the edge over both TCP and UDP."), self->node->name);
  GString *commands = g_string_new (NULL);

  for (guint i = 0; networks[i] != NULL; i++)
    g_string_append_printf (commands, "%ssudo edgewayctl route accept %s", i > 0 ? "\n" : "", networks[i]);
  show_ways (self);
  ew_wizard_page_set_heading (EW_WIZARD_PAGE (self), heading);
  adw_action_row_set_subtitle (self->reach_row, reach);
  ew_command_row_set_label (self->accept, accept);
  ew_command_row_set_command (self->accept, commands->str);
  gtk_widget_set_visible (GTK_WIDGET (self->accept), networks[0] != NULL);
  g_string_free (commands, TRUE);
}

GtkWidget *
ew_server_key_page_new (EwDaemon *daemon, EwTopology *topology, EwNewNode *node, const gchar *const *networks)
{
  EwServerKeyPage *self = g_object_new (EW_TYPE_SERVER_KEY_PAGE, NULL);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->node = node;
  self->leaving = ew_leaving_new (EW_WIZARD_PAGE (self), daemon, node->name, node->name);
  self->watch = ew_watch_new (topology, node->name, NULL);
  g_signal_connect_object (self->watch, "changed", G_CALLBACK (on_watch), self, G_CONNECT_SWAPPED);
  self->patience = g_timeout_add_seconds (PATIENCE_S, on_patience, self);
  fill_in (self, networks);
  on_watch (self);
  return GTK_WIDGET (self);
}

static void
ew_server_key_page_dispose (GObject *object)
{
  EwServerKeyPage *self = EW_SERVER_KEY_PAGE (object);
  g_clear_handle_id (&self->patience, g_source_remove);
  /* A key that stays valid will be pasted later, and isn't shown anywhere else. */
  if (self->leaving == NULL || !ew_leaving_is_kept (self->leaving))
    clear_clipboard (self);
  g_clear_pointer (&self->leaving, ew_leaving_free);
  g_clear_object (&self->watch);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->copied);
  g_clear_pointer (&self->node, ew_new_node_free);
  G_OBJECT_CLASS (ew_server_key_page_parent_class)->dispose (object);
}

static void
ew_server_key_page_class_init (EwServerKeyPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_server_key_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_server_key_page_may_leave;
  g_type_ensure (EW_TYPE_COMMAND_ROW);
  g_type_ensure (EW_TYPE_WAITING);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/server-key-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, install);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, clone);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, installed);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, other_ways);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, accept);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, key_row);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, waiting);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, help);
  gtk_widget_class_bind_template_child (widget_class, EwServerKeyPage, reach_row);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_key);
}

static void
ew_server_key_page_init (EwServerKeyPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
