/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The head of an answer, and a request's path.
 */
#include <string.h>
#include "capsule/upgrade.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *bytes = g_malloc (size + 1), *text = g_strndup ((const gchar *)data, size), *host = NULL;
  EwUpgradeAnswer answer;
  guint16 port;
  memcpy (bytes, data, size);
  g_autofree gchar *exact = g_memdup2 (bytes, size);
  if (ew_upgrade_read_answer (exact ? exact : "", size, &answer) == EW_HEAD_WHOLE)
    g_assert_true (answer.size <= MIN (size, EW_HEAD_MAX) && answer.status >= 100 && answer.status <= 599);
  if (ew_upgrade_read_path (text, &host, &port))
    g_assert_true (port > 0 && *host != '\0' && strpbrk (host, "/\r\n %") == NULL);
  return 0;
}
