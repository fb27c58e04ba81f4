/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/records.h"

#include "edge/mesh/services.h"

struct EwDnsRecords
{
  EwMesh *mesh;
  EwDnsServer *server;
  guint listener;
  gchar *suffix; /* of the zone that was sent */
};

/* All edges answer at the same addresses, and this one has no other address of its own. */
static void
send_edge (EwDnsRecords *self)
{
  const gchar *name = ew_mesh_get_edge (self->mesh)->name;
  const gchar *const names[] = { EW_DNS_EDGE_LABEL, name, NULL };
  EwDnsHostSpec spec = { .id = "", .names = names };
  ew_mesh_ranges_service (ew_mesh_get_ranges (self->mesh), spec.addresses);
  ew_dns_server_set_host (self->server, &spec);
}

/* One that has not joined has no address yet, and so no name that could be reached. */
static void
send_node (EwDnsRecords *self, const EwNode *node)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  EwDnsHostSpec spec = { .id = node->id };
  if (node->n_addresses == 0)
    {
      ew_dns_server_remove_host (self->server, node->id);
      return;
    }
  g_ptr_array_add (names, node->name);
  for (guint i = 0; node->names[i]; i++)
    g_ptr_array_add (names, node->names[i]);
  g_ptr_array_add (names, NULL);
  spec.names = (const gchar *const *)names->pdata;
  for (guint i = 0; i < node->n_addresses && i < G_N_ELEMENTS (spec.addresses); i++)
    spec.addresses[i] = node->addresses[i];
  ew_dns_server_set_host (self->server, &spec);
}

static void
send_service (EwDnsRecords *self, const EwService *service)
{
  const gchar *const names[] = { service->name, NULL };
  EwDnsHostSpec spec = { .id = service->id, .names = names };
  ew_mesh_service_addresses (service, spec.addresses);
  ew_dns_server_set_host (self->server, &spec);
}

static void
send_all (EwDnsRecords *self)
{
  const EwRanges *ranges = ew_mesh_get_ranges (self->mesh);
  const EwPrefix both[2] = { ranges->v4, ranges->v6 };
  g_free (self->suffix);
  self->suffix = g_strdup (ew_mesh_get_suffix (self->mesh));
  if (!ew_dns_server_set_zone (self->server, self->suffix, both))
    {
      g_warning ("the mesh's names aren't answered: %s isn't a domain name", self->suffix);
      return;
    }
  send_edge (self);
  for (EwNode *node = ew_mesh_next_node (self->mesh, NULL); node; node = ew_mesh_next_node (self->mesh, node->id))
    send_node (self, node);
  for (const EwService *service = ew_mesh_next_service (self->mesh, NULL); service;
       service = ew_mesh_next_service (self->mesh, service->id))
    send_service (self, service);
}

static void
on_service_changed (gpointer user_data, const gchar *id)
{
  EwDnsRecords *self = user_data;
  send_service (self, ew_mesh_get_service (self->mesh, id));
}

static void
on_node_changed (gpointer user_data, const gchar *id)
{
  EwDnsRecords *self = user_data;
  send_node (self, ew_mesh_get_node (self->mesh, id));
}

/* … or a service: their IDs differ. */
static void
on_node_removed (gpointer user_data, const gchar *id)
{
  EwDnsRecords *self = user_data;
  ew_dns_server_remove_host (self->server, id);
}

static void
on_all_changed (gpointer user_data)
{
  EwDnsRecords *self = user_data;
  if (g_strcmp0 (self->suffix, ew_mesh_get_suffix (self->mesh)) != 0)
    send_all (self);
}

static void
on_edge_changed (gpointer user_data)
{
  send_edge (user_data);
}

static const EwMeshListener mesh_listener = {
  .node_changed = on_node_changed,
  .node_removed = on_node_removed,
  .all_changed = on_all_changed,
  .edge_changed = on_edge_changed,
  .service_changed = on_service_changed,
  .service_removed = on_node_removed,
};

EwDnsRecords *
ew_dns_records_new (EwMesh *mesh, EwDnsServer *server)
{
  EwDnsRecords *self = g_new0 (EwDnsRecords, 1);
  self->mesh = mesh;
  self->server = server;
  send_all (self);
  self->listener = ew_mesh_listen (mesh, &mesh_listener, self);
  return self;
}

void
ew_dns_records_free (EwDnsRecords *self)
{
  if (self == NULL)
    return;
  ew_mesh_unlisten (self->mesh, self->listener);
  g_free (self->suffix);
  g_free (self);
}
