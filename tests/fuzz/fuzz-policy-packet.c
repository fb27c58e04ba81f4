/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A packet, as a policy takes it: read as the model reads it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "policy/packet-model.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  uint8_t *packet = malloc (size > 0 ? size : 1);
  EwPolicyKey is, should;
  EwPolicyPacket expected;
  EwIpHeader header;

  memcpy (packet, data, size);
  const bool parsed = ew_packet_parse (packet, size, &header);
  g_assert_cmpint (parsed, ==, packet_model_read (packet, size, &should, &expected));
  if (parsed)
    {
      g_assert_cmpint (ew_policy_read_packet (&is, &header, packet, size), ==, expected);
      if (expected != EW_POLICY_PACKET_REFUSED)
        {
          g_assert_true (ew_ip_equal (&is.source, &should.source)
                         && ew_ip_equal (&is.destination, &should.destination));
          g_assert_cmpuint (is.protocol, ==, should.protocol);
          g_assert_cmpuint (is.port, ==, should.port);
          g_assert_cmpint (is.unreadable, ==, should.unreadable);
        }
    }
  free (packet);
  return 0;
}
