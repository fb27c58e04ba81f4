/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/server-private.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "common/error.h"

#define BACKLOG 4096 /* the kernel allows less (somaxconn); a caller that finds it full tries again after a second */

static void
explain_bind (GError **error, const GError *cause, guint16 port)
{
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
      "TCP port %u is in use by another program. Stop that one, or choose another port with --listen [ADDR]:PORT.",
      port);
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    g_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                 "TCP port %u needs a privilege (ports below 1024 are root's). Start the edge as root, or choose a "
                 "higher port with --listen [ADDR]:PORT.",
                 port);
  else
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "The edge can't listen on TCP port %u: %s.", port, cause->message);
}

static gboolean
add_socket (GSocketService *service, GSocketAddress *address, gboolean v6_only, gboolean later, GError **error)
{
  GSocketFamily family = g_socket_address_get_family (address);
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return FALSE;
  if (v6_only)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, 1, NULL);
  if (later)
    {
      gboolean v6 = family == G_SOCKET_FAMILY_IPV6;
      g_socket_set_option (socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, 1, NULL);
    }
  g_socket_set_listen_backlog (socket, BACKLOG);
  return g_socket_bind (socket, address, TRUE, error) && g_socket_listen (socket, error)
         && g_socket_listener_add_socket (G_SOCKET_LISTENER (service), socket, NULL, error);
}

static gboolean
bind_ip (EwServer *self, const gchar *ip, guint16 port, gboolean later, GError **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (ip, port);
  if (address)
    return add_socket (self->service, address, TRUE, later, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s isn't an IP address", ip);
  return FALSE;
}

gboolean
ew_http_server_bind_tcp (EwServer *self, const gchar *address, guint16 port, gboolean later, GError **error)
{
  g_autoptr (GError) cause = NULL, no_v6 = NULL;
  gboolean bound;
  if (address)
    bound = bind_ip (self, address, port, later, &cause);
  else
    {
      bound = bind_ip (self, "0.0.0.0", port, FALSE, &cause);
      /* A host may have IPv6 switched off. */
      if (bound && !bind_ip (self, "::", port, FALSE, &no_v6))
        g_message ("listening on IPv4 only: %s", no_v6->message);
    }
  if (!bound)
    explain_bind (error, cause, port);
  return bound;
}

gboolean
ew_http_server_bind_control (EwServer *self, const gchar *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (strlen (path) >= sizeof ((struct sockaddr_un *)0)->sun_path)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                   "The state directory's path is too long for its control socket (%s). Choose a shorter --state-dir.",
                   path);
      return FALSE;
    }
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_unlink (path);
  mode_t mask = umask (0177); /* 0600 from the first moment on */
  gboolean bound = add_socket (self->control, address, FALSE, FALSE, &cause);
  umask (mask);
  if (bound)
    self->control_path = g_strdup (path);
  else
    {
      /* GIO has no code for a read-only file system. */
      gboolean unwritable = access (folder, W_OK) != 0 || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
      g_set_error (error, EW_ERROR, unwritable ? EW_ERROR_STORE_FULL : EW_ERROR_FAILED,
                   "The control socket %s can't be created: %s.", path, cause->message);
    }
  return bound;
}
