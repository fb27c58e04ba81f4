/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The part of a diagnosis that is about names: whether programs find the mesh's, and what prevents it.
 */
#pragma once

#include "names/evidence.h"
#include "tunnel/tunnel.h"

G_BEGIN_DECLS

/* FALSE: there is nothing to look at, as this computer has no names to expect; callback isn't called. */
gboolean ew_tunnel_diagnose_names_async (EwTunnel *tunnel, GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
/* evidence: what ew_names_inquire_finish() has given; NULL: none. */
void ew_tunnel_diagnose_names_add (EwTunnel *tunnel, const EwNamesEvidence *evidence, JsonArray *checks);

G_END_DECLS
