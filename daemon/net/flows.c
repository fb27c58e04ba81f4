/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The connections that were there before the guard's rules (firewall.c): TCP sockets by sock_diag(7), flows by
 * conntrack.
 *
 * The kernel doesn't say which end began an established socket. It came in from outside when its local port is listened
 * on; or, if the listener has closed, when the port is outside the range that outgoing connections get theirs from.
 */
#include "net/host-private.h"
#include "common/phrase.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* mosh's ports (mosh(1)): they are inside the default range of outgoing ones, and are served nevertheless. */
#define MOSH_FIRST 60000
#define MOSH_LAST 61000

typedef struct
{
  guint8 state; /* TCP_ESTABLISHED … */
  EwIp local, remote;
  guint16 local_port, remote_port;
} SocketRow;

/* An IPv4 connection of an IPv6 socket (::ffff:a.b.c.d) is an IPv4 connection. */
static EwIp
socket_ip (guint8 af, const void *bytes)
{
  static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

  if (af == AF_INET)
    return ew_ip_from_bytes (EW_FAMILY_V4, bytes);
  if (memcmp (bytes, mapped, sizeof mapped) == 0)
    return ew_ip_from_bytes (EW_FAMILY_V4, (const guint8 *)bytes + sizeof mapped);
  return ew_ip_from_bytes (EW_FAMILY_V6, bytes);
}

static int
read_socket (const struct nlmsghdr *message, void *data)
{
  const struct inet_diag_msg *diag = mnl_nlmsg_get_payload (message);
  SocketRow row = { 0 };

  if (mnl_nlmsg_get_payload_len (message) < sizeof *diag)
    return MNL_CB_OK;
  row.state = diag->idiag_state;
  row.local = socket_ip (diag->idiag_family, diag->id.idiag_src);
  row.remote = socket_ip (diag->idiag_family, diag->id.idiag_dst);
  row.local_port = ntohs (diag->id.idiag_sport);
  row.remote_port = ntohs (diag->id.idiag_dport);
  g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

/* Appends the sockets of one family and protocol in the given states. 0 or -errno. */
static int
list_sockets (guint8 af, guint8 protocol, guint32 states, GArray *rows)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_SOCK_DIAG);
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, SOCK_DIAG_BY_FAMILY, 0);
  struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header (message, sizeof *request);

  if (netlink == NULL)
    return -errno;
  request->sdiag_family = af;
  request->sdiag_protocol = protocol;
  request->idiag_states = states;
  return ew_netlink_dump (netlink, message, read_socket, rows);
}

/* Bits for ports. */
typedef struct
{
  guint8 bits[65536 / 8];
} Ports;

static void
ports_add (Ports *ports, guint port)
{
  ports->bits[port / 8] |= (guint8)(1u << (port % 8));
}

static gboolean
ports_have (const Ports *ports, guint port)
{
  return (ports->bits[port / 8] & (1u << (port % 8))) != 0;
}

void
ew_flows_client_ports (guint *first, guint *last)
{
  g_autofree gchar *range = ew_sysctl_read ("net/ipv4/ip_local_port_range");
  gchar *end = range;
  guint64 low = range != NULL ? g_ascii_strtoull (range, &end, 10) : 0;
  guint64 high = range != NULL ? g_ascii_strtoull (end, NULL, 10) : 0;
  gboolean known = low > 0 && low <= high && high <= G_MAXUINT16;

  *first = known ? (guint)low : 32768;
  *last = known ? (guint)high : 60999;
}

void
ew_flows_add_unasked (GString *script)
{
  guint first, last;

  ew_flows_client_ports (&first, &last);
  g_string_append_printf (script, "    ct state new udp sport < 1024 udp dport %u-%u return\n", first, last);
}

/* The ports that an outgoing connection never gets automatically. */
static void
ports_add_fixed (Ports *ports)
{
  guint first, last;

  ew_flows_client_ports (&first, &last);
  for (guint port = 1; port < 65536; port++)
    if (port < first || port > last)
      ports_add (ports, port);
}

