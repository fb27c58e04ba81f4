/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-actions.h"

#include <glib/gi18n.h>

#include "access/toast.h"
#include "model/full-name.h"
#include "ping.h"
#include "remove-dialog.h"
#include "rename-dialog.h"
#include "row-words.h"
#include "share-dialog.h"

typedef struct
{
  GActionMap *map; /* owns this object */
  EwDaemon *daemon;
  EwTopology *topology;
  GtkWindow *parent;        /* weak */
  AdwToastOverlay *overlay; /* weak */
  gulong administrator;
} Actions;

static void
actions_free (gpointer data)
{
  Actions *self = data;

  g_clear_signal_handler (&self->administrator, self->daemon);
  g_clear_weak_pointer (&self->parent);
  g_clear_weak_pointer (&self->overlay);
  g_object_unref (self->topology);
  g_object_unref (self->daemon);
  g_free (self);
}

/* The node of an action, NULL where it has left in the meantime. */
static EwNode *
node_of (Actions *self, GVariant *parameter)
{
  return ew_topology_find (self->topology, g_variant_get_string (parameter, NULL));
}

/* The edge of an action, NULL where it is a node's. */
static EwEdge *
edge_of (Actions *self, GVariant *parameter)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);

  return edge != NULL && g_str_equal (ew_edge_get_id (edge), g_variant_get_string (parameter, NULL)) ? edge : NULL;
}

static const gchar *
address_of (Actions *self, GVariant *parameter)
{
  EwNode *node = node_of (self, parameter);
  EwEdge *edge = edge_of (self, parameter);

  if (node != NULL)
    return ew_node_get_address (node);
  return edge != NULL ? ew_edge_get_address (edge) : NULL;
}

static const gchar *
name_of (Actions *self, GVariant *parameter)
{
  EwNode *node = node_of (self, parameter);
  EwEdge *edge = edge_of (self, parameter);

  if (node != NULL)
    return ew_node_get_name (node);
  return edge != NULL ? ew_edge_get_name (edge) : "";
}

static void
copy (Actions *self, const gchar *text, const gchar *said)
{
  if (text == NULL || self->parent == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self->parent)), text);
  ew_toast_show (self->overlay, ew_toast_copied (GTK_WIDGET (self->parent), said));
}

static void
copy_address (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  copy (user_data, address_of (user_data, parameter), _ ("Mesh IP copied"));
}

static void
copy_name (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  const gchar *name = name_of (self, parameter);

  if (*name != '\0')
    copy (self, name, _ ("Name copied"));
}

static void
copy_ssh (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  g_autofree gchar *target = ew_reachable_name (self->daemon, name_of (self, parameter), address_of (self, parameter));
  g_autofree gchar *command = ew_row_words_ssh (target), *said = NULL;
  const gchar *trouble = ew_names_trouble (self->daemon);

  if (trouble != NULL)
    said = g_strdup_printf (_ ("SSH command copied, with the mesh IP. %s"), trouble);
  copy (self, command, said != NULL ? said : _ ("SSH command copied"));
}

typedef struct
{
  AdwToastOverlay *overlay;
  AdwToast *waiting; /* "Pinging nas…", until the answer takes its place */
} Pinging;

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Pinging *pinging = user_data;
  g_autoptr (AdwToastOverlay) overlay = pinging->overlay;
  g_autoptr (AdwToast) waiting = pinging->waiting;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *sentence = ew_ping_finish (EW_DAEMON (source), result, &error);

  adw_toast_dismiss (waiting);
  if (sentence != NULL)
    ew_toast_show (overlay, sentence);
  else if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    ew_toast_refuse (overlay, error->message);
}

static void
ping (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwNode *node = node_of (self, parameter);
  EwEdge *edge = edge_of (self, parameter);
  g_autofree gchar *said = NULL;
  Pinging *pinging;

  if ((node == NULL && edge == NULL) || self->overlay == NULL)
    return;
  said = g_strdup_printf (_ ("Pinging %s…"), node != NULL ? ew_node_get_name (node) : ew_edge_get_name (edge));
  pinging = g_new0 (Pinging, 1);
  pinging->overlay = g_object_ref (self->overlay);
  pinging->waiting = g_object_ref (ew_toast_show (self->overlay, said));
  ew_ping_async (self->daemon, node, NULL, on_pinged, pinging);
}

static void
rename_node (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwNode *node = node_of (self, parameter);

  if (node != NULL && self->parent != NULL)
    ew_rename_dialog_present (self->parent, self->daemon, self->topology, node);
}

static void
share_network (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwNode *node = node_of (self, parameter);

  if (node != NULL && self->parent != NULL)
    ew_share_dialog_present (self->parent, self->daemon, self->topology, node);
}

static void
remove_node (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwNode *node = node_of (self, parameter);

  if (node != NULL && self->parent != NULL)
    ew_remove_dialog_present (self->parent, self->daemon, node, self->overlay);
}

static gboolean
select_object (Actions *self, GVariant *parameter)
{
  EwNode *node = node_of (self, parameter);
  GObject *object = node != NULL ? G_OBJECT (node) : (GObject *)edge_of (self, parameter);

  if (object == NULL)
    object = (GObject *)ew_topology_find_service (self->topology, g_variant_get_string (parameter, NULL));

  if (object == NULL || self->parent == NULL
      || g_object_class_find_property (G_OBJECT_GET_CLASS (self->parent), "selected") == NULL)
    return FALSE;
  g_object_set (self->parent, "selected", object, NULL);
  return TRUE;
}

static void
show_details (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;

  if (select_object (self, parameter))
    g_action_group_change_action_state (G_ACTION_GROUP (self->map), "details", g_variant_new_boolean (TRUE));
}

static void
show_path (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;

  if (select_object (self, parameter))
    g_action_group_change_action_state (G_ACTION_GROUP (self->map), "view", g_variant_new_string ("map"));
}

static void
follow_administrator (Actions *self)
{
  static const gchar *const names[] = { "rename-node", "remove-node", "share-network" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_simple_action_set_enabled (G_SIMPLE_ACTION (g_action_map_lookup_action (self->map, names[i])),
                                 ew_daemon_get_administrator (self->daemon));
}

void
ew_node_actions_add (GActionMap *map, EwDaemon *daemon, EwTopology *topology, GtkWindow *parent,
                     AdwToastOverlay *overlay)
{
  static const GActionEntry entries[] = {
    { "copy-address", copy_address, "s" },   { "copy-name", copy_name, "s" },
    { "copy-ssh", copy_ssh, "s" },           { "ping", ping, "s" },
    { "rename-node", rename_node, "s" },     { "remove-node", remove_node, "s" },
    { "share-network", share_network, "s" }, { "show-details", show_details, "s" },
    { "show-path", show_path, "s" },
  };
  Actions *self = g_new0 (Actions, 1);

  self->map = map;
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  g_set_weak_pointer (&self->parent, parent);
  g_set_weak_pointer (&self->overlay, overlay);
  g_action_map_add_action_entries (map, entries, G_N_ELEMENTS (entries), self);
  self->administrator
    = g_signal_connect_swapped (daemon, "notify::administrator", G_CALLBACK (follow_administrator), self);
  follow_administrator (self);
  g_object_set_data_full (G_OBJECT (map), "ew-node-actions", self, actions_free);
}
