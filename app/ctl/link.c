/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/util.h"
#include "text-agent.h"

#define NAME "org.edgeway.Daemon1"
#define PATH "/org/edgeway/Daemon1"
#define PEER_SOCKET "/run/edgeway/bus"
#define LOCKDOWN_FILE "/var/lib/edgeway/lockdown" /* there while lockdown is on; only root sees it */
#define JSON_MAX (64 * 1024 * 1024)

struct _EwLink
{
  GDBusConnection *connection;
  EwDaemon1 *proxy;
  gboolean is_peer;
  EwTextAgent *agent; /* made before the first call that might need it */
  gboolean changed;
};

G_DEFINE_QUARK (ew - link - error - quark, ew_link_error)

static void
on_changed (GDBusProxy *proxy, GVariant *changed, GStrv invalidated, gpointer user_data)
{
  ((EwLink *)user_data)->changed = TRUE;
}

static GDBusConnection *
connect_to (const gchar *address, gboolean is_bus, GError **error)
{
  GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT;

  if (is_bus)
    flags |= G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
  return g_dbus_connection_new_for_address_sync (address, flags, NULL, NULL, error);
}

/* Takes the connection. NULL: edgewayd is not there. The call does not start it: whoever stopped it did so on
   purpose. */
static EwLink *
link_new (GDBusConnection *connection, gboolean is_peer)
{
  g_autoptr (EwLink) self = g_new0 (EwLink, 1);
  g_autofree gchar *owner = NULL;

  g_dbus_connection_set_exit_on_close (connection, FALSE);
  self->connection = connection;
  self->is_peer = is_peer;
  self->proxy = ew_daemon1_proxy_new_sync (connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, is_peer ? NULL : NAME,
                                           PATH, NULL, NULL);
  if (self->proxy == NULL)
    return NULL;
  owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (self->proxy));
  if (!is_peer && owner == NULL)
    return NULL;
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (self->proxy), G_MAXINT);
  g_signal_connect (self->proxy, "g-properties-changed", G_CALLBACK (on_changed), self);
  return g_steal_pointer (&self);
}

static EwLink *
open_address (const gchar *address, GError **error)
{
  g_autoptr (GError) not_a_bus = NULL, not_a_peer = NULL;
  GDBusConnection *connection = connect_to (address, TRUE, &not_a_bus);
  EwLink *self = NULL;

  if (connection != NULL)
    {
      g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE); /* the password agent must meet polkit there too */
      self = link_new (connection, FALSE);
    }
  else if ((connection = connect_to (address, FALSE, &not_a_peer)) != NULL)
    self = link_new (connection, TRUE);
  if (self == NULL)
    g_set_error (error, EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE,
                 "edgewayd can't be reached at %s%s%s. Check the address, and that edgewayd runs there.", address,
                 not_a_peer != NULL ? ": " : "", not_a_peer != NULL ? not_a_peer->message : "");
  return self;
}

static EwLink *
open_system_bus (gboolean *has_bus)
{
  g_autofree gchar *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);
  GDBusConnection *connection = address != NULL ? connect_to (address, TRUE, NULL) : NULL;

  *has_bus = connection != NULL;
  return connection != NULL ? link_new (connection, FALSE) : NULL;
}

static EwLink *
open_peer (void)
{
  GDBusConnection *connection = connect_to ("unix:path=" PEER_SOCKET, FALSE, NULL);

  return connection != NULL ? link_new (connection, TRUE) : NULL;
}

/* Whether that file exists, or is in a folder that this user can't read: such a folder was made by its program. */
static gboolean
is_there (const gchar *path)
{
  return access (path, F_OK) == 0 || errno == EACCES;
}

static gboolean
is_edge_alone (void)
{
  return is_there ("/var/lib/edgeway-edge/wireguard.key") && !is_there ("/var/lib/edgeway/account.json");
}

EwLink *
ew_link_open (const gchar *address, GError **error)
{
  gboolean has_bus = FALSE, is_root = geteuid () == 0;
  EwLink *self;

  ew_error_register_dbus ();
  if (address != NULL)
    return open_address (address, error);
  self = open_system_bus (&has_bus);
  if (self == NULL)
    self = open_peer ();
  if (self != NULL)
    return self;
  if (is_edge_alone ())
    g_set_error_literal (error, EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE,
                         "This computer runs an edge and isn't a node. Use `sudo edgeway-edge status` here. To "
                         "administer the mesh, join another computer with a key from `sudo edgeway-edge admin-key`.");
  else if (!has_bus && !is_root)
    g_set_error_literal (error, EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE,
                         "edgewayd can't be reached: there is no system bus here, and only root may use " PEER_SOCKET
                         ". Use sudo.");
  else
    g_set_error (error, EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE,
                 "edgewayd can't be reached: it isn't running. Start it with `%s`.%s",
                 g_file_test ("/run/systemd/system", G_FILE_TEST_IS_DIR) ? "sudo systemctl start edgewayd"
                                                                         : "sudo edgewayd",
                 g_file_test (LOCKDOWN_FILE, G_FILE_TEST_EXISTS)
                   ? " Lockdown is on, so nothing leaves this computer until then. To end lockdown: sudo edgewayctl "
                     "lockdown off"
                   : "");
  return NULL;
}

