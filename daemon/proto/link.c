/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/link.h"
#include "proto/packet-private.h"

#include <string.h>

#define UDP_HEADER 8
#define UDP_SIZE (UDP_HEADER + EW_LINK_MESSAGE_SIZE)

static const uint8_t magic[4] = { 'E', 'W', 'L', '1' };

static bool
type_is_known (uint8_t type)
{
  switch (type)
    {
    case EW_LINK_PROBE:
    case EW_LINK_ANSWER:
    case EW_LINK_NOTICE:
    case EW_LINK_GOODBYE:
    case EW_LINK_EDGE_PROBE:
    case EW_LINK_EDGE_ANSWER:
      return true;
    default:
      return false;
    }
}

static const char *const problem_codes[] = {
  [EW_NODE_PROBLEM_TWO_MACHINES] = "two-machines",
  [EW_NODE_PROBLEM_CLOCK_BEHIND] = "clock-behind",
  [EW_NODE_PROBLEM_RESTORED] = "restored",
  [EW_NODE_PROBLEM_REFUSED] = "handshakes-refused",
};
#define N_PROBLEMS (sizeof problem_codes / sizeof problem_codes[0])

const char *
ew_node_problem_get_code (EwNodeProblem problem)
{
  return (size_t)problem < N_PROBLEMS ? problem_codes[problem] : NULL;
}

EwNodeProblem
ew_node_problem_from_code (const char *code)
{
  for (size_t i = 1; code != NULL && i < N_PROBLEMS; i++)
    if (strcmp (code, problem_codes[i]) == 0)
      return (EwNodeProblem)i;
  return EW_NODE_PROBLEM_NONE;
}

size_t
ew_link_build (uint8_t *out, const EwIp *from, const EwIp *to, const EwLinkMessage *message)
{
  size_t header = ew_packet_write_header (out, from, to, EW_PROTOCOL_UDP, 0, UDP_SIZE);
  if (header == 0)
    return 0;
  uint8_t *udp = out + header, *body = udp + UDP_HEADER;
  ew_store_be16 (udp, EW_LINK_PORT);
  ew_store_be16 (udp + 2, EW_LINK_PORT);
  ew_store_be16 (udp + 4, UDP_SIZE);
  ew_store_be16 (udp + 6, 0);
  memcpy (body, magic, sizeof magic);
  body[4] = (uint8_t)message->type;
  body[5] = message->type == EW_LINK_ANSWER ? (uint8_t)message->problem : 0;
  ew_store_be16 (body + 6, EW_LINK_MESSAGE_SIZE);
  ew_store_be64 (body + 8, message->token);
  ew_store_be64 (body + 16, message->revision.hash);
  ew_store_be64 (body + 24, message->stamp_ns);
  uint16_t sum = ew_checksum (udp, UDP_SIZE, ew_packet_pseudo_sum (from, to, EW_PROTOCOL_UDP, UDP_SIZE));
  ew_store_be16 (udp + 6, sum == 0 ? 0xffff : sum); /* 0 would mean no checksum, RFC 768 */
  return header + UDP_SIZE;
}

bool
ew_link_parse (const uint8_t *packet, size_t len, EwIp *from, EwIp *to, EwLinkMessage *message)
{
  EwIpHeader header;
  if (!ew_packet_parse_plain (packet, len, &header) || header.protocol != EW_PROTOCOL_UDP
      || header.total_length != header.header_length + UDP_SIZE)
    return false;
  const uint8_t *udp = packet + header.header_length, *body = udp + UDP_HEADER;
  uint32_t pseudo = ew_packet_pseudo_sum (&header.source, &header.destination, EW_PROTOCOL_UDP, UDP_SIZE);
  if (ew_load_be16 (udp) != EW_LINK_PORT || ew_load_be16 (udp + 2) != EW_LINK_PORT || ew_load_be16 (udp + 4) != UDP_SIZE
      || ew_load_be16 (udp + 6) == 0 || ew_checksum (udp, UDP_SIZE, pseudo) != 0)
    return false;
  if (memcmp (body, magic, sizeof magic) != 0 || !type_is_known (body[4])
      || ew_load_be16 (body + 6) != EW_LINK_MESSAGE_SIZE)
    return false;
  *from = header.source;
  *to = header.destination;
  *message = (EwLinkMessage){
    .type = (EwLinkType)body[4],
    .problem = body[4] == EW_LINK_ANSWER && body[5] < N_PROBLEMS ? (EwNodeProblem)body[5] : EW_NODE_PROBLEM_NONE,
    .token = ew_load_be64 (body + 8),
    .revision = { ew_load_be64 (body + 16) },
    .stamp_ns = ew_load_be64 (body + 24),
  };
  return true;
}
