/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A program's packet to the mesh's DNS while the tunnel is down. An answer is a whole packet back to it, no larger.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/packet.h"
#include "tunnel/servfail.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const EwStandInName names[] = {
    { .name = "" },
    { .name = "a.example", .n_addresses = 2, .addresses = { { .family = EW_FAMILY_V4 }, { .family = EW_FAMILY_V6 } } }
  };
  const size_t known = size % 2, room = known ? 64 : 0;
  uint8_t *packet = malloc (size + room + 1);
  EwIpHeader before, after;

  memcpy (packet, data, size);
  const size_t answer = ew_servfail_answer (packet, size, room, &names[known]);
  if (answer > 0
      && (answer > size + room || !ew_packet_parse (data, size, &before) || !ew_packet_parse (packet, answer, &after)
          || !ew_ip_equal (&before.source, &after.destination) || !ew_ip_equal (&before.destination, &after.source)))
    abort ();
  free (packet);
  return 0;
}
