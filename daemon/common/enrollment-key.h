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

/* Parses a key or an edgeway://enroll/KEY link; surrounding white space is ignored. NULL with EW_ERROR_KEY_INVALID: the
   sentence says whether it is no key at all, was cut short, or altered. Never echoes the key. */
EwEnrollmentKey *ew_enrollment_key_parse (const gchar *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* error: it would be too long. The mesh's name is left out where it is none, or where the key would not fit with it. */
gchar *ew_enrollment_key_format (const EwEnrollmentKey *key, GError **error);
void ew_enrollment_key_free (EwEnrollmentKey *key); /* zeroes the secret */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEnrollmentKey, ew_enrollment_key_free)

G_END_DECLS
