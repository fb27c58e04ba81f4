/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What must hold of joining and cutting, whatever the packets are: every packet comes out once, a flow's in their
 * order, and what was joined is cut into the very same packets again.
 */
#pragma once

#include "engine/coalesce.h"

#define OFFLOAD_PACKET_MAX 9000

/* Joins n ≤ EW_COALESCE_MAX packets (whole, but otherwise anything) and cuts what came out. Aborts where it differs.
   Returns how many came out. */
gsize offload_check (const EwPacket *packets, gsize n, gboolean udp);
