/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/netlink.h"
#include "host/rows.h"
#include "host/ruleset-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define WATCH_SETTLE_MS 200

static gboolean
fail (GError **error, int result, const gchar *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-result), "%s: %s", what, g_strerror (-result));
  return FALSE;
}

/* These calls are rare: a socket each. */
static EwNetlink *
connect_kernel (GError **error, const gchar *what)
{
  EwNetlink *netlink = ew_netlink_new (NETLINK_ROUTE);

  if (netlink == NULL)
    fail (error, -errno, what);
  return netlink;
}

gboolean
ew_exit_netlink_set_up (guint ifindex, guint mtu, GError **error)
{
  static const gchar *const what = "Can't bring the tunnel interface up";
  g_autoptr (EwNetlink) netlink = connect_kernel (error, what);
  int result;

  if (netlink == NULL)
    return FALSE;
  ew_netlink_link_keep_bare (netlink, ifindex);
  result = ew_netlink_link_set (netlink, ifindex, mtu, TRUE);
  return result == 0 || fail (error, result, what);
}

gboolean
ew_exit_netlink_add_address (guint ifindex, const EwIp *ip, GError **error)
{
  gchar text[EW_IP_STRLEN];
  ew_ip_format (ip, text);
  g_autofree gchar *what = g_strdup_printf ("Can't give the tunnel interface its address %s", text);
  g_autoptr (EwNetlink) netlink = connect_kernel (error, what);
  int result = netlink != NULL ? ew_netlink_address (netlink, TRUE, ifindex, ip) : 0;

  return netlink != NULL && (result == 0 || fail (error, result, what));
}

static EwRouteRow
make_route (guint ifindex, const EwPrefix *prefix, const EwIp *source)
{
  return (EwRouteRow){
    .destination = *prefix,
    .table = RT_TABLE_MAIN,
    .link = ifindex,
    .source = source != NULL ? *source : (EwIp){ 0 },
    .protocol = RTPROT_STATIC,
    .type = RTN_UNICAST,
    .scope = prefix->ip.family == EW_FAMILY_V6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
  };
}

gboolean
ew_exit_netlink_remove_route (guint ifindex, const EwPrefix *prefix)
{
  const EwRouteRow route = make_route (ifindex, prefix, NULL);
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_ROUTE);

  return netlink != NULL && ew_netlink_route (netlink, FALSE, &route) == 0;
}

gboolean
ew_exit_netlink_add_route (guint ifindex, const EwPrefix *prefix, const EwIp *source, GError **error)
{
  const EwRouteRow route = make_route (ifindex, prefix, source);
  gchar text[EW_PREFIX_STRLEN];
  ew_prefix_format (prefix, text);
  g_autofree gchar *what = g_strdup_printf ("Can't add the route to the mesh's range %s", text);
  g_autoptr (EwNetlink) netlink = connect_kernel (error, what);
  int result = netlink != NULL ? ew_netlink_route (netlink, TRUE, &route) : 0;

  if (result == -EEXIST)
    {
      g_free (what);
      what
        = g_strdup_printf ("The edge's host already has a route to the mesh's range %s; another VPN may own it", text);
    }
  return netlink != NULL && (result == 0 || fail (error, result, what));
}

gboolean
ew_exit_netlink_has_route (guint ifindex, const EwIp *ip)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_ROUTE);
  EwRouteRow route;

  return netlink != NULL && ew_netlink_find_route (netlink, ip, &route) && route.destination.length > 0
         && route.link != ifindex;
}

/* The view. */

static gint
compare_prefixes (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (EwPrefix));
}

/* How the kernel would reach an address of the internet that will not move: a.root-servers.net. No packet is sent. */
static gboolean
has_upstream (EwNetlink *netlink, const gchar *text, guint ifindex)
{
  EwIp ip;
  guint link;

  if (!ew_ip_parse (text, &ip))
    return FALSE;
  link = ew_netlink_route_to (netlink, &ip, 0);
  return link != 0 && link != ifindex;
}

