/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Doors that only tests open: what no caller of engine.h may see or set.
 */
#pragma once

#include "engine/engine-private.h"

/* An engine with one TUN (may be NULL) and one socket, which it takes also when it fails. */
EwEngine *ew_testing_engine_new (const EwEngineConfig *config, EwTun *tun, EwUdp *udp,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As they are; 0: one thread does it all. */
guint ew_testing_count_data_threads (EwEngine *engine);

/* What all of its threads have counted. */
void ew_testing_get_engine_stats (EwEngine *engine, EwEngineStats *out);

/* All peers' status. Returns (transfer full): array of EwPeerStatus. */
GArray *ew_testing_list_peers (EwEngine *engine);
