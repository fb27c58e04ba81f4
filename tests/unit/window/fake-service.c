/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-service.h"

#define NAME "org.edgeway.Daemon1"
#define PATH "/org/edgeway/Daemon1"
#define PATIENCE_SECONDS 10

static gboolean
called (EwDaemon1 *object, GDBusMethodInvocation *invocation, gpointer user_data)
{
  FakeService *self = user_data;
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_string_append (self->calls, g_dbus_method_invocation_get_method_name (invocation));
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv})")))
    {
      const gchar *mode;
      g_variant_get_child (parameters, 0, "&s", &mode);
      g_string_append_printf (self->calls, " %s", mode);
    }
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ba{sv})")))
    {
      gboolean on;
      g_variant_get_child (parameters, 0, "b", &on);
      g_string_append (self->calls, on ? " on" : " off");
    }
  g_string_append_c (self->calls, '\n');
  g_queue_push_tail (&self->waiting, invocation);
  return TRUE;
}

static gboolean
set_mode_called (EwDaemon1 *object, GDBusMethodInvocation *invocation, const gchar *mode, GVariant *options,
                 gpointer user_data)
{
  return called (object, invocation, user_data);
}

static gboolean
set_lockdown_called (EwDaemon1 *object, GDBusMethodInvocation *invocation, gboolean on, GVariant *options,
                     gpointer user_data)
{
  return called (object, invocation, user_data);
}

static void
set_enrolled (EwDaemon1 *object)
{
  const gchar *const addresses[] = { "100.96.0.18", NULL };
  g_object_set (object, "state", "connected", "role", "admin", "mesh", "birchwood", "node-name", "thinkpad", "kind",
                "device", "addresses", addresses, "edge-name", "Frankfurt", "edge-endpoint", "edge.example:443",
                "transport", "udp", "since", g_get_real_time () - 60 * G_USEC_PER_SEC, NULL);
}

static void
got_name (GDBusConnection *connection, const gchar *name, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

FakeService *
fake_service_new (gboolean enrolled)
{
  FakeService *self = g_new0 (FakeService, 1);
  g_autoptr (GError) error = NULL;
  gboolean owned = FALSE;
  const gchar *const methods[] = { "handle-connect", "handle-disconnect", "handle-confirm-mode", "handle-undo-mode" };
  self->calls = g_string_new (NULL);
  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  /* A private bus: GTK would use it as the session's, and a process exits when its session bus closes. */
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");
  self->connection = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (self->bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  g_assert_no_error (error);
  self->object = ew_daemon1_skeleton_new ();
  g_object_set (self->object, "state", "not-enrolled", "reason", "", "message", "", "mode", "connector", "role", "",
                "mesh", "", "version", "test", NULL);
  if (enrolled)
    set_enrolled (self->object);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_signal_connect (self->object, methods[i], G_CALLBACK (called), self);
  g_signal_connect (self->object, "handle-set-mode", G_CALLBACK (set_mode_called), self);
  g_signal_connect (self->object, "handle-set-lockdown", G_CALLBACK (set_lockdown_called), self);
  g_assert_true (
    g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->object), self->connection, PATH, &error));
  self->owned = g_bus_own_name_on_connection (self->connection, NAME, 0, got_name, NULL, &owned, NULL);
  while (!owned)
    g_main_context_iteration (NULL, TRUE);
  return self;
}

void
fake_service_free (FakeService *self)
{
  while (!g_queue_is_empty (&self->waiting))
    fake_service_answer (self);
  g_bus_unown_name (self->owned);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->object));
  g_object_unref (self->object);
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_object_unref (self->connection);
  g_test_dbus_stop (self->bus);
  g_object_unref (self->bus);
  g_string_free (self->calls, TRUE);
  g_free (self);
}

const gchar *
fake_service_address (FakeService *self)
{
  return g_test_dbus_get_bus_address (self->bus);
}

void
fake_service_answer (FakeService *self)
{
  GDBusMethodInvocation *invocation = g_queue_pop_head (&self->waiting);
  g_assert_nonnull (invocation);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

void
fake_service_refuse (FakeService *self, const gchar *name, const gchar *message)
{
  GDBusMethodInvocation *invocation = g_queue_pop_head (&self->waiting);
  g_autofree gchar *full = g_strconcat ("org.edgeway.Error.", name, NULL);
  g_assert_nonnull (invocation);
  g_dbus_method_invocation_return_dbus_error (invocation, full, message);
}

void
wait_until (gboolean (*condition) (gpointer data), gpointer data, const gchar *what)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_SECONDS * G_USEC_PER_SEC;
  while (!condition (data))
    {
      if (g_get_monotonic_time () > deadline)
        g_error ("waited %d s in vain until %s", PATIENCE_SECONDS, what);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (2000);
    }
}

void
let_pass (guint ms)
{
  gint64 end = g_get_monotonic_time () + (gint64)ms * 1000;
  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (2000);
}
