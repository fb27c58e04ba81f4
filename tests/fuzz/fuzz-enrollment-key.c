/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Enrollment keys in whatever text; and, since no fuzzer finds a hash, the input as a key's JSON with the right check
 * bytes, and that key in the middle of the input.
 */
#include <stdint.h>
#include <string.h>

#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/util.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What is accepted is written again as a key that means the same. */
static void
check (const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (text, &error);
  if (key == NULL)
    {
      g_assert_error (error, EW_ERROR, EW_ERROR_KEY_INVALID);
      return;
    }
  g_autofree gchar *again = ew_enrollment_key_format (key, &error);
  if (again == NULL) /* written again it may be longer */
    return;
  g_autoptr (EwEnrollmentKey) other = ew_enrollment_key_parse (again, NULL);
  g_assert_nonnull (other);
  g_assert_cmpstr (key->secret, ==, other->secret);
  g_assert_cmpstr (key->kind, ==, other->kind);
  g_assert_cmpmem (key->pin, EW_PIN_SIZE, other->pin, EW_PIN_SIZE);
  g_assert_true (g_strv_equal ((const gchar *const *)key->api, (const gchar *const *)other->api));
}

/* What is found in arbitrary bytes is a key in its canonical form. */
static void
find_in (const guint8 *data, gsize size, const gchar *made)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  g_byte_array_append (text, data, (guint)size);
  g_byte_array_append (text, (const guint8 *)made, (guint)strlen (made));
  g_byte_array_append (text, data, (guint)size);
  g_autofree gchar *found = ew_enrollment_key_find ((const gchar *)text->data, text->len, NULL);
  if (found == NULL)
    return;
  g_autofree gchar *again = ew_enrollment_key_find (found, strlen (found), NULL);
  g_assert_cmpstr (again, ==, found);
  check (found);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint8 hash[32];
  g_autofree gchar *text = g_strndup ((const gchar *)data, size);
  check (text);
  find_in (data, size, "");
  if (size > 4096)
    return 0;
  g_autoptr (GByteArray) whole = g_byte_array_new ();
  ew_sha256 (data, size, hash);
  g_byte_array_append (whole, data, (guint)size);
  g_byte_array_append (whole, hash, 4);
  g_autofree gchar *body = ew_base64url_encode (whole->data, whole->len);
  g_autofree gchar *made = g_strconcat ("ew1_", body, NULL);
  check (made);
  find_in (data, size, made);
  return 0;
}
