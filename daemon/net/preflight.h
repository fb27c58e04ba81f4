/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pre-flight checks: what of this computer will block or divert the mesh's packets, and what to do about it. Each is
 * a function of what surroundings.c has read. All of them answer in `edgewayctl diagnose`; those that fail are problems
 * of the node from each connect on.
 */
#pragma once

#include "net/surroundings.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Appends to checks (common/checks.h). */
void ew_preflight_run (const EwSurroundings *surroundings, JsonArray *checks);
/* Adds the failed ones that no plan knows to problems (EwHostProblem). */
void ew_preflight_look_for_problems (const EwSurroundings *surroundings, GPtrArray *problems);

/* Who made an interface, as a name for people: "Tailscale"; NULL: not known. kind: as of EwLinkRow. */
const gchar *ew_preflight_owner (const gchar *interface, const gchar *kind);

G_END_DECLS
