/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/names.h"

#include "edge/dns/forward.h"
#include "edge/dns/records.h"
#include "edge/exit/exit.h"

static const EwDnsForwardCalls forward_calls = { ew_dns_forward_make, ew_dns_forward_async, ew_dns_forward_free };

struct EwEdgeNames
{
  EwMesh *mesh;
  EwSwitch *packet_switch;
  EwDnsForwardSettings *forward;
  gboolean forwards;   /* names of everybody, not of some domains only */
  EwDnsServer *server; /* NULL: no TUN */
  EwDnsRecords *records;
  gchar *told; /* the limits that the log has told last */
};

EwEdgeNames *
ew_edge_names_new (EwMesh *mesh, const EwEdgeOptions *options, GError **error)
{
  EwDnsForwardConfig config;
  ew_edge_options_get_forward (options, ew_mesh_get_ranges (mesh), &config);
  if (!ew_dns_forward_check (&config, error))
    return NULL;
  EwEdgeNames *self = g_new0 (EwEdgeNames, 1);
  self->mesh = mesh;
  self->forwards = config.forward;
  self->forward = ew_dns_forward_settings_new (&config);
  return self;
}

void
ew_edge_names_free (EwEdgeNames *self)
{
  if (self == NULL)
    return;
  ew_dns_records_free (self->records);
  ew_dns_server_free (self->server);
  ew_dns_forward_settings_free (self->forward);
  g_free (self->told);
  g_free (self);
}

static void
update_state (EwEdgeNames *self)
{
  if (self->packet_switch == NULL)
    return;
  EwExit *exit = ew_switch_get_exit (self->packet_switch);
  gboolean answers = exit && self->server && ew_dns_server_is_listening (self->server);
  if (exit)
    ew_exit_set_names (exit, answers);
  ew_mesh_set_dns (self->mesh, answers, self->forwards);
  g_autofree gchar *limits = ew_edge_names_dup_limits (self);
  if (limits && g_strcmp0 (limits, self->told) != 0)
    g_warning ("%s", limits);
  g_free (self->told);
  self->told = g_steal_pointer (&limits);
}

static void
on_server_change (gpointer user_data)
{
  update_state (user_data);
}

void
ew_edge_names_start (EwEdgeNames *self, const gchar *interface)
{
  EwDnsServerConfig config = {
    .interface = interface,
    .port = EW_DNS_PORT,
    .rate = EW_DNS_RATE,
    .forward = &forward_calls,
    .forward_data = self->forward,
    .on_change = on_server_change,
    .user_data = self,
  };
  if (interface == NULL || self->server)
    return;
  ew_mesh_ranges_service (ew_mesh_get_ranges (self->mesh), config.addresses);
  self->server = ew_dns_server_new (&config);
  self->records = ew_dns_records_new (self->mesh, self->server);
}

void
ew_edge_names_set_switch (EwEdgeNames *self, EwSwitch *packet_switch)
{
  self->packet_switch = packet_switch;
  update_state (self);
}

gchar *
ew_edge_names_dup_limits (EwEdgeNames *self)
{
  return self->server ? ew_dns_server_dup_limits (self->server) : NULL;
}
