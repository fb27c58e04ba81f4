/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The JSON of API bodies, documents and keys. What is accepted can be written and read again, and is then the same
 * text.
 */
#include <stdint.h>

#include "common/util.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = ew_json_parse_object ((const gchar *)data, size, 65536, &error);
  g_assert_true ((object == NULL) == (error != NULL));
  if (object == NULL)
    return 0;
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  g_autoptr (JsonObject) again = ew_json_parse_object (text, strlen (text), G_MAXSIZE, NULL);
  if (again == NULL) /* 1e999 is valid JSON, its parsed value can't be written as JSON */
    return 0;
  g_autofree gchar *twice = ew_json_to_string (again, FALSE);
  g_assert_cmpstr (text, ==, twice);
  g_autoptr (GList) members = json_object_get_members (object);
  for (GList *l = members; l != NULL; l = l->next)
    {
      ew_json_string (object, l->data);
      ew_json_int (object, l->data, 0);
      ew_json_bool (object, l->data, FALSE);
      g_auto (GStrv) strings = ew_json_strv (object, l->data, 16);
      g_assert_true (strings == NULL || g_strv_length (strings) <= 16);
    }
  return 0;
}
