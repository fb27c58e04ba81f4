/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * While the tunnel is down, what this computer sends to the mesh's DNS is answered by the node itself, with "server
 * failure" at once: a resolver that hears nothing waits for seconds or minutes and holds up whoever asked it.
 */
#pragma once

#include "proto/packet.h"

/* Makes a packet to port 53 the answer to it: SERVFAIL by UDP, a reset by TCP. Returns its size; 0: it is none, or
   none can be made. Data thread; ldns allocates, which no packet of a tunnel that works pays for. */
size_t ew_servfail_answer (uint8_t *packet, size_t len);
