/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sentences for people, which their own program can translate. The daemons speak English: a sentence is a plain string,
 * in logs, errors and properties alike. Its template and arguments are remembered with it, and looked up where the
 * sentence leaves the process:
 *
 *   ew_phrase ("%s didn't answer.", name) ──→ "nas didn't answer."   ──→ log, GError, property, JSON
 *                     └──→ remembered: ["%s didn't answer.", "nas"]  ──→ beside it; the app translates that
 *
 * A phrase is a JSON array: a template, as in the catalog (po/), and an argument for each of its %s, %u, %d and
 * %.1f. An argument is a string, a number, or a phrase where it was a remembered sentence itself. Clients look up
 * strings of several words as well, so a constant, marked with N_(), or the name of an error is translated in any
 * place. The last EW_PHRASES sentences are remembered; an older one has only its English text, as has one from an older
 * program.
 *
 * All functions may be called from any thread.
 */
#pragma once

#include <gio/gio.h>
#include <glib/gi18n.h> /* N_(), for sentences in tables */
#include <json-glib/json-glib.h>
#include "common/error.h"

G_BEGIN_DECLS

#define EW_PHRASES 512             /* remembered */
#define EW_PHRASE_ARGUMENTS 9      /* of a template */
#define EW_PHRASE_DEPTH 4          /* of phrases in phrases */
#define EW_PHRASE_TEXT_MAX 2048    /* bytes of a sentence or template */
#define EW_PHRASE_JSON_MAX 4096    /* bytes of a phrase */
#define EW_PHRASE_ARGUMENT_MAX 512 /* bytes of a string that is an argument */

/* As g_strdup_printf(); format is a literal, which xgettext finds here. */
gchar *ew_phrase (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
gchar *ew_phrase_valist (const gchar *format, va_list arguments) G_GNUC_PRINTF (1, 0);
/* The same for errors: as the functions of GLib that they are named after. */
void ew_set_error (GError **error, GQuark domain, gint code, const gchar *format, ...) G_GNUC_PRINTF (4, 5);
/* … of EW_ERROR; returns FALSE. */
gboolean ew_error_refuse (GError **error, EwError code, const gchar *format, ...) G_GNUC_PRINTF (3, 4);
GError *ew_error_new (GQuark domain, gint code, const gchar *format, ...) G_GNUC_PRINTF (3, 4);
void ew_task_return_new_error (GTask *task, GQuark domain, gint code, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* The cause of a network error in a few words, those of its code where it has one; borrowed from error. */
const gchar *ew_phrase_cause (const GError *error);

/* What text was made of, as JSON; "": not known. (transfer full) */
gchar *ew_phrase_to_json (const gchar *text);
/* Sets member to the phrase of text; nothing where it isn't known. */
void ew_phrase_add_member (JsonObject *object, const gchar *member, const gchar *text);
/* What another program said, with its phrase: text is remembered with it. FALSE: it isn't a phrase, or too large. */
gboolean ew_phrase_learn (const gchar *text, JsonArray *phrase);

G_END_DECLS
