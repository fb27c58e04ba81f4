/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/bursts.h"

#include <string.h>

static EwBurstsMode
get_mode (const EwBursts *bursts)
{
  return (EwBurstsMode)atomic_load_explicit (&bursts->mode, memory_order_relaxed);
}

static void
look_from (EwBursts *bursts, uint64_t due_ns)
{
  atomic_store_explicit (&bursts->due_ns, due_ns, memory_order_relaxed);
}

static void
set_waiting (EwBursts *bursts, bool waiting)
{
  atomic_store_explicit (&bursts->waiting, waiting, memory_order_relaxed);
}

static void
set_mode (EwBursts *bursts, EwBurstsMode mode, uint64_t due_ns)
{
  atomic_store_explicit (&bursts->mode, (uint8_t)mode, memory_order_relaxed);
  memset (bursts->lost, 0, sizeof bursts->lost);
  bursts->arrived = bursts->unanswered = 0;
  bursts->proven = false;
  set_waiting (bursts, false);
  look_from (bursts, due_ns);
}

void
ew_bursts_reset (EwBursts *bursts)
{
  set_mode (bursts, EW_BURSTS_TOGETHER, 0);
  bursts->told = false;
  bursts->failures = 0;
  bursts->until_ns = 0;
}

static void
give_up (EwBursts *bursts, uint64_t now_ns)
{
  uint64_t hold = EW_BURSTS_HOLD;
  for (unsigned i = 0; i < bursts->failures && hold < EW_BURSTS_HOLD_MAX; i++)
    hold *= 2;
  if (bursts->failures < UINT8_MAX)
    bursts->failures++;
  bursts->until_ns = now_ns + hold;
  set_mode (bursts, EW_BURSTS_ALONE, now_ns);
}

/* During a trial, a missing answer counts as a loss, so that few packets are at stake. */
static void
forget_sample (EwBursts *bursts, uint64_t now_ns)
{
  set_waiting (bursts, false);
  look_from (bursts, now_ns);
  if (bursts->unanswered < UINT8_MAX)
    bursts->unanswered++;
  if (get_mode (bursts) == EW_BURSTS_TRIAL && bursts->unanswered >= EW_BURSTS_ARRIVED)
    give_up (bursts, now_ns);
}

bool
ew_bursts_note (EwBursts *bursts, const EwBurstSample *sample, uint64_t now_ns, EwBurstSample *question)
{
  if (atomic_load_explicit (&bursts->waiting, memory_order_relaxed))
    {
      if (bursts->questions == EW_BURSTS_QUESTIONS)
        {
          forget_sample (bursts, now_ns);
          return false;
        }
      bursts->questions++;
      look_from (bursts, now_ns + EW_BURSTS_ASK_AGAIN);
      *question = bursts->sample;
      return true;
    }
  if (get_mode (bursts) == EW_BURSTS_ALONE && now_ns >= bursts->until_ns)
    {
      set_mode (bursts, EW_BURSTS_TRIAL, now_ns);
      return false;
    }
  if (sample->n < 2 || sample->together == (get_mode (bursts) == EW_BURSTS_ALONE))
    return false;
  bursts->sample = *sample;
  bursts->sent_ns = now_ns;
  bursts->questions = 0;
  set_waiting (bursts, true);
  look_from (bursts, now_ns + EW_BURSTS_ASK);
  return false;
}

void
ew_bursts_unasked (EwBursts *bursts, uint64_t now_ns)
{
  set_waiting (bursts, false);
  look_from (bursts, now_ns + EW_BURSTS_UNASKED);
}

