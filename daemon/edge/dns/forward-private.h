/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of the forwarder share: its settings, and who asks how much.
 */
#pragma once

#include "edge/dns/forward.h"

/* Settings. A snapshot of them, which is never changed. */
typedef struct
{
  gboolean forward;
  gchar *host_file;
  GArray *resolvers; /* EwDnsResolver */
  GArray *domains;   /* EwDnsDomain: the owner's */
  GArray *gateways;  /* EwDnsDomain */
  EwIp service[2];
  EwPrefix ranges[2];
} EwDnsForwardPlan;

/* The newest if it isn't the one held, which is released; any thread. *plan NULL: none is held. TRUE: it was
 * another. */
gboolean ew_dns_forward_settings_follow (EwDnsForwardSettings *self, EwDnsForwardPlan **plan);
void ew_dns_forward_plan_release (EwDnsForwardPlan *plan);

/* Askers. */
typedef struct
{
  gchar node[EW_DNS_ID_LENGTH + 1];
  guint open;        /* questions that wait for a resolver */
  gint64 full_at_us; /* when its bucket is full again: each question moves it on */
} EwDnsAskerUse;

typedef struct
{
  GHashTable *uses; /* node → EwDnsAskerUse */
} EwDnsAskers;

void ew_dns_askers_init (EwDnsAskers *self);
void ew_dns_askers_clear (EwDnsAskers *self);
/* NULL: it has asked too much lately. Borrowed; lasts while .open isn't 0. */
EwDnsAskerUse *ew_dns_askers_take (EwDnsAskers *self, const EwDnsAsker *asker, gint64 now_us);
/* Whether one more may be open, where open are in all. */
gboolean ew_dns_asker_may_open (const EwDnsAskerUse *use, guint open);