/* From this computer's point of view the other end is outside the mesh and the computer. */
static gboolean
is_outside (const EwHostConfig *config, const EwIp *local, const EwIp *remote)
{
  if (ew_ip_is_loopback (remote) || ew_ip_is_loopback (local) || ew_ip_is_unspecified (remote)
      || ew_ip_equal (local, remote))
    return FALSE;
  for (gsize i = 0; i < config->n_addresses; i++)
    if (ew_ip_equal (local, &config->addresses[i]))
      return FALSE;
  for (gsize i = 0; i < config->n_mesh_ranges; i++)
    if (ew_prefix_contains (&config->mesh_ranges[i], remote))
      return FALSE;
  return TRUE;
}

/* Elements of the sockets that came in from outside (inbound: their local port is one of ports), or did not. */
static gchar *
socket_elements (const EwHostConfig *config, GArray *sockets, const Ports *ports, gboolean inbound, guint8 family)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < sockets->len; i++)
    {
      const SocketRow *row = &g_array_index (sockets, SocketRow, i);
      gchar local[EW_IP_STRLEN], remote[EW_IP_STRLEN], *element;

      if (row->state == TCP_LISTEN || row->local.family != family || ports_have (ports, row->local_port) != inbound
          || !is_outside (config, &row->local, &row->remote))
        continue;
      ew_ip_format (&row->local, local);
      ew_ip_format (&row->remote, remote);
      if (inbound)
        element = g_strdup_printf ("%s . %u . %s . %u", local, row->local_port, remote, row->remote_port);
      else
        element = g_strdup_printf ("%s . %u . %s . %u", remote, row->remote_port, local, row->local_port);
      if (g_hash_table_add (seen, element)) /* a connection and its TIME-WAIT twin may both be there */
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", element);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
list_tcp (const EwHostConfig *config, EwFlows *flows, GError **error)
{
  g_autoptr (GArray) sockets = g_array_new (FALSE, TRUE, sizeof (SocketRow));
  const guint32 states = 0x1fff & ~(1u << TCP_CLOSE); /* up to TCP_NEW_SYN_RECV */
  g_autofree Ports *inbound = g_new0 (Ports, 1);
  int result = list_sockets (AF_INET, IPPROTO_TCP, states, sockets);
  int result6 = list_sockets (AF_INET6, IPPROTO_TCP, states, sockets);

  if (result != 0)
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "VPN mode wasn't switched on: this computer's connections can't be listed (%s), and those that "
                    "came in from outside could be cut. Load the kernel module: `sudo modprobe tcp_diag`.",
                    g_strerror (-result));
      return FALSE;
    }
  if (result6 != 0)
    g_debug ("No IPv6 sockets listed: %s.", g_strerror (-result6));
  ports_add_fixed (inbound);
  for (guint i = 0; i < sockets->len; i++)
    if (g_array_index (sockets, SocketRow, i).state == TCP_LISTEN)
      ports_add (inbound, g_array_index (sockets, SocketRow, i).local_port);
  flows->pinned4 = socket_elements (config, sockets, inbound, TRUE, EW_FAMILY_V4);
  flows->pinned6 = socket_elements (config, sockets, inbound, TRUE, EW_FAMILY_V6);
  return TRUE;
}

/* Best effort: a kernel without udp_diag lists none. */
static void
list_udp (const EwHostConfig *config, EwFlows *flows)
{
  g_autoptr (GArray) sockets = g_array_new (FALSE, TRUE, sizeof (SocketRow));
  g_autoptr (GArray) connected = g_array_new (FALSE, TRUE, sizeof (SocketRow));
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree Ports *fixed = g_new0 (Ports, 1), *served = g_new0 (Ports, 1);

  ports_add_fixed (fixed);
  for (guint port = MOSH_FIRST; port <= MOSH_LAST; port++)
    ports_add (fixed, port);
  /* An unconnected UDP socket is "closed" for sock_diag. */
  list_sockets (AF_INET, IPPROTO_UDP, 1u << TCP_CLOSE, sockets);
  list_sockets (AF_INET6, IPPROTO_UDP, 1u << TCP_CLOSE, sockets);
  for (guint i = 0; i < sockets->len; i++)
    {
      guint16 port = g_array_index (sockets, SocketRow, i).local_port;
      if (port == 0 || !ports_have (fixed, port) || ports_have (served, port))
        continue;
      ports_add (served, port);
      g_string_append_printf (text, "%s%u", text->len > 0 ? ", " : "", port);
    }
  flows->served = g_string_free (g_steal_pointer (&text), FALSE);
  list_sockets (AF_INET, IPPROTO_UDP, 1u << TCP_ESTABLISHED, connected);
  list_sockets (AF_INET6, IPPROTO_UDP, 1u << TCP_ESTABLISHED, connected);
  flows->begun4 = socket_elements (config, connected, fixed, FALSE, EW_FAMILY_V4);
  flows->begun6 = socket_elements (config, connected, fixed, FALSE, EW_FAMILY_V6);
}

