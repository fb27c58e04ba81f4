/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/rows.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

guint8
ew_family_to_af (guint8 family)
{
  return family == EW_FAMILY_V4 ? AF_INET : family == EW_FAMILY_V6 ? AF_INET6 : AF_UNSPEC;
}

guint8
ew_family_from_af (guint8 af)
{
  return af == AF_INET ? EW_FAMILY_V4 : af == AF_INET6 ? EW_FAMILY_V6 : EW_FAMILY_NONE;
}

gboolean
ew_netlink_is_gone (int result)
{
  return result == -ESRCH || result == -ENOENT || result == -EADDRNOTAVAIL || result == -ENODEV || result == -ENXIO
         || result == -EAFNOSUPPORT;
}

/* The attributes of one message, by number; the kernel's numbers are small and larger ones are unknown here. */
#define ATTRIBUTES 64
typedef struct
{
  const struct nlattr *at[ATTRIBUTES];
} Attributes;

static int
collect_attribute (const struct nlattr *attribute, void *data)
{
  Attributes *attributes = data;
  guint16 type = mnl_attr_get_type (attribute);

  if (type < ATTRIBUTES)
    attributes->at[type] = attribute;
  return MNL_CB_OK;
}

static Attributes
parse_attributes (const struct nlmsghdr *message, unsigned int header)
{
  Attributes attributes = { 0 };

  mnl_attr_parse (message, header, collect_attribute, &attributes);
  return attributes;
}

static guint32
attribute_u32 (const Attributes *attributes, guint type, guint32 fallback)
{
  const struct nlattr *attribute = attributes->at[type];

  return attribute != NULL && mnl_attr_get_payload_len (attribute) == 4 ? mnl_attr_get_u32 (attribute) : fallback;
}

/* NONE if there is none, or it isn't of the family's size. */
static EwIp
attribute_ip (const Attributes *attributes, guint type, guint8 family)
{
  const struct nlattr *attribute = attributes->at[type];
  EwIp none = { .family = EW_FAMILY_NONE };

  if (attribute == NULL || mnl_attr_get_payload_len (attribute) != (family == EW_FAMILY_V4 ? 4 : 16))
    return none;
  return ew_ip_from_bytes (family, mnl_attr_get_payload (attribute));
}

/* ip/length with its host bits cleared; NONE if the length isn't valid for the family. */
static EwPrefix
make_prefix (const EwIp *ip, guint length)
{
  EwPrefix prefix = { .ip = *ip, .length = (guint8)length };
  guint bits = (guint)ew_ip_size (ip) * 8;

  if (length > bits)
    return (EwPrefix){ 0 };
  for (guint bit = length; bit < bits; bit++)
    prefix.ip.bytes[bit / 8] &= (guint8) ~(0x80u >> (bit % 8));
  return prefix;
}

/* A dump of a family that the kernel was built or started without is empty, not an error. */
static GArray *
finish_dump (GArray *rows, int result)
{
  if (result == 0 || result == -EAFNOSUPPORT || result == -EOPNOTSUPP || result == -ENOENT)
    return rows;
  g_array_unref (rows);
  errno = -result;
  return NULL;
}

static void
read_link_kind (const struct nlattr *info, EwLinkRow *row)
{
  const struct nlattr *attribute;

  mnl_attr_for_each_nested (attribute, info)
  {
    if (mnl_attr_get_type (attribute) == IFLA_INFO_KIND)
      g_strlcpy (row->kind, mnl_attr_get_str (attribute), sizeof row->kind);
  }
}

static int
read_link (const struct nlmsghdr *message, void *data)
{
  const struct ifinfomsg *header = mnl_nlmsg_get_payload (message);
  EwLinkRow row = { 0 };

  if (message->nlmsg_type != RTM_NEWLINK)
    return MNL_CB_OK;
  Attributes attributes = parse_attributes (message, sizeof *header);
  row.index = (guint)header->ifi_index;
  row.flags = header->ifi_flags;
  row.mtu = attribute_u32 (&attributes, IFLA_MTU, 0);
  row.master = attribute_u32 (&attributes, IFLA_MASTER, 0);
  if (attributes.at[IFLA_LINKINFO] != NULL)
    read_link_kind (attributes.at[IFLA_LINKINFO], &row);
  if (attributes.at[IFLA_IFNAME] != NULL)
    g_strlcpy (row.name, mnl_attr_get_str (attributes.at[IFLA_IFNAME]), sizeof row.name);
  g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

GArray *
ew_netlink_links (EwNetlink *netlink)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETLINK, 0);
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (EwLinkRow));

  mnl_nlmsg_put_extra_header (message, sizeof (struct ifinfomsg));
  return finish_dump (rows, ew_netlink_dump (netlink, message, read_link, rows));
}

