/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/packet-model.h"

typedef struct
{
  guint protocol;
  gsize at, end;
  gboolean later, refused;
  gboolean plain; /* directly after the fixed header */
} Upper;

static guint
word_at (const guint8 *bytes)
{
  return (guint)bytes[0] * 256 + bytes[1];
}

static gboolean
read_v4 (const guint8 *packet, gsize len, Upper *out)
{
  const gsize header = len < 20 ? 0 : (packet[0] % 16) * 4u;
  const gsize total = len < 20 ? 0 : word_at (packet + 2);
  const guint place = len < 20 ? 0 : word_at (packet + 6);

  if (header < 20 || total < header || total > len)
    return FALSE;
  *out = (Upper){ .protocol = packet[9], .at = header, .end = total, .later = place % 0x2000 != 0, .plain = TRUE };
  if (place / 0x2000 % 2 == 1 && !out->later && total - header < 8)
    out->refused = TRUE;
  for (gsize i = 20; i < header && packet[i] != 0;)
    {
      if (packet[i] == 1)
        i++;
      else if (packet[i] == 131 || packet[i] == 137 || i + 1 >= header || packet[i + 1] < 2
               || i + packet[i + 1] > header)
        {
          out->refused = TRUE;
          break;
        }
      else
        i += packet[i + 1];
    }
  return TRUE;
}

static gboolean
read_v6 (const guint8 *packet, gsize len, Upper *out)
{
  gboolean first = FALSE;
  gsize headers = 0;

  if (len < 40 || 40 + word_at (packet + 4) > len)
    return FALSE;
  *out = (Upper){ .protocol = packet[6], .at = 40, .end = 40 + word_at (packet + 4), .plain = TRUE };
  while (out->protocol == 0 || out->protocol == 43 || out->protocol == 44 || out->protocol == 60)
    {
      const guint8 *extension = packet + out->at;
      const guint was = out->protocol;

      out->refused
        = headers == 8 || out->at + 8 > out->end || (was == 0 && headers > 0) || (was == 43 && extension[3] != 0);
      if (out->refused)
        return TRUE;
      headers++;
      out->plain = FALSE;
      out->protocol = extension[0];
      if (was == 44 && word_at (extension + 2) / 8 != 0)
        {
          out->later = TRUE;
          return TRUE;
        }
      first |= was == 44 && extension[3] % 2 == 1;
      out->at += was == 44 ? 8 : (extension[1] + 1u) * 8;
      if (out->at > out->end)
        {
          out->refused = TRUE;
          return TRUE;
        }
    }
  out->refused = first && out->at + 8 > out->end;
  return TRUE;
}

static EwPolicyPacket
read_icmp (const Upper *upper, const guint8 *packet, gboolean v6)
{
  const guint protocol = v6 ? 58 : 1;
  const guint type = upper->at < upper->end ? packet[upper->at] : 256;

  if (upper->plain && upper->protocol == protocol
      && (v6 ? type < 128 || type == 137 : type == 3 || type == 4 || type == 5 || type == 11 || type == 12))
    return EW_POLICY_PACKET_ERROR;
  if (upper->end >= upper->at + 8 && type == (upper->protocol == 1 ? 8 : 128))
    return EW_POLICY_PACKET_OPENS;
  return EW_POLICY_PACKET_ALONE;
}

gboolean
packet_model_read (const guint8 *packet, gsize len, EwPolicyKey *key, EwPolicyPacket *kind)
{
  const gboolean v6 = len > 0 && packet[0] / 16 == 6;
  const gsize size = v6 ? 16 : 4, at = v6 ? 8 : 12;
  Upper upper = { 0 };

  if (len == 0 || (!v6 && packet[0] / 16 != 4) || !(v6 ? read_v6 (packet, len, &upper) : read_v4 (packet, len, &upper)))
    return FALSE;
  const gboolean ports = upper.protocol == 6 || upper.protocol == 17 || upper.protocol == 33 || upper.protocol == 132;

  *key = (EwPolicyKey){ .protocol = (guint8)upper.protocol, .unreadable = ports };
  key->source.family = key->destination.family = v6 ? EW_FAMILY_V6 : EW_FAMILY_V4;
  memcpy (key->source.bytes, packet + at, size);
  memcpy (key->destination.bytes, packet + at + size, size);
  if (upper.refused)
    *kind = EW_POLICY_PACKET_REFUSED;
  else if (upper.later)
    *kind = EW_POLICY_PACKET_FOLLOWS;
  else if (upper.protocol == 1 || upper.protocol == 58)
    *kind = read_icmp (&upper, packet, v6);
  else if (ports && upper.at + 8 > upper.end)
    *kind = EW_POLICY_PACKET_ALONE;
  else
    *kind = EW_POLICY_PACKET_OPENS;
  if (*kind == EW_POLICY_PACKET_OPENS && ports)
    {
      key->unreadable = FALSE;
      key->port = (guint16)word_at (packet + upper.at + 2);
    }
  return TRUE;
}
