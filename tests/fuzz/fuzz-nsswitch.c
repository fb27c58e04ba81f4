/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An nsswitch.conf as anybody may have written it. Our words put in are there, put in again change nothing, and taken
 * out leave what was there before, to the byte.
 */
#include "nss/nsswitch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const gchar *text = (const gchar *)data;
  EwNsswitchResult result;
  g_autofree gchar *clean = ew_nsswitch_edit (text, size, FALSE, &result);
  g_autofree gchar *before = clean != NULL ? g_strdup (clean) : g_strndup (text, size);
  g_autofree gchar *added = NULL, *again = NULL, *removed = NULL;

  if (result == EW_NSSWITCH_STRANGE)
    return 0;
  added = ew_nsswitch_edit (before, strlen (before), TRUE, &result);
  if (added == NULL)
    return 0;
  again = ew_nsswitch_edit (added, strlen (added), TRUE, &result);
  g_assert_null (again);
  g_assert_cmpint (result, ==, EW_NSSWITCH_SAME);
  removed = ew_nsswitch_edit (added, strlen (added), FALSE, &result);
  g_assert_cmpstr (removed, ==, before);
  return 0;
}
