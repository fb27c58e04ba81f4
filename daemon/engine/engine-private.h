/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's inside, for its own files and its tests.
 */
#pragma once

#include "engine/engine.h"
#include "engine/tun.h"
#include "engine/udp.h"
#include "engine/worker.h"

G_BEGIN_DECLS

#define EW_ENGINE_DEFAULT_MTU 1420
#define EW_ENGINE_MIN_MTU 1280 /* below it Linux drops IPv6 from the interface (RFC 8200 section 5) */

/* With wires of the caller's, which it empties also when it fails; of config, only mtu, fwmark, the router and the event
   handlers are read. */
EwEngine *ew_engine_new_with_all_wires (const EwEngineConfig *config, EwWires *wires,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
EwCrew *ew_engine_get_crew (EwEngine *engine);
void ew_engine_get_private_key (EwEngine *engine, guint8 out[EW_KEY_SIZE]);
/* From an EwEngineCall: one peer's status. */
void ew_engine_read_peer (EwPeer *peer, const EwTime *time, EwPeerStatus *out);
/* ew_engine_serve_uapi() on another path. */
gboolean ew_engine_serve_uapi_at (EwEngine *engine, const char *path, gboolean managed, GError **error);

G_END_DECLS
