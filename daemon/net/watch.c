/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes of the computer's network, as the kernel reports them (rtnetlink's multicast groups).
 *
 * Timers: SETTLE_MS after the first message of a burst the network is looked at: LOOKS times in a row, as a computer that
 * moves gets its link, its address and its routes one after the other and traffic waits for the last, then at most every
 * LOOK_EVERY_US. It reports only that something differs from the last look: repeated router advertisements and wireless
 * chatter report nothing new and cause no wakeups.
 */
#include "net/host-private.h"
#include "host/ruleset-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define SETTLE_MS 40
#define LOOKS 4
#define LOOK_EVERY_US (G_USEC_PER_SEC / 2)
/* IFF_RUNNING follows the carrier; IFF_LOWER_UP is not in net/if.h. */
#define LINK_FLAGS (IFF_UP | IFF_RUNNING)

struct EwHostWatch
{
  EwHost *host;
  GMainContext *context;
  struct mnl_socket *route;
  EwRulesetWatch *ruleset; /* NULL if it isn't available */
  GSource *route_source;
  GSource *settle;
  gint64 paced;      /* monotonic: when the looks so far would have been over at one in LOOK_EVERY_US */
  gchar *last;       /* what was seen, as text */
  GHashTable *links; /* indexes of the interfaces in it */
  void (*func) (gpointer);
  gpointer user_data;
};

/* The ports of containers and virtual machines have only a link-local address, and come and go. */
static GHashTable *
find_addressed_links (const GArray *addresses)
{
  GHashTable *links = g_hash_table_new (NULL, NULL);

  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    if (g_array_index (addresses, EwAddressRow, i).scope < RT_SCOPE_LINK)
      g_hash_table_add (links, GUINT_TO_POINTER (g_array_index (addresses, EwAddressRow, i).link));
  return links;
}

/* Everything whose change is worth telling, a line each that begins with the interface's index. */
static gchar *
look (EwHost *host, GHashTable **addressed)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);
  g_autoptr (GArray) addresses = ew_netlink_addresses (host->netlink);
  gchar ip[EW_IP_STRLEN];

  *addressed = find_addressed_links (addresses);
  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      if (g_hash_table_contains (*addressed, GUINT_TO_POINTER (link->index)))
        g_string_append_printf (text, "%u link %x %u\n", link->index, link->flags & LINK_FLAGS, link->mtu);
    }
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (addresses, EwAddressRow, i);
      ew_ip_format (&row->ip, ip);
      if (row->scope < RT_SCOPE_LINK)
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

/* Without the lines of one interface: Edgeway's may have got its name, and its index may have been read, between two
   looks. */
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

/* A route has become free, or a subnet behind this node is reached via another interface: what was applied isn't what
   would be applied now. */
static gboolean
on_settled (gpointer data)
{
  EwHostWatch *watch = data;
  GHashTable *links;
  g_autofree gchar *now = look (watch->host, &links);
  gboolean news = differs (watch->host, watch->last, now) || ew_problems_differ (watch->host);

  g_clear_pointer (&watch->settle, g_source_unref);
  g_hash_table_unref (watch->links);
  watch->links = links;
  g_free (watch->last);
  watch->last = g_steal_pointer (&now);
  if (news)
    watch->func (watch->user_data); /* last: it may end the watch */
  return G_SOURCE_REMOVE;
}

/* Another program has loaded rules. A flush of everything removes Edgeway's tables, too (Debian's nftables.service does
   so at each start); a firewall that is added or loaded again drops what this node forwards. */
static gboolean
on_ruleset_changed (gpointer data)
{
  EwHostWatch *watch = data;
  g_autoptr (GError) error = NULL;

  if (ew_lockdown_restore (watch->host->lockdown))
    return TRUE;
  if (watch->host->applied == NULL)
    return FALSE;
  if (watch->host->firewall_failure == NULL && !ew_firewall_restore (watch->host, &error))
    g_warning ("Another program removed the firewall rules, and they can't be restored: %s", error->message);
  return ew_problems_differ (watch->host);
}

static void
on_ruleset_news (gpointer data)
{
  EwHostWatch *watch = data;

  watch->func (watch->user_data);
}

/* When the next look is due, in ms from now; it counts as taken. */
static guint
take_look (EwHostWatch *watch, gint64 now)
{
  gint64 due;

  watch->paced = MAX (watch->paced, now - LOOKS * LOOK_EVERY_US) + LOOK_EVERY_US;
  due = MAX (now + SETTLE_MS * 1000, watch->paced);
  return (guint)((due - now + 999) / 1000);
}