EwFlows *
ew_flows_list (const EwHostConfig *config, GError **error)
{
  g_autoptr (EwFlows) flows = g_new0 (EwFlows, 1);

  if (!list_tcp (config, flows, error))
    return NULL;
  list_udp (config, flows);
  return g_steal_pointer (&flows);
}

void
ew_flows_free (EwFlows *flows)
{
  if (flows == NULL)
    return;
  g_free (flows->pinned4);
  g_free (flows->pinned6);
  g_free (flows->begun4);
  g_free (flows->begun6);
  g_free (flows->served);
  g_free (flows);
}

/* ---- conntrack (nfnetlink_conntrack): marks on the flows that it knows already */

#define TUPLE_MAX 256

typedef struct
{
  guint8 af;
  guint8 tuple[TUPLE_MAX]; /* the original direction's attribute, as the kernel gave it, to name the flow by */
  guint16 tuple_length;
  EwIp source, destination; /* of the original direction, before any translation */
  guint8 protocol;
  guint16 destination_port;
  guint32 mark;
} FlowRow;

static EwIp
tuple_ip (const struct nlattr *tuple, guint8 af, gboolean source)
{
  const struct nlattr *part, *field;
  guint wanted = af == AF_INET ? (source ? CTA_IP_V4_SRC : CTA_IP_V4_DST) : (source ? CTA_IP_V6_SRC : CTA_IP_V6_DST);

  mnl_attr_for_each_nested (part, tuple)
  {
    if (mnl_attr_get_type (part) != CTA_TUPLE_IP)
      continue;
    mnl_attr_for_each_nested (field, part)
    {
      if (mnl_attr_get_type (field) == wanted && mnl_attr_get_payload_len (field) == (af == AF_INET ? 4 : 16))
        return ew_ip_from_bytes (ew_family_from_af (af), mnl_attr_get_payload (field));
    }
  }
  return (EwIp){ .family = EW_FAMILY_NONE };
}

static void
read_ports (const struct nlattr *tuple, FlowRow *row)
{
  const struct nlattr *part, *field;

  mnl_attr_for_each_nested (part, tuple)
  {
    if (mnl_attr_get_type (part) != CTA_TUPLE_PROTO)
      continue;
    mnl_attr_for_each_nested (field, part)
    {
      if (mnl_attr_get_type (field) == CTA_PROTO_NUM && mnl_attr_get_payload_len (field) == 1)
        row->protocol = mnl_attr_get_u8 (field);
      if (mnl_attr_get_type (field) == CTA_PROTO_DST_PORT && mnl_attr_get_payload_len (field) == 2)
        row->destination_port = ntohs (mnl_attr_get_u16 (field));
    }
  }
}

static int
read_flow (const struct nlmsghdr *message, void *data)
{
  const struct nfgenmsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *attribute;
  FlowRow row = { .af = header->nfgen_family };

  if (row.af != AF_INET && row.af != AF_INET6)
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, message, sizeof *header)
  {
    if (mnl_attr_get_type (attribute) == CTA_MARK && mnl_attr_get_payload_len (attribute) == 4)
      row.mark = ntohl (mnl_attr_get_u32 (attribute));
    if (mnl_attr_get_type (attribute) != CTA_TUPLE_ORIG || mnl_attr_get_payload_len (attribute) > TUPLE_MAX)
      continue;
    row.tuple_length = mnl_attr_get_payload_len (attribute);
    memcpy (row.tuple, mnl_attr_get_payload (attribute), row.tuple_length);
    row.source = tuple_ip (attribute, row.af, TRUE);
    row.destination = tuple_ip (attribute, row.af, FALSE);
    read_ports (attribute, &row);
  }
  if (row.tuple_length > 0 && row.source.family != EW_FAMILY_NONE && row.destination.family != EW_FAMILY_NONE)
    g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

