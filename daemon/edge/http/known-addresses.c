/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/known-addresses.h"

#include <string.h>

#define KEPT_US (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)
#define SWEEP_US (60 * G_USEC_PER_SEC) /* a full table is looked through at most this often */

struct EwKnownAddresses
{
  GHashTable *seen; /* network → gint64: when, monotonic µs */
  gint64 swept_us;
};

/* IPv4 as it is, IPv6 by its first half, which is never that small. */
static gint64
network_of (const EwIp *ip)
{
  guint32 v4;
  gint64 v6;

  if (ip->family == EW_FAMILY_V4)
    {
      memcpy (&v4, ip->bytes, sizeof v4);
      return v4;
    }
  memcpy (&v6, ip->bytes, sizeof v6);
  return v6;
}

EwKnownAddresses *
ew_http_known_addresses_new (void)
{
  EwKnownAddresses *self = g_new0 (EwKnownAddresses, 1);
  self->seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return self;
}

void
ew_http_known_addresses_free (EwKnownAddresses *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->seen);
  g_free (self);
}

static gboolean
is_old (gpointer key, gpointer value, gpointer now_us)
{
  return *(gint64 *)value + KEPT_US < *(gint64 *)now_us;
}

void
ew_http_known_addresses_add (EwKnownAddresses *self, const EwIp *ip, gint64 now_us)
{
  gint64 network = network_of (ip);
  gint64 *seen = g_hash_table_lookup (self->seen, &network);
  if (seen)
    {
      *seen = now_us;
      return;
    }
  if (g_hash_table_size (self->seen) >= EW_KNOWN_ADDRESSES_MAX && now_us >= self->swept_us + SWEEP_US)
    {
      self->swept_us = now_us;
      g_hash_table_foreach_remove (self->seen, is_old, &now_us);
    }
  if (g_hash_table_size (self->seen) >= EW_KNOWN_ADDRESSES_MAX)
    return;
  g_hash_table_insert (self->seen, g_memdup2 (&network, sizeof network), g_memdup2 (&now_us, sizeof now_us));
}

gboolean
ew_http_known_addresses_contain (EwKnownAddresses *self, const EwIp *ip, gint64 now_us)
{
  gint64 network = network_of (ip);
  const gint64 *seen = g_hash_table_lookup (self->seen, &network);
  return seen && *seen + KEPT_US >= now_us;
}
