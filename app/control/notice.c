/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/notice.h"

#include "control/notice-markup.h"

typedef struct
{
  GApplication *application; /* held, except while it waits for a server */
  gchar *id, *body;
  GNotification *notification;
  const gchar *asked; /* the bus's method whose answer is awaited */
  GSourceOnceFunc done;
  gpointer user_data;
  GCancellable *cancellable; /* NULL: doesn't wait */
  gulong cancelled;          /* while it waits */
  guint watches[2];
} Notice;

/* GLib warns about notifications that no server receives, so ask the bus first: which server runs, then which could be
   started. */
#define RUNNING "ListNames"
#define STARTABLE "ListActivatableNames"

static const gchar *const servers[] = { "org.freedesktop.Notifications", "org.gtk.Notifications", NULL };

static void
stop_waiting (Notice *notice)
{
  for (guint i = 0; i < G_N_ELEMENTS (notice->watches); i++)
    g_clear_handle_id (&notice->watches[i], g_bus_unwatch_name);
  g_clear_signal_handler (&notice->cancelled, notice->cancellable);
}

static void
free_notice (Notice *notice)
{
  if (notice->done != NULL)
    notice->done (notice->user_data);
  g_clear_object (&notice->cancellable);
  g_object_unref (notice->application);
  g_object_unref (notice->notification);
  g_free (notice->id);
  g_free (notice->body);
  g_free (notice);
}

static void
end_notice (Notice *notice)
{
  g_application_release (notice->application);
  free_notice (notice);
}

static gboolean
is_untrue (Notice *notice)
{
  return notice->cancellable != NULL && g_cancellable_is_cancelled (notice->cancellable);
}

static gboolean
shows_notifications (const gchar *const *names)
{
  return g_strv_contains (names, servers[0]) || g_strv_contains (names, servers[1]);
}

static void
on_flushed (GObject *bus, GAsyncResult *result, gpointer user_data)
{
  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (bus), result, NULL);
  end_notice (user_data);
}

/* The body's text comes from a daemon or an edge and isn't markup. */
static void
on_markup_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Notice *notice = user_data;
  g_autofree gchar *escaped = ew_notice_markup_finish (result) ? g_markup_escape_text (notice->body, -1) : NULL;

  if (is_untrue (notice))
    {
      end_notice (notice);
      return;
    }
  g_notification_set_body (notice->notification, escaped != NULL ? escaped : notice->body);
  g_application_send_notification (notice->application, notice->id, notice->notification);
  g_dbus_connection_flush (g_application_get_dbus_connection (notice->application), NULL, on_flushed, notice);
}

static void on_names (GObject *object, GAsyncResult *result, gpointer user_data);

static void
ask_names (Notice *notice, const gchar *method)
{
  notice->asked = method;
  g_dbus_connection_call (g_application_get_dbus_connection (notice->application), "org.freedesktop.DBus",
                          "/org/freedesktop/DBus", "org.freedesktop.DBus", method, NULL, G_VARIANT_TYPE ("(as)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_names, notice);
}

static void
on_server_appeared (GDBusConnection *bus, const gchar *name, const gchar *owner, gpointer user_data)
{
  Notice *notice = user_data;

  stop_waiting (notice);
  g_application_hold (notice->application);
  ask_names (notice, RUNNING);
}

static void
on_untrue (Notice *notice)
{
  stop_waiting (notice);
  free_notice (notice);
}

static void
wait_for_server (Notice *notice)
{
  for (guint i = 0; i < G_N_ELEMENTS (notice->watches); i++)
    notice->watches[i]
      = g_bus_watch_name_on_connection (g_application_get_dbus_connection (notice->application), servers[i],
                                        G_BUS_NAME_WATCHER_FLAGS_NONE, on_server_appeared, NULL, notice, NULL);
  notice->cancelled = g_signal_connect_swapped (notice->cancellable, "cancelled", G_CALLBACK (on_untrue), notice);
  g_application_release (notice->application);
}

static void
on_names (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Notice *notice = user_data;
  GDBusConnection *bus = G_DBUS_CONNECTION (object);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (bus, result, NULL);
  g_autofree const gchar **names = NULL;

  if (answer != NULL)
    g_variant_get (answer, "(^a&s)", &names);
  if (names != NULL && shows_notifications (names))
    ew_notice_markup_async (bus, on_markup_known, notice);
  else if (g_str_equal (notice->asked, RUNNING))
    ask_names (notice, STARTABLE);
  else if (notice->cancellable != NULL && !is_untrue (notice))
    wait_for_server (notice);
  else
    end_notice (notice);
}

static Notice *
begin_notice (GApplication *application, const gchar *id, const gchar *title, const gchar *body,
              GNotification *notification)
{
  Notice *notice = g_new0 (Notice, 1);

  g_printerr ("%s.%s%s\n", title, *body != '\0' ? " " : "", body);
  g_application_hold (application);
  notice->application = g_object_ref (application);
  notice->id = g_strdup (id);
  notice->notification = notification;
  notice->body = g_strdup (body);
  return notice;
}

void
ew_notice_send (GApplication *application, const gchar *id, const gchar *title, const gchar *body, GSourceOnceFunc done,
                gpointer user_data)
{
  Notice *notice = begin_notice (application, id, title, body, g_notification_new (title));

  notice->done = done;
  notice->user_data = user_data;
  ask_names (notice, RUNNING);
}

void
ew_notice_send_full (GApplication *application, const gchar *id, const gchar *title, const gchar *body,
                     GNotification *notification, GCancellable *cancellable)
{
  Notice *notice = begin_notice (application, id, title, body, g_object_ref (notification));

  notice->cancellable = g_object_ref (cancellable);
  ask_names (notice, RUNNING);
}
