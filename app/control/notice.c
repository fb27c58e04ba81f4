/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/notice.h"

#include "control/notice-markup.h"

typedef struct
{
  GApplication *application;
  gchar *id, *body;
  GNotification *notification;
  const gchar *asked; /* the bus's method whose answer is awaited */
  GSourceOnceFunc done;
  gpointer user_data;
} Notice;

/* GLib complains of notifications that nobody takes, so the bus is asked first: who runs, then who would be started. */
#define RUNNING "ListNames"
#define STARTABLE "ListActivatableNames"

static void
notice_free (Notice *notice)
{
  if (notice->done != NULL)
    notice->done (notice->user_data);
  g_object_unref (notice->application);
  g_object_unref (notice->notification);
  g_free (notice->id);
  g_free (notice->body);
  g_free (notice);
}

static gboolean
shows_notifications (const gchar *const *names)
{
  return g_strv_contains (names, "org.freedesktop.Notifications") || g_strv_contains (names, "org.gtk.Notifications");
}

static void
on_flushed (GObject *bus, GAsyncResult *result, gpointer user_data)
{
  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (bus), result, NULL);
  notice_free (user_data);
}

/* The body's words are a daemon's, or an edge's, and no markup. */
static void
on_markup_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Notice *notice = user_data;
  g_autofree gchar *escaped = ew_notice_markup_finish (result) ? g_markup_escape_text (notice->body, -1) : NULL;

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
  else
    notice_free (notice);
}

void
ew_notice_send (GApplication *application, const gchar *id, const gchar *title, const gchar *body, GSourceOnceFunc done,
                gpointer user_data)
{
  Notice *notice = g_new0 (Notice, 1);

  g_printerr ("%s. %s\n", title, body);
  notice->application = g_object_ref (application);
  notice->id = g_strdup (id);
  notice->notification = g_notification_new (title);
  notice->done = done;
  notice->user_data = user_data;
  notice->body = g_strdup (body);
  ask_names (notice, RUNNING);
}
