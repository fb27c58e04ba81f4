/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The replay window against a model that remembers every counter. The input is a list of steps of three bytes: what,
 * and a number (little-endian) by which the next counter is ahead of or behind the highest seen; or a step of nine: a
 * counter as it is.
 */
#include <assert.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/replay.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define STEPS_MAX 4096

static uint64_t seen[STEPS_MAX];

static bool
model_accept (size_t *n_seen, uint64_t *highest, uint64_t counter)
{
  if (counter >= EW_REJECT_AFTER_MESSAGES)
    return false;
  for (size_t i = 0; i < *n_seen; i++)
    if (seen[i] == counter)
      return false;
  if (*n_seen > 0 && counter < *highest && *highest - counter >= EW_REPLAY_WINDOW)
    return false;
  *highest = *n_seen == 0 || counter > *highest ? counter : *highest;
  seen[(*n_seen)++] = counter;
  return true;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EwReplayWindow window;
  uint64_t highest = 0;
  size_t n_seen = 0;
  ew_replay_init (&window);
  while (size >= 3 && n_seen < STEPS_MAX)
    {
      size_t used = 3;
      uint64_t number = (uint64_t)data[1] | (uint64_t)data[2] << 8, counter = highest + number;
      switch (data[0] & 3)
        {
        case 0:
          break;
        case 1:
          counter = highest - (number < highest ? number : highest);
          break;
        case 2: /* whole windows ahead */
          counter = highest + number * EW_REPLAY_BITS;
          break;
        default:
          used = size < 9 ? size : 9;
          counter = used == 9 ? ew_load_le64 (data + 1) : number;
        }
      bool expected = model_accept (&n_seen, &highest, counter);
      assert (ew_replay_accept (&window, counter) == expected);
      assert (!ew_replay_accept (&window, counter)); /* never twice */
      data += used;
      size -= used;
    }
  return 0;
}
