/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a proxy or an edge answers: every beginning of it is judged like the whole, unless the whole has more to say.
 */
#include <string.h>

#include "common/http-head.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check_field (const gchar *name, const gchar *value, gpointer user_data)
{
  guint *n = user_data;
  g_assert_true (*name != '\0' && strpbrk (name, ":\n") == NULL && strchr (value, '\n') == NULL);
  (*n)++;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *exact = g_memdup2 (data, size); /* so that a read beyond its end is noticed */
  EwHead whole, head;
  guint n_fields = 0;
  const EwHeadResult result = ew_head_read (exact ? exact : "", size, &whole);
  if (result == EW_HEAD_WHOLE)
    {
      g_assert_true (whole.size <= MIN (size, EW_HEAD_MAX) && whole.status >= 100 && whole.status <= 599);
      ew_head_visit (exact, &whole, check_field, &n_fields);
      g_assert_cmpuint (n_fields, <, whole.size);
    }
  else
    g_assert_true (whole.status == 0 && whole.size == 0);
  for (gsize n = 0; n < size && n <= EW_HEAD_MAX; n++)
    {
      g_autofree gchar *copy = g_memdup2 (data, n);
      const EwHeadResult found = ew_head_read (n ? copy : "", n, &head);
      if (found == EW_HEAD_MORE)
        continue;
      g_assert_cmpint (found, ==, result);
      g_assert_true (found != EW_HEAD_WHOLE || (head.status == whole.status && head.size == whole.size));
      break;
    }
  return 0;
}
