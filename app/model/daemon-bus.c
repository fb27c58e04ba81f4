/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `patience` reports after 10 s that the daemon does not start, though the bus may still be trying.
 */
#include "edgeway-config.h"

#include "daemon-bus.h"

#include "call-error.h"
#include "daemon-private.h"

#define NAME EW_DAEMON_NAME
#define PATH EW_DAEMON_PATH
#define PATIENCE_S 10

struct _EwDaemonBus
{
  gchar *address; /* NULL: the system bus */
  EwDaemonBusChanged changed;
  gpointer user_data;
  GCancellable *cancellable; /* of everything that looks for the daemon; replaced by each look */
  GDBusConnection *connection;
  guint watch, subscription, patience;
  gboolean owned;
  EwAvailability availability;
};

static void read_properties (EwDaemonBus *self);

/* The only function that changes availability. properties: what was read; NULL: nothing. */
static void
set_availability (EwDaemonBus *self, EwAvailability availability, GVariant *properties)
{
  if (availability != EW_AVAILABILITY_LOOKING)
    g_clear_handle_id (&self->patience, g_source_remove);
  if (self->availability == availability && properties == NULL)
    return;
  if (self->availability != availability)
    g_debug ("daemon: availability %u → %u", self->availability, availability);
  self->availability = availability;
  self->changed (availability, properties, self->user_data);
}

static void
on_properties_changed (GDBusConnection *connection, const gchar *sender, const gchar *path, const gchar *interface,
                       const gchar *signal, GVariant *parameters, gpointer user_data)
{
  EwDaemonBus *self = user_data;
  g_autoptr (GVariant) changed = NULL;
  g_autofree const gchar **invalidated = NULL;
  const gchar *changed_interface;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}^a&s)", &changed_interface, &changed, &invalidated);
  if (!self->owned || !g_str_equal (changed_interface, NAME))
    return;
  if (self->availability != EW_AVAILABILITY_READY || invalidated[0] != NULL)
    read_properties (self);
  else
    set_availability (self, EW_AVAILABILITY_READY, changed);
}

static void
on_properties (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) dictionary = NULL;
  EwDaemonBus *self;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self = user_data;
  if (!self->owned)
    return;
  if (answer == NULL)
    {
      EwAvailability why = ew_availability_from_dbus (error);
      g_debug ("daemon: its properties can't be read: %s", error->message);
      set_availability (self, why == EW_AVAILABILITY_NOT_INSTALLED ? EW_AVAILABILITY_NOT_STARTING : why, NULL);
      return;
    }
  g_variant_get (answer, "(@a{sv})", &dictionary);
  set_availability (self, EW_AVAILABILITY_READY, dictionary);
}

static void
read_properties (EwDaemonBus *self)
{
  g_dbus_connection_call (self->connection, NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll",
                          g_variant_new ("(s)", NAME), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                          self->cancellable, on_properties, self);
}

static void
on_appeared (GDBusConnection *connection, const gchar *name, const gchar *owner, gpointer user_data)
{
  EwDaemonBus *self = user_data;

  self->owned = TRUE;
  read_properties (self);
}

/* The name has no owner and the bus can't start one: the service was stopped, or never installed. */
static EwAvailability
tell_missing_apart (EwAvailability why)
{
  return why == EW_AVAILABILITY_NOT_INSTALLED && g_file_test (EW_DAEMON_PROGRAM, G_FILE_TEST_IS_EXECUTABLE)
           ? EW_AVAILABILITY_NOT_STARTING
           : why;
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  EwDaemonBus *self;

  if (answer != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* its name appears, or the time runs out */
  self = user_data;
  g_debug ("daemon: it can't be started: %s", error->message);
  if (!self->owned)
    set_availability (self, tell_missing_apart (ew_availability_from_dbus (error)), NULL);
}

static void
start_daemon (EwDaemonBus *self)
{
  g_dbus_connection_call (self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "StartServiceByName", g_variant_new ("(su)", NAME, 0), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, G_MAXINT, self->cancellable, on_started, self);
}

/* Also the first answer where the name has no owner: then the bus is starting the service. A service that ended is
   not started again: it may have been stopped on purpose. */
static void
on_vanished (GDBusConnection *connection, const gchar *name, gpointer user_data)
{
  EwDaemonBus *self = user_data;
  gboolean was_owned = self->owned;

  self->owned = FALSE;
  if (was_owned)
    set_availability (self, EW_AVAILABILITY_NOT_STARTING, NULL);
}

static void
on_closed (GDBusConnection *connection, gboolean by_peer, GError *error, gpointer user_data)
{
  EwDaemonBus *self = user_data;

  self->owned = FALSE;
  set_availability (self, EW_AVAILABILITY_NO_BUS, NULL);
}

static gboolean
on_patience (gpointer user_data)
{
  EwDaemonBus *self = user_data;

  self->patience = 0;
  set_availability (self, EW_AVAILABILITY_NOT_STARTING, NULL);
  return G_SOURCE_REMOVE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_finish (result, &error);
  EwDaemonBus *self;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self = user_data;
  if (connection == NULL)
    {
      g_debug ("daemon: no bus: %s", error->message);
      set_availability (self, EW_AVAILABILITY_NO_BUS, NULL);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_closed), self);
  self->subscription = g_dbus_connection_signal_subscribe (self->connection, NAME, "org.freedesktop.DBus.Properties",
                                                           "PropertiesChanged", PATH, NAME, G_DBUS_SIGNAL_FLAGS_NONE,
                                                           on_properties_changed, self, NULL);
  self->watch = g_bus_watch_name_on_connection (self->connection, NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                on_vanished, self, NULL);
  start_daemon (self);
}

static void
leave (EwDaemonBus *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->patience, g_source_remove);
  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  if (self->connection != NULL)
    {
      g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
      g_signal_handlers_disconnect_by_data (self->connection, self);
    }
  self->owned = FALSE;
  g_clear_object (&self->connection);
}

void
ew_daemon_bus_look (EwDaemonBus *self)
{
  g_autofree gchar *address = g_strdup (self->address);

  leave (self);
  self->cancellable = g_cancellable_new ();
  set_availability (self, EW_AVAILABILITY_LOOKING, NULL);
  if (address == NULL)
    address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);
  if (address == NULL)
    {
      set_availability (self, EW_AVAILABILITY_NO_BUS, NULL);
      return;
    }
  self->patience = g_timeout_add_seconds (PATIENCE_S, on_patience, self);
  g_dbus_connection_new_for_address (
    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
    self->cancellable, on_connected, self);
}

EwDaemonBus *
ew_daemon_bus_new (const gchar *address, EwDaemonBusChanged changed, gpointer user_data)
{
  EwDaemonBus *self = g_new0 (EwDaemonBus, 1);

  self->address = g_strdup (address);
  self->changed = changed;
  self->user_data = user_data;
  return self;
}

void
ew_daemon_bus_free (EwDaemonBus *self)
{
  leave (self);
  g_free (self->address);
  g_free (self);
}

const gchar *
ew_daemon_bus_get_address (EwDaemonBus *self)
{
  return self->address;
}

GDBusConnection *
ew_daemon_bus_get_connection (EwDaemonBus *self)
{
  return self->connection;
}
