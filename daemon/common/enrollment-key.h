/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The enrollment key: "ew1_" + unpadded base64url of (JSON, then the first 4 bytes of the JSON's SHA-256), at most 1
 * KiB. The JSON has `api` (1 to 8 addresses), `pin` and `secret` (unpadded base64url), `kind`, and
 * may have `mesh`, the mesh's name for people to read before they join; other members are ignored.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_ENROLLMENT_KEY_MAX 1024
#define EW_KEY_TEXT_MAX 65536 /* bytes of text that a key is looked for in */
#define EW_ENROLLMENT_SECRET_SIZE 32
#define EW_PIN_SIZE 32

typedef struct
{
  GStrv api; /* "https://HOST:PORT", at least one */
  guint8 pin[EW_PIN_SIZE];
  gchar *secret; /* unpadded base64url of EW_ENROLLMENT_SECRET_SIZE bytes */
  gchar *kind;   /* "admin", "server", "device" */
  gchar *mesh;   /* a name, for display alone: nothing proves it; NULL where the key does not say it */
} EwEnrollmentKey;

/* Whatever a person pastes or saves: a key, a link edgeway://enroll/KEY, a mail with one in it, wrapped, quoted or
   indented. The first key whose check sum is right, of the text's first 64 KiB. NULL with EW_ERROR_KEY_INVALID: the
   sentence says whether there is none, or it was cut short or altered. Never echoes the key.

   find: the key alone, as ew_enrollment_key_format() writes it (free with ew_free_secret()); the text may have any
   bytes, NUL too. parse: what it says. */
gchar *ew_enrollment_key_find (const gchar *text, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EwEnrollmentKey *ew_enrollment_key_parse (const gchar *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether more of a key may follow this text, line by line: it ends in the middle of one. */
gboolean ew_enrollment_key_is_cut (const gchar *text);
/* error: it would be too long. The mesh's name is left out where it is none, or where the key would not fit with it. */
gchar *ew_enrollment_key_format (const EwEnrollmentKey *key, GError **error);
void ew_enrollment_key_free (EwEnrollmentKey *key); /* zeroes the secret */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEnrollmentKey, ew_enrollment_key_free)

G_END_DECLS
