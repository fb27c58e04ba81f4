/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/inner.h"
#include "proto/bytes.h"

#define V4_HEADER 20
#define V6_HEADER 40

enum
{
  NOT_ECT = 0,
  ECT_1 = 1,
  ECT_0 = 2,
  CE = EW_ECN_CONGESTION_EXPERIENCED
};

size_t
ew_inner_length (const uint8_t *packet, size_t len)
{
  size_t claimed = 0, smallest = V4_HEADER;
  if (len >= V4_HEADER && packet[0] >> 4 == 4)
    claimed = ew_load_be16 (packet + 2);
  else if (len >= V6_HEADER && packet[0] >> 4 == 6)
    {
      smallest = V6_HEADER;
      claimed = V6_HEADER + (size_t)ew_load_be16 (packet + 4);
    }
  return claimed >= smallest && claimed <= len ? claimed : 0;
}

EwFamily
ew_inner_family (const uint8_t *packet)
{
  return packet[0] >> 4 == 4 ? EW_FAMILY_V4 : EW_FAMILY_V6;
}

const uint8_t *
ew_inner_source (const uint8_t *packet)
{
  return packet + (ew_inner_family (packet) == EW_FAMILY_V4 ? 12 : 8);
}

const uint8_t *
ew_inner_destination (const uint8_t *packet)
{
  return packet + (ew_inner_family (packet) == EW_FAMILY_V4 ? 16 : 24);
}

static uint8_t
get_ecn (const uint8_t *packet)
{
  return ew_inner_family (packet) == EW_FAMILY_V4 ? packet[1] & 3 : packet[1] >> 4 & 3;
}

static void
set_ecn (uint8_t *packet, uint8_t ecn)
{
  if (ew_inner_family (packet) == EW_FAMILY_V6)
    {
      packet[1] = (uint8_t)((packet[1] & 0xcf) | ecn << 4);
      return;
    }
  /* The header checksum follows: RFC 1624, HC' = ~(~HC + ~m + m'). */
  uint16_t before = ew_load_be16 (packet);
  packet[1] = (uint8_t)((packet[1] & 0xfc) | ecn);
  uint32_t sum = (uint16_t)~ew_load_be16 (packet + 10) + (uint32_t)(uint16_t)~before + ew_load_be16 (packet);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ew_store_be16 (packet + 10, (uint16_t)~sum);
}

uint8_t
ew_inner_ecn_encapsulate (const uint8_t *packet, size_t len)
{
  if (len < 2 || (packet[0] >> 4 != 4 && packet[0] >> 4 != 6))
    return NOT_ECT;
  return get_ecn (packet);
}

bool
ew_inner_ecn_decapsulate (uint8_t *packet, uint8_t outer)
{
  uint8_t inner = get_ecn (packet);
  outer &= 3;
  if (inner == NOT_ECT)
    return outer != CE;
  if (inner != CE && (outer == CE || (outer == ECT_1 && inner == ECT_0)))
    set_ecn (packet, outer);
  return true;
}
