/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first line is the file "portal", a "|" in place of its line's end; the rest is what a network answers: every
 * beginning of it is judged like the whole, unless the whole has more to say. A page that is named is harmless.
 */
#include <string.h>
#include "portal/answer.h"
#include "portal/setting.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check_page (const EwPortalPage *page)
{
  g_assert_true (g_str_has_prefix (page->url, "http://") || g_str_has_prefix (page->url, "https://"));
  g_assert_cmpuint (strlen (page->url), <=, EW_PORTAL_URL_MAX);
  g_assert_null (strpbrk (page->url, "\r\n\t \"'\\`<>"));
  g_assert_null (strpbrk (page->host, "\r\n\t \"'\\`<>/@{}"));
  g_assert_null (strpbrk (page->path, "\r\n\t \"'\\`<>"));
  g_autoptr (EwPortalPage) again = ew_portal_page_parse (page->url, NULL);
  g_assert_nonnull (again);
  g_assert_cmpstr (again->host, ==, page->host);
  g_assert_cmpuint (again->port, ==, page->port);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const guint8 *end = size ? memchr (data, '\n', size) : NULL;
  const gsize first = end ? (gsize)(end - data) : 0;
  g_autofree gchar *text = g_strdelimit (g_strndup ((const gchar *)data, first), "|", '\n');
  g_auto (EwPortalSetting) setting = { 0 };
  g_autofree gchar *location = NULL;
  if (ew_portal_setting_parse (text, &setting, NULL) && setting.page)
    check_page (setting.page);
  const gsize skipped = first + (end != NULL), length = size - skipped;
  const gchar *answer = (const gchar *)data + skipped;
  EwPortalVerdict whole = ew_portal_judge (answer, length, FALSE, setting.expected, &location);
  g_autoptr (EwPortalPage) base = ew_portal_page_new ("192.0.2.7");
  g_autoptr (EwPortalPage) page = location ? ew_portal_page_parse (location, base) : NULL;
  if (page)
    check_page (page);
  for (gsize n = 0; n < length; n++)
    {
      g_autofree gchar *copy = g_memdup2 (answer, n), *found = NULL; /* so that a read beyond its end is noticed */
      EwPortalVerdict part = ew_portal_judge (n ? copy : "", n, FALSE, setting.expected, &found);
      g_assert_true (part == EW_PORTAL_MORE || part == whole);
      g_assert_true (part != whole || part == EW_PORTAL_MORE || g_strcmp0 (found, location) == 0);
    }
  return 0;
}
