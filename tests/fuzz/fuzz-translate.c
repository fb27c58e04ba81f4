/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sentence, a translation of each template and a phrase, a line each: whatever they are, the app says something, and
 * never more than it reads.
 */
#include <edgeway-config.h>
#include <glib.h>
#include <libintl.h>
#include <stdint.h>
#include <string.h>

#include "model/translate.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const gchar *translation;

/* In place of the C library's: our catalog says what the input wants, and the libraries' say nothing, which trust
   theirs. An optimizing compiler sees a macro that calls the second one. */
#undef dgettext

char *
dgettext (const char *domain, const char *msgid)
{
  const gboolean ours = g_strcmp0 (domain, GETTEXT_PACKAGE) == 0;
  return (char *)(ours && translation != NULL && *translation != '\0' ? translation : msgid);
}

char *
dcgettext (const char *domain, const char *msgid, int category)
{
  return dgettext (domain, msgid);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree gchar *input = g_strndup ((const gchar *)data, size);
  g_auto (GStrv) lines = g_strsplit (input, "\n", 3);
  const guint n = g_strv_length (lines);

  translation = n > 1 ? lines[1] : NULL;
  g_autofree gchar *said = ew_translate_sentence (n > 0 ? lines[0] : "", n > 2 ? lines[2] : NULL);
  g_assert_nonnull (said);
  if (n > 0 && g_utf8_validate (input, -1, NULL))
    g_assert_true (g_utf8_validate (said, -1, NULL));
  g_assert_cmpuint (strlen (said), <=, MAX (64 * 1024, size));
  translation = NULL;
  return 0;
}
