/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offload-check.h"

#include <string.h>

#include "engine/segment.h"
#include "engine/transport.h"

typedef struct
{
  EwPacket packets[EW_COALESCE_MAX]; /* copies, changed by joining */
  guint8 *before[EW_COALESCE_MAX];   /* copies, as they were */
  gsize n, emitted;
  gboolean seen[EW_COALESCE_MAX];
  gsize last_index[EW_COALESCE_MAX];
} Check;

static gsize
index_of (const Check *check, const guint8 *data)
{
  for (gsize i = 0; i < check->n; i++)
    if (data >= check->packets[i].data && data < check->packets[i].data + check->packets[i].len)
      return i;
  g_assert_not_reached ();
}

/* Of TCP and UDP without options, by its packet as it was. */
static gboolean
same_flow (const guint8 *a, gsize a_len, const guint8 *b, gsize b_len)
{
  if (a_len < 28 || b_len < 28 || a[0] != b[0])
    return FALSE;
  if (a[0] == 0x45)
    return a[9] == b[9] && memcmp (a + 12, b + 12, 12) == 0;
  return a_len >= 48 && b_len >= 48 && a[0] >> 4 == 6 && a[6] == b[6] && memcmp (a + 8, b + 8, 36) == 0;
}

/* No packet of the same flow that came earlier may come out later. */
static void
take (Check *check, gsize i)
{
  g_assert_false (check->seen[i]);
  check->seen[i] = TRUE;
  for (gsize k = 0; k < i; k++)
    if (!check->seen[k])
      g_assert_false (same_flow (check->before[k], check->packets[k].len, check->before[i], check->packets[i].len));
}

/* The identification of a packet that is never fragmented says nothing (RFC 6864 section 4). */
static void
forget_identification (guint8 *packet)
{
  if (packet[0] >> 4 != 4)
    return;
  ew_store_be16 (packet + 4, 0);
  ew_transport_set_ip_length (packet, 20, ew_load_be16 (packet + 2));
}

static void
check_cut (Check *check, const struct virtio_net_hdr *header, const struct iovec *parts, gsize n_parts, gsize len)
{
  g_autofree guint8 *whole = g_malloc (len), *out = g_malloc (len);
  EwSegmenter segmenter;
  gsize at = 0;

  for (gsize i = 1; i < n_parts; i++)
    {
      memcpy (whole + at, parts[i].iov_base, parts[i].iov_len);
      at += parts[i].iov_len;
    }
  g_assert_true (ew_segmenter_init (&segmenter, header, whole, len));
  for (gsize i = 1; i < n_parts; i++)
    {
      const gsize index = index_of (check, parts[i].iov_base), size = ew_segmenter_peek (&segmenter);
      g_assert_cmpuint (size, ==, check->packets[index].len);
      ew_segmenter_next (&segmenter, out);
      forget_identification (out);
      forget_identification (check->before[index]);
      g_assert_cmpmem (out, size, check->before[index], size);
      take (check, index);
    }
  g_assert_cmpuint (ew_segmenter_peek (&segmenter), ==, 0);
}

static void
on_emit (void *user, const struct virtio_net_hdr *header, struct iovec *parts, gsize n_parts, gsize n_packets)
{
  Check *check = user;
  gsize len = 0;

  g_assert_cmpuint (n_parts, ==, n_packets + 1);
  for (gsize i = 1; i < n_parts; i++)
    len += parts[i].iov_len;
  check->emitted++;
  g_assert_cmpuint (len, <=, G_MAXUINT16);
  if (n_packets > 1)
    {
      check_cut (check, header, parts, n_parts, len);
      return;
    }
  const gsize index = index_of (check, parts[1].iov_base);
  g_assert_cmpuint (header->gso_type, ==, VIRTIO_NET_HDR_GSO_NONE);
  g_assert_cmpmem (parts[1].iov_base, parts[1].iov_len, check->before[index], check->packets[index].len);
  take (check, index);
}

gsize
offload_check (const EwPacket *packets, gsize n, gboolean udp)
{
  g_autofree Check *check = g_new0 (Check, 1);

  check->n = n;
  for (gsize i = 0; i < n; i++)
    {
      check->packets[i].len = packets[i].len;
      check->packets[i].data = g_memdup2 (packets[i].data, packets[i].len); /* exactly as large, so that a read beyond
                                                                               it is found */
      check->before[i] = g_memdup2 (packets[i].data, packets[i].len);
    }
  ew_coalesce (check->packets, n, udp, on_emit, check);
  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (check->seen[i]);
      g_free (check->packets[i].data);
      g_free (check->before[i]);
    }
  return check->emitted;
}
