/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes of the machine's network, as the kernel tells of them (rtnetlink's multicast groups).
 *
 * Timers: SETTLE_MS after the first message of a burst the network is looked at, so at most twice a second. What is
 * told is only that something differs from the last look: repeated router advertisements and wireless chatter tell of
 * nothing new and wake nobody.
 */
#include "net/host-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define SETTLE_MS 500
/* IFF_RUNNING follows the carrier; IFF_LOWER_UP is not in net/if.h. */
#define LINK_FLAGS (IFF_UP | IFF_RUNNING)

struct EwHostWatch
{
  EwHost *host;
  GMainContext *context;
  struct mnl_socket *route;
  struct mnl_socket *nftables; /* NULL where it cannot be had */
  GSource *route_source;
  GSource *nftables_source;
  GSource *settle;
  gchar *last; /* what was seen, as text */
  gboolean tables_lost;
  void (*func) (gpointer);
  gpointer user_data;
};

/* Everything whose change is worth telling, a line each that begins with the interface's index. */
static gchar *
look (EwHost *host)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);
  g_autoptr (GArray) addresses = ew_netlink_addresses (host->netlink);
  gchar ip[EW_IP_STRLEN];

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      g_string_append_printf (text, "%u link %x %u\n", link->index, link->flags & LINK_FLAGS, link->mtu);
    }
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (addresses, EwAddressRow, i);
      ew_ip_format (&row->ip, ip);
      g_string_append_printf (text, "%u address %s/%u\n", row->link, ip, row->subnet.length);
    }
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      g_autoptr (GArray) routes = ew_netlink_routes (host->netlink, family, RT_TABLE_MAIN);
      for (guint i = 0; routes != NULL && i < routes->len; i++)
        {
          const EwRouteRow *row = &g_array_index (routes, EwRouteRow, i);
          if (row->destination.length != 0 || row->protocol == EW_ROUTE_PROTOCOL)
            continue;
          ew_ip_format (&row->gateway, ip);
          g_string_append_printf (text, "%u default %u %s %u\n", row->link, family, ip, row->metric);
        }
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Without the lines of one interface: ours may have got its name, and we its index, between two looks. */
static gchar *
leave_out (const gchar *seen, guint link)
{
  g_autofree gchar *prefix = g_strdup_printf ("%u ", link);
  g_auto (GStrv) lines = g_strsplit (seen, "\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    if (!g_str_has_prefix (lines[i], prefix))
      g_string_append_printf (text, "%s\n", lines[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static guint
own_link (EwHost *host)
{
  return host->applied != NULL ? if_nametoindex (host->applied->interface) : 0;
}

static gboolean
differs (EwHost *host, const gchar *before, const gchar *now)
{
  g_autofree gchar *a = leave_out (before, own_link (host));
  g_autofree gchar *b = leave_out (now, own_link (host));

  return !g_str_equal (a, b);
}

static gboolean
on_settled (gpointer data)
{
  EwHostWatch *watch = data;
  g_autofree gchar *now = look (watch->host);
  gboolean news = differs (watch->host, watch->last, now);

  g_clear_pointer (&watch->settle, g_source_unref);
  /* Somebody has flushed the ruleset, ours with it (Debian's nftables.service does at each start). */
  if (watch->tables_lost && watch->host->applied != NULL)
    {
      g_autoptr (GError) error = NULL;
      if (!ew_firewall_restore (watch->host, &error))
        g_warning ("The firewall rules were removed by another program and cannot be put back: %s", error->message);
    }
  watch->tables_lost = FALSE;
  g_free (watch->last);
  watch->last = g_steal_pointer (&now);
  if (news)
    watch->func (watch->user_data); /* last: it may end the watch */
  return G_SOURCE_REMOVE;
}

static void
settle_soon (EwHostWatch *watch, guint milliseconds)
{
  if (watch->settle != NULL)
    return;
  watch->settle = g_timeout_source_new (milliseconds);
  g_source_set_callback (watch->settle, on_settled, watch, NULL);
  g_source_attach (watch->settle, watch->context);
}

/* A message that can be of no interest: our own interface's, or a route that is no default. */
static int
read_event (const struct nlmsghdr *message, void *data)
{
  EwHostWatch *watch = data;
  guint own = own_link (watch->host);
  const struct ifinfomsg *link = mnl_nlmsg_get_payload (message);
  const struct ifaddrmsg *address = mnl_nlmsg_get_payload (message);
  const struct rtmsg *route = mnl_nlmsg_get_payload (message);

  switch (message->nlmsg_type)
    {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (own != 0 && link->ifi_index == (int)own)
        return MNL_CB_OK;
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      if (own != 0 && address->ifa_index == own)
        return MNL_CB_OK;
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      if (route->rtm_dst_len != 0 || route->rtm_protocol == EW_ROUTE_PROTOCOL)
        return MNL_CB_OK;
      break;
    default:
      return MNL_CB_OK;
    }
  settle_soon (watch, SETTLE_MS);
  return MNL_CB_OK;
}

static int
read_nftables_event (const struct nlmsghdr *message, void *data)
{
  EwHostWatch *watch = data;
  const struct nlattr *attribute;

  if (message->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELTABLE))
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, message, sizeof (struct nfgenmsg))
  {
    if (mnl_attr_get_type (attribute) == NFTA_TABLE_NAME && g_str_equal (mnl_attr_get_str (attribute), "edgeway"))
      {
        watch->tables_lost = TRUE;
        settle_soon (watch, SETTLE_MS);
      }
  }
  return MNL_CB_OK;
}

/* Everything that waits on one socket. An overrun (ENOBUFS) means that messages were lost: look. */
static void
read_events (EwHostWatch *watch, struct mnl_socket *socket, mnl_cb_t each)
{
  char buffer[32768];

  for (;;)
    {
      ssize_t length = recv (mnl_socket_get_fd (socket), buffer, sizeof buffer, MSG_DONTWAIT);
      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0 && errno == ENOBUFS)
        {
          watch->tables_lost |= socket == watch->nftables;
          settle_soon (watch, SETTLE_MS);
          continue;
        }
      if (length <= 0)
        return;
      mnl_cb_run (buffer, (size_t)length, 0, 0, each, watch);
    }
}

static gboolean
on_route_readable (gint fd, GIOCondition condition, gpointer data)
{
  EwHostWatch *watch = data;

  read_events (watch, watch->route, read_event);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_nftables_readable (gint fd, GIOCondition condition, gpointer data)
{
  EwHostWatch *watch = data;

  read_events (watch, watch->nftables, read_nftables_event);
  return G_SOURCE_CONTINUE;
}

static GSource *
attach (EwHostWatch *watch, struct mnl_socket *socket, GUnixFDSourceFunc func)
{
  GSource *source = g_unix_fd_source_new (mnl_socket_get_fd (socket), G_IO_IN | G_IO_ERR);

  g_source_set_callback (source, G_SOURCE_FUNC (func), watch, NULL);
  g_source_attach (source, watch->context);
  return source;
}

void
ew_host_watch (EwHost *host, void (*func) (gpointer user_data), gpointer user_data)
{
  static const int route_groups[]
    = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };
  static const int nftables_groups[] = { NFNLGRP_NFTABLES };
  EwHostWatch *watch;

  g_clear_pointer (&host->watch, ew_host_watch_free);
  g_clear_pointer (&host->keep, ew_host_keep_free);
  if (func == NULL)
    return;
  watch = g_new0 (EwHostWatch, 1);
  watch->host = host;
  watch->func = func;
  watch->user_data = user_data;
  watch->context = g_main_context_ref_thread_default ();
  watch->last = look (host);
  watch->route = ew_netlink_subscribe (NETLINK_ROUTE, route_groups, G_N_ELEMENTS (route_groups));
  watch->nftables = ew_netlink_subscribe (NETLINK_NETFILTER, nftables_groups, G_N_ELEMENTS (nftables_groups));
  if (watch->route != NULL)
    watch->route_source = attach (watch, watch->route, on_route_readable);
  else
    g_warning ("Changes of the machine's network will not be seen: %s.", g_strerror (errno));
  if (watch->nftables != NULL)
    watch->nftables_source = attach (watch, watch->nftables, on_nftables_readable);
  host->watch = watch;
  host->keep = ew_host_keep_new (host, watch->context, func, user_data);
}

static void
detach (GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

void
ew_host_watch_free (EwHostWatch *watch)
{
  if (watch == NULL)
    return;
  detach (watch->settle);
  detach (watch->route_source);
  detach (watch->nftables_source);
  if (watch->route != NULL)
    mnl_socket_close (watch->route);
  if (watch->nftables != NULL)
    mnl_socket_close (watch->nftables);
  g_main_context_unref (watch->context);
  g_free (watch->last);
  g_free (watch);
}
