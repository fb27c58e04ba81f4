/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joining and splitting of packets. Input: packets, each two bytes of length (big endian) and its bytes; the
 * first byte says what to do. Lengths and checksums in the headers are fixed first where a bit says so, since no
 * fuzzer finds them.
 */
#include <string.h>

#include "engine/segment.h"
#include "engine/transport.h"
#include "offload-check.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
mend (guint8 *packet, gsize len)
{
  const gsize ip = len >= 40 && packet[0] >> 4 == 6 ? 40 : 20;
  const guint8 protocol = len < 28 ? 0 : ip == 40 ? packet[6] : packet[9];

  if (len < 28 || len > G_MAXUINT16 || (packet[0] != 0x45 && ip == 20))
    return;
  ew_transport_set_ip_length (packet, ip, len);
  if (protocol == 17 && len >= ip + EW_UDP_SIZE)
    {
      ew_store_be16 (packet + ip + 4, (guint16)(len - ip));
      offload_set_checksum (packet, ip, len, 17);
    }
  else if (protocol == 6 && len >= ip + EW_TCP_SIZE)
    offload_set_checksum (packet, ip, len, 6);
}

/* Arbitrary bytes as the host's packet: it is segmented or refused. */
static void
cut (const guint8 *data, gsize size)
{
  struct virtio_net_hdr header;
  EwSegmenter segmenter;

  if (size < sizeof header)
    return;
  memcpy (&header, data, sizeof header);
  const gsize len = size - sizeof header;
  g_autofree guint8 *packet = g_memdup2 (data + sizeof header, len);
  if (ew_segmenter_init (&segmenter, &header, packet, len))
    for (gsize next; (next = ew_segmenter_peek (&segmenter)) > 0;)
      {
        g_autofree guint8 *out = g_malloc (next);
        g_assert_cmpuint (next, <=, len);
        ew_segmenter_next (&segmenter, out);
      }
  if (packet != NULL)
    ew_segment_finish_checksum (&header, packet, len);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EwPacket packets[EW_COALESCE_MAX] = { 0 };
  gsize n = 0;

  if (size == 0)
    return 0;
  const guint8 how = *data++;
  size--;
  if (how & 1)
    {
      cut (data, size);
      return 0;
    }
  while (size > 2 && n < EW_COALESCE_MAX)
    {
      const gsize len = MIN ((gsize)(data[0] << 8 | data[1]), MIN (size - 2, OFFLOAD_PACKET_MAX));
      if (len > 0)
        {
          packets[n] = (EwPacket){ .data = g_memdup2 (data + 2, len), .len = len };
          if (how & 2)
            mend (packets[n].data, len);
          n++;
        }
      data += 2 + len;
      size -= 2 + len;
    }
  offload_check (packets, n, (how & 4) != 0);
  for (gsize i = 0; i < n; i++)
    g_free (packets[i].data);
  return 0;
}
