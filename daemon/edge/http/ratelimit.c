/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/ratelimit.h"

#include <string.h>

struct EwRateLimit
{
  GHashTable *buckets; /* EwIp → gint64: when it is full again */
  guint burst, max;
  gint64 refill_us;
};

/* A bucket is one number, the time at which it will be full: each take moves it on by one refill. */

static EwIp
key_of (const EwIp *ip)
{
  EwIp key = *ip;
  if (key.family == EW_FAMILY_V6)
    memset (key.bytes + 8, 0, 8);
  return key;
}

static guint
hash_ip (gconstpointer data)
{
  const EwIp *ip = data;
  guint hash = 5381;
  for (guint i = 0; i < sizeof ip->bytes; i++)
    hash = hash * 33 + ip->bytes[i];
  return hash;
}

static gboolean
equal_ip (gconstpointer a, gconstpointer b)
{
  return ew_ip_equal (a, b);
}

EwRateLimit *
ew_http_rate_limit_new (guint burst, gint64 refill_us, guint max)
{
  EwRateLimit *self = g_new0 (EwRateLimit, 1);
  self->buckets = g_hash_table_new_full (hash_ip, equal_ip, g_free, g_free);
  self->burst = burst;
  self->refill_us = refill_us;
  self->max = max;
  return self;
}

void
ew_http_rate_limit_free (EwRateLimit *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->buckets);
  g_free (self);
}

gboolean
ew_http_rate_limit_check (EwRateLimit *self, const EwIp *ip, gint64 now_us, gint64 *wait_us)
{
  EwIp key = key_of (ip);
  const gint64 *full_at = g_hash_table_lookup (self->buckets, &key);
  gint64 missing = full_at ? *full_at - now_us : 0;
  gint64 wait = missing - (gint64)(self->burst - 1) * self->refill_us;
  if (wait_us)
    *wait_us = MAX (wait, 0);
  return wait <= 0;
}

static gboolean
is_full (gpointer key, gpointer value, gpointer now_us)
{
  return *(gint64 *)value <= *(gint64 *)now_us;
}

/* Full buckets can be dropped without loss; if no bucket is full, any is dropped. */
static void
make_room (EwRateLimit *self, gint64 now_us)
{
  GHashTableIter iter;
  if (g_hash_table_size (self->buckets) < self->max)
    return;
  g_hash_table_foreach_remove (self->buckets, is_full, &now_us);
  if (g_hash_table_size (self->buckets) < self->max)
    return;
  g_hash_table_iter_init (&iter, self->buckets);
  if (g_hash_table_iter_next (&iter, NULL, NULL))
    g_hash_table_iter_remove (&iter);
}

void
ew_http_rate_limit_take (EwRateLimit *self, const EwIp *ip, gint64 now_us)
{
  EwIp key = key_of (ip);
  gint64 *full_at = g_hash_table_lookup (self->buckets, &key);
  if (full_at == NULL)
    {
      make_room (self, now_us);
      full_at = g_new0 (gint64, 1);
      g_hash_table_insert (self->buckets, g_memdup2 (&key, sizeof key), full_at);
    }
  *full_at = MAX (*full_at, now_us) + self->refill_us;
}

void
ew_http_rate_limit_give (EwRateLimit *self, const EwIp *ip)
{
  EwIp key = key_of (ip);
  gint64 *full_at = g_hash_table_lookup (self->buckets, &key);
  if (full_at)
    *full_at -= self->refill_us;
}
