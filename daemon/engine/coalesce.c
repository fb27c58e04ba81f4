/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/coalesce.h"

#include <netinet/in.h>
#include <string.h>
#include "engine/segment.h"
#include "engine/transport.h"

#define OPEN_MAX 8 /* flows that are looked at for the next packet */
#define NOBODY 0xff

/* What is joined so far: a chain of packets of one flow. */
typedef struct
{
  guint8 first, last; /* packets of the chain */
  guint8 n;
  gboolean open;  /* may take more */
  gboolean right; /* the first one's checksum has been looked at */
  guint8 protocol;
  guint16 ip_size, header; /* bytes of the IP header, and of both headers */
  guint16 segment;         /* payload of each but the last */
  gsize payload;           /* of all */
  guint32 next_sequence;   /* TCP */
} Chain;

typedef struct
{
  const EwPacket *packets;
  gboolean udp;
  guint8 next[EW_COALESCE_MAX]; /* in its chain */
  Chain chains[EW_COALESCE_MAX];
  gsize n_chains;
} Work;

G_STATIC_ASSERT (EW_COALESCE_MAX < NOBODY);

/* A packet that may be joined: a plain header, payload, nothing that a later one could contradict. */
static gboolean
read_chain (const Work *work, guint8 i, Chain *chain)
{
  const guint8 *packet = work->packets[i].data;
  const gsize len = work->packets[i].len;
  const guint8 *transport;

  *chain = (Chain){ .first = i, .last = i, .n = 1 };
  if (len < EW_IPV4_SIZE + EW_UDP_SIZE)
    return FALSE;
  if (packet[0] == 0x45) /* no options; not a fragment, and never to be one, so the identification says nothing */
    {
      if (ew_load_be16 (packet + 2) != len || ew_load_be16 (packet + 6) != 0x4000)
        return FALSE;
      chain->ip_size = EW_IPV4_SIZE;
      chain->protocol = packet[9];
    }
  else if (packet[0] >> 4 == 6 && len >= EW_IPV6_SIZE + EW_UDP_SIZE)
    {
      if (ew_load_be16 (packet + 4) != len - EW_IPV6_SIZE)
        return FALSE;
      chain->ip_size = EW_IPV6_SIZE;
      chain->protocol = packet[6];
    }
  else
    return FALSE;
  transport = packet + chain->ip_size;
  if (chain->protocol == IPPROTO_TCP && len >= (gsize)chain->ip_size + EW_TCP_SIZE)
    {
      chain->header = (guint16)(chain->ip_size + (transport[12] >> 4) * 4);
      if (chain->header < chain->ip_size + EW_TCP_SIZE || chain->header >= len
          || (transport[13] & ~EW_TCP_PSH) != EW_TCP_ACK || (transport[12] & 0x0f) != 0)
        return FALSE;
      chain->open = (transport[13] & EW_TCP_PSH) == 0;
      chain->next_sequence = ew_load_be32 (transport + 4) + (guint32)(len - chain->header);
    }
  else if (chain->protocol == IPPROTO_UDP && work->udp)
    {
      chain->header = (guint16)(chain->ip_size + EW_UDP_SIZE);
      if (ew_load_be16 (transport + 4) != len - chain->ip_size || ew_load_be16 (transport + EW_UDP_CHECKSUM) == 0
          || chain->header >= len)
        return FALSE;
      chain->open = TRUE;
    }
  else
    return FALSE;
  chain->segment = (guint16)(len - chain->header);
  chain->payload = chain->segment;
  return TRUE;
}

static const guint8 *
head_of (const Work *work, const Chain *chain)
{
  return work->packets[chain->first].data;
}

static gboolean
same_flow (const Work *work, const Chain *a, const Chain *b)
{
  const guint8 *x = head_of (work, a), *y = head_of (work, b);

  return a->ip_size == b->ip_size && a->protocol == b->protocol
         && memcmp (x + a->ip_size, y + b->ip_size, 4) == 0 /* ports */
         && (a->ip_size == EW_IPV4_SIZE ? memcmp (x + 12, y + 12, 8) == 0 : memcmp (x + 8, y + 8, 32) == 0);
}

/* The headers agree in all that cutting would copy. */
static gboolean
same_headers (const Work *work, const Chain *a, const Chain *b)
{
  const guint8 *x = head_of (work, a), *y = head_of (work, b);
  const guint8 *p = x + a->ip_size, *q = y + b->ip_size;

  if (a->header != b->header)
    return FALSE;
  if (a->ip_size == EW_IPV4_SIZE ? x[1] != y[1] || x[8] != y[8] : memcmp (x, y, 4) != 0 || x[7] != y[7])
    return FALSE; /* traffic class, TTL; IPv6: version, class and flow label, hop limit */
  if (a->protocol == IPPROTO_UDP)
    return TRUE;
  return memcmp (p + 8, q + 8, 5) == 0      /* acknowledgement, header size */
         && memcmp (p + 14, q + 14, 2) == 0 /* window */
         && memcmp (p + 18, q + 18, 2) == 0 /* urgent pointer */
         && memcmp (p + EW_TCP_SIZE, q + EW_TCP_SIZE, (gsize)a->header - a->ip_size - EW_TCP_SIZE) == 0;
}