static int
read_address (const struct nlmsghdr *message, void *data)
{
  const struct ifaddrmsg *header = mnl_nlmsg_get_payload (message);
  EwAddressRow row = { 0 };
  guint8 family = ew_family_from_af (header->ifa_family);

  if (message->nlmsg_type != RTM_NEWADDR || family == EW_FAMILY_NONE)
    return MNL_CB_OK;
  Attributes attributes = parse_attributes (message, sizeof *header);
  EwIp peer = attribute_ip (&attributes, IFA_ADDRESS, family);
  row.link = header->ifa_index;
  row.scope = header->ifa_scope;
  /* IFA_LOCAL is this computer's and IFA_ADDRESS the peer's on a point-to-point link; elsewhere only one of them may be
     there. */
  row.ip = attributes.at[IFA_LOCAL] != NULL ? attribute_ip (&attributes, IFA_LOCAL, family) : peer;
  if (peer.family == EW_FAMILY_NONE)
    peer = row.ip;
  row.subnet = make_prefix (&peer, header->ifa_prefixlen);
  if (row.ip.family != EW_FAMILY_NONE)
    g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

GArray *
ew_netlink_addresses (EwNetlink *netlink)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETADDR, 0);
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (EwAddressRow));

  mnl_nlmsg_put_extra_header (message, sizeof (struct ifaddrmsg));
  return finish_dump (rows, ew_netlink_dump (netlink, message, read_address, rows));
}

/* The next hops of a multipath route: the interfaces, and the first one's gateway. */
static void
read_next_hops (const struct nlattr *multipath, guint8 family, EwRouteRow *row)
{
  const struct rtnexthop *hop = mnl_attr_get_payload (multipath);
  guint left = mnl_attr_get_payload_len (multipath);

  for (guint i = 0; i < EW_ROUTE_HOPS; i++)
    {
      Attributes attributes = { 0 };
      if (left < sizeof *hop || hop->rtnh_len < sizeof *hop || hop->rtnh_len > left)
        return;
      row->hops[i] = (guint)hop->rtnh_ifindex;
      mnl_attr_parse_payload (RTNH_DATA (hop), hop->rtnh_len - sizeof *hop, collect_attribute, &attributes);
      if (i == 0)
        row->gateway = attribute_ip (&attributes, RTA_GATEWAY, family);
      left -= MIN (left, (guint)RTNH_ALIGN (hop->rtnh_len));
      hop = RTNH_NEXT (hop);
    }
}

static int
read_route (const struct nlmsghdr *message, void *data)
{
  const struct rtmsg *header = mnl_nlmsg_get_payload (message);
  guint8 family = ew_family_from_af (header->rtm_family);
  EwRouteRow row = { .protocol = header->rtm_protocol, .type = header->rtm_type, .scope = header->rtm_scope };
  EwIp destination = { .family = family };

  if (message->nlmsg_type != RTM_NEWROUTE || family == EW_FAMILY_NONE || (header->rtm_flags & RTM_F_CLONED) != 0)
    return MNL_CB_OK;
  Attributes attributes = parse_attributes (message, sizeof *header);
  if (attributes.at[RTA_DST] != NULL)
    destination = attribute_ip (&attributes, RTA_DST, family);
  row.destination = make_prefix (&destination, header->rtm_dst_len);
  row.table = attribute_u32 (&attributes, RTA_TABLE, header->rtm_table);
  row.metric = attribute_u32 (&attributes, RTA_PRIORITY, 0);
  row.link = attribute_u32 (&attributes, RTA_OIF, 0);
  row.gateway = attribute_ip (&attributes, RTA_GATEWAY, family);
  /* An IPv4 route via an IPv6 next hop (RFC 5549). */
  if (attributes.at[RTA_VIA] != NULL && mnl_attr_get_payload_len (attributes.at[RTA_VIA]) == 2 + 16)
    row.gateway = ew_ip_from_bytes (EW_FAMILY_V6, (const uint8_t *)mnl_attr_get_payload (attributes.at[RTA_VIA]) + 2);
  if (attributes.at[RTA_MULTIPATH] != NULL)
    read_next_hops (attributes.at[RTA_MULTIPATH], family, &row);
  if (row.destination.ip.family != EW_FAMILY_NONE)
    g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

GArray *
ew_netlink_routes (EwNetlink *netlink, guint8 family, guint32 table)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETROUTE, 0);
  struct rtmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (EwRouteRow));

  header->rtm_family = ew_family_to_af (family);
  mnl_attr_put_u32 (message, RTA_TABLE, table);
  rows = finish_dump (rows, ew_netlink_dump (netlink, message, read_route, rows));
  for (guint i = rows != NULL ? rows->len : 0; i-- > 0;)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (row->table != table || row->destination.ip.family != family)
        g_array_remove_index_fast (rows, i);
    }
  return rows;
}

