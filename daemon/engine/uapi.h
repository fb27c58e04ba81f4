/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server of the userspace API: a Unix socket in the control thread's main loop. Nothing here blocks: a client that
 * sends nothing, or does not read its answer, holds a small buffer for CLIENT_IDLE_S and then nothing.
 */
#pragma once

#include "engine/engine.h"

G_BEGIN_DECLS

#define EW_UAPI_DIR "/var/run/wireguard" /* fixed by the specification */

typedef struct EwUapi EwUapi;

/* Makes the socket at path (0600; its folder is made), replacing a file on which no program answers. engine is
   borrowed. */
EwUapi *ew_uapi_new (EwEngine *engine, const char *path, gboolean managed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_uapi_free (EwUapi *uapi); /* removes the socket if this program made it */

G_END_DECLS
