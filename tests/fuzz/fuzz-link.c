/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link protocol: what is parsed is what was built, and nothing else is accepted. The first byte says how: a packet
 * as it is; or a message with these fields, whose packet is changed where the rest says, with its checksums fixed or
 * not.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/link.h"
#include "proto/packet.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static bool
is_same (const EwLinkMessage *a, const EwLinkMessage *b)
{
  return a->type == b->type && a->token == b->token && ew_revision_equal (a->revision, b->revision)
         && a->stamp_ns == b->stamp_ns && a->problem == b->problem && a->flags == b->flags
         && a->probe_size == b->probe_size && a->answer_size == b->answer_size && a->takes == b->takes;
}

/* Those may be smaller or larger than what they say. */
static bool
is_padded (const EwLinkMessage *message)
{
  return message->type == EW_LINK_SIZE_PROBE || message->type == EW_LINK_SIZE_ANSWER;
}

/* From memory exactly as large as the packet. */
static bool
parse (const uint8_t *data, size_t size, EwIp *from, EwIp *to, EwLinkMessage *message)
{
  uint8_t *packet = malloc (size > 0 ? size : 1);
  memcpy (packet, data, size);
  bool ok = ew_link_parse (packet, size, from, to, message);
  free (packet);
  if (!ok)
    return false;
  assert (message->problem <= EW_NODE_PROBLEM_REFUSED);
  assert (message->problem == EW_NODE_PROBLEM_NONE || message->type == EW_LINK_ANSWER);
  /* An accepted message is built again and means the same. */
  uint8_t again[EW_LINK_SIZE_MAX];
  EwIp again_from, again_to;
  EwLinkMessage again_message;
  size_t n = ew_link_build (again, from, to, message);
  assert (n > 0 && (n <= size || is_padded (message)));
  assert (ew_link_parse (again, n, &again_from, &again_to, &again_message));
  assert (ew_ip_equal (from, &again_from) && ew_ip_equal (to, &again_to) && is_same (message, &again_message));
  return true;
}

static void
mend (uint8_t *packet, size_t size)
{
  bool v4 = packet[0] >> 4 == 4;
  size_t header = v4 ? 20 : 40;
  uint32_t pseudo = 17 + (uint32_t)(size - header);
  if (v4)
    {
      ew_store_be16 (packet + 10, 0);
      ew_store_be16 (packet + 10, ew_checksum (packet, header, 0));
    }
  for (size_t i = v4 ? 12 : 8; i < header; i += 2)
    pseudo += ew_load_be16 (packet + i);
  ew_store_be16 (packet + header + 6, 0);
  uint16_t sum = ew_checksum (packet + header, size - header, pseudo);
  ew_store_be16 (packet + header + 6, sum == 0 ? 0xffff : sum);
}

static void
change (const uint8_t *data, size_t size, bool v6, bool mended)
{
  uint8_t packet[EW_LINK_SIZE_MAX];
  EwIp from = { .family = v6 ? EW_FAMILY_V6 : EW_FAMILY_V4, .bytes = { 10, data[0] } }, to = from, got_from, got_to;
  EwLinkMessage message = { .type = (EwLinkType)data[1], .token = ew_load_le64 (data + 2) }, got;
  if (is_padded (&message))
    {
      message.probe_size = (uint16_t)(message.token * 3);
      message.answer_size = (uint16_t)(message.token * 7);
      message.takes = (uint16_t)(message.token * 11);
    }
  else
    message.revision.hash = message.token * 3;
  message.stamp_ns = message.token * 5;
  if (message.type == EW_LINK_ANSWER)
    message.problem = (EwNodeProblem)(data[2] % (EW_NODE_PROBLEM_REFUSED + 1));
  to.bytes[3] = data[2];
  size_t n = ew_link_build (packet, &from, &to, &message);
  bool known = data[1] >= EW_LINK_PROBE && data[1] <= EW_LINK_COUNTED && data[1] != 4;
  assert (n > 0 && ew_link_parse (packet, n, &got_from, &got_to, &got) == known);
  assert (!known || is_same (&got, &message));
  for (size_t i = 10; i + 1 < size; i += 2)
    packet[data[i] % n] ^= data[i + 1];
  if (mended && n > 48 && (packet[0] >> 4 == 4 || n > 68))
    mend (packet, n);
  bool taken = parse (packet, n, &got_from, &got_to, &got);
  /* One byte of the datagram changed: its checksum detects that. */
  if (!mended && (size == 12 || size == 13) && data[11] != 0 && data[10] % n >= n - 40)
    assert (!taken);
  parse (packet, size % n, &got_from, &got_to, &got); /* cut off */
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EwIp from, to;
  EwLinkMessage message;
  if (size < 11)
    return 0;
  if (data[0] & 4)
    parse (data + 1, size - 1, &from, &to, &message);
  else
    change (data + 1, size - 1, data[0] & 1, data[0] & 2);
  return 0;
}
