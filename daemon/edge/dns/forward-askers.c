/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/forward-private.h"

#define ASKERS_MAX 4096 /* remembered without need */
#define REFILL_US (G_TIME_SPAN_SECOND / EW_DNS_ASKER_RATE)

void
ew_dns_askers_init (EwDnsAskers *self)
{
  self->uses = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
}

void
ew_dns_askers_clear (EwDnsAskers *self)
{
  g_clear_pointer (&self->uses, g_hash_table_unref);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer now_us)
{
  const EwDnsAskerUse *use = value;
  return use->open == 0 && use->full_at_us <= *(gint64 *)now_us;
}

EwDnsAskerUse *
ew_dns_askers_take (EwDnsAskers *self, const EwDnsAsker *asker, gint64 now_us)
{
  EwDnsAskerUse *use = g_hash_table_lookup (self->uses, asker->node);
  if (use == NULL)
    {
      if (g_hash_table_size (self->uses) >= ASKERS_MAX)
        g_hash_table_foreach_remove (self->uses, is_idle, &now_us);
      use = g_new0 (EwDnsAskerUse, 1);
      g_strlcpy (use->node, asker->node, sizeof use->node);
      g_hash_table_insert (self->uses, use->node, use);
    }
  if (use->full_at_us > now_us + (EW_DNS_ASKER_BURST - 1) * REFILL_US)
    return NULL;
  use->full_at_us = MAX (use->full_at_us, now_us) + REFILL_US;
  return use;
}

gboolean
ew_dns_asker_may_open (const EwDnsAskerUse *use, guint open)
{
  if (open >= EW_DNS_OPEN_MAX)
    return FALSE;
  return use->open < (open >= EW_DNS_OPEN_MAX / 2 ? EW_DNS_ASKER_OPEN_FEW : EW_DNS_ASKER_OPEN);
}
