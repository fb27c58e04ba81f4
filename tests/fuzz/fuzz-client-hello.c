/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a caller sends first: every beginning of it is judged like the whole, unless the whole has more to say.
 */
#include <string.h>
#include "edge/http/client-hello.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  gsize need = 0, next = 0;
  EwClientHello whole = ew_http_client_hello_check (data, size, &need);
  for (gsize length = 0; length < size && length <= EW_CLIENT_HELLO_MAX; length = next)
    {
      g_autofree guint8 *copy = g_memdup2 (data, length); /* so that a read beyond its end is noticed */
      EwClientHello found = ew_http_client_hello_check (copy, length, &next);
      if (found != EW_CLIENT_HELLO_MORE)
        {
          g_assert_cmpint (found, ==, whole);
          break;
        }
      g_assert_true (next > length && next <= EW_CLIENT_HELLO_MAX);
    }
  EwClientHelloNames names;
  ew_http_client_hello_read (data, size, &names); /* whatever it is */
  g_assert_cmpuint (strlen (names.name), <=, EW_CLIENT_HELLO_NAME_MAX);
  g_assert_true (g_str_is_ascii (names.name));
  if (whole == EW_CLIENT_HELLO_MORE)
    g_assert_true (need > size && need <= EW_CLIENT_HELLO_MAX);
  return 0;
}
