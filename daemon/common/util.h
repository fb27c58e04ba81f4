/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The small things that both daemons and the command line share.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Logging: g_message() and its kin to stderr, with the journal's "<N>" priority when JOURNAL_STREAM says that stderr is
   the journal, else "program: warning: …". Debug output only with EDGEWAY_DEBUG=1. */
void ew_log_init (const gchar *program);
/* Where a log can be read, worded to follow "See ": a command, or in words if no command shows it. (transfer full)
   own: this process's, after ew_log_init(). find: another program's on this computer; its unit has its name. */
gchar *ew_log_find_own (void);
gchar *ew_log_find (const gchar *program);

/* For a daemon, before its first thread: large blocks are returned to the system as soon as they are freed. */
void ew_memory_init (void);

/* sd_notify(3)'s protocol without its library: "READY=1", "STOPPING=1", "STATUS=…". No-op without NOTIFY_SOCKET. */
void ew_notify (const gchar *state);

/* Writes a file atomically: temporary in the same folder, mode, fsync, rename, fsync of the folder. A failure leaves
   the old file. length -1: data is a string. Errors: G_IO_ERROR. */
gboolean ew_file_write_atomic (const gchar *path, const gchar *data, gssize length, guint mode,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Where the file is kept until the next boot if its disk can't be written: in /run/edgeway, under another name.
   (transfer full) */
gchar *ew_file_spare (const gchar *path);
/* Reads a file of at most max bytes; (transfer full) data, with a NUL after it; length may be NULL. Errors:
   G_IO_ERROR, and EW_ERROR_TOO_LARGE. */
gboolean ew_file_read (const gchar *path, gsize max, gchar **data, gsize *length,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes path and its parents; path itself 0700 and owned by this user, or an error that says why not. A folder that was
   there is made private only while it is empty. */
gboolean ew_state_dir_prepare (const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Bounded JSON: an object, at most max bytes (EW_ERROR_TOO_LARGE) and 32 levels deep, valid UTF-8, RFC 8259 to the
   letter: no comments, no U+0000, whole numbers inside gint64 (EW_ERROR_INVALID_ARGUMENT). */
JsonObject *ew_json_parse_object (const gchar *data, gsize length, gsize max, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Borrows object. Safe on a terminal: what ew_is_deceptive() is written as \uXXXX. */
gchar *ew_json_to_string (JsonObject *object, gboolean pretty);
/* Typed members that never warn: missing or of another type, or object NULL, gives the fallback (for strings: NULL). */
const gchar *ew_json_string (JsonObject *object, const gchar *member);
gint64 ew_json_int (JsonObject *object, const gchar *member, gint64 fallback);
gboolean ew_json_bool (JsonObject *object, const gchar *member, gboolean fallback);
JsonArray *ew_json_array (JsonObject *object, const gchar *member);   /* borrowed, NULL if it isn't one */
JsonObject *ew_json_object (JsonObject *object, const gchar *member); /* borrowed, NULL if it isn't one */
/* The strings of an array member; NULL if it isn't an array, has more than max elements, or one that isn't a string.
 * (transfer full) */
GStrv ew_json_strv (JsonObject *object, const gchar *member, guint max);
void ew_json_set_strv (JsonObject *object, const gchar *member, const gchar *const *values); /* values NULL: [] */
void ew_json_set_string_or_null (JsonObject *object, const gchar *member, const gchar *value);
void ew_json_set_time_or_null (JsonObject *object, const gchar *member, gint64 realtime_us); /* 0: null */

/* Unpadded base64url (RFC 4648 section 5). decode: NULL for anything not canonical. */
gchar *ew_base64url_encode (const guint8 *data, gsize length);
guint8 *ew_base64url_decode (const gchar *text, gsize *length);
/* A 32-byte key as `wg` writes it: 44 characters of base64. */
gchar *ew_key_to_base64 (const guint8 key[32]);
gboolean ew_key_from_base64 (const gchar *text, guint8 out[32]);

void ew_random (void *out, gsize length);                              /* getrandom(2); aborts if the kernel has none */
void ew_zero (void *data, gsize length);                               /* not optimised away */
void ew_free_secret (gchar *text);                                     /* zeroes and frees; NULL is fine */
gboolean ew_equal_secret (const void *a, const void *b, gsize length); /* constant time */
void ew_sha256 (const void *data, gsize length, guint8 out[32]);

/* A DNS label: 1…63 of a-z, 0-9, '-', not at the ends. The error says which rule is broken. */
gboolean ew_name_check (const gchar *name, GError **error);
/* The same for what a computer is called: besides, no name that programs take for something else, so no number, and none
 * to whose owner they hand their traffic. */
gboolean ew_name_check_computer (const gchar *name, GError **error);
/* A host name made into a label ("Bob's Laptop" → "bobs-laptop"); "node" where nothing is left. */
gchar *ew_name_from_host (const gchar *host_name);
/* The same, with another name in place of one that ew_name_check_computer() refuses ("10" → "node-10"). */
gchar *ew_name_of_computer (const gchar *host_name);

/* Characters that make a terminal or a label show something else than the text says: DEL and the C1 controls (U+009B
   begins a sequence), marks that turn the direction, line and paragraph separators (UTS #39). C0 controls apart. */
gboolean ew_is_deceptive (gunichar character);
/* Text from another program as one line of at most max characters, with a space for each control or deceptive one. text
   is valid UTF-8. */
gchar *ew_text_one_line (const gchar *text, glong max);
/* The text as a sentence that another can follow: with a full stop, unless it ends with one, "!" or "?" already. */
gchar *ew_text_end_sentence (const gchar *text);

/* "60", "60s", "10m", "1h", "1d" in seconds; FALSE with EW_ERROR_INVALID_ARGUMENT outside min…max. */
gboolean ew_duration_parse (const gchar *text, guint min, guint max, guint *seconds, GError **error);

gchar *ew_time_format (gint64 realtime_us); /* RFC 3339 UTC, seconds */
gint64 ew_time_parse (const gchar *text);   /* microseconds; 0 if it isn't an RFC 3339 time */
/* "HOST:PORT", "[V6]:PORT"; the port checked. (transfer full) host without brackets. */
gboolean ew_host_port_parse (const gchar *text, gchar **host, guint16 *port, GError **error);

G_END_DECLS
