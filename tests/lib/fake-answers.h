/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the edge of fake-tunnel.c answers: a mesh of three nodes and two services.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A snapshot of the topology, with a line end. */
const gchar *fake_answer_snapshot (void);
/* To a call of the API. The name "taken" and the node "nobody" give errors; FAKE_TUNNEL_PAGES in the environment is the
   number of pages that the list of nodes has. (transfer full) */
JsonObject *fake_answer_request (const gchar *method, const gchar *path, JsonObject *body, GError **error);

G_END_DECLS
