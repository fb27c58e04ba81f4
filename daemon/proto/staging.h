/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets that wait for a session: at most EW_STAGED_PACKETS_MAX a peer, the oldest is dropped first. All peers of a
 * device share a budget of bytes, so that traffic to many silent peers cannot eat the memory.
 */
#pragma once

#include "proto/messages.h"

#define EW_STAGED_BYTES_MAX (16u << 20) /* of all peers together */

typedef struct EwStagedPacket EwStagedPacket;
struct EwStagedPacket
{
  EwStagedPacket *next;
  size_t len;
  uint8_t bytes[]; /* EW_HEADROOM, the packet, EW_TAILROOM */
};

typedef struct
{
  EwStagedPacket *first, *last;
  unsigned count;
} EwStaging; /* zeroed: empty */

/* Copies a packet. *bytes_used is the device's budget. Returns how many packets were lost for it: pushed out, or
 * itself. */
unsigned ew_staging_push (EwStaging *staging, size_t *bytes_used, const uint8_t *data, size_t len);
/* The oldest, NULL: none. The caller frees it with ew_staging_free(). */
EwStagedPacket *ew_staging_pop (EwStaging *staging);
void ew_staging_free (EwStagedPacket *packet, size_t *bytes_used);
/* Returns how many packets were lost. */
unsigned ew_staging_clear (EwStaging *staging, size_t *bytes_used);
