/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An edge's messages about its map, one a line, and what a reader would get after each.
 */
#include "account/topology-mirror.h"
#include "common/util.h"
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check_line (gchar *line)
{
  g_autofree gchar *owned = line;
  gsize length = strlen (line);
  g_assert_true (length > 1 && line[length - 1] == '\n' && strchr (line, '\n') == line + length - 1);
  g_autoptr (JsonObject) object = ew_json_parse_object (line, length - 1, G_MAXINT32, NULL);
  g_assert_nonnull (object);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", g_get_monotonic_time);
  for (const guint8 *end = data + size; data < end;)
    {
      const guint8 *stop = memchr (data, '\n', (size_t)(end - data));
      g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
      g_autofree gchar *after = NULL;
      gboolean more = TRUE;
      ew_topology_mirror_take (mirror, (const gchar *)data, (gsize)((stop ? stop : end) - data), ids);
      data = stop ? stop + 1 : end;
      if (!ew_topology_mirror_is_complete (mirror))
        continue;
      while (more)
        check_line (ew_topology_mirror_snapshot (mirror, &after, &more));
      g_autoptr (GHashTable) set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      for (guint i = 0; i < ids->len; i++)
        {
          check_line (ew_topology_mirror_node (mirror, ids->pdata[i]));
          check_line (ew_topology_mirror_edge (mirror, ids->pdata[i]));
          check_line (ew_topology_mirror_service (mirror, ids->pdata[i]));
          g_hash_table_add (set, g_strdup (ids->pdata[i]));
        }
      check_line (ew_topology_mirror_counters (mirror, set));
    }
  return 0;
}