static gboolean
is_right (const Work *work, const Chain *chain)
{
  return ew_transport_checksum_is_right (head_of (work, chain), chain->ip_size, work->packets[chain->first].len,
                                         chain->protocol);
}

/* Joins `more`, a chain of one, to the end of chain. FALSE: it must be separate. */
static gboolean
join (Work *work, Chain *chain, const Chain *more)
{
  if (!chain->open || chain->n == EW_COALESCE_PARTS || more->payload > chain->segment
      || chain->header + chain->payload + more->payload > G_MAXUINT16 || !same_headers (work, chain, more))
    return FALSE;
  if (chain->protocol == IPPROTO_TCP
      && ew_load_be32 (head_of (work, more) + chain->ip_size + 4) != chain->next_sequence)
    return FALSE;
  if (!chain->right && !(chain->right = is_right (work, chain)))
    return FALSE;
  if (!is_right (work, more))
    return FALSE;
  work->next[chain->last] = more->first;
  chain->last = more->first;
  chain->n++;
  chain->payload += more->payload;
  chain->next_sequence = more->next_sequence;
  chain->open = more->open && more->payload == chain->segment;
  return TRUE;
}

/* A packet of TCP or UDP whose flow was not even looked at (a fragment, a length that is wrong): nothing overtakes it.
 */
static void
close_chains (Work *work, guint8 i, gsize oldest)
{
  const guint8 *packet = work->packets[i].data;
  const gsize len = work->packets[i].len;
  const guint8 protocol = len < EW_IPV4_SIZE ? 0 : packet[0] >> 4 == 4 ? packet[9] : packet[6];

  if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
    for (gsize k = oldest; k < work->n_chains; k++)
      work->chains[k].open = FALSE;
}

static void
take (Work *work, guint8 i)
{
  Chain *chain = &work->chains[work->n_chains];
  const gboolean joinable = read_chain (work, i, chain);
  const gsize oldest = work->n_chains > OPEN_MAX ? work->n_chains - OPEN_MAX : 0;

  work->next[i] = NOBODY;
  work->n_chains++;
  if (!joinable && chain->ip_size == 0)
    {
      close_chains (work, i, oldest);
      return;
    }
  for (gsize k = work->n_chains - 1; k > oldest; k--)
    {
      Chain *earlier = &work->chains[k - 1];
      if (earlier->segment == 0 || !same_flow (work, earlier, chain))
        continue;
      if (joinable && join (work, earlier, chain))
        {
          work->n_chains--;
          return;
        }
      earlier->open = FALSE; /* what comes later must not overtake this one */
      break;
    }
}

/* The first one's header becomes that of all. */
static void
write_header (const Work *work, const Chain *chain, struct virtio_net_hdr *header)
{
  guint8 *packet = work->packets[chain->first].data, *transport = packet + chain->ip_size;
  const gsize len = chain->header + chain->payload, behind = len - chain->ip_size;
  const gboolean tcp = chain->protocol == IPPROTO_TCP;
  const guint16 field = tcp ? EW_TCP_CHECKSUM : EW_UDP_CHECKSUM;

  ew_transport_set_ip_length (packet, chain->ip_size, len);
  if (tcp)
    transport[13] |= work->packets[chain->last].data[chain->ip_size + 13] & EW_TCP_PSH;
  else
    ew_store_be16 (transport + 4, (guint16)behind);
  ew_store_be16 (transport + field, ew_transport_pseudo_sum (packet, behind, chain->protocol));
  *header = (struct virtio_net_hdr){
    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
    .gso_type = !tcp                             ? VIRTIO_NET_HDR_GSO_UDP_L4
                : chain->ip_size == EW_IPV4_SIZE ? VIRTIO_NET_HDR_GSO_TCPV4
                                                 : VIRTIO_NET_HDR_GSO_TCPV6,
    .hdr_len = chain->header,
    .gso_size = chain->segment,
    .csum_start = chain->ip_size,
    .csum_offset = field,
  };
}

void
ew_coalesce (const EwPacket *packets, gsize n, gboolean udp, EwCoalesceEmit emit, void *user)
{
  Work work;
  struct virtio_net_hdr header;
  struct iovec parts[1 + EW_COALESCE_PARTS];

  work.packets = packets;
  work.udp = udp;
  work.n_chains = 0;
  for (gsize i = 0; i < n; i++)
    take (&work, (guint8)i);
  for (gsize k = 0; k < work.n_chains; k++)
    {
      const Chain *chain = &work.chains[k];
      gsize n_parts = 1;
      header = (struct virtio_net_hdr){ 0 };
      if (chain->n > 1)
        write_header (&work, chain, &header);
      for (guint8 i = chain->first; i != NOBODY; i = work.next[i])
        {
          const gsize skip = i == chain->first ? 0 : chain->header;
          parts[n_parts++] = (struct iovec){ packets[i].data + skip, packets[i].len - skip };
        }
      emit (user, &header, parts, n_parts, chain->n);
    }
}
