/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first line is a proxy's URL and a no_proxy list, the rest is what a proxy answers: every beginning of it is judged like the whole, unless
 * the whole has more to say.
 */
#include <string.h>
#include "proxy/tunnel.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
try_text (const gchar *text)
{
  g_autoptr (EwProxy) proxy = ew_proxy_parse (text, NULL);
  (void)ew_proxy_is_exempt (text, "www.example.org");
  (void)ew_proxy_is_exempt (text, "2001:db8::1");
  if (proxy == NULL)
    return;
  g_autofree gchar *request = ew_proxy_request (proxy, "2001:db8::1", 443);
  guint lines = 0;
  for (const gchar *at = request; (at = strchr (at, '\n')); at++)
    lines++;
  g_assert_cmpuint (lines, ==, proxy->credentials ? 4 : 3); /* nothing in it makes a header of its own */
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const guint8 *end = size ? memchr (data, '\n', size) : NULL;
  const gsize first = end ? (gsize)(end - data) : 0;
  g_autofree gchar *text = g_strndup ((const gchar *)data, first);
  try_text (text);
  const guint8 *answer = data + first;
  const gsize length = size - first;
  guint status = 0, other = 0;
  gsize head = 0, other_head = 0;
  EwProxyHead whole = ew_proxy_read_head ((const gchar *)answer, length, &status, &head);
  for (gsize n = 0; n < length && n <= EW_PROXY_HEAD_MAX; n++)
    {
      g_autofree gchar *copy = g_memdup2 (answer, n); /* so that a read beyond its end is noticed */
      EwProxyHead found = ew_proxy_read_head (n ? copy : "", n, &other, &other_head);
      if (found == EW_PROXY_HEAD_MORE)
        continue;
      g_assert_cmpint (found, ==, whole);
      if (found == EW_PROXY_HEAD_WHOLE)
        g_assert_true (other == status && other_head == head && head <= EW_PROXY_HEAD_MAX);
      break;
    }
  return 0;
}
