/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keeps what Edgeway added in place. Other programs remove rules, routes and addresses that they don't know and set
 * links down:
 * systemd-networkd at each start, NetworkManager on "Disconnect". Each such removal is noticed, through rtnetlink's
 * multicast groups, and what was removed is restored; until then seal.c keeps packets from leaving another way.
 *
 * A program that keeps removing things wins: after QUICK_REPAIRS in a row the next ones come later and later, and until
 * then the problem is reported, so that nobody believes that the tunnel works.
 *
 * Timers: REPAIR_MS after a burst's first message it is looked at; the next repair of a series not before next_repair;
 * a series ends, and with it the trouble, when nothing was removed for CALM_US. Foreign routes are reported in the same
 * way.
 *
 * Another program's longer route inside one of Edgeway's has no effect (vpn.c), but was meant to have one: it's
 * reported, too.
 */
#include "net/host-private.h"
#include "common/phrase.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define REPAIR_MS 20
#define QUICK_REPAIRS 5
#define QUICK_CHANGES 8 /* of foreign routes */
#define LONGEST_WAIT_S 32
#define CALM_US (5 * G_USEC_PER_SEC)

struct EwHostKeep
{
  EwHost *host;
  GMainContext *context;
  struct mnl_socket *socket;
  GSource *source;
  GSource *timer;
  gint64 due;         /* of the timer, monotonic */
  guint repairs;      /* in this series */
  gint64 last_repair; /* monotonic; 0: none */
  gint64 next_repair;
  gchar *missing;        /* what is taken away again and again; NULL: nothing */
  gchar *foreign;        /* another program's route inside one of Edgeway's; NULL: none */
  gint64 foreign_told;   /* when that changed last, monotonic; 0: never */
  guint foreign_changes; /* in a row */
  void (*func) (gpointer);
  gpointer user_data;
};

static void look_at (EwHostKeep *keep, gint64 when);

/* ---- what is missing */

typedef struct
{
  GArray *links, *addresses;
  GArray *rules[2];  /* IPv4, IPv6 */
  GArray *routes[4]; /* main table, our own; of each family */
} Seen;

static guint
family_index (guint8 family)
{
  return family == EW_FAMILY_V4 ? 0 : 1;
}

/* FALSE: something cannot be read, and nothing can be said. */
static gboolean
see (EwHost *host, Seen *seen)
{
  const guint8 families[] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  gboolean all;

  seen->links = ew_netlink_links (host->netlink);
  seen->addresses = ew_netlink_addresses (host->netlink);
  all = seen->links != NULL && seen->addresses != NULL;
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      seen->rules[i] = ew_netlink_rules (host->netlink, families[i]);
      seen->routes[i] = ew_netlink_routes (host->netlink, families[i], RT_TABLE_MAIN);
      seen->routes[2 + i] = ew_netlink_routes (host->netlink, families[i], EW_HOST_TABLE);
      all &= seen->rules[i] != NULL && seen->routes[i] != NULL && seen->routes[2 + i] != NULL;
    }
  return all;
}

static void
forget_seen (Seen *seen)
{
  g_clear_pointer (&seen->links, g_array_unref);
  g_clear_pointer (&seen->addresses, g_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (seen->rules); i++)
    g_clear_pointer (&seen->rules[i], g_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (seen->routes); i++)
    g_clear_pointer (&seen->routes[i], g_array_unref);
}

static gboolean
link_stands (const Seen *seen, const EwChange *change)
{
  for (guint i = 0; i < seen->links->len; i++)
    {
      const EwLinkRow *row = &g_array_index (seen->links, EwLinkRow, i);
      if (row->index == change->link)
        return (row->flags & IFF_UP) != 0;
    }
  return FALSE;
}

static gboolean
address_stands (const Seen *seen, const EwChange *change)
{
  for (guint i = 0; i < seen->addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (seen->addresses, EwAddressRow, i);
      if (row->link == change->link && ew_ip_equal (&row->ip, &change->prefix.ip))
        return TRUE;
    }
  return FALSE;
}

static gboolean
route_stands (const Seen *seen, const EwChange *change)
{
  const GArray *rows = seen->routes[family_index (change->prefix.ip.family) + (change->table == EW_HOST_TABLE ? 2 : 0)];

  for (guint i = 0; i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (row->protocol == EW_ROUTE_PROTOCOL && ew_prefix_equal (&row->destination, &change->prefix)
          && (change->throws ? row->type == RTN_THROW : row->link == change->link))
        return TRUE;
    }
  return FALSE;
}