EwHostView *
ew_exit_netlink_get_view (guint ifindex, GError **error)
{
  static const gchar *const what = "Can't read the addresses of the edge's host";
  g_autoptr (EwHostView) view = g_new0 (EwHostView, 1);
  g_autoptr (EwNetlink) netlink = connect_kernel (error, what);
  g_autoptr (GArray) addresses = netlink != NULL ? ew_netlink_addresses (netlink) : NULL;

  view->own = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  if (netlink == NULL || addresses == NULL)
    {
      if (netlink != NULL)
        fail (error, -errno, what);
      return NULL;
    }
  for (guint i = 0; i < addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (addresses, EwAddressRow, i);
      EwPrefix prefix = ew_prefix_from_ip (&row->ip);

      if (row->link != ifindex)
        g_array_append_val (view->own, prefix);
    }
  view->upstream[0] = has_upstream (netlink, "198.41.0.4", ifindex);
  view->upstream[1] = has_upstream (netlink, "2001:503:ba3e::2:30", ifindex);
  g_array_sort (view->own, compare_prefixes);
  for (guint i = view->own->len; i-- > 1;)
    if (compare_prefixes (&g_array_index (view->own, EwPrefix, i), &g_array_index (view->own, EwPrefix, i - 1)) == 0)
      g_array_remove_index (view->own, i);
  return g_steal_pointer (&view);
}

void
ew_exit_view_free (EwHostView *view)
{
  if (view == NULL)
    return;
  g_array_unref (view->own);
  g_free (view);
}

gboolean
ew_exit_view_equal (const EwHostView *a, const EwHostView *b)
{
  return a->upstream[0] == b->upstream[0] && a->upstream[1] == b->upstream[1] && a->own->len == b->own->len
         && memcmp (a->own->data, b->own->data, a->own->len * sizeof (EwPrefix)) == 0;
}

/* The watch. */

struct EwNetlinkWatch
{
  struct mnl_socket *socket; /* rtnetlink */
  GSource *source;
  GSource *settle;
  EwRulesetWatch *ruleset; /* NULL: this kernel has no nftables */
  void (*func) (gpointer data);
  gpointer data;
};

static gboolean
on_settled (gpointer data)
{
  EwNetlinkWatch *watch = data;

  g_clear_pointer (&watch->settle, g_source_unref);
  watch->func (watch->data);
  return G_SOURCE_REMOVE;
}

/* What changed isn't read: the view is rebuilt. Lost messages (ENOBUFS) are changes too. */
static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  EwNetlinkWatch *watch = data;
  guint8 buffer[4096];
  int reads = 0;

  while (reads++ < 256 && (recv (fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0 || errno == ENOBUFS))
    ;
  if (watch->settle != NULL)
    return G_SOURCE_CONTINUE;
  watch->settle = g_timeout_source_new (WATCH_SETTLE_MS);
  g_source_set_callback (watch->settle, on_settled, watch, NULL);
  g_source_attach (watch->settle, g_main_context_get_thread_default ());
  return G_SOURCE_CONTINUE;
}

static gboolean
listen_to_routes (EwNetlinkWatch *watch)
{
  static const int groups[]
    = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };

  watch->socket = ew_netlink_subscribe (NETLINK_ROUTE, groups, G_N_ELEMENTS (groups));
  if (watch->socket == NULL)
    return FALSE;
  watch->source = g_unix_fd_source_new (mnl_socket_get_fd (watch->socket), G_IO_IN);
  g_source_set_callback (watch->source, G_SOURCE_FUNC (on_readable), watch, NULL);
  g_source_attach (watch->source, g_main_context_get_thread_default ());
  return TRUE;
}

static gboolean
on_ruleset_changed (gpointer data)
{
  EwNetlinkWatch *watch = data;

  watch->func (watch->data);
  return FALSE;
}

EwNetlinkWatch *
ew_exit_netlink_watch (void (*func) (gpointer data), gpointer data)
{
  static const EwRulesetWatcher watcher = { on_ruleset_changed, NULL };
  EwNetlinkWatch *watch = g_new0 (EwNetlinkWatch, 1);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  watch->func = func;
  watch->data = data;
  if (!listen_to_routes (watch))
    {
      ew_exit_netlink_unwatch (watch);
      return NULL;
    }
  watch->ruleset = ew_ruleset_watch_new (context, &watcher, watch);
  if (watch->ruleset == NULL)
    g_debug ("changes of the firewall can't be followed");
  return watch;
}

void
ew_exit_netlink_unwatch (EwNetlinkWatch *watch)
{
  if (watch == NULL)
    return;
  ew_ruleset_watch_free (watch->ruleset);
  if (watch->source != NULL)
    g_source_destroy (watch->source);
  g_clear_pointer (&watch->source, g_source_unref);
  if (watch->socket != NULL)
    mnl_socket_close (watch->socket);
  if (watch->settle != NULL)
    g_source_destroy (watch->settle);
  g_clear_pointer (&watch->settle, g_source_unref);
  g_free (watch);
}
