/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text that a user pasted, without what mail programs, terminals and editors put into a key: line ends, blanks, quote
 * marks, soft hyphens, zero-width characters, quoted-printable and percent encoding. Pure: it knows nothing of what a
 * key says.
 */
#pragma once

#include "common/enrollment-key.h"

G_BEGIN_DECLS

typedef enum
{
  EW_KEY_BREAK_NONE,
  EW_KEY_BREAK_BLANK,     /* something was left out here */
  EW_KEY_BREAK_PARAGRAPH, /* an empty line was */
} EwKeyBreak;

typedef struct
{
  gchar *chars;   /* the alphabet of base64url, and '.' for each character that belongs to no key; ends with '\0' */
  guint8 *breaks; /* EwKeyBreak before each, and before the end */
  gsize length;
} EwKeyText;

/* text: any bytes, `length` of them; what is beyond EW_KEY_TEXT_MAX is ignored. */
EwKeyText *ew_key_text_new (const gchar *text, gsize length) G_GNUC_WARN_UNUSED_RESULT;
void ew_key_text_free (EwKeyText *text); /* zeroes it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwKeyText, ew_key_text_free)

/* How many characters from `at` can belong to one key, at most `most`. */
gsize ew_key_text_run (const EwKeyText *text, gsize at, gsize most);

G_END_DECLS