static int
read_rule (const struct nlmsghdr *message, void *data)
{
  const struct fib_rule_hdr *header = mnl_nlmsg_get_payload (message);
  EwRuleRow row = { .family = ew_family_from_af (header->family) };

  if (message->nlmsg_type != RTM_NEWRULE || row.family == EW_FAMILY_NONE)
    return MNL_CB_OK;
  Attributes attributes = parse_attributes (message, sizeof *header);
  row.priority = attribute_u32 (&attributes, FRA_PRIORITY, 0);
  row.table = attribute_u32 (&attributes, FRA_TABLE, header->table);
  row.fwmark = attribute_u32 (&attributes, FRA_FWMARK, 0);
  row.fwmark_mask = attribute_u32 (&attributes, FRA_FWMASK, 0);
  row.suppress = (gint)attribute_u32 (&attributes, FRA_SUPPRESS_PREFIXLEN, G_MAXUINT32);
  row.invert = (header->flags & FIB_RULE_INVERT) != 0;
  if (attributes.at[FRA_PROTOCOL] != NULL)
    row.protocol = mnl_attr_get_u8 (attributes.at[FRA_PROTOCOL]);
  if (attributes.at[FRA_DST] != NULL)
    {
      EwIp to = attribute_ip (&attributes, FRA_DST, row.family);
      row.to = make_prefix (&to, header->dst_len);
    }
  g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

GArray *
ew_netlink_rules (EwNetlink *netlink, guint8 family)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETRULE, 0);
  struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (EwRuleRow));

  header->family = ew_family_to_af (family);
  rows = finish_dump (rows, ew_netlink_dump (netlink, message, read_rule, rows));
  for (guint i = rows != NULL ? rows->len : 0; i-- > 0;)
    if (g_array_index (rows, EwRuleRow, i).family != family)
      g_array_remove_index_fast (rows, i);
  return rows;
}

int
ew_netlink_link_set (EwNetlink *netlink, guint link, guint mtu, int up)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_NEWLINK, 0);
  struct ifinfomsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->ifi_index = (int)link;
  if (up >= 0)
    {
      header->ifi_change = IFF_UP;
      header->ifi_flags = up > 0 ? IFF_UP : 0;
    }
  if (mtu > 0)
    mnl_attr_put_u32 (message, IFLA_MTU, mtu);
  return ew_netlink_request (netlink, message);
}

int
ew_netlink_link_keep_bare (EwNetlink *netlink, guint link)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_NEWLINK, 0);
  struct ifinfomsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  struct nlattr *spec, *inet6;

  header->ifi_index = (int)link;
  spec = mnl_attr_nest_start (message, IFLA_AF_SPEC);
  inet6 = mnl_attr_nest_start (message, AF_INET6);
  mnl_attr_put_u8 (message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end (message, inet6);
  mnl_attr_nest_end (message, spec);
  return ew_netlink_request (netlink, message);
}

int
ew_netlink_address (EwNetlink *netlink, gboolean add, guint link, const EwIp *ip)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message
    = ew_netlink_begin (buffer, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct ifaddrmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  size_t size = ew_ip_size (ip);

  header->ifa_family = ew_family_to_af (ip->family);
  header->ifa_prefixlen = (guint8)(size * 8);
  header->ifa_index = link;
  /* No other computer can have it, so duplicate address detection is off: it would keep the address unusable for a
     second. */
  header->ifa_flags = ip->family == EW_FAMILY_V6 ? IFA_F_NODAD : 0;
  mnl_attr_put (message, IFA_LOCAL, size, ip->bytes);
  mnl_attr_put (message, IFA_ADDRESS, size, ip->bytes);
  return ew_netlink_request (netlink, message);
}

