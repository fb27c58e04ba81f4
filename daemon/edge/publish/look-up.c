/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a published name leads here: its addresses in DNS beside those of this host and of the name that nodes know
 * the edge by, which may be a router's that forwards the port.
 */
#include "edge/publish/publish-private.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include "common/phrase.h"
#include "common/util.h"

#define LOOK_UP_MS 5000

typedef struct
{
  gchar *host;       /* that is published */
  gchar *asked;      /* … or a name below the wildcard */
  gchar *edge;       /* as nodes know it: a name or an address */
  GArray *own;       /* EwIp */
  GArray *found;     /* EwIp: the host's */
  GError *error;     /* why there are none */
  guint left, timer; /* look-ups that are under way */
  GCancellable *cancellable;
  GCancellable *closed;
  gulong closed_handler;
} LookUp;

static void
look_up_free (gpointer data)
{
  LookUp *look_up = data;
  g_clear_handle_id (&look_up->timer, g_source_remove);
  g_cancellable_disconnect (look_up->closed, look_up->closed_handler);
  g_object_unref (look_up->closed);
  g_object_unref (look_up->cancellable);
  g_clear_error (&look_up->error);
  g_array_unref (look_up->own);
  g_array_unref (look_up->found);
  g_free (look_up->host);
  g_free (look_up->asked);
  g_free (look_up->edge);
  g_free (look_up);
}

static void
add_addresses (GArray *ips, GList *addresses)
{
  for (GList *link = addresses; link; link = link->next)
    {
      EwFamily family = g_inet_address_get_family (link->data) == G_SOCKET_FAMILY_IPV4 ? EW_FAMILY_V4 : EW_FAMILY_V6;
      const EwIp ip = ew_ip_from_bytes (family, g_inet_address_to_bytes (link->data));
      g_array_append_val (ips, ip);
    }
  g_resolver_free_addresses (addresses);
}

/* This host's. */
static void
add_interfaces (GArray *ips)
{
  struct ifaddrs *all = NULL;
  if (getifaddrs (&all) != 0)
    return;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next)
    {
      EwIp ip = { .family = EW_FAMILY_NONE };
      if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
        ip = ew_ip_from_bytes (EW_FAMILY_V4,
                               (const guint8 *)&((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr);
      else if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET6)
        ip = ew_ip_from_bytes (EW_FAMILY_V6,
                               (const guint8 *)&((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr);
      if (ip.family != EW_FAMILY_NONE)
        g_array_append_val (ips, ip);
    }
  freeifaddrs (all);
}

static gboolean
contains_ip (GArray *ips, const EwIp *ip)
{
  for (guint i = 0; i < ips->len; i++)
    if (ew_ip_equal (&g_array_index (ips, EwIp, i), ip))
      return TRUE;
  return FALSE;
}

/* What is wrong; NULL: nothing. */
static gchar *
judge_addresses (const LookUp *look_up)
{
  gchar text[EW_IP_STRLEN];
  if (g_error_matches (look_up->error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    return ew_phrase ("%s has no address in DNS yet. Let it lead to %s there.", look_up->asked, look_up->edge);
  if (look_up->error)
    return ew_phrase ("The edge's host can't look up %s, so nobody knows whether it leads here.", look_up->asked);
  for (guint i = 0; i < look_up->found->len; i++)
    if (contains_ip (look_up->own, &g_array_index (look_up->found, EwIp, i)))
      return NULL;
  if (look_up->found->len == 0)
    return NULL;
  ew_ip_format (&g_array_index (look_up->found, EwIp, 0), text);
  return ew_phrase ("%s leads to %s, which isn't this edge's address. Let it lead to %s in DNS.", look_up->asked, text,
                    look_up->edge);
}

/* Takes the reference of the look-up that has ended. */
static void
end_look_up (GTask *task)
{
  g_autoptr (GTask) owned = task;
  LookUp *look_up = g_task_get_task_data (task);
  GError *error = NULL;
  if (--look_up->left > 0)
    return;
  if (g_cancellable_set_error_if_cancelled (look_up->closed, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, judge_addresses (look_up), g_free);
}

static void
on_host_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LookUp *look_up = g_task_get_task_data (user_data);
  add_addresses (look_up->found, g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &look_up->error));
  end_look_up (user_data);
}

static void
on_edge_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LookUp *look_up = g_task_get_task_data (user_data);
  add_addresses (look_up->own, g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, NULL));
  end_look_up (user_data);
}

static gboolean
on_late (gpointer user_data)
{
  LookUp *look_up = user_data;
  look_up->timer = 0;
  g_cancellable_cancel (look_up->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_closed (GCancellable *closed, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

void
ew_publish_look_up_async (EwPublish *self, const gchar *host, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  const EwEdge *edge = ew_mesh_get_edge (self->mesh);
  LookUp *look_up = g_new0 (LookUp, 1);
  guint16 port;
  look_up->host = g_strdup (host);
  look_up->asked = g_str_has_prefix (host, "*.") ? g_strconcat ("edgeway", host + 1, NULL) : g_strdup (host);
  if (!edge || !edge->endpoints[0] || !ew_host_port_parse (edge->endpoints[0], &look_up->edge, &port, NULL))
    look_up->edge = g_strdup ("this edge");
  look_up->own = g_array_new (FALSE, FALSE, sizeof (EwIp));
  look_up->found = g_array_new (FALSE, FALSE, sizeof (EwIp));
  add_interfaces (look_up->own);
  look_up->cancellable = g_cancellable_new ();
  look_up->closed = g_object_ref (self->closed);
  look_up->closed_handler = g_cancellable_connect (self->closed, G_CALLBACK (on_closed), look_up->cancellable, NULL);
  look_up->timer = g_timeout_add (LOOK_UP_MS, on_late, look_up);
  look_up->left = 2;
  g_task_set_task_data (task, look_up, look_up_free);
  g_resolver_lookup_by_name_async (resolver, look_up->asked, look_up->cancellable, on_host_found, g_object_ref (task));
  g_resolver_lookup_by_name_async (resolver, look_up->edge, look_up->cancellable, on_edge_found, g_object_ref (task));
}

gchar *
ew_publish_look_up_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
