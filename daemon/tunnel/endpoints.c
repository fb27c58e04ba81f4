/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/endpoints.h"
#include "common/util.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CANDIDATES_MAX 64

static void
add_candidate (GArray *candidates, guint edge, const EwIp *ip, guint16 port, gboolean remembered)
{
  EwCandidate candidate = { edge, ew_endpoint_udp (ip, port), remembered };
  for (guint i = 0; i < candidates->len; i++)
    if (ew_endpoint_same_remote (&g_array_index (candidates, EwCandidate, i).endpoint, &candidate.endpoint))
      return;
  if (candidates->len < CANDIDATES_MAX && !ew_ip_is_multicast (ip) && !ew_ip_is_unspecified (ip))
    g_array_append_val (candidates, candidate);
}

static void
add_host_port (GArray *candidates, guint edge, const gchar *text, EwKeystore *cache)
{
  g_autofree gchar *host = NULL;
  guint16 port;
  EwIp ip;
  if (!ew_host_port_parse (text, &host, &port, NULL))
    return;
  if (ew_ip_parse (host, &ip))
    {
      add_candidate (candidates, edge, &ip, port, FALSE);
      return;
    }
  for (const gchar *const *known = ew_keystore_get_addresses (cache, host); known && *known; known++)
    if (ew_ip_parse (*known, &ip))
      add_candidate (candidates, edge, &ip, port, FALSE);
}

/* The families take turns after the first (RFC 8305 section 4), so that neither waits for many of the other's. */
static void
interleave (GArray *candidates, guint from)
{
  for (guint i = from + 1; i < candidates->len; i++)
    {
      guint8 before = g_array_index (candidates, EwCandidate, i - 1).endpoint.remote.family;
      for (guint j = i; j < candidates->len; j++)
        {
          EwCandidate other = g_array_index (candidates, EwCandidate, j);
          if (other.endpoint.remote.family == before)
            continue;
          g_array_remove_index (candidates, j);
          g_array_insert_val (candidates, i, other);
          break;
        }
    }
}

GArray *
ew_candidates_new (const EwDocument *document, EwKeystore *cache)
{
  GArray *candidates = g_array_new (FALSE, TRUE, sizeof (EwCandidate));
  for (guint i = 0; i < document->edges->len; i++)
    {
      guint from = candidates->len;
      for (gchar **text = ((EwDocumentEdge *)document->edges->pdata[i])->endpoints; *text; text++)
        add_host_port (candidates, i, *text, cache);
      interleave (candidates, from);
    }
  for (guint i = 0; i < document->edges->len; i++)
    {
      EwEndpoint last;
      if (ew_keystore_get_answered (cache, ((EwDocumentEdge *)document->edges->pdata[i])->public_key, &last))
        add_candidate (candidates, i, &last.remote, last.remote_port, TRUE);
    }
  return candidates;
}

GArray *
ew_edge_addresses (const EwDocument *document, EwKeystore *cache)
{
  g_autoptr (GArray) candidates = ew_candidates_new (document, cache);
  GArray *addresses = g_array_new (FALSE, TRUE, sizeof (EwIp));
  for (guint i = 0; i < document->edges->len; i++)
    for (gchar **url = ((EwDocumentEdge *)document->edges->pdata[i])->api; *url; url++)
      add_host_port (candidates, i, *url + strlen ("https://"), cache);
  for (guint i = 0; i < candidates->len; i++)
    g_array_append_val (addresses, g_array_index (candidates, EwCandidate, i).endpoint.remote);
  return addresses;
}

typedef struct
{
  EwKeystore *cache;
  GPtrArray *hosts;
  guint waiting;
  gboolean by_proxy; /* a name without an address is of use */
  gboolean changed;
} Resolving;

typedef struct
{
  GTask *task;
  gchar *host;
} Lookup;

static void
resolving_free (gpointer data)
{
  Resolving *resolving = data;
  ew_keystore_unref (resolving->cache);
  g_ptr_array_unref (resolving->hosts);
  g_free (resolving);
}

static void
looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  Resolving *resolving = g_task_get_task_data (lookup->task);
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  for (GList *item = found; item; item = item->next)
    g_ptr_array_add (texts, g_inet_address_to_string (item->data));
  g_ptr_array_add (texts, NULL);
  if (found == NULL && resolving->by_proxy && !ew_keystore_get_addresses (resolving->cache, lookup->host))
    g_ptr_array_insert (texts, 0, g_strdup (EW_NO_ADDRESS));
  g_resolver_free_addresses (found);
  if (ew_keystore_set_addresses (resolving->cache, lookup->host, (const gchar *const *)texts->pdata))
    resolving->changed = TRUE;
  if (--resolving->waiting == 0)
    g_task_return_boolean (lookup->task, resolving->changed);
  g_object_unref (lookup->task);
  g_free (lookup->host);
  g_free (lookup);
}

