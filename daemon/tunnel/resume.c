/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/resume.h"

struct EwResume
{
  GCancellable *connecting;
  GDBusConnection *bus;
  guint subscription;
  void (*func) (gpointer user_data);
  gpointer user_data;
};

static void
prepare_for_sleep (GDBusConnection *bus, const gchar *sender, const gchar *path, const gchar *interface,
                   const gchar *signal, GVariant *parameters, gpointer user_data)
{
  EwResume *resume = user_data;
  gboolean starts = TRUE;
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    g_variant_get (parameters, "(b)", &starts);
  if (!starts)
    resume->func (resume->user_data);
}

static void
bus_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, &error);
  if (!bus)
    return;
  EwResume *resume = user_data;
  /* The bus may be restarted; the tunnel continues. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  resume->bus = g_steal_pointer (&bus);
  resume->subscription = g_dbus_connection_signal_subscribe (
    resume->bus, "org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
    "/org/freedesktop/login1", NULL, G_DBUS_SIGNAL_FLAGS_NONE, prepare_for_sleep, resume, NULL);
}

EwResume *
ew_resume_watch (void (*func) (gpointer user_data), gpointer user_data)
{
  EwResume *resume = g_new0 (EwResume, 1);
  resume->func = func;
  resume->user_data = user_data;
  resume->connecting = g_cancellable_new ();
  g_bus_get (G_BUS_TYPE_SYSTEM, resume->connecting, bus_ready, resume);
  return resume;
}

void
ew_resume_free (EwResume *resume)
{
  g_cancellable_cancel (resume->connecting);
  g_object_unref (resume->connecting);
  if (resume->subscription)
    g_dbus_connection_signal_unsubscribe (resume->bus, resume->subscription);
  g_clear_object (&resume->bus);
  g_free (resume);
}
