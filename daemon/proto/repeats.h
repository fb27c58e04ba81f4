/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Handshake messages that were looked into, so that none is looked into twice. Anyone who overheard an initiation can
 * send it again and again, and its mac1 is right each time; but an honest sender never repeats one, it makes another
 * (whitepaper section 6.1). So a repeated one may be dropped before it costs a DH, a cookie reply or a place in the
 * measure of load, which is then left for senders of something new.
 *
 * A message is recognized by its mac1, a hash of all that is before it. What is forgotten, because newer ones took its
 * place, costs what it cost the first time and is refused for its timestamp.
 */
#pragma once

#include <string.h>

#include "proto/bytes.h"
#include "proto/messages.h"

#define EW_REPEATS 256

/* Zeroed: none was seen yet. */
typedef struct
{
  uint8_t mac1[EW_REPEATS][EW_MAC_SIZE]; /* each in the place that its first byte says */
} EwRepeats;

/* The mac1 of a whole initiation or response, len its exact size. */
static inline const uint8_t *
ew_repeats_mac1 (const uint8_t *message, size_t len)
{
  return message + len - sizeof (EwMessageMacs);
}

/* Whether the message was remembered. Its mac1 need not have been looked at: a wrong one that is remembered is as
   little worth a look. */
static inline bool
ew_repeats_has (const EwRepeats *repeats, const uint8_t *message, size_t len)
{
  const uint8_t *mac1 = ew_repeats_mac1 (message, len);
  return memcmp (repeats->mac1[mac1[0]], mac1, EW_MAC_SIZE) == 0;
}

/* The message's mac1 must be right: else anybody could have an honest one refused. */
static inline void
ew_repeats_remember (EwRepeats *repeats, const uint8_t *message, size_t len)
{
  const uint8_t *mac1 = ew_repeats_mac1 (message, len);
  memcpy (repeats->mac1[mac1[0]], mac1, EW_MAC_SIZE);
}
