/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The part of a diagnosis that is about the clock. The tunnel works with any: but websites' certificates, logins and
 * one-time passwords don't, and those are what a person sees.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define EW_CLOCK_TOLERANCE_S 300 /* what Kerberos allows by default */

typedef struct
{
  gint64 edge, here; /* realtime µs at one moment, as near as an answer's way; edge 0: not known */
} EwClocks;

/* answer: of GET /v1/mesh, just now; NULL: there is none. An older edge doesn't say what its clock shows. */
void ew_tunnel_note_clock (EwClocks *clocks, JsonObject *answer);
void ew_tunnel_diagnose_clock (const EwClocks *clocks, JsonArray *checks);

G_END_DECLS
