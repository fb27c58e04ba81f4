/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/pace.h"

#define SHARE 2          /* one network: a half */
#define NETWORKS_MAX 256 /* more are remembered only while they have to wait */

struct EwHttpPace
{
  guint64 bytes_per_s;
  gint64 free_us;       /* when the next piece may be sent */
  GHashTable *networks; /* network (guint64, owned) → gint64 (owned): the same for one network */
};

EwHttpPace *
ew_http_pace_new (guint64 bytes_per_s)
{
  EwHttpPace *self = g_new0 (EwHttpPace, 1);
  self->bytes_per_s = bytes_per_s;
  self->networks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return self;
}

void
ew_http_pace_free (EwHttpPace *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->networks);
  g_free (self);
}

static gboolean
is_free (gpointer network, gpointer free_us, gpointer now_us)
{
  return *(const gint64 *)free_us <= *(const gint64 *)now_us;
}

static gint64
take_turn (gint64 *free_us, guint64 bytes_per_s, gsize bytes, gint64 now_us)
{
  gint64 at = MAX (*free_us, now_us);
  *free_us = at + (gint64)(bytes * G_USEC_PER_SEC / MAX (bytes_per_s, 1));
  return at - now_us;
}

gint64
ew_http_pace_book (EwHttpPace *self, guint64 network, gsize bytes, gint64 now_us)
{
  if (self->bytes_per_s == 0)
    return 0;
  if (g_hash_table_size (self->networks) >= NETWORKS_MAX)
    g_hash_table_foreach_remove (self->networks, is_free, &now_us);
  gint64 *own = g_hash_table_lookup (self->networks, &network);
  if (own == NULL)
    {
      own = g_new0 (gint64, 1);
      g_hash_table_insert (self->networks, g_memdup2 (&network, sizeof network), own);
    }
  gint64 all_us = take_turn (&self->free_us, self->bytes_per_s, bytes, now_us);
  gint64 own_us = take_turn (own, self->bytes_per_s / SHARE, bytes, now_us);
  return MAX (all_us, own_us);
}