static gboolean
rule_stands (const Seen *seen, const EwChange *change)
{
  const GArray *rows = seen->rules[family_index (change->family)];

  for (guint i = 0; i < rows->len; i++)
    {
      const EwRuleRow *row = &g_array_index (rows, EwRuleRow, i);
      if (row->priority == change->priority && row->table == change->table && row->protocol == EW_ROUTE_PROTOCOL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
stands (const Seen *seen, const EwChange *change)
{
  switch (change->kind)
    {
    case EW_CHANGE_UP:
      return link_stands (seen, change);
    case EW_CHANGE_ADDRESS:
      return address_stands (seen, change);
    case EW_CHANGE_ROUTE:
      return route_stands (seen, change);
    case EW_CHANGE_RULE:
      return rule_stands (seen, change);
    default:
      return TRUE; /* not of rtnetlink */
    }
}

/* The interface itself was removed: the owner of its descriptor has to create it again. */
static gboolean
interface_is_gone (const EwChange *change)
{
  return change->interface != NULL && if_nametoindex (change->interface) != change->link;
}

/* EwChange of the ledger that aren't in place any more, oldest first; borrowed. (transfer container) */
static GPtrArray *
list_missing (EwHost *host)
{
  GPtrArray *missing = g_ptr_array_new ();
  Seen seen = { 0 };

  if (see (host, &seen))
    for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
      {
        const EwChange *change = ew_ledger_get (host->ledger, i);
        if (!stands (&seen, change) && !interface_is_gone (change))
          g_ptr_array_add (missing, (gpointer)change);
      }
  forget_seen (&seen);
  return missing;
}

/* Routes in the main table are for people to see: the ones that decide are in Edgeway's own table (vpn.c). NULL:
   nothing of weight. */
static const EwChange *
first_of_weight (const GPtrArray *missing)
{
  for (guint i = 0; i < missing->len; i++)
    {
      const EwChange *change = missing->pdata[i];
      if (change->kind != EW_CHANGE_ROUTE || change->table == EW_HOST_TABLE)
        return change;
    }
  return NULL;
}

gchar *
ew_host_find_missing (EwHost *host)
{
  g_autoptr (GPtrArray) missing = list_missing (host);
  const EwChange *first = first_of_weight (missing);

  return first != NULL ? ew_change_describe (first) : NULL;
}

/* ---- other programs' routes inside Edgeway's */

static gboolean
covers (const EwPrefix *prefixes, gsize n, const EwPrefix *prefix)
{
  for (gsize i = 0; i < n; i++)
    if (prefixes[i].length <= prefix->length && ew_prefix_overlaps (&prefixes[i], prefix))
      return TRUE;
  return FALSE;
}

/* What would lead packets for the mesh or an accepted route past the tunnel. */
static gboolean
is_foreign_inside (EwHost *host, guint own, const EwRouteRow *row)
{
  const EwHostConfig *config = host->applied;

  return row->type == RTN_UNICAST && row->protocol != EW_ROUTE_PROTOCOL && (row->link == 0 || row->link != own)
         && covers (config->routes, config->n_routes, &row->destination)
         && !covers (config->forwards, config->n_forwards, &row->destination);
}

static gchar *
find_foreign_route (EwHost *host)
{
  guint own = if_nametoindex (host->applied->interface);
  gchar prefix[EW_PREFIX_STRLEN], name[IFNAMSIZ];

  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      g_autoptr (GArray) rows = ew_netlink_routes (host->netlink, family, RT_TABLE_MAIN);
      for (guint i = 0; rows != NULL && i < rows->len; i++)
        {
          const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
          if (!is_foreign_inside (host, own, row))
            continue;
          ew_prefix_format (&row->destination, prefix);
          return ew_phrase (
            "Another program's route to %s via %s would lead traffic for the mesh past the tunnel. Edgeway keeps that "
            "traffic in the tunnel. If the local network gave out this route, don't trust that network.",
            prefix, if_indextoname (row->link, name) != NULL ? name : N_ ("another interface"));
        }
    }
  return NULL;
}

/* TRUE: it differs from what was reported. */
static gboolean
replace_text (gchar **text, gchar *now)
{
  gboolean differs = g_strcmp0 (*text, now) != 0;

  g_free (*text);
  *text = now;
  return differs;
}

/* The source of such routes can add and remove them all the time: after some changes in a row the next is reported
   CALM_US later. */
static gboolean
look_for_foreign_route (EwHostKeep *keep)
{
  g_autofree gchar *found = keep->host->applied != NULL ? find_foreign_route (keep->host) : NULL;
  gint64 now = g_get_monotonic_time (), calm = keep->foreign_told + CALM_US;

  if (g_strcmp0 (found, keep->foreign) == 0)
    return FALSE;
  if (keep->foreign_told == 0 || now >= calm)
    keep->foreign_changes = 0;
  if (keep->foreign_changes >= QUICK_CHANGES)
    {
      look_at (keep, calm);
      return FALSE;
    }
  if (found != NULL && keep->foreign == NULL)
    g_warning ("%s", found);
  keep->foreign_told = now;
  keep->foreign_changes++;
  return replace_text (&keep->foreign, g_steal_pointer (&found));
}

/* ---- restoring */

static void
repair (EwHostKeep *keep, const GPtrArray *missing, gint64 now)
{
  const EwChange *first = first_of_weight (missing);
  g_autofree gchar *what = ew_change_describe (first != NULL ? first : missing->pdata[0]);

  if (missing->len == 1)
    g_message ("Another program has removed %s. Restoring it.", what);
  else
    g_message ("Another program has removed %s and %u more of Edgeway's settings. Restoring them.", what,
               missing->len - 1);
  for (guint i = 0; i < missing->len; i++)
    ew_step_ensure (keep->host, missing->pdata[i]);
  keep->repairs++;
  keep->last_repair = now;
  keep->next_repair = now;
  if (keep->repairs >= QUICK_REPAIRS)
    keep->next_repair += MIN (LONGEST_WAIT_S, 1 << MIN (keep->repairs - QUICK_REPAIRS, 8)) * G_USEC_PER_SEC;
}

/* Looks, repairs what may be repaired now, and says what stays missing. TRUE: that differs from what was reported. */
static gboolean
look_for_missing (EwHostKeep *keep, gint64 now)
{
  g_autoptr (GPtrArray) missing = list_missing (keep->host);
  const EwChange *first;

  if (keep->last_repair != 0 && now - keep->last_repair > CALM_US && missing->len == 0)
    keep->repairs = 0;
  if (missing->len > 0 && now >= keep->next_repair)
    {
      repair (keep, missing, now);
      g_ptr_array_unref (missing);
      missing = list_missing (keep->host);
    }
  if (missing->len == 0 && keep->repairs < QUICK_REPAIRS)
    return replace_text (&keep->missing, NULL);
  /* Later: the next repair, or the end of the series. */
  look_at (keep, MAX (now + G_USEC_PER_SEC, missing->len > 0 ? keep->next_repair : keep->last_repair + CALM_US + 1));
  first = first_of_weight (missing);
  if (first == NULL)
    return FALSE;
  g_autofree gchar *what = ew_change_describe (first);
  return replace_text (&keep->missing, ew_phrase ("Another program keeps removing %s. Edgeway restores it less and "
                                                  "less often. Find that program and stop it from doing so.",
                                                  what));
}

static gboolean
on_time_to_look (gpointer data)
{
  EwHostKeep *keep = data;
  gboolean news;

  g_clear_pointer (&keep->timer, g_source_unref);
  if (keep->host->applied == NULL)
    return G_SOURCE_REMOVE;
  news = look_for_missing (keep, g_get_monotonic_time ());
  news |= look_for_foreign_route (keep);
  if (news)
    keep->func (keep->user_data); /* last: it may end all this */
  return G_SOURCE_REMOVE;
}

/* The sooner of two times counts. */
static void
look_at (EwHostKeep *keep, gint64 when)
{
  if (keep->timer != NULL && keep->due <= when)
    return;
  if (keep->timer != NULL)
    {
      g_source_destroy (keep->timer);
      g_source_unref (keep->timer);
    }
  keep->due = when;
  keep->timer = g_timeout_source_new ((guint)(MAX (0, when - g_get_monotonic_time ()) / 1000 + 1));
  g_source_set_callback (keep->timer, on_time_to_look, keep, NULL);
  g_source_attach (keep->timer, keep->context);
}

static void
look_soon (EwHostKeep *keep)
{
  look_at (keep, g_get_monotonic_time () + REPAIR_MS * 1000);
}

/* ---- messages */

/* One of Edgeway's routes that is removed, or another program's inside one that is added or removed. */
static gboolean
concerns_route (const EwHostKeep *keep, const struct nlmsghdr *message)
{
  const struct rtmsg *route = mnl_nlmsg_get_payload (message);
  const EwHostConfig *config = keep->host->applied;
  EwPrefix prefix = { .length = route->rtm_dst_len };
  const struct nlattr *attribute;

  if (route->rtm_protocol == EW_ROUTE_PROTOCOL)
    return message->nlmsg_type == RTM_DELROUTE;
  if (route->rtm_dst_len == 0 || route->rtm_table == RT_TABLE_LOCAL)
    return FALSE;
  mnl_attr_for_each (attribute, message, sizeof *route)
  {
    if (mnl_attr_get_type (attribute) == RTA_DST
        && mnl_attr_get_payload_len (attribute) == (route->rtm_family == AF_INET ? 4 : 16))
      prefix.ip = ew_ip_from_bytes (ew_family_from_af (route->rtm_family), mnl_attr_get_payload (attribute));
  }
  return prefix.ip.family != EW_FAMILY_NONE && covers (config->routes, config->n_routes, &prefix);
}

static gboolean
concerns_us (const EwHostKeep *keep, const struct nlmsghdr *message)
{
  guint own = if_nametoindex (keep->host->applied->interface);
  const struct ifinfomsg *link = mnl_nlmsg_get_payload (message);
  const struct ifaddrmsg *address = mnl_nlmsg_get_payload (message);

  switch (message->nlmsg_type)
    {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return own != 0 && link->ifi_index == (int)own;
    case RTM_DELADDR:
      return own != 0 && address->ifa_index == own;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return concerns_route (keep, message);
    case RTM_DELRULE:
      return TRUE; /* rare */
    default:
      return FALSE;
    }
}

static int
read_message (const struct nlmsghdr *message, void *data)
{
  EwHostKeep *keep = data;

  if (concerns_us (keep, message))
    look_soon (keep);
  return MNL_CB_OK;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  EwHostKeep *keep = data;
  char buffer[32768];

  for (;;)
    {
      ssize_t length = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0 && errno == ENOBUFS) /* messages were lost */
        {
          look_soon (keep);
          continue;
        }
      if (length <= 0)
        return G_SOURCE_CONTINUE;
      if (keep->host->applied != NULL)
        mnl_cb_run (buffer, (size_t)length, 0, 0, read_message, keep);
    }
}

EwHostKeep *
ew_host_keep_new (EwHost *host, GMainContext *context, void (*func) (gpointer user_data), gpointer user_data)
{
  static const int groups[] = { RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE };
  EwHostKeep *keep = g_new0 (EwHostKeep, 1);

  keep->host = host;
  keep->context = g_main_context_ref (context);
  keep->func = func;
  keep->user_data = user_data;
  keep->socket = ew_netlink_subscribe (NETLINK_ROUTE, groups, G_N_ELEMENTS (groups));
  if (keep->socket == NULL)
    {
      g_warning ("Edgeway won't notice what other programs remove from the tunnel: %s.", g_strerror (errno));
      return keep;
    }
  keep->source = g_unix_fd_source_new (mnl_socket_get_fd (keep->socket), G_IO_IN | G_IO_ERR);
  g_source_set_callback (keep->source, G_SOURCE_FUNC (on_readable), keep, NULL);
  g_source_attach (keep->source, context);
  return keep;
}

static void
detach_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
ew_host_keep_free (EwHostKeep *keep)
{
  if (keep == NULL)
    return;
  detach_source (&keep->timer);
  detach_source (&keep->source);
  if (keep->socket != NULL)
    mnl_socket_close (keep->socket);
  g_main_context_unref (keep->context);
  g_free (keep->missing);
  g_free (keep->foreign);
  g_free (keep);
}

void
ew_host_keep_applied (EwHost *host)
{
  if (host->keep == NULL)
    return;
  if (host->applied == NULL)
    {
      g_clear_pointer (&host->keep->missing, g_free);
      host->keep->repairs = 0;
      host->keep->next_repair = host->keep->last_repair = 0;
      host->keep->foreign_told = 0;
      g_clear_pointer (&host->keep->foreign, g_free);
      return;
    }
  look_for_foreign_route (host->keep);
}

const gchar *
ew_host_get_missing (EwHost *host)
{
  return host->keep != NULL ? host->keep->missing : NULL;
}

const gchar *
ew_host_get_foreign_route (EwHost *host)
{
  return host->keep != NULL ? host->keep->foreign : NULL;
}
