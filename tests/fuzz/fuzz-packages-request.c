/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a stranger asks an edge's packages for: a path, or a range of a file. Nothing that is accepted leads out of the folder.
 */
#include <string.h>
#include "edge/packages/request.h"

#define FILE_SIZE 1000

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *text = g_strndup ((const gchar *)data, size);
  gchar system[EW_PACKAGES_SYSTEM_MAX + 1], file[EW_PACKAGES_FILE_MAX + 1];
  guint64 first, length;
  if (ew_packages_path_parse (text, system, file))
    {
      g_autofree gchar *again = g_strconcat (EW_PACKAGES_PREFIX, system, "/", file, NULL);
      g_assert_cmpstr (again, ==, text);
      g_assert_true (*system && *file && *file != '.' && strpbrk (system, "/%\\ ") == NULL);
      g_assert_true (strpbrk (file, "/\\ \n") == NULL && !strstr (system, ".."));
    }
  EwPackagesRange range = ew_packages_range_parse (text, FILE_SIZE, &first, &length);
  g_assert_true (first <= FILE_SIZE && length <= FILE_SIZE && first + length <= FILE_SIZE);
  g_assert_true (range != EW_PACKAGES_RANGE_PART || length > 0);
  return 0;
}
