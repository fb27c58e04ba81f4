/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-testing.h"

#include "edge/store/store-private.h"

void
ew_testing_delay_store (EwStore *store, guint milliseconds)
{
  store->delay_ms = milliseconds;
  if (!g_queue_is_empty (store->calls))
    g_source_set_ready_time (store->turn, g_get_monotonic_time () + (gint64)milliseconds * 1000);
}

guint
ew_testing_count_blocking (EwStore *store)
{
  return store->n_blocking;
}

void
ew_testing_serve_watches_last (EwStore *store)
{
  g_source_set_priority (store->dispatch, G_PRIORITY_LOW);
}
