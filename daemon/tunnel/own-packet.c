/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/own-packet.h"

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);

  if (connection != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
ew_own_packet_try_async (const EwIp *to, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (
    to->bytes, to->family == EW_FAMILY_V4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  g_autoptr (GSocketAddress) there = g_inet_socket_address_new (address, port);

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, EW_OWN_PACKET_SECONDS);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (there), cancellable, on_connected,
                                 g_steal_pointer (&task));
}

gboolean
ew_own_packet_try_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
