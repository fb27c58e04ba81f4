/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * While the tunnel is down, what this computer sends to the mesh's DNS is answered by the node itself, with "server
 * failure" at once: a resolver that hears nothing waits for seconds or minutes and delays the program that asked.
 */
#pragma once

#include "proto/packet.h"

/* Makes a packet to port 53 the answer to it: SERVFAIL via UDP, a reset via TCP. Returns its size; 0: it isn't such a
   packet, or no answer can be made. Data thread; ldns allocates, which no packet of a tunnel that works pays for. */
size_t ew_servfail_answer (uint8_t *packet, size_t len);
