/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Doors that only tests open: what no caller of store.h may see or set.
 */
#pragma once

#include "edge/store/store.h"

/* Each call without waiting takes so long, as if a cluster were asked. */
void ew_testing_delay_store (EwStore *store, guint milliseconds);

/* How often a call has waited for the disk. */
guint ew_testing_count_blocking (EwStore *store);

/* Watches are served when the main context has nothing else to do. */
void ew_testing_serve_watches_last (EwStore *store);
