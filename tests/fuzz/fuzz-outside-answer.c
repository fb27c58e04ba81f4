/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes back when the edge's name is looked up outside the tunnel: from any host on the path. The first two
 * bytes are the question's ID.
 */
#include <stdint.h>
#include <string.h>

#include "names/outside-resolver.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const guint8 families[] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  guint16 id = size >= 2 ? (guint16)(data[0] << 8 | data[1]) : 0;
  g_autoptr (GArray) hosts = ew_outside_read_hosts ((const gchar *)data, size, "edge.example.com");

  g_assert_cmpuint (hosts->len, <=, 16);
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      guint32 ttl = G_MAXUINT32;
      g_autoptr (GArray) found = ew_outside_read_answer (data, size, id, "edge.example.com", families[i], &ttl);
      g_assert_true (found != NULL || ttl == G_MAXUINT32);
      for (guint j = 0; found != NULL && j < found->len; j++)
        g_assert_cmpuint (g_array_index (found, EwIp, j).family, ==, families[i]);
    }
  return 0;
}
