/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/peer-server.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

#define ENDING_TRIES 30
#define ENDING_PAUSE_US 100000

struct _EwPeerServer
{
  EwService *service; /* borrowed */
  gchar *path;
  GDBusServer *server;
  GPtrArray *connections;
};

static gboolean
on_allow_mechanism (GDBusAuthObserver *observer, const gchar *mechanism, gpointer user_data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

/* Called in GDBus's own thread, before the connection says anything. */
static gboolean
on_authorize_peer (GDBusAuthObserver *observer, GIOStream *stream, GCredentials *credentials, gpointer user_data)
{
  return credentials != NULL && g_credentials_get_unix_user (credentials, NULL) == 0;
}

static void
on_connection_closed (GDBusConnection *connection, gboolean remote_peer_vanished, GError *error, gpointer user_data)
{
  EwPeerServer *self = user_data;

  ew_service_unexport (self->service, connection);
  g_ptr_array_remove_fast (self->connections, connection);
}

/* FALSE refuses the connection. */
static gboolean
on_new_connection (GDBusServer *server, GDBusConnection *connection, gpointer user_data)
{
  EwPeerServer *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->connections->len >= EW_PEERS_MAX)
    return FALSE;
  if (!ew_service_export (self->service, connection, &error))
    {
      g_warning ("A peer couldn't be served: %s", error->message);
      return FALSE;
    }
  g_ptr_array_add (self->connections, g_object_ref (connection));
  g_signal_connect (connection, "closed", G_CALLBACK (on_connection_closed), self);
  return TRUE;
}

static gboolean
somebody_answers (const gchar *path)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketConnection) connection
    = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);

  return connection != NULL;
}

/* One that is being stopped, as before an upgrade or a restart, answers for another moment. */
static gboolean
somebody_stays (const gchar *path)
{
  for (guint i = 0; i < ENDING_TRIES; i++)
    {
      if (!somebody_answers (path))
        return FALSE;
      g_usleep (ENDING_PAUSE_US);
    }
  return TRUE;
}

static gboolean
listen_on (EwPeerServer *self, GError **error)
{
  g_autoptr (GDBusAuthObserver) observer = g_dbus_auth_observer_new ();
  g_autofree gchar *escaped = g_dbus_address_escape_value (self->path);
  g_autofree gchar *address = g_strconcat ("unix:path=", escaped, NULL);
  g_autofree gchar *guid = g_dbus_generate_guid ();
  mode_t old_mask;

  g_signal_connect (observer, "allow-mechanism", G_CALLBACK (on_allow_mechanism), NULL);
  g_signal_connect (observer, "authorize-authenticated-peer", G_CALLBACK (on_authorize_peer), NULL);
  old_mask = umask (0177); /* the socket is 0600 from its first moment */
  self->server = g_dbus_server_new_sync (address, G_DBUS_SERVER_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER, guid, observer,
                                         NULL, error);
  umask (old_mask);
  if (self->server == NULL)
    {
      g_prefix_error (error, "%s couldn't be created: ", self->path);
      return FALSE;
    }
  g_signal_connect (self->server, "new-connection", G_CALLBACK (on_new_connection), self);
  g_dbus_server_start (self->server);
  return TRUE;
}

/* The folder is open to all, for look-ups of names (daemon/names/answer.h); the bus' socket itself is 0600. Only root
   may write to it. */
static gboolean
make_dir (const gchar *dir, GError **error)
{
  struct stat info;

  if ((mkdir (dir, 0755) == 0 || errno == EEXIST) && lstat (dir, &info) == 0 && S_ISDIR (info.st_mode)
      && info.st_uid == geteuid () && chmod (dir, 0755) == 0)
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
               "%s isn't a folder that root owns and alone can write to. Remove it, then start edgewayd again.", dir);
  return FALSE;
}

EwPeerServer *
ew_peer_server_new (EwService *service, const gchar *dir, GError **error)
{
  EwPeerServer *self;

  if (!make_dir (dir, error))
    return NULL;
  self = g_new0 (EwPeerServer, 1);
  self->service = service;
  self->path = g_build_filename (dir, "bus", NULL);
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  if (somebody_stays (self->path))
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Another edgewayd already answers on %s. Stop that one first.",
                 self->path);
  else if (g_unlink (self->path) != 0 && errno != ENOENT)
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s is left over and can't be removed: %s.", self->path,
                 g_strerror (errno));
  else if (listen_on (self, error))
    return self;
  g_clear_pointer (&self->path, g_free); /* edgewayd may not remove it */
  ew_peer_server_free (self);
  return NULL;
}

static void
close_connection (gpointer connection, gpointer user_data)
{
  EwPeerServer *self = user_data;

  g_signal_handlers_disconnect_by_data (connection, self);
  ew_service_unexport (self->service, connection);
  g_dbus_connection_flush_sync (connection, NULL, NULL);
  g_dbus_connection_close_sync (connection, NULL, NULL);
}

void
ew_peer_server_free (EwPeerServer *self)
{
  if (self->server != NULL)
    g_dbus_server_stop (self->server);
  g_clear_object (&self->server);
  g_ptr_array_foreach (self->connections, close_connection, self);
  g_ptr_array_unref (self->connections);
  if (self->path != NULL)
    g_unlink (self->path);
  g_free (self->path);
  g_free (self);
}
