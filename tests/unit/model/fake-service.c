/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "fake-service.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

gboolean
wait_tick (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

static gboolean
on_over (gpointer over)
{
  *(gboolean *)over = TRUE;
  return G_SOURCE_REMOVE;
}

void
run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_over, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
on_ping (EwDaemon1 *skeleton, GDBusMethodInvocation *invocation, const gchar *target, guint timeout_ms, Service *self)
{
  if (g_str_equal (target, "hold"))
    self->held++;
  else if (g_str_equal (target, "fine"))
    ew_daemon1_complete_ping (skeleton, invocation, "{}");
  else if (g_str_equal (target, "other-type"))
    {
      g_autoptr (GDBusMessage) reply
        = g_dbus_message_new_method_reply (g_dbus_method_invocation_get_message (invocation));
      g_dbus_message_set_body (reply, g_variant_new ("(u)", 1));
      g_dbus_connection_send_message (self->connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
      g_object_unref (invocation);
    }
  else
    {
      g_autofree gchar *sentence = g_strdup_printf ("the sentence of %s", target);
      g_dbus_method_invocation_return_dbus_error (invocation, target, sentence);
    }
  return TRUE;
}

static gboolean
on_open_topology (EwDaemon1 *skeleton, GDBusMethodInvocation *invocation, GUnixFDList *in, Service *self)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  gint ends[2];

  self->opened++;
  if (self->refusal != NULL)
    {
      g_dbus_method_invocation_return_dbus_error (invocation, self->refusal, "refused");
      return TRUE;
    }
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  service_end_stream (self);
  self->writer = ends[1];
  g_assert_cmpint (g_unix_fd_list_append (fds, ends[0], NULL), ==, 0);
  close (ends[0]);
  ew_daemon1_complete_open_topology (skeleton, invocation, fds, g_variant_new_handle (0));
  return TRUE;
}

static void
fill (EwDaemon1 *skeleton)
{
  const gchar *const addresses[] = { "100.96.0.18", "fd00::18", NULL };

  ew_daemon1_set_state (skeleton, "connected");
  ew_daemon1_set_mode (skeleton, "connector");
  ew_daemon1_set_role (skeleton, "admin");
  ew_daemon1_set_mesh (skeleton, "birchwood");
  ew_daemon1_set_node_name (skeleton, "thinkpad");
  ew_daemon1_set_kind (skeleton, "device");
  ew_daemon1_set_addresses (skeleton, addresses);
  ew_daemon1_set_edge_name (skeleton, "Frankfurt");
  ew_daemon1_set_edge_endpoint (skeleton, "edge.example.net:443");
  ew_daemon1_set_transport (skeleton, "udp");
  ew_daemon1_set_since (skeleton, 1700000000000000);
  ew_daemon1_set_trial (skeleton, TRUE);
  ew_daemon1_set_version (skeleton, EW_VERSION);
}

static void
on_owned (GDBusConnection *connection, const gchar *name, gpointer owned)
{
  *(gboolean *)owned = TRUE;
}

void
service_start (Service *self, const gchar *address)
{
  GError *error = NULL;
  gboolean owned = FALSE;

  self->connection = g_dbus_connection_new_for_address_sync (
    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL,
    &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  self->skeleton = ew_daemon1_skeleton_new ();
  self->writer = -1;
  fill (self->skeleton);
  g_signal_connect (self->skeleton, "handle-ping", G_CALLBACK (on_ping), self);
  g_signal_connect (self->skeleton, "handle-open-topology", G_CALLBACK (on_open_topology), self);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), self->connection,
                                    "/org/edgeway/Daemon1", &error);
  g_assert_no_error (error);
  self->own = g_bus_own_name_on_connection (self->connection, "org.edgeway.Daemon1", G_BUS_NAME_OWNER_FLAGS_NONE,
                                            on_owned, NULL, &owned, NULL);
  wait_until (owned);
}

void
service_stop (Service *self)
{
  if (self->connection == NULL)
    return;
  service_end_stream (self);
  g_clear_handle_id (&self->own, g_bus_unown_name); /* first: to release it on a closed connection is a warning */
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_clear_object (&self->skeleton);
  g_clear_object (&self->connection);
}

void
service_send (Service *self, const gchar *text)
{
  gsize length = strlen (text), sent = 0;

  (void)fcntl (self->writer, F_SETFL, O_NONBLOCK);
  while (sent < length)
    {
      gssize n = write (self->writer, text + sent, length - sent);
      if (n > 0)
        sent += (gsize)n;
      else
        g_main_context_iteration (NULL, FALSE); /* the reader is in this thread */
    }
}

void
service_end_stream (Service *self)
{
  if (self->writer >= 0)
    close (self->writer);
  self->writer = -1;
}

gboolean
service_is_unread (Service *self)
{
  struct pollfd end = { .fd = self->writer, .events = POLLOUT };

  return poll (&end, 1, 0) == 1 && (end.revents & POLLERR);
}
