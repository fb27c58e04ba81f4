/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * While the tunnel is down, what this computer sends to the mesh's DNS is answered by the node itself, with "server
 * failure" at once: a resolver that hears nothing waits for seconds or minutes and delays the program that asked.
 */
#pragma once

#include "proto/packet.h"

#define EW_STAND_IN_ADDRESSES 8

/* The one name that is answered: of a captive portal's page, while a person looks at that (portal-way.c). */
typedef struct
{
  char name[256]; /* "": none */
  EwIp addresses[EW_STAND_IN_ADDRESSES];
  unsigned n_addresses;
} EwStandInName;

/* Makes a packet to port 53 the answer to it: SERVFAIL via UDP, or known's addresses; a reset via TCP. room: bytes
   behind packet that may be used, too. Returns its size; 0: it isn't such a packet, or no answer can be made. Data
   thread; ldns allocates, which no packet of a tunnel that works pays for. */
size_t ew_servfail_answer (uint8_t *packet, size_t len, size_t room, const EwStandInName *known);