void
ew_link_free (EwLink *self)
{
  g_clear_pointer (&self->agent, ew_text_agent_free);
  if (self->proxy != NULL)
    g_signal_handlers_disconnect_by_data (self->proxy, self);
  g_clear_object (&self->proxy);
  g_clear_object (&self->connection);
  g_free (self);
}

gboolean
ew_link_is_alive (EwLink *self)
{
  g_autofree gchar *owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (self->proxy));

  return !g_dbus_connection_is_closed (self->connection) && (self->is_peer || owner != NULL);
}

EwDaemon1 *
ew_link_get_proxy (EwLink *self)
{
  return self->proxy;
}

/* Calls. */

typedef struct
{
  gboolean done;
  GVariant *value;
  GUnixFDList *fds;
  GError *error;
} Answer;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->value
    = g_dbus_proxy_call_with_unix_fd_list_finish (G_DBUS_PROXY (source), &answer->fds, result, &answer->error);
  answer->done = TRUE;
}

/* Every error that means "edgewayd isn't running" becomes EW_ERROR's; the rest is the daemon's sentence without GDBus's
   prefix. */
static void
explain (GError **error)
{
  static const gint gone[] = { G_DBUS_ERROR_SERVICE_UNKNOWN, G_DBUS_ERROR_NAME_HAS_NO_OWNER, G_DBUS_ERROR_NO_REPLY,
                               G_DBUS_ERROR_DISCONNECTED };
  gboolean is_gone = g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CLOSED);

  for (guint i = 0; i < G_N_ELEMENTS (gone); i++)
    is_gone = is_gone || g_error_matches (*error, G_DBUS_ERROR, gone[i]);
  g_dbus_error_strip_remote_error (*error);
  if (!is_gone)
    return;
  g_clear_error (error);
  g_autofree gchar *log = ew_log_find ("edgewayd");
  g_set_error (error, EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE, "edgewayd stopped before it answered. See %s.", log);
}

/* interactive: a caller who is not authorized may be asked for a password. */
static GVariant *
call (EwLink *self, const gchar *method, GVariant *parameters, gboolean interactive, GUnixFDList **fds, GError **error)
{
  Answer answer = { 0 };
  GDBusCallFlags flags = G_DBUS_CALL_FLAGS_NO_AUTO_START;

  if (interactive)
    flags |= G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;
  if (interactive && self->agent == NULL && !self->is_peer && geteuid () != 0 && !g_str_equal (method, "GetStatus"))
    self->agent = ew_text_agent_new ();
  g_dbus_proxy_call_with_unix_fd_list (G_DBUS_PROXY (self->proxy), method, parameters, flags, G_MAXINT, NULL, NULL,
                                       on_answer, &answer);
  while (!answer.done)
    g_main_context_iteration (NULL, TRUE);
  if (answer.error != NULL)
    {
      explain (&answer.error);
      g_propagate_error (error, answer.error);
    }
  if (fds != NULL)
    *fds = g_steal_pointer (&answer.fds);
  g_clear_object (&answer.fds);
  return answer.value;
}

GVariant *
ew_link_call (EwLink *self, const gchar *method, GVariant *parameters, GError **error)
{
  return call (self, method, parameters, TRUE, NULL, error);
}

static JsonObject *
read_json (GVariant *answer, GError **error)
{
  const gchar *text;

  if (answer == NULL)
    return NULL;
  g_variant_get (answer, "(&s)", &text);
  return ew_json_parse_object (text, (gssize)strlen (text), JSON_MAX, error);
}

JsonObject *
ew_link_call_json (EwLink *self, const gchar *method, GVariant *parameters, GError **error)
{
  g_autoptr (GVariant) answer = call (self, method, parameters, TRUE, NULL, error);

  return read_json (answer, error);
}

JsonObject *
ew_link_look (EwLink *self, const gchar *method, GVariant *parameters)
{
  g_autoptr (GVariant) answer = call (self, method, parameters, FALSE, NULL, NULL);

  return read_json (answer, NULL);
}

gint
ew_link_call_fd (EwLink *self, const gchar *method, GError **error)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) answer = call (self, method, NULL, TRUE, &fds, error);
  gint32 handle;

  if (answer == NULL)
    return -1;
  g_variant_get (answer, "(h)", &handle);
  if (fds == NULL)
    {
      g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, "edgewayd sent no file descriptor.");
      return -1;
    }
  return g_unix_fd_list_get (fds, handle, error);
}

static gboolean
on_deadline (gpointer passed)
{
  *(gboolean *)passed = TRUE;
  return G_SOURCE_CONTINUE;
}

gboolean
ew_link_wait_change (EwLink *self, gint64 deadline)
{
  gboolean passed = FALSE;
  gint64 left_ms = (deadline - g_get_monotonic_time ()) / 1000;
  guint timer = deadline == 0 ? 0 : g_timeout_add ((guint)CLAMP (left_ms, 0, G_MAXINT), on_deadline, &passed);

  while (!self->changed && !passed && ew_link_is_alive (self))
    g_main_context_iteration (NULL, TRUE);
  if (timer != 0)
    g_source_remove (timer);
  passed = passed && !self->changed;
  self->changed = FALSE;
  return !passed;
}
