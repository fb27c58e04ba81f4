/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The undo ledger as a damaged disk, or an attacker with root's rights, may have left it. What is accepted must come
 * back the same when it is written and read again.
 */
#include "common/util.h"
#include "net/host-private.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define BOOT "5719c4f2-eb38-4102-9092-c24cd5f72603"

/* Without the line's sum, so that a fuzzer gets past it. */
static void
one_entry (const uint8_t *data, size_t size)
{
  g_autoptr (JsonObject) object = ew_json_parse_object ((const gchar *)data, (gssize)size, 4096, NULL);
  g_autoptr (EwChange) change = object != NULL ? ew_change_from_json (object) : NULL;
  if (change == NULL)
    return;
  g_autofree gchar *line = ew_ledger_format (change, 1, BOOT);
  g_autofree gchar *words = ew_change_describe (change);
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);
  guint64 next;
  gboolean rewrite;
  g_assert_true (ew_ledger_parse (line, strlen (line), BOOT, changes, &next, &rewrite, NULL));
  g_assert_cmpuint (changes->len, ==, 1);
  g_assert_true (ew_change_same (changes->pdata[0], change));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);
  guint64 next;
  gboolean rewrite;

  (void)!ew_ledger_parse ((const gchar *)data, size, BOOT, changes, &next, &rewrite, NULL);
  one_entry (data, size);
  return 0;
}
