/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/link.h"
#include "proto/packet-private.h"

#include <string.h>

#define UDP_HEADER 8
#define UDP_SIZE (UDP_HEADER + EW_LINK_MESSAGE_SIZE) /* without padding */

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
    case EW_LINK_SIZE_PROBE:
    case EW_LINK_SIZE_ANSWER:
    case EW_LINK_COUNT:
    case EW_LINK_COUNTED:
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

/* The flags that a type may have. */
static uint8_t
flags_of (uint8_t type)
{
  return type == EW_LINK_ANSWER  ? EW_LINK_COUNTS | EW_LINK_SINGLY | EW_LINK_MOVED
         : type == EW_LINK_PROBE ? EW_LINK_COUNTS
                                 : 0;
}

static EwNodeProblem
problem_of (uint8_t type, uint8_t note)
{
  const uint8_t number = note & (uint8_t)~flags_of (type);
  return type == EW_LINK_ANSWER && number < N_PROBLEMS ? (EwNodeProblem)number : EW_NODE_PROBLEM_NONE;
}

static bool
has_sizes (EwLinkType type)
{
  return type == EW_LINK_SIZE_PROBE || type == EW_LINK_SIZE_ANSWER;
}

/* Of the UDP datagram, header and padding included. */
static size_t
datagram_size (const EwLinkMessage *message, EwFamily family)
{
  const size_t header = family == EW_FAMILY_V4 ? EW_IPV4_HEADER : EW_IPV6_HEADER;
  const size_t wanted = message->type == EW_LINK_SIZE_PROBE    ? message->probe_size
                        : message->type == EW_LINK_SIZE_ANSWER ? message->answer_size
                                                               : 0;
  return wanted > header + UDP_SIZE && wanted <= EW_LINK_SIZE_MAX ? wanted - header : UDP_SIZE;
}

static void
write_body (uint8_t *body, size_t size, const EwLinkMessage *message)
{
  memcpy (body, magic, sizeof magic);
  body[4] = (uint8_t)message->type;
  body[5] = message->flags & flags_of (body[4]);
  if (message->type == EW_LINK_ANSWER)
    body[5] |= (uint8_t)message->problem;
  ew_store_be16 (body + 6, (uint16_t)size);
  ew_store_be64 (body + 8, message->token);
  ew_store_be64 (body + 16, message->revision.hash);
  if (has_sizes (message->type))
    {
      ew_store_be16 (body + 16, message->probe_size);
      ew_store_be16 (body + 18, message->answer_size);
      ew_store_be16 (body + 20, message->takes);
      ew_store_be16 (body + 22, 0);
    }
  ew_store_be64 (body + 24, message->stamp_ns);
  memset (body + EW_LINK_MESSAGE_SIZE, 0, size - EW_LINK_MESSAGE_SIZE);
}

size_t
ew_link_build (uint8_t *out, const EwIp *from, const EwIp *to, const EwLinkMessage *message)
{
  const size_t size = datagram_size (message, from->family);
  size_t header = ew_packet_write_header (out, from, to, EW_PROTOCOL_UDP, 0, size);
  if (header == 0)
    return 0;
  uint8_t *udp = out + header;
  ew_store_be16 (udp, EW_LINK_PORT);
  ew_store_be16 (udp + 2, EW_LINK_PORT);
  ew_store_be16 (udp + 4, (uint16_t)size);
  ew_store_be16 (udp + 6, 0);
  write_body (udp + UDP_HEADER, size - UDP_HEADER, message);
  uint16_t sum = ew_checksum (udp, size, ew_packet_pseudo_sum (from, to, EW_PROTOCOL_UDP, size));
  ew_store_be16 (udp + 6, sum == 0 ? 0xffff : sum); /* 0 would mean no checksum, RFC 768 */
  return header + size;
}

static EwLinkMessage
read_body (const uint8_t *body)
{
  EwLinkMessage message = {
    .type = (EwLinkType)body[4],
    .problem = problem_of (body[4], body[5]),
    .flags = body[5] & flags_of (body[4]),
    .token = ew_load_be64 (body + 8),
    .stamp_ns = ew_load_be64 (body + 24),
  };
  if (has_sizes (message.type))
    {
      message.probe_size = ew_load_be16 (body + 16);
      message.answer_size = ew_load_be16 (body + 18);
      message.takes = ew_load_be16 (body + 20);
    }
  else
    message.revision.hash = ew_load_be64 (body + 16);
  return message;
}

bool
ew_link_parse (const uint8_t *packet, size_t len, EwIp *from, EwIp *to, EwLinkMessage *message)
{
  EwIpHeader header;
  if (!ew_packet_parse_plain (packet, len, &header) || header.protocol != EW_PROTOCOL_UDP
      || header.total_length < header.header_length + UDP_SIZE || header.total_length > EW_LINK_SIZE_MAX)
    return false;
  const size_t size = (size_t)header.total_length - header.header_length;
  const uint8_t *udp = packet + header.header_length, *body = udp + UDP_HEADER;
  if (ew_load_be16 (udp) != EW_LINK_PORT || ew_load_be16 (udp + 2) != EW_LINK_PORT || ew_load_be16 (udp + 4) != size
      || ew_load_be16 (udp + 6) == 0)
    return false;
  if (memcmp (body, magic, sizeof magic) != 0 || !type_is_known (body[4])
      || ew_load_be16 (body + 6) != size - UDP_HEADER || (size > UDP_SIZE && !has_sizes ((EwLinkType)body[4])))
    return false;
  if (ew_checksum (udp, size, ew_packet_pseudo_sum (&header.source, &header.destination, EW_PROTOCOL_UDP, size)) != 0)
    return false;
  *from = header.source;
  *to = header.destination;
  *message = read_body (body);
  return true;
}

/* The two halves of a revision. */
#define SESSION_AND(index, n) ((EwRevision){ (uint64_t)(index) << 32 | (n) })
#define SESSION(revision) ((uint32_t)((revision).hash >> 32))
#define NUMBER(revision) ((uint32_t)(revision).hash)

size_t
ew_link_build_count (uint8_t *out, const EwIp *from, const EwIp *to, const EwBurstSample *sample)
{
  const EwLinkMessage message
    = { .type = EW_LINK_COUNT, .token = sample->first, .revision = SESSION_AND (sample->index, sample->n) };
  return ew_link_build (out, from, to, &message);
}

void
ew_link_answer_count (EwLane *lane, const EwPeer *from, EwLinkMessage *message)
{
  const uint32_t session = SESSION (message->revision);
  unsigned seen;
  if (!ew_lane_count_arrived (lane, from, session, message->token, NUMBER (message->revision), &seen))
    seen = EW_BURSTS_UNKNOWN;
  message->type = EW_LINK_COUNTED;
  message->revision = SESSION_AND (session, seen);
}

void
ew_link_hear_counted (EwLane *lane, EwPeer *from, const EwLinkMessage *message, const EwTime *time)
{
  ew_peer_hear_count (from, lane, SESSION (message->revision), message->token, NUMBER (message->revision), time);
}
