/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sparse.h"

#include <netinet/in.h>
#include <string.h>

#define NS_PER_BYTE 10000 /* 0.8 Mbit/s: the acknowledgements of a download of 40 Mbit/s are still sparse */
#define ALLOWANCE_NS (G_GUINT64_CONSTANT (4096) * NS_PER_BYTE)
/* Longer than anything waits in a queue: no packet of the flow is overtaken by a later one of its own. */
#define REFORMED_NS (G_GUINT64_CONSTANT (200000000))

static guint32
mix (guint32 hash, const guint8 *bytes, gsize words)
{
  for (gsize i = 0; i < words; i++)
    {
      guint32 word;
      memcpy (&word, bytes + 4 * i, sizeof word);
      hash = (hash ^ word) * 0x9e3779b1u;
      hash ^= hash >> 15;
    }
  return hash;
}

static gboolean
has_ports (guint8 protocol)
{
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* FALSE: not IP. */
static gboolean
hash_flow (const guint8 *packet, gsize length, guint32 *hash)
{
  const guint version = length > 0 ? packet[0] >> 4 : 0;

  if (version == 4 && length >= 20)
    {
      const gsize header = (packet[0] & 0xfu) * 4;
      const gboolean fragment = ((packet[6] & 0x1f) | packet[7]) != 0;
      *hash = mix (packet[9], packet + 12, 2);
      if (has_ports (packet[9]) && !fragment && length >= header + 4)
        *hash = mix (*hash, packet + header, 1);
      return TRUE;
    }
  if (version == 6 && length >= 40)
    {
      *hash = mix (packet[6], packet + 8, 8);
      if (has_ports (packet[6]) && length >= 44)
        *hash = mix (*hash, packet + 40, 1);
      return TRUE;
    }
  return FALSE;
}

gboolean
ew_sparse_look (EwSparse *self, const guint8 *packet, gsize length, guint64 now_ns)
{
  guint32 hash;

  if (!hash_flow (packet, length, &hash))
    return FALSE;
  EwSparseFlow *flow = &self->flows[hash % EW_SPARSE_FLOWS];
  flow->due_ns = MAX (flow->due_ns, now_ns) + length * NS_PER_BYTE;
  if (flow->due_ns > now_ns + ALLOWANCE_NS)
    {
      flow->due_ns = now_ns + ALLOWANCE_NS;
      flow->bulk_until_ns = now_ns + REFORMED_NS;
    }
  return now_ns >= flow->bulk_until_ns;
}
