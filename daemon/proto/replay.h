/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which message counters of a session were seen: a sliding bitmap (RFC 6479). Ask it only about authenticated messages,
 * or anyone could slide it away.
 */
#pragma once

#include "proto/messages.h"

typedef struct
{
  uint64_t next; /* one more than the highest counter seen */
  uint64_t words[EW_REPLAY_BITS / 64];
} EwReplayWindow;

void ew_replay_init (EwReplayWindow *window);
/* True, once a counter, when it is new and less than EW_REPLAY_WINDOW below the highest. */
bool ew_replay_accept (EwReplayWindow *window, uint64_t counter);
/* How many of the counters from first on were seen. False: some are too old to say. */
bool ew_replay_count (const EwReplayWindow *window, uint64_t first, unsigned n, unsigned *seen);
