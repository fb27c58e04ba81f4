/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/replay.h"

#include <string.h>

#define WORDS (EW_REPLAY_BITS / 64)

void
ew_replay_init (EwReplayWindow *window)
{
  memset (window, 0, sizeof *window);
}

/* The words between the one that holds the highest counter and the one that will are old: all of them, or as many as
 * there are. */
static void
slide (EwReplayWindow *window, uint64_t counter)
{
  uint64_t newest = counter / 64, highest = window->next == 0 ? 0 : (window->next - 1) / 64;
  uint64_t n = newest - highest;
  if (n > WORDS)
    n = WORDS;
  for (uint64_t i = 1; i <= n; i++)
    window->words[(highest + i) % WORDS] = 0;
  window->next = counter + 1;
}

bool
ew_replay_accept (EwReplayWindow *window, uint64_t counter)
{
  if (counter >= EW_REJECT_AFTER_MESSAGES)
    return false;
  if (counter >= window->next)
    slide (window, counter);
  else if (window->next - 1 - counter >= EW_REPLAY_WINDOW)
    return false;
  uint64_t *word = &window->words[counter / 64 % WORDS];
  uint64_t bit = UINT64_C (1) << counter % 64;
  bool is_new = (*word & bit) == 0;
  *word |= bit;
  return is_new;
}

bool
ew_replay_count (const EwReplayWindow *window, uint64_t first, unsigned n, unsigned *seen)
{
  *seen = 0;
  if (first < window->next && window->next - 1 - first >= EW_REPLAY_WINDOW)
    return false;
  for (uint64_t counter = first; counter - first < n && counter < window->next; counter++)
    *seen += window->words[counter / 64 % WORDS] >> counter % 64 & 1;
  return true;
}
