/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-actions.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/toast.h"
#include "remove-dialog.h"
#include "service-dialog.h"

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

/* NULL where it, or the window, has gone in the meantime. */
static EwService *
service_of (Actions *self, GVariant *parameter)
{
  return self->parent != NULL ? ew_topology_find_service (self->topology, g_variant_get_string (parameter, NULL))
                              : NULL;
}

/* Opening. */

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (AdwToastOverlay) overlay = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *said = NULL;

  if (g_app_info_launch_default_for_uri_finish (result, &error))
    return;
  said = g_strdup_printf (_ ("Can't open the browser: %s. Copy the name, and paste it there."), error->message);
  ew_toast_refuse (overlay, said);
}

static void
open_service (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwService *service = service_of (self, parameter);
  g_autofree gchar *url = service != NULL ? ew_service_get_url (service, self->daemon) : NULL;
  g_autoptr (GdkAppLaunchContext) context = NULL;

  if (url == NULL || self->overlay == NULL)
    return;
  context = gdk_display_get_app_launch_context (gtk_widget_get_display (GTK_WIDGET (self->parent)));
  g_app_info_launch_default_for_uri_async (url, G_APP_LAUNCH_CONTEXT (context), NULL, on_opened,
                                           g_object_ref (self->overlay));
}

/* Copying. */

static void
copy (Actions *self, const gchar *text, const gchar *said)
{
  if (text == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self->parent)), text);
  ew_toast_show (self->overlay, ew_toast_copied (GTK_WIDGET (self->parent), said));
}

static void
copy_service_address (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwService *service = service_of (user_data, parameter);

  if (service != NULL)
    copy (user_data, ew_service_get_address (service), _ ("Address copied"));
}

static void
copy_service_name (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwService *service = service_of (user_data, parameter);

  if (service != NULL)
    copy (user_data, ew_service_get_full_name (service), _ ("Name copied"));
}

/* Administering. */

static void
add_service (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  g_autoptr (GObject) selected = NULL;

  if (self->parent == NULL)
    return;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (self->parent), "selected") != NULL)
    g_object_get (self->parent, "selected", &selected, NULL);
  ew_service_dialog_present (self->parent, self->daemon, self->topology,
                             selected != NULL && EW_IS_NODE (selected) ? EW_NODE (selected) : NULL);
}

static void
edit_service (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwService *service = service_of (self, parameter);

  if (service != NULL)
    ew_service_dialog_present_edit (self->parent, self->daemon, self->topology, service);
}

static void
remove_service (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Actions *self = user_data;
  EwService *service = service_of (self, parameter);
  g_autofree gchar *once = NULL, *body = NULL;

  if (service == NULL)
    return;
  once = g_strconcat ("remove service ", ew_service_get_id (service), NULL);
  if (ew_access_raise (once))
    return;
  body = g_strdup_printf (_ ("The name %s and its address stop working, and open connections end. The program itself "
                             "isn't touched."),
                          ew_service_get_full_name (service));
  const EwRemovalWords words = { .once = once,
                                 .method = "RemoveService",
                                 .argument = ew_service_get_name (service),
                                 .name = ew_service_get_name (service),
                                 .body = body };
  ew_remove_dialog_ask (self->parent, self->daemon, &words, self->overlay);
}

static void
follow_administrator (Actions *self)
{
  static const gchar *const names[] = { "add-service", "edit-service", "remove-service" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_simple_action_set_enabled (G_SIMPLE_ACTION (g_action_map_lookup_action (self->map, names[i])),
                                 ew_daemon_get_administrator (self->daemon));
}

void
ew_service_actions_add (GActionMap *map, EwDaemon *daemon, EwTopology *topology, GtkWindow *parent,
                        AdwToastOverlay *overlay)
{
  static const GActionEntry entries[] = {
    { "add-service", add_service },
    { "open-service", open_service, "s" },
    { "copy-service-address", copy_service_address, "s" },
    { "copy-service-name", copy_service_name, "s" },
    { "edit-service", edit_service, "s" },
    { "remove-service", remove_service, "s" },
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
  g_object_set_data_full (G_OBJECT (map), "ew-service-actions", self, actions_free);
}
