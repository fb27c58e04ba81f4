/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What resolves to what in a mesh, put together from the answers of ListNames and ListNodes. Pure.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "console/terminal.h"

G_BEGIN_DECLS

/* {"schema":1,"suffix","names":[{"name","type","node","addresses"}…],"domains":[…]}: every full name, sorted; type:
   "node", "name" (an additional one of node), "edge". domains are those of ListNames. (transfer full) */
JsonObject *ew_names_compose (JsonObject *names, JsonObject *nodes);

/* All of it as a table; the additional names and domains alone, NULL without any. (transfer full) */
gchar *ew_names_format (const EwTerminal *terminal, JsonObject *composed);
gchar *ew_names_format_additional (const EwTerminal *terminal, JsonObject *names);

G_END_DECLS
