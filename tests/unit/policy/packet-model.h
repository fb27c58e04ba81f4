/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a packet is to a policy, read naively: header by header, as the RFCs draw them. Shares nothing with proto/packet.c.
 */
#pragma once

#include "edge/policy/packet.h"

/* FALSE: it isn't an IP packet whose lengths are right. */
gboolean packet_model_read (const guint8 *packet, gsize len, EwPolicyKey *key, EwPolicyPacket *kind);