static void
settle_soon (EwHostWatch *watch)
{
  if (watch->settle != NULL)
    return;
  watch->settle = g_timeout_source_new (take_look (watch, g_get_monotonic_time ()));
  g_source_set_callback (watch->settle, on_settled, watch, NULL);
  g_source_attach (watch->settle, watch->context);
}

/* A route inside, or around, one that leads into the tunnel or to a subnet behind this node. */
static gboolean
concerns_us (EwHost *host, const struct nlmsghdr *message)
{
  const struct rtmsg *route = mnl_nlmsg_get_payload (message);
  const EwHostConfig *config = host->wanted;
  EwPrefix prefix = { .length = route->rtm_dst_len };
  const struct nlattr *attribute;

  if (config == NULL)
    return FALSE;
  mnl_attr_for_each (attribute, message, sizeof *route)
  {
    if (mnl_attr_get_type (attribute) == RTA_DST
        && mnl_attr_get_payload_len (attribute) >= (route->rtm_family == AF_INET ? 4 : 16))
      prefix.ip = ew_ip_from_bytes (ew_family_from_af (route->rtm_family), mnl_attr_get_payload (attribute));
  }
  for (gsize i = 0; prefix.ip.family != EW_FAMILY_NONE && i < config->n_forwards; i++)
    if (ew_prefix_overlaps (&config->forwards[i], &prefix))
      return TRUE;
  for (gsize i = 0; prefix.ip.family != EW_FAMILY_NONE && i < config->n_routes; i++)
    if (ew_prefix_overlaps (&config->routes[i], &prefix))
      return TRUE;
  return FALSE;
}

/* Forwarding was switched. Each new interface causes such a message, too, but isn't in links yet. */
static gboolean
is_about_forwarding (const EwHostWatch *watch, const struct nlmsghdr *message)
{
  const struct nlattr *attribute;
  gboolean forwarding = FALSE;
  gint32 index = 0;

  if (watch->host->wanted == NULL || watch->host->wanted->n_forwards == 0)
    return FALSE;
  mnl_attr_for_each (attribute, message, NLMSG_ALIGN (sizeof (struct netconfmsg)))
  {
    if (mnl_attr_get_type (attribute) == NETCONFA_FORWARDING)
      forwarding = TRUE;
    else if (mnl_attr_get_type (attribute) == NETCONFA_IFINDEX && mnl_attr_get_payload_len (attribute) >= 4)
      index = (gint32)mnl_attr_get_u32 (attribute);
  }
  return forwarding
         && (index == NETCONFA_IFINDEX_ALL || g_hash_table_contains (watch->links, GUINT_TO_POINTER ((guint)index)));
}

/* Whether a message can be of interest. Containers that come and go make hundreds that are not. */
static gboolean
is_interesting (const EwHostWatch *watch, const struct nlmsghdr *message)
{
  guint own = own_link (watch->host);
  const struct ifinfomsg *link = mnl_nlmsg_get_payload (message);
  const struct ifaddrmsg *address = mnl_nlmsg_get_payload (message);
  const struct rtmsg *route = mnl_nlmsg_get_payload (message);

  switch (message->nlmsg_type)
    {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return link->ifi_index != (int)own && g_hash_table_contains (watch->links, GINT_TO_POINTER (link->ifi_index));
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return address->ifa_index != own && address->ifa_scope < RT_SCOPE_LINK;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return route->rtm_protocol != EW_ROUTE_PROTOCOL && route->rtm_table != RT_TABLE_LOCAL
             && (route->rtm_dst_len == 0 || concerns_us (watch->host, message));
    case RTM_NEWNETCONF:
      return is_about_forwarding (watch, message);
    default:
      return FALSE;
    }
}

static int
read_event (const struct nlmsghdr *message, void *data)
{
  EwHostWatch *watch = data;

  if (is_interesting (watch, message))
    settle_soon (watch);
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
          settle_soon (watch);
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
  static const int route_groups[] = { RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF };
  static const EwRulesetWatcher watcher = { on_ruleset_changed, on_ruleset_news };
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
  watch->last = look (host, &watch->links);
  watch->route = ew_netlink_subscribe (NETLINK_ROUTE, route_groups, G_N_ELEMENTS (route_groups));
  watch->ruleset = ew_ruleset_watch_new (watch->context, &watcher, watch);
  if (watch->route != NULL)
    watch->route_source = attach (watch, watch->route, on_route_readable);
  else
    g_warning ("Edgeway won't notice changes of this computer's network: %s.", g_strerror (errno));
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
  ew_ruleset_watch_free (watch->ruleset);
  if (watch->route != NULL)
    mnl_socket_close (watch->route);
  g_hash_table_unref (watch->links);
  g_main_context_unref (watch->context);
  g_free (watch->last);
  g_free (watch);
}
