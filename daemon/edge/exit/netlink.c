/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/netlink.h"
#include "host/ruleset-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define WATCH_SETTLE_MS 200
#define ANSWER_MAX 32768 /* the kernel writes dumps in pieces of at most that */

/* One request at a time on a socket of its own: these calls are rare. */
static int
talk (struct nlmsghdr *request, mnl_cb_t callback, gpointer data)
{
  g_autofree guint8 *buffer = g_malloc (ANSWER_MAX);
  struct mnl_socket *socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC);
  const unsigned int sequence = (unsigned int)g_get_monotonic_time ();
  unsigned int port;
  ssize_t n;
  int result = -1, saved;

  if (socket == NULL)
    return -1;
  request->nlmsg_seq = sequence;
  if (mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) == 0
      && mnl_socket_sendto (socket, request, request->nlmsg_len) >= 0)
    {
      port = mnl_socket_get_portid (socket);
      do
        {
          n = mnl_socket_recvfrom (socket, buffer, ANSWER_MAX);
          result = n < 0 ? -1 : mnl_cb_run (buffer, (size_t)n, sequence, port, callback, data);
        }
      while (result > MNL_CB_STOP);
    }
  saved = errno;
  mnl_socket_close (socket);
  errno = saved;
  return result;
}

static gboolean
fail (GError **error, const gchar *what)
{
  const int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", what, g_strerror (code));
  return FALSE;
}

static struct nlmsghdr *
start (guint8 *buffer, guint16 type, guint16 flags)
{
  struct nlmsghdr *header = mnl_nlmsg_put_header (buffer);

  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  return header;
}

static unsigned char
af (const EwIp *ip)
{
  return ip->family == EW_FAMILY_V6 ? AF_INET6 : AF_INET;
}

/* The kernel would give the interface a link-local address and solicit routers on it. Where IPv6 is off this fails, and
   nothing is lost. */
static void
stop_address_generation (guint ifindex)
{
  guint8 buffer[256] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_NEWLINK, NLM_F_ACK);
  struct ifinfomsg *link = mnl_nlmsg_put_extra_header (request, sizeof *link);
  struct nlattr *spec, *inet6;

  link->ifi_index = (int)ifindex;
  spec = mnl_attr_nest_start (request, IFLA_AF_SPEC);
  inet6 = mnl_attr_nest_start (request, AF_INET6);
  mnl_attr_put_u8 (request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end (request, inet6);
  mnl_attr_nest_end (request, spec);
  talk (request, NULL, NULL);
}

gboolean
ew_exit_netlink_set_up (guint ifindex, guint mtu, GError **error)
{
  guint8 buffer[256] = { 0 };
  struct nlmsghdr *request;
  struct ifinfomsg *link;

  stop_address_generation (ifindex);
  request = start (buffer, RTM_NEWLINK, NLM_F_ACK);
  link = mnl_nlmsg_put_extra_header (request, sizeof *link);
  link->ifi_index = (int)ifindex;
  link->ifi_flags = IFF_UP;
  link->ifi_change = IFF_UP;
  mnl_attr_put_u32 (request, IFLA_MTU, mtu);
  return talk (request, NULL, NULL) >= 0 || fail (error, "Can't bring the tunnel interface up");
}

gboolean
ew_exit_netlink_add_address (guint ifindex, const EwIp *ip, GError **error)
{
  guint8 buffer[256] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  struct ifaddrmsg *address = mnl_nlmsg_put_extra_header (request, sizeof *address);
  gchar text[EW_IP_STRLEN];
  g_autofree gchar *what = NULL;

  address->ifa_family = af (ip);
  address->ifa_prefixlen = (unsigned char)(ew_ip_size (ip) * 8);
  address->ifa_flags = ip->family == EW_FAMILY_V6 ? IFA_F_NODAD : 0;
  address->ifa_index = ifindex;
  mnl_attr_put (request, IFA_LOCAL, ew_ip_size (ip), ip->bytes);
  mnl_attr_put (request, IFA_ADDRESS, ew_ip_size (ip), ip->bytes);
  if (talk (request, NULL, NULL) >= 0)
    return TRUE;
  ew_ip_format (ip, text);
  what = g_strdup_printf ("Can't give the tunnel interface its address %s", text);
  return fail (error, what);
}

