/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/grace.h"

void
ew_grace_init (EwGrace *grace)
{
  for (unsigned i = 0; i < EW_GRACE_READERS_MAX; i++)
    atomic_init (&grace->readers[i].inside, 0);
  atomic_init (&grace->epoch, 1);
  grace->first = NULL;
  grace->last = &grace->first;
}

static void
release_first (EwGrace *grace)
{
  EwGraceItem *item = grace->first;
  grace->first = item->next;
  if (grace->first == NULL)
    grace->last = &grace->first;
  item->release (item);
}

void
ew_grace_clear (EwGrace *grace)
{
  while (grace->first != NULL)
    release_first (grace);
}

uint64_t
ew_grace_begin (EwGrace *grace)
{
  return atomic_fetch_add (&grace->epoch, 1) + 1;
}

bool
ew_grace_passed (EwGrace *grace, uint64_t epoch)
{
  for (unsigned i = 0; i < EW_GRACE_READERS_MAX; i++)
    {
      uint64_t inside = atomic_load (&grace->readers[i].inside);
      if (inside != 0 && inside < epoch)
        return false;
    }
  return true;
}

void
ew_grace_retire (EwGrace *grace, EwGraceItem *item, void (*release) (EwGraceItem *item))
{
  if (grace == NULL)
    {
      release (item);
      return;
    }
  *item = (EwGraceItem){ .release = release, .epoch = ew_grace_begin (grace) };
  *grace->last = item;
  grace->last = &item->next;
  ew_grace_collect (grace);
}

bool
ew_grace_collect (EwGrace *grace)
{
  while (grace->first != NULL && ew_grace_passed (grace, grace->first->epoch))
    release_first (grace);
  return grace->first != NULL;
}
