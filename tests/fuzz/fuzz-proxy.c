/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole is the file of the proxy's settings; its first line is a URL and a no_proxy list, too. What is made of it is
 * written as text that means the same.
 */
#include <string.h>

#include "proxy/settings.h"
#include "proxy/tunnel.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
try_line (const gchar *text)
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

static void
try_settings (const gchar *text)
{
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_parse (text, NULL);
  if (settings == NULL)
    return;
  g_assert_cmpuint (settings->known->len, <=, EW_PROXY_KNOWN_MAX);
  g_autofree gchar *written = ew_proxy_settings_format (settings), *shown = ew_proxy_settings_show (settings);
  g_autoptr (EwProxySettings) again = ew_proxy_settings_parse (written, NULL);
  g_assert_nonnull (again);
  g_assert_true (again->direct == settings->direct && (again->fixed == NULL) == (settings->fixed == NULL));
  g_assert_cmpuint (again->known->len, ==, settings->known->len);
  g_assert_true (!settings->fixed || g_strcmp0 (again->fixed->credentials, settings->fixed->credentials) == 0);
  g_autofree gchar *second = ew_proxy_settings_show (again);
  g_assert_cmpstr (shown, ==, second);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *text = g_strndup ((const gchar *)data, size), *first = g_strndup (text, strcspn (text, "\n"));
  try_line (first);
  try_settings (text);
  return 0;
}
