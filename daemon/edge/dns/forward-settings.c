/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "edge/dns/forward-private.h"

struct EwDnsForwardSettings
{
  GMutex lock;
  EwDnsForwardPlan *plan; /* what is held beside it is a reference */
};

static GArray *
copy_domains (const GArray *domains)
{
  GArray *copy = ew_dns_domains_new ();
  for (guint i = 0; domains && i < domains->len; i++)
    {
      EwDnsDomain copied = g_array_index (domains, EwDnsDomain, i);
      copied.domain = g_strdup (copied.domain);
      g_array_append_val (copy, copied);
    }
  return copy;
}

static void
clear_plan (gpointer data)
{
  EwDnsForwardPlan *plan = data;
  g_free (plan->host_file);
  g_array_unref (plan->resolvers);
  g_array_unref (plan->domains);
  g_array_unref (plan->gateways);
}

void
ew_dns_forward_plan_release (EwDnsForwardPlan *plan)
{
  if (plan)
    g_atomic_rc_box_release_full (plan, clear_plan);
}

EwDnsForwardSettings *
ew_dns_forward_settings_new (const EwDnsForwardConfig *config)
{
  EwDnsForwardSettings *self = g_new0 (EwDnsForwardSettings, 1);
  EwDnsForwardPlan *plan = g_atomic_rc_box_new0 (EwDnsForwardPlan);
  plan->forward = config->forward;
  plan->host_file = g_strdup (config->host_file ? config->host_file : "/etc/resolv.conf");
  plan->resolvers
    = config->resolvers ? g_array_copy (config->resolvers) : g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  plan->domains = copy_domains (config->domains);
  plan->gateways = ew_dns_domains_new ();
  for (guint i = 0; i < G_N_ELEMENTS (plan->service); i++)
    {
      plan->service[i] = config->service[i];
      plan->ranges[i] = config->ranges[i];
    }
  g_mutex_init (&self->lock);
  self->plan = plan;
  return self;
}

void
ew_dns_forward_settings_free (EwDnsForwardSettings *self)
{
  if (self == NULL)
    return;
  ew_dns_forward_plan_release (self->plan);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
ew_dns_forward_settings_set_gateways (EwDnsForwardSettings *self, const GArray *gateways)
{
  EwDnsForwardPlan *plan = g_atomic_rc_box_new0 (EwDnsForwardPlan), *before = self->plan; /* changed here alone */
  *plan = *before;
  plan->host_file = g_strdup (before->host_file);
  plan->resolvers = g_array_copy (before->resolvers);
  plan->domains = copy_domains (before->domains);
  plan->gateways = copy_domains (gateways);
  g_mutex_lock (&self->lock);
  self->plan = plan;
  g_mutex_unlock (&self->lock);
  ew_dns_forward_plan_release (before);
}

gboolean
ew_dns_forward_settings_follow (EwDnsForwardSettings *self, EwDnsForwardPlan **plan)
{
  EwDnsForwardPlan *before = *plan;
  g_mutex_lock (&self->lock);
  gboolean changed = self->plan != before;
  if (changed)
    *plan = g_atomic_rc_box_acquire (self->plan);
  g_mutex_unlock (&self->lock);
  if (changed)
    ew_dns_forward_plan_release (before);
  return changed;
}

static gboolean
check_resolvers (const EwDnsForwardConfig *config, const EwDnsResolver *resolvers, gsize n, GError **error)
{
  gchar text[EW_IP_STRLEN];
  for (gsize i = 0; i < n; i++)
    for (guint j = 0; j < G_N_ELEMENTS (config->service); j++)
      if (ew_ip_equal (&resolvers[i].ip, &config->service[j]))
        {
          ew_ip_format (&resolvers[i].ip, text);
          g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                       "The resolver %s is this edge's own address, so it would only ask itself. Choose another in "
                       "[dns] of the configuration.",
                       text);
          return FALSE;
        }
  return TRUE;
}

gboolean
ew_dns_forward_check (const EwDnsForwardConfig *config, GError **error)
{
  if (!check_resolvers (config, (const EwDnsResolver *)(void *)config->resolvers->data, config->resolvers->len, error))
    return FALSE;
  for (guint i = 0; i < config->domains->len; i++)
    {
      const EwDnsDomain *domain = &g_array_index (config->domains, EwDnsDomain, i);
      if (!check_resolvers (config, domain->resolvers, domain->n_resolvers, error))
        return FALSE;
    }
  return TRUE;
}
