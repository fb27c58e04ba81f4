/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One timer: RECONNECT_S, while the message bus is away. It restarts with dbus-daemon on computers without systemd.
 */
#include "service/bus.h"

#include "common/error.h"
#include "service/doorway.h"
#include "service/peer-server.h"

#define RECONNECT_S 5
#define REQUEST_NAME_DO_NOT_QUEUE 4u /* D-Bus specification, RequestName */
#define REQUEST_NAME_REPLY_OWNER 1u
#define REQUEST_NAME_REPLY_ALREADY_OWNER 4u

struct _EwBus
{
  EwService *service; /* borrowed */
  gchar *address;     /* the message bus's; NULL with a peer server */
  gchar *description;
  GDBusConnection *connection; /* NULL while the bus is away */
  gulong closed_handler;
  EwDoorway *doorway; /* of connection */
  guint reconnect;
  EwPeerServer *peers;
};

static gboolean
own_name (GDBusConnection *connection, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) answer
    = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                   "RequestName", g_variant_new ("(su)", EW_SERVICE_NAME, REQUEST_NAME_DO_NOT_QUEUE),
                                   G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &failure);
  guint32 reply = 0;

  if (answer == NULL)
    {
      g_dbus_error_strip_remote_error (failure);
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                   "The message bus doesn't let edgewayd own the name " EW_SERVICE_NAME
                   " (%s). Install share/dbus-1/system.d/" EW_SERVICE_NAME
                   ".conf of this package, and run edgewayd as root.",
                   failure->message);
      return FALSE;
    }
  g_variant_get (answer, "(u)", &reply);
  if (reply == REQUEST_NAME_REPLY_OWNER || reply == REQUEST_NAME_REPLY_ALREADY_OWNER)
    return TRUE;
  g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED,
                       "Another edgewayd already serves " EW_SERVICE_NAME " on this bus. Stop that one first.");
  return FALSE;
}

static void on_closed (GDBusConnection *connection, gboolean remote_peer_vanished, GError *error, gpointer user_data);

static void
drop_connection (EwBus *self)
{
  if (self->connection == NULL)
    return;
  ew_service_unexport (self->service, self->connection);
  g_signal_handler_disconnect (self->connection, self->closed_handler);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->doorway, ew_doorway_close);
}

/* The object is there before the name: a caller that waited for the name finds it. */
static gboolean
adopt (EwBus *self, GDBusConnection *connection, GError **error)
{
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  if (!ew_service_export (self->service, connection, error))
    {
      g_clear_pointer (&self->doorway, ew_doorway_close);
      return FALSE;
    }
  self->connection = g_object_ref (connection);
  self->closed_handler = g_signal_connect (connection, "closed", G_CALLBACK (on_closed), self);
  if (own_name (connection, error))
    return TRUE;
  drop_connection (self);
  return FALSE;
}

/* What opens a connection also closes it where it is not adopted. */
static GDBusConnection *
connect_to (EwBus *self, GError **error)
{
  GDBusConnection *connection = NULL;

  self->doorway = ew_doorway_open (self->address, &connection, error);
  return connection;
}

static gboolean
on_reconnect (gpointer user_data)
{
  EwBus *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = connect_to (self, &error);

  if (connection == NULL || !adopt (self, connection, &error))
    {
      g_debug ("The message bus is still unavailable: %s", error->message);
      return G_SOURCE_CONTINUE;
    }
  g_message ("Back on the message bus.");
  self->reconnect = 0;
  return G_SOURCE_REMOVE;
}

static void
on_closed (GDBusConnection *connection, gboolean remote_peer_vanished, GError *error, gpointer user_data)
{
  EwBus *self = user_data;

  g_warning ("The message bus closed the connection. The tunnel stays as it is; edgewayd looks for the bus every %d s.",
             RECONNECT_S);
  drop_connection (self);
  self->reconnect = g_timeout_add_seconds (RECONNECT_S, on_reconnect, self);
}

static gboolean
open_message_bus (EwBus *self, const gchar *shown, GError **error)
{
  g_autoptr (GDBusConnection) connection = connect_to (self, error);

  if (connection == NULL)
    {
      g_prefix_error (error, "The message bus at %s can't be reached: ", shown);
      return FALSE;
    }
  self->description = g_strdup_printf ("serving " EW_SERVICE_NAME " on %s", shown);
  return adopt (self, connection, error);
}

/* No bus is how containers are; it is worth one line, not a failure. */
static gboolean
open_system_bus (EwBus *self, GError **error)
{
  g_autoptr (GError) absent = NULL;
  g_autoptr (GDBusConnection) connection = NULL;

  self->address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, &absent);
  if (self->address != NULL)
    connection = connect_to (self, &absent);
  if (connection != NULL)
    {
      self->description = g_strdup ("serving " EW_SERVICE_NAME " on the system bus");
      return adopt (self, connection, error);
    }
  g_message ("There is no system bus on this computer (%s).", absent->message);
  g_clear_pointer (&self->address, g_free);
  self->peers = ew_peer_server_new (self->service, EW_BUS_PEER_DIR, error);
  self->description = g_strdup ("serving root on " EW_BUS_PEER_ADDRESS);
  return self->peers != NULL;
}

EwBus *
ew_bus_open (EwService *service, const gchar *address, const gchar *shown, GError **error)
{
  g_autoptr (EwBus) self = g_new0 (EwBus, 1);

  self->service = service;
  self->address = g_strdup (address);
  if (address != NULL ? !open_message_bus (self, shown, error) : !open_system_bus (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ew_bus_close (EwBus *self)
{
  g_clear_handle_id (&self->reconnect, g_source_remove);
  if (self->connection != NULL)
    g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  drop_connection (self);
  g_clear_pointer (&self->peers, ew_peer_server_free);
  g_free (self->address);
  g_free (self->description);
  g_free (self);
}

const gchar *
ew_bus_get_description (EwBus *self)
{
  return self->description;
}