/* Flows whose mark has these bits where mask has any. None: conntrack doesn't run here. */
static GArray *
list_flows (EwNetlink *netlink, guint32 mark, guint32 mask)
{
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (FlowRow));
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, 0);
  struct nfgenmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->nfgen_family = AF_UNSPEC;
  header->version = NFNETLINK_V0;
  mnl_attr_put_u32 (message, CTA_MARK, htonl (mark));
  mnl_attr_put_u32 (message, CTA_MARK_MASK, htonl (mask));
  ew_netlink_dump (netlink, message, read_flow, rows); /* what was read of an interrupted one serves, too */
  return rows;
}

/* The upper half becomes mark; a flow that ended in the meantime isn't an error. */
static void
set_flow_mark (EwNetlink *netlink, const FlowRow *flow, guint32 mark)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW, 0);
  struct nfgenmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->nfgen_family = flow->af;
  header->version = NFNETLINK_V0;
  mnl_attr_put (message, CTA_TUPLE_ORIG | NLA_F_NESTED, flow->tuple_length, flow->tuple);
  mnl_attr_put_u32 (message, CTA_MARK, htonl (mark));
  mnl_attr_put_u32 (message, CTA_MARK_MASK, htonl (EW_HOST_FWMARK_MASK));
  ew_netlink_request (netlink, message);
}

static gboolean
is_local (GArray *addresses, const EwIp *ip)
{
  for (guint i = 0; i < addresses->len; i++)
    if (ew_ip_equal (&g_array_index (addresses, EwAddressRow, i).ip, ip))
      return TRUE;
  return FALSE;
}

/* Begun by another computer towards an address of this one (its own services; what it translates to an inner host). */
void
ew_flows_mark (EwHost *host, const EwHostConfig *config)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) addresses = ew_netlink_addresses (host->netlink);
  g_autoptr (GArray) flows = NULL;

  if (netlink == NULL || addresses == NULL)
    return;
  flows = list_flows (netlink, 0, EW_HOST_FWMARK_MASK);
  for (guint i = 0; i < flows->len; i++)
    {
      const FlowRow *flow = &g_array_index (flows, FlowRow, i);
      if ((flow->mark & EW_HOST_FWMARK_MASK) == 0 && is_outside (config, &flow->destination, &flow->source)
          && is_local (addresses, &flow->destination) && !is_local (addresses, &flow->source))
        set_flow_mark (netlink, flow, EW_HOST_CONNMARK_INBOUND);
    }
}

void
ew_flows_unmark (EwHost *host)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) flows = NULL;

  if (netlink == NULL || ew_host_get_lockdown (host) != EW_LOCKDOWN_OFF)
    return;
  flows = list_flows (netlink, EW_HOST_CONNMARK_INBOUND, EW_HOST_FWMARK_MASK);
  for (guint i = 0; i < flows->len; i++)
    if ((g_array_index (flows, FlowRow, i).mark & EW_HOST_FWMARK_MASK) == EW_HOST_CONNMARK_INBOUND)
      set_flow_mark (netlink, &g_array_index (flows, FlowRow, i), 0);
}

static void
forget_flow (EwNetlink *netlink, const FlowRow *flow)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_netlink_begin (buffer, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, 0);
  struct nfgenmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->nfgen_family = flow->af;
  header->version = NFNETLINK_V0;
  mnl_attr_put (message, CTA_TUPLE_ORIG | NLA_F_NESTED, flow->tuple_length, flow->tuple);
  ew_netlink_request (netlink, message);
}

/* A flow keeps the translation that it began with, or none, and a resolver that always asks from one port (dnsmasq's
   query-port, or just one that is used again) stays in its flow: without this, its questions would be refused in VPN
   mode, and led to the edge after it. A TCP connection is reopened by its program. */
void
ew_flows_forget_questions (EwHost *host)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) addresses = ew_netlink_addresses (host->netlink);
  g_autoptr (GArray) flows = NULL;

  if (netlink == NULL || addresses == NULL)
    return;
  flows = list_flows (netlink, 0, 0);
  for (guint i = 0; i < flows->len; i++)
    {
      const FlowRow *flow = &g_array_index (flows, FlowRow, i);
      if (flow->protocol == IPPROTO_UDP && flow->destination_port == 53 && !is_local (addresses, &flow->destination))
        forget_flow (netlink, flow);
    }
}
