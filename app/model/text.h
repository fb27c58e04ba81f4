/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What others wrote, made fit to be shown: node names, versions and messages come from other machines, and may try to
 * look like something else. Members of JSON objects of any type and size are read safely. For the model only.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Valid UTF-8 on one line: control characters become spaces; what turns the reading direction, is invisible or heaps
   marks on a letter is left out; at most max_chars characters, the last one "…" where something was cut off. NULL: "".
 */
gchar *ew_text_clean (const gchar *text, guint max_chars);

/* What a daemon says, "the key expired: make a new one", as a sentence of its own: "The key expired: make a new one."
   A name at the beginning is left as it is. */
gchar *ew_text_sentence (const gchar *text, guint max_chars);

/* NULL where the member is missing or of another type; borrowed. */
const gchar *ew_text_member (JsonObject *object, const gchar *member);
JsonObject *ew_text_object (JsonObject *object, const gchar *member);
JsonArray *ew_text_array (JsonObject *object, const gchar *member);
gboolean ew_text_bool (JsonObject *object, const gchar *member, gboolean fallback);
/* FALSE: not there, null, not a number, below 0 or not finite. */
gboolean ew_text_number (JsonObject *object, const gchar *member, gdouble *value);
/* µs since the epoch of an RFC 3339 time; 0: none. */
gint64 ew_text_time (JsonObject *object, const gchar *member);
/* An enum's value by its nick, or fallback. */
gint ew_text_enum (GType type, const gchar *nick, gint fallback);

G_END_DECLS
