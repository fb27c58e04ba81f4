/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers for a server that can't be reached: UDP with an answer made here, TCP with "refused". In place, every length
 * checked here.
 */
#pragma once

#include "proto/packet.h"

/* The UDP payload of a whole packet without options or extension headers to that port; false: it isn't one. Points into
   packet. */
bool ew_stand_in_read_udp (const uint8_t *packet, size_t len, uint16_t port, const uint8_t **payload, size_t *length);
/* Makes the packet, which ew_stand_in_read_udp() took, the datagram that goes back with that payload. room: bytes behind
   packet that may be used, too. Returns its size; 0: payload is larger than what is there. */
size_t ew_stand_in_answer_udp (uint8_t *packet, size_t len, size_t room, const uint8_t *payload, size_t payload_len);
/* Makes a TCP segment to that port the reset that refuses it (RFC 9293 section 3.5.2). Returns its size; 0: it isn't
   TCP, or is a reset itself. */
size_t ew_stand_in_reset_tcp (uint8_t *packet, size_t len, uint16_t port);
