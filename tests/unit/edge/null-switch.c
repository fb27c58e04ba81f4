/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "null-switch.h"

#include <string.h>

struct EwSwitch
{
  EwSwitchConfig config;
  GHashTable *nodes, *statuses;
  guint viewers, found;
  guint64 floor;
  gchar *services;
  GHashTable *probes; /* target → EwProbeState */
  gchar *out[EW_PROBE_SLOTS];
  guint probed;
};

static EwSwitch *newest;
static gboolean exit_open;

EwSwitch *
ew_switch_new (const EwSwitchConfig *config, GError **error)
{
  EwSwitch *self = g_new0 (EwSwitch, 1);
  self->config = *config;
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->statuses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->services = g_strdup ("");
  self->probes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  newest = self;
  return self;
}

void
ew_switch_free (EwSwitch *self)
{
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->statuses);
  g_hash_table_unref (self->probes);
  g_free (self->services);
  g_free (self);
  newest = NULL;
}

/* Services. */

static void
print_service (GString *text, const EwNatService *service)
{
  gchar ip[EW_IP_STRLEN] = "-";
  if (service->addresses[0].family != EW_FAMILY_NONE)
    ew_ip_format (&service->addresses[0], ip);
  g_string_append_printf (text, "%s %s %s", ip, service->choice == EW_NAT_CHOOSE_SPREAD ? "spread" : "first",
                          service->source == EW_NAT_SOURCE_EDGE ? "edge" : "caller");
  for (gsize i = 0; i < service->n_ports; i++)
    {
      const EwNatPorts *ports = &service->ports[i];
      g_string_append_printf (text, " %s %u-%u>%u", ports->protocols == EW_NAT_UDP ? "udp" : "tcp", ports->first,
                              ports->last, ports->to);
    }
  for (gsize i = 0; i < service->n_targets; i++)
    {
      ew_ip_format (&service->targets[i].ips[0], ip);
      g_string_append_printf (text, " %s:%u%s", ip, service->targets[i].port, service->targets[i].healthy ? "+" : "-");
    }
  g_string_append_c (text, '\n');
}

gboolean
ew_switch_set_services (EwSwitch *self, const EwNatService *services, gsize n, GError **error)
{
  GString *text = g_string_new (NULL);
  for (gsize i = 0; i < n; i++)
    print_service (text, &services[i]);
  g_free (self->services);
  self->services = g_string_free (text, FALSE);
  return TRUE;
}

gchar *
null_switch_dup_services (void)
{
  return g_strdup (newest->services);
}

gint
ew_switch_start_probe (EwSwitch *self, const EwIp *target, guint8 protocol, guint16 port)
{
  gchar ip[EW_IP_STRLEN];
  ew_ip_format (target, ip);
  for (gint i = 0; i < EW_PROBE_SLOTS; i++)
    if (self->out[i] == NULL)
      {
        self->out[i] = g_strdup_printf ("%s %u %u", ip, protocol, port);
        self->probed++;
        return i;
      }
  return -1;
}

void
ew_switch_repeat_probe (EwSwitch *self, gint probe)
{
}

EwProbeState
ew_switch_get_probe (EwSwitch *self, gint probe)
{
  gpointer state = g_hash_table_lookup (self->probes, self->out[probe]);
  return state ? (EwProbeState)GPOINTER_TO_UINT (state) : EW_PROBE_WAITING;
}

void
ew_switch_end_probe (EwSwitch *self, gint probe)
{
  g_clear_pointer (&self->out[probe], g_free);
}

void
null_switch_set_probe (const gchar *target, EwProbeState state)
{
  g_hash_table_replace (newest->probes, g_strdup (target), GUINT_TO_POINTER (state));
}

guint
null_switch_get_probed (void)
{
  return newest->probed;
}

void
ew_switch_set_node (EwSwitch *self, const EwSwitchNode *node)
{
  NullNode *mine = g_hash_table_lookup (self->nodes, node->id);
  if (mine == NULL)
    {
      mine = g_new0 (NullNode, 1);
      g_hash_table_insert (self->nodes, g_strdup (node->id), mine);
    }
  memcpy (mine->public_key, node->public_key, EW_KEY_SIZE);
  mine->n_routes = (guint)node->n_routes;
  mine->endpoint = node->endpoint;
  mine->plain = node->plain;
  mine->revision = node->revision;
  mine->told++;
}

void
ew_switch_remove_node (EwSwitch *self, const gchar *id)
{
  g_hash_table_remove (self->nodes, id);
  g_hash_table_remove (self->statuses, id);
}

gboolean
ew_switch_get_node (EwSwitch *self, const gchar *id, EwSwitchNodeStatus *out)
{
  const EwSwitchNodeStatus *status = g_hash_table_lookup (self->statuses, id);
  if (status)
    *out = *status;
  return g_hash_table_contains (self->nodes, id);
}

static EwSwitchStats stats;

void
null_switch_set_stats (const EwSwitchStats *given)
{
  stats = *given;
}

void
ew_switch_get_stats (EwSwitch *self, EwSwitchStats *out)
{
  *out = stats;
}

void
ew_switch_set_viewers (EwSwitch *self, guint viewers)
{
  self->viewers = viewers;
}

void
ew_switch_find_nodes (EwSwitch *self)
{
  self->found++;
}

uint64_t
ew_switch_get_timestamp_floor (EwSwitch *self)
{
  return self->floor;
}

void
ew_switch_set_timestamp_floor (EwSwitch *self, uint64_t realtime_ns)
{
  self->floor = realtime_ns;
}

guint32
ew_switch_set_resolvers (EwSwitch *self, const EwIp *resolvers, gsize n)
{
  return 0;
}

gboolean
ew_switch_has_exit (EwSwitch *self)
{
  return exit_open;
}

gpointer
ew_switch_get_exit (EwSwitch *self)
{
  return NULL;
}

const gchar *
ew_switch_get_limits (EwSwitch *self)
{
  return NULL;
}

EwSwitch *
null_switch_get (void)
{
  return newest;
}

NullNode *
null_switch_get_node (const gchar *id)
{
  return g_hash_table_lookup (newest->nodes, id);
}

guint
null_switch_count (void)
{
  return g_hash_table_size (newest->nodes);
}

guint
null_switch_get_viewers (void)
{
  return newest->viewers;
}

guint
null_switch_get_found (void)
{
  return newest->found;
}

void
null_switch_set_exit (gboolean has_exit)
{
  exit_open = has_exit;
}

void
null_switch_set_status (const gchar *id, const EwSwitchNodeStatus *status)
{
  g_hash_table_insert (newest->statuses, g_strdup (id), g_memdup2 (status, sizeof *status));
}

void
null_switch_say_online (const gchar *id, gboolean online)
{
  newest->config.on_presence (newest->config.user_data, id, online);
}

void
null_switch_say_problem (const gchar *id)
{
  newest->config.on_problem (newest->config.user_data, id);
}

void
null_switch_say_endpoint (const gchar *id, const gchar *endpoint)
{
  EwEndpoint parsed;
  g_assert_true (ew_endpoint_parse (endpoint, &parsed));
  newest->config.on_endpoint (newest->config.user_data, id, &parsed);
}
