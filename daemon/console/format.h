/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers and times as people read them. All (transfer full).
 */
#pragma once

#include "console/terminal.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

gchar *ew_format_bytes (gint64 bytes);      /* "0 B", "2.0 kB", "1.2 MB": powers of 1000 */
gchar *ew_format_ms (gdouble milliseconds); /* "0.42 ms", "8.3 ms", "124 ms" */
/* Of a map node: what is wrong with its identity, or NULL. */
gchar *ew_format_problem (JsonObject *node);
gchar *ew_format_span (gint64 seconds);           /* "now", "45 s", "3 min", "2 h", "5 days" */
gchar *ew_format_local_time (gint64 realtime_us); /* "14:03:07", with the date where it is not today's */

/* A number member; FALSE where it is missing or null: unknown. */
gboolean ew_format_get_number (JsonObject *object, const gchar *member, gdouble *value);
/* A string member cleaned for the terminal; fallback where it is missing or null. */
gchar *ew_format_get_text (const EwTerminal *terminal, JsonObject *object, const gchar *member, const gchar *fallback);
/* The strings of an array member, cleaned and joined; "" where it is empty. */
gchar *ew_format_get_list (const EwTerminal *terminal, JsonObject *object, const gchar *member, const gchar *separator);

G_END_DECLS
