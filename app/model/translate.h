/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The daemon's sentences in the language of whoever reads them. A sentence comes as English text and, beside it, as a
 * phrase: a JSON array of a template and its arguments (data/dbus/org.edgeway.Daemon1.xml). The template is looked up
 * in our catalog; what isn't there, or doesn't belong to the text, is shown as the text. Templates and arguments come
 * from elsewhere: they are data, and never a format that printf reads.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* phrase: JSON, or "" or NULL for none: the text of a constant sentence is looked up as it is. (transfer full) */
gchar *ew_translate_sentence (const gchar *text, const gchar *phrase);
/* The same for a member of a JSON object, and the phrase beside it: "message" and "message_phrase"; "": there is no
   such member. (transfer full) */
gchar *ew_translate_member (JsonObject *object, const gchar *member);
/* A catalog is in use: only then phrases are worth requesting. */
gboolean ew_translate_has_catalog (void);

G_END_DECLS