static struct rtmsg *
put_route (struct nlmsghdr *request, guint ifindex, const EwPrefix *prefix)
{
  struct rtmsg *route = mnl_nlmsg_put_extra_header (request, sizeof *route);

  route->rtm_family = af (&prefix->ip);
  route->rtm_dst_len = prefix->length;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = prefix->ip.family == EW_FAMILY_V6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  route->rtm_type = RTN_UNICAST;
  mnl_attr_put (request, RTA_DST, ew_ip_size (&prefix->ip), prefix->ip.bytes);
  mnl_attr_put_u32 (request, RTA_OIF, ifindex);
  return route;
}

gboolean
ew_exit_netlink_remove_route (guint ifindex, const EwPrefix *prefix)
{
  guint8 buffer[256] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_DELROUTE, NLM_F_ACK);

  put_route (request, ifindex, prefix);
  return talk (request, NULL, NULL) >= 0;
}

gboolean
ew_exit_netlink_add_route (guint ifindex, const EwPrefix *prefix, const EwIp *source, GError **error)
{
  guint8 buffer[256] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  gchar text[EW_PREFIX_STRLEN];
  g_autofree gchar *what = NULL;

  put_route (request, ifindex, prefix);
  mnl_attr_put (request, RTA_PREFSRC, ew_ip_size (source), source->bytes);
  if (talk (request, NULL, NULL) >= 0)
    return TRUE;
  ew_prefix_format (prefix, text);
  what
    = errno == EEXIST
        ? g_strdup_printf ("The edge's host already has a route to the mesh's range %s; another VPN may own it", text)
        : g_strdup_printf ("Can't add the route to the mesh's range %s", text);
  return fail (error, what);
}

/* The view. */

typedef struct
{
  EwHostView *view;
  guint ifindex;
} ViewScan;

static void
add_own (GArray *own, EwFamily family, const struct nlattr *address)
{
  EwPrefix prefix;
  EwIp ip;

  if (address == NULL || mnl_attr_get_payload_len (address) != (family == EW_FAMILY_V6 ? 16 : 4))
    return;
  ip = ew_ip_from_bytes (family, mnl_attr_get_payload (address));
  prefix = ew_prefix_from_ip (&ip);
  g_array_append_val (own, prefix);
}

static int
on_address (const struct nlmsghdr *header, void *data)
{
  ViewScan *scan = data;
  const struct ifaddrmsg *message = mnl_nlmsg_get_payload (header);
  const EwFamily family = message->ifa_family == AF_INET6 ? EW_FAMILY_V6 : EW_FAMILY_V4;
  const struct nlattr *attribute, *local = NULL, *address = NULL;

  if (message->ifa_index == scan->ifindex || (message->ifa_family != AF_INET && message->ifa_family != AF_INET6))
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, header, sizeof *message)
  {
    if (mnl_attr_get_type (attribute) == IFA_LOCAL)
      local = attribute;
    else if (mnl_attr_get_type (attribute) == IFA_ADDRESS)
      address = attribute;
  }
  add_own (scan->view->own, family,
           local != NULL ? local : address); /* address: of a point-to-point link, the other end */
  return MNL_CB_OK;
}

static gboolean
dump (guint16 type, unsigned char family, mnl_cb_t callback, ViewScan *scan)
{
  guint8 buffer[64] = { 0 };
  struct nlmsghdr *request = start (buffer, type, NLM_F_DUMP);

  /* The longest of the fixed headers, zero but for the family, which is every one's first byte. */
  *(unsigned char *)mnl_nlmsg_put_extra_header (request,
                                                type == RTM_GETADDR ? sizeof (struct ifaddrmsg) : sizeof (struct rtmsg))
    = family;
  return talk (request, callback, scan) >= 0;
}

