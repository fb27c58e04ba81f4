/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/staging.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

static size_t
size_of (size_t len)
{
  return sizeof (EwStagedPacket) + EW_HEADROOM + len + EW_TAILROOM;
}

EwStagedPacket *
ew_staging_pop (EwStaging *staging)
{
  EwStagedPacket *packet = staging->first;
  if (packet == NULL)
    return NULL;
  staging->first = packet->next;
  if (staging->first == NULL)
    staging->last = NULL;
  staging->count--;
  return packet;
}

void
ew_staging_free (EwStagedPacket *packet, size_t *bytes_used)
{
  size_t size = size_of (packet->len);
  *bytes_used -= size;
  ew_secret_zero (packet, size);
  free (packet);
}

unsigned
ew_staging_push (EwStaging *staging, size_t *bytes_used, const uint8_t *data, size_t len)
{
  unsigned lost = 0;
  while (staging->first != NULL
         && (staging->count >= EW_STAGED_PACKETS_MAX || *bytes_used + size_of (len) > EW_STAGED_BYTES_MAX))
    {
      ew_staging_free (ew_staging_pop (staging), bytes_used);
      lost++;
    }
  EwStagedPacket *packet = *bytes_used + size_of (len) <= EW_STAGED_BYTES_MAX ? malloc (size_of (len)) : NULL;
  if (packet == NULL)
    return lost + 1;
  packet->next = NULL;
  packet->len = len;
  memcpy (packet->bytes + EW_HEADROOM, data, len);
  *bytes_used += size_of (len);
  if (staging->last != NULL)
    staging->last->next = packet;
  else
    staging->first = packet;
  staging->last = packet;
  staging->count++;
  return lost;
}

unsigned
ew_staging_clear (EwStaging *staging, size_t *bytes_used)
{
  unsigned lost = staging->count;
  EwStagedPacket *packet;
  while ((packet = ew_staging_pop (staging)) != NULL)
    ew_staging_free (packet, bytes_used);
  return lost;
}
