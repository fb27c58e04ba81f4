/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/connector.h"
#include "common/error.h"
#include "common/phrase.h"
#include "proxy/settings.h"
#include "proxy/tunnel.h"

#include <string.h>

#define SCHEME "edgeway-proxy" /* SCHEME://HOST:PORT/FILE: the file is read again for the password */

/* CONNECT. */

typedef struct
{
  GObject parent;
} Connector;
typedef GObjectClass ConnectorClass;

static GType connector_get_type (void);
static void connector_init_proxy (GProxyInterface *interface);

G_DEFINE_TYPE_WITH_CODE (Connector, connector, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_PROXY, connector_init_proxy))

static void
on_tunnelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  guint status;

  if (ew_proxy_tunnel_finish (result, &status, &error))
    g_task_return_pointer (task, g_object_ref (g_task_get_task_data (task)), g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
connector_connect_async (GProxy *proxy, GIOStream *connection, GProxyAddress *address, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (proxy, cancellable, callback, user_data);
  g_autoptr (GUri) uri = g_uri_parse (g_proxy_address_get_uri (address), G_URI_FLAGS_NONE, NULL);
  const gchar *host = g_proxy_address_get_destination_hostname (address);
  g_autoptr (GError) error = NULL;

  g_task_set_task_data (task, g_object_ref (connection), g_object_unref);
  g_autoptr (EwProxy) found = uri ? ew_proxy_find (g_uri_get_path (uri), host, &error) : NULL;
  if (found && found->port == g_uri_get_port (uri) && strcmp (found->host, g_uri_get_host (uri)) == 0)
    {
      ew_proxy_tunnel_async (connection, found, host, g_proxy_address_get_destination_port (address), cancellable,
                             on_tunnelled, task);
      return;
    }
  if (error == NULL)
    ew_set_error (&error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE, "The proxy is now another one. Try again.");
  g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
}

static GIOStream *
connector_connect_finish (GProxy *proxy, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A name is the proxy's to look up. */
static gboolean
connector_supports_hostname (GProxy *proxy)
{
  return TRUE;
}

static void
connector_init_proxy (GProxyInterface *interface)
{
  interface->connect_async = connector_connect_async;
  interface->connect_finish = connector_connect_finish;
  interface->supports_hostname = connector_supports_hostname;
}

static void
connector_class_init (ConnectorClass *class)
{
}

static void
connector_init (Connector *self)
{
}

/* The resolver. */

struct _EwProxyResolver
{
  GObject parent;
  gchar *file, *direct;
};

static void ew_proxy_resolver_init_resolver (GProxyResolverInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (EwProxyResolver, ew_proxy_resolver, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, ew_proxy_resolver_init_resolver))

static gboolean
resolver_is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

static gchar **
resolver_lookup (GProxyResolver *resolver, const gchar *text, GCancellable *cancellable, GError **error)
{
  EwProxyResolver *self = EW_PROXY_RESOLVER (resolver);
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, error);
  g_autoptr (GError) local = NULL;
  gchar **answer = g_new0 (gchar *, 2);

  const gchar *host = uri && g_uri_get_host (uri) ? g_uri_get_host (uri) : "";
  g_autoptr (EwProxy) proxy
    = uri && g_strcmp0 (host, self->direct) != 0 ? ew_proxy_find (self->file, host, &local) : NULL;
  if (proxy)
    {
      g_autofree gchar *place = ew_proxy_format_place (proxy), *file = g_uri_escape_string (self->file, "/", FALSE);
      answer[0] = g_strconcat (SCHEME "://", place, file, NULL);
    }
  else if (uri && local == NULL)
    answer[0] = g_strdup ("direct://");
  else
    g_clear_pointer (&answer, g_strfreev);
  if (local)
    g_propagate_error (error, g_steal_pointer (&local));
  return answer;
}

static void
resolver_lookup_async (GProxyResolver *resolver, const gchar *uri, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GError *error = NULL;
  gchar **answer = resolver_lookup (resolver, uri, cancellable, &error);

  if (answer)
    g_task_return_pointer (task, answer, (GDestroyNotify)g_strfreev);
  else
    g_task_return_error (task, error);
}

static gchar **
resolver_lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
ew_proxy_resolver_init_resolver (GProxyResolverInterface *interface)
{
  interface->is_supported = resolver_is_supported;
  interface->lookup = resolver_lookup;
  interface->lookup_async = resolver_lookup_async;
  interface->lookup_finish = resolver_lookup_finish;
}

static void
ew_proxy_resolver_finalize (GObject *object)
{
  EwProxyResolver *self = EW_PROXY_RESOLVER (object);

  g_free (self->file);
  g_free (self->direct);
  G_OBJECT_CLASS (ew_proxy_resolver_parent_class)->finalize (object);
}

/* GIO finds what makes the connection by the scheme, among extensions. */
static void
ew_proxy_resolver_class_init (EwProxyResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ew_proxy_resolver_finalize;
  g_autoptr (GProxy) any = g_proxy_get_default_for_protocol ("http"); /* so that the extension point is there */
  g_io_extension_point_implement (G_PROXY_EXTENSION_POINT_NAME, connector_get_type (), SCHEME, 0);
}

static void
ew_proxy_resolver_init (EwProxyResolver *self)
{
}

EwProxyResolver *
ew_proxy_resolver_new (const gchar *file)
{
  EwProxyResolver *self = g_object_new (EW_TYPE_PROXY_RESOLVER, NULL);
  self->file = g_strdup (file);
  return self;
}

void
ew_proxy_resolver_set_direct (EwProxyResolver *self, const gchar *host)
{
  g_free (self->direct);
  self->direct = g_strdup (host);
}

gchar *
ew_proxy_resolver_find_place (EwProxyResolver *self, const gchar *host)
{
  g_autoptr (EwProxy) proxy = g_strcmp0 (host, self->direct) != 0 ? ew_proxy_find (self->file, host, NULL) : NULL;
  return proxy ? ew_proxy_format_place (proxy) : NULL;
}

gchar *
ew_proxy_resolver_get_place (GSocketConnection *connection)
{
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);
  if (remote == NULL || !G_IS_PROXY_ADDRESS (remote))
    return NULL;
  g_autoptr (GUri) uri = g_uri_parse (g_proxy_address_get_uri (G_PROXY_ADDRESS (remote)), G_URI_FLAGS_NONE, NULL);
  if (uri == NULL)
    return NULL;
  const EwProxy proxy = { .host = (gchar *)g_uri_get_host (uri), .port = (guint16)g_uri_get_port (uri) };
  return ew_proxy_format_place (&proxy);
}