static int
on_lookup (const struct nlmsghdr *header, void *data)
{
  ViewScan *scan = data;
  const struct rtmsg *message = mnl_nlmsg_get_payload (header);
  const struct nlattr *attribute;

  if (header->nlmsg_type != RTM_NEWROUTE || message->rtm_type != RTN_UNICAST)
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, header, sizeof *message)
  {
    if (mnl_attr_get_type (attribute) == RTA_OIF && mnl_attr_get_u32 (attribute) != scan->ifindex)
      scan->view->upstream[message->rtm_family == AF_INET6] = TRUE;
  }
  return MNL_CB_OK;
}

/* Asks the kernel how it would reach an address of the internet that will not move: a.root-servers.net. No packet is
 * sent. */
static void
look_up_internet (const gchar *text, ViewScan *scan)
{
  guint8 buffer[128] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_GETROUTE, NLM_F_ACK);
  struct rtmsg *route = mnl_nlmsg_put_extra_header (request, sizeof *route);
  EwIp ip;

  if (!ew_ip_parse (text, &ip))
    return;
  route->rtm_family = af (&ip);
  route->rtm_dst_len = (unsigned char)(ew_ip_size (&ip) * 8);
  mnl_attr_put (request, RTA_DST, ew_ip_size (&ip), ip.bytes);
  talk (request, on_lookup, scan);
}

typedef struct
{
  guint ifindex;
  gboolean own;
} RouteLookup;

static int
on_route (const struct nlmsghdr *header, void *data)
{
  RouteLookup *lookup = data;
  const struct rtmsg *message = mnl_nlmsg_get_payload (header);
  const struct nlattr *attribute;

  if (header->nlmsg_type != RTM_NEWROUTE)
    return MNL_CB_OK;
  lookup->own = message->rtm_dst_len > 0;
  mnl_attr_for_each (attribute, header, sizeof *message)
  {
    if (mnl_attr_get_type (attribute) == RTA_OIF && mnl_attr_get_u32 (attribute) == lookup->ifindex)
      lookup->own = FALSE;
  }
  return MNL_CB_OK;
}

gboolean
ew_exit_netlink_has_route (guint ifindex, const EwIp *ip)
{
  guint8 buffer[128] = { 0 };
  struct nlmsghdr *request = start (buffer, RTM_GETROUTE, NLM_F_ACK);
  struct rtmsg *route = mnl_nlmsg_put_extra_header (request, sizeof *route);
  RouteLookup lookup = { ifindex, FALSE };

  route->rtm_family = af (ip);
  route->rtm_dst_len = (unsigned char)(ew_ip_size (ip) * 8);
  route->rtm_flags = RTM_F_FIB_MATCH; /* the route itself, not what it becomes for this address */
  mnl_attr_put (request, RTA_DST, ew_ip_size (ip), ip->bytes);
  talk (request, on_route, &lookup);
  return lookup.own;
}

static gint
compare_prefixes (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (EwPrefix));
}

EwHostView *
ew_exit_netlink_get_view (guint ifindex, GError **error)
{
  g_autoptr (EwHostView) view = g_new0 (EwHostView, 1);
  ViewScan scan = { view, ifindex };

  view->own = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  if (!dump (RTM_GETADDR, AF_UNSPEC, on_address, &scan))
    {
      fail (error, "Can't read the addresses of the edge's host");
      return NULL;
    }
  look_up_internet ("198.41.0.4", &scan);
  look_up_internet ("2001:503:ba3e::2:30", &scan);
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

/* What changed is not read: the view is made anew. Lost messages (ENOBUFS) are changes too. */
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
  const unsigned int groups
    = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK;

  watch->socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (watch->socket == NULL || mnl_socket_bind (watch->socket, groups, MNL_SOCKET_AUTOPID) < 0)
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