int
ew_netlink_route (EwNetlink *netlink, gboolean add, const EwRouteRow *route)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message
    = ew_netlink_begin (buffer, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct rtmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  const EwPrefix *destination = &route->destination;

  header->rtm_family = ew_family_to_af (destination->ip.family);
  header->rtm_dst_len = destination->length;
  header->rtm_protocol = route->protocol;
  header->rtm_type = route->type;
  header->rtm_scope = add ? route->scope : RT_SCOPE_NOWHERE;
  mnl_attr_put_u32 (message, RTA_TABLE, route->table);
  if (destination->length > 0)
    mnl_attr_put (message, RTA_DST, ew_ip_size (&destination->ip), destination->ip.bytes);
  if (route->link != 0)
    mnl_attr_put_u32 (message, RTA_OIF, route->link);
  if (route->gateway.family != EW_FAMILY_NONE)
    {
      mnl_attr_put (message, RTA_GATEWAY, ew_ip_size (&route->gateway), route->gateway.bytes);
      header->rtm_flags |= add ? RTNH_F_ONLINK : 0;
    }
  if (route->source.family != EW_FAMILY_NONE)
    mnl_attr_put (message, RTA_PREFSRC, ew_ip_size (&route->source), route->source.bytes);
  if (route->metric != 0)
    mnl_attr_put_u32 (message, RTA_PRIORITY, route->metric);
  return ew_netlink_request (netlink, message);
}

int
ew_netlink_rule (EwNetlink *netlink, gboolean add, const EwRuleRow *rule)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message
    = ew_netlink_begin (buffer, add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->family = ew_family_to_af (rule->family);
  header->action = FR_ACT_TO_TBL;
  header->flags = rule->invert ? FIB_RULE_INVERT : 0;
  mnl_attr_put_u32 (message, FRA_PRIORITY, rule->priority);
  mnl_attr_put_u32 (message, FRA_TABLE, rule->table);
  mnl_attr_put_u8 (message, FRA_PROTOCOL, rule->protocol);
  if (rule->fwmark_mask != 0)
    {
      mnl_attr_put_u32 (message, FRA_FWMARK, rule->fwmark);
      mnl_attr_put_u32 (message, FRA_FWMASK, rule->fwmark_mask);
    }
  if (rule->suppress >= 0)
    mnl_attr_put_u32 (message, FRA_SUPPRESS_PREFIXLEN, (guint32)rule->suppress);
  if (rule->to.ip.family != EW_FAMILY_NONE)
    {
      header->dst_len = rule->to.length;
      mnl_attr_put (message, FRA_DST, ew_ip_size (&rule->to.ip), rule->to.ip.bytes);
    }
  return ew_netlink_request (netlink, message);
}

static int
read_route_link (const struct nlmsghdr *message, void *data)
{
  Attributes attributes = parse_attributes (message, sizeof (struct rtmsg));

  *(guint *)data = attribute_u32 (&attributes, RTA_OIF, 0);
  return MNL_CB_OK;
}

guint
ew_netlink_route_to (EwNetlink *netlink, const EwIp *ip, guint32 mark)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETROUTE, 0);
  struct rtmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  guint link = 0;

  header->rtm_family = ew_family_to_af (ip->family);
  header->rtm_dst_len = (guint8)(ew_ip_size (ip) * 8);
  mnl_attr_put (message, RTA_DST, ew_ip_size (ip), ip->bytes);
  mnl_attr_put_u32 (message, RTA_MARK, mark);
  return ew_netlink_get (netlink, message, read_route_link, &link) == 0 ? link : 0;
}

gboolean
ew_netlink_find_route (EwNetlink *netlink, const EwIp *ip, EwRouteRow *route)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, RTM_GETROUTE, 0);
  struct rtmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  g_autoptr (GArray) rows = g_array_new (FALSE, TRUE, sizeof (EwRouteRow));

  header->rtm_family = ew_family_to_af (ip->family);
  header->rtm_dst_len = (guint8)(ew_ip_size (ip) * 8);
  header->rtm_flags = RTM_F_FIB_MATCH;
  mnl_attr_put (message, RTA_DST, ew_ip_size (ip), ip->bytes);
  ew_netlink_get (netlink, message, read_route, rows);
  if (rows->len == 0)
    return FALSE;
  *route = g_array_index (rows, EwRouteRow, 0);
  return TRUE;
}