static void
collect_names (GPtrArray *hosts, const EwDocument *document)
{
  for (guint i = 0; i < document->edges->len; i++)
    for (gchar **text = ((EwDocumentEdge *)document->edges->pdata[i])->endpoints; *text; text++)
      {
        g_autofree gchar *host = NULL;
        guint16 port;
        EwIp ip;
        if (ew_host_port_parse (*text, &host, &port, NULL) && !ew_ip_parse (host, &ip)
            && !g_ptr_array_find_with_equal_func (hosts, host, g_str_equal, NULL))
          g_ptr_array_add (hosts, g_steal_pointer (&host));
      }
}

void
ew_endpoints_resolve_async (const EwDocument *document, EwKeystore *cache, gboolean by_proxy, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  Resolving *resolving = g_new0 (Resolving, 1);
  resolving->cache = ew_keystore_ref (cache);
  resolving->by_proxy = by_proxy;
  resolving->hosts = g_ptr_array_new_with_free_func (g_free);
  g_task_set_task_data (task, resolving, resolving_free);
  collect_names (resolving->hosts, document);
  resolving->waiting = resolving->hosts->len;
  if (resolving->waiting == 0)
    g_task_return_boolean (task, FALSE);
  for (guint i = 0; i < resolving->hosts->len; i++)
    {
      Lookup *lookup = g_new0 (Lookup, 1);
      lookup->task = g_object_ref (task);
      lookup->host = g_strdup (resolving->hosts->pdata[i]);
      g_resolver_lookup_by_name_async (resolver, lookup->host, cancellable, looked_up, lookup);
    }
}

gboolean
ew_endpoints_resolve_finish (GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

/* A datagram socket that is connected to there, which only asks the kernel for a route; -1: no route. */
static int
connect_datagram (const EwEndpoint *endpoint, guint32 mark)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (endpoint->remote_port) };
  struct sockaddr_in6 in6
    = { .sin6_family = AF_INET6, .sin6_port = htons (endpoint->remote_port), .sin6_scope_id = endpoint->scope };
  gboolean v6 = endpoint->remote.family == EW_FAMILY_V6;
  memcpy (v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr, endpoint->remote.bytes, v6 ? 16 : 4);
  int fd = socket (v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  if (mark)
    (void)setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
  if ((v6 ? connect (fd, (struct sockaddr *)&in6, sizeof in6) : connect (fd, (struct sockaddr *)&in, sizeof in)) == 0)
    return fd;
  close (fd);
  return -1;
}

gboolean
ew_endpoint_has_route (const EwEndpoint *endpoint, guint32 mark)
{
  int fd = connect_datagram (endpoint, mark);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

gboolean
ew_endpoint_leaves_from (const EwEndpoint *endpoint, const EwIp *local, guint32 mark)
{
  union
  {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } own;
  socklen_t size = sizeof own;
  int fd = connect_datagram (endpoint, mark);
  if (fd < 0)
    return FALSE;
  gboolean known = getsockname (fd, &own.any, &size) == 0;
  close (fd);
  if (!known)
    return FALSE;
  EwIp ip = own.any.sa_family == AF_INET6 ? ew_ip_from_bytes (EW_FAMILY_V6, own.in6.sin6_addr.s6_addr)
                                          : ew_ip_from_bytes (EW_FAMILY_V4, (const guint8 *)&own.in.sin_addr);
  return ew_ip_equal (&ip, local);
}

int
ew_endpoint_send_empty (const EwEndpoint *endpoint, guint32 mark, gboolean *refused)
{
  int fd = connect_datagram (endpoint, mark);
  *refused = fd >= 0 && send (fd, "", 0, 0) < 0 && errno == EPERM;
  return fd;
}

int
ew_endpoint_read_error (int fd)
{
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : 0;
}

gboolean
ew_endpoint_is_refused (const EwEndpoint *endpoint, guint32 mark)
{
  gboolean refused;
  int fd = ew_endpoint_send_empty (endpoint, mark, &refused);
  if (fd >= 0)
    close (fd);
  return refused;
}