/* Those that were lost lately are enough to decide. */
static bool
are_lost (const EwBursts *bursts, uint64_t now_ns)
{
  uint64_t first_ns = UINT64_MAX, last_ns = 0;
  uint32_t n = 0, datagrams = 0;
  for (unsigned i = 0; i < EW_BURSTS_KINDS; i++)
    {
      const EwBurstsLost *lost = &bursts->lost[i];
      if (lost->bursts == 0 || now_ns - lost->last_ns > EW_BURSTS_FRESH)
        continue;
      n += lost->bursts;
      datagrams += lost->datagrams;
      first_ns = lost->first_ns < first_ns ? lost->first_ns : first_ns;
      last_ns = lost->last_ns > last_ns ? lost->last_ns : last_ns;
    }
  return n >= EW_BURSTS_LOST && datagrams >= EW_BURSTS_LOST_DATAGRAMS
         && (last_ns - first_ns >= EW_BURSTS_LOST_FOR || get_mode (bursts) == EW_BURSTS_TRIAL);
}

static bool
is_in_doubt (const EwBursts *bursts)
{
  for (unsigned i = 0; i < EW_BURSTS_KINDS; i++)
    if (bursts->lost[i].bursts > 0)
      return true;
  return get_mode (bursts) != EW_BURSTS_TOGETHER;
}

static EwBurstsNews
note_lost (EwBursts *bursts, EwBurstsLost *kind, uint64_t now_ns)
{
  if (kind->bursts == 0 || now_ns - kind->last_ns > EW_BURSTS_FRESH)
    *kind = (EwBurstsLost){ .first_ns = bursts->sent_ns };
  kind->last_ns = bursts->sent_ns;
  kind->bursts++;
  kind->datagrams += bursts->sample.n;
  bursts->arrived = 0;
  if (!are_lost (bursts, now_ns))
    return EW_BURSTS_SAME;
  if (get_mode (bursts) != EW_BURSTS_ALONE)
    {
      give_up (bursts, now_ns);
      return EW_BURSTS_SAME; /* until it is known that datagrams alone arrive */
    }
  bursts->failures = 0;
  set_mode (bursts, EW_BURSTS_TOGETHER, now_ns + EW_BURSTS_INNOCENT);
  return EW_BURSTS_SAME;
}

static EwBurstsNews
note_arrived (EwBursts *bursts, EwBurstsLost *kind, uint64_t now_ns)
{
  const bool told = bursts->told;
  *kind = (EwBurstsLost){ 0 };
  if (bursts->arrived < UINT8_MAX)
    bursts->arrived++;
  if (get_mode (bursts) == EW_BURSTS_TOGETHER || bursts->arrived < EW_BURSTS_ARRIVED)
    return EW_BURSTS_SAME;
  if (get_mode (bursts) == EW_BURSTS_ALONE)
    {
      bursts->proven = true;
      bursts->told = true;
      look_from (bursts, bursts->until_ns);
      return told ? EW_BURSTS_SAME : EW_BURSTS_OFF;
    }
  set_mode (bursts, EW_BURSTS_TOGETHER, now_ns);
  bursts->told = false;
  return told ? EW_BURSTS_ON : EW_BURSTS_SAME;
}

EwBurstsNews
ew_bursts_counted (EwBursts *bursts, uint32_t index, uint64_t first, unsigned seen, uint64_t now_ns)
{
  const EwBurstSample *sample = &bursts->sample;
  if (!atomic_load_explicit (&bursts->waiting, memory_order_relaxed) || bursts->questions == 0 || sample->index != index
      || sample->first != first)
    return EW_BURSTS_SAME;
  if (seen > sample->n)
    {
      forget_sample (bursts, now_ns);
      return EW_BURSTS_SAME;
    }
  EwBurstsLost *kind = &bursts->lost[(sample->equal ? 1 : 0) + (sample->n < 8 ? 0 : 2)];
  set_waiting (bursts, false);
  bursts->unanswered = 0;
  /* Before the decision, which may move it. */
  look_from (bursts, now_ns);
  const EwBurstsNews news
    = seen * 8 > sample->n ? note_arrived (bursts, kind, now_ns) : note_lost (bursts, kind, now_ns);
  if (!is_in_doubt (bursts) && atomic_load_explicit (&bursts->due_ns, memory_order_relaxed) < now_ns + EW_BURSTS_CALM)
    look_from (bursts, now_ns + EW_BURSTS_CALM);
  return news;
}
