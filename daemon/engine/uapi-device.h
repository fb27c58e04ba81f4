/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests of the userspace API carried out on an engine.
 */
#pragma once

#include "engine/engine.h"
#include "engine/uapi-request.h"

G_BEGIN_DECLS

/* The whole state as lines of key=value, without the "errno=" at their end. It holds the private key: free it with
   ew_uapi_state_free(). */
GString *ew_uapi_state_new (EwEngine *engine);
void ew_uapi_state_free (GString *state);

/* Returns 0 or a negative errno. Port and mark come first, since only they can fail; the peers follow in one visit to
   the data thread, so that no packet sees half of the change. */
int ew_uapi_apply (EwEngine *engine, const EwUapiRequest *request);

G_END_DECLS
