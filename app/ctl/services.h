/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services as text, from what the daemon answers (data/dbus, AddService). All strings are (transfer full).
 */
#pragma once

#include <json-glib/json-glib.h>

#include "console/terminal.h"

G_BEGIN_DECLS

/* A table, by name; NULL where there is none. */
gchar *ew_services_format_list (const EwTerminal *terminal, JsonObject *answer);
/* All of one. */
gchar *ew_services_format (const EwTerminal *terminal, JsonObject *service);
/* "nas:8123 answers", "Nothing listens on nas:8123", "nas is offline since 12:03": a target's state, without a full
 * stop. */
gchar *ew_services_describe_target (const EwTerminal *terminal, JsonObject *target);
/* "80 443:8443 53/udp": what callers use, as it is typed. */
gchar *ew_services_format_ports (const EwTerminal *terminal, JsonObject *service);
/* What the services that lead to this node (a name or an ID) become without it: a sentence with a line break; NULL:
 * there is none. */
gchar *ew_services_describe_removal (const EwTerminal *terminal, JsonObject *answer, const gchar *node_id);

G_END_DECLS
