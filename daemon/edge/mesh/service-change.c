/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a service is made and changed: one attempt for both, which starts from nothing or from what the store has.
 */
#include "edge/mesh/services.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/mesh-private.h"
#include "edge/mesh/names.h"

#define SHOWN 64 /* characters of the input */

typedef struct
{
  gchar *id;
  gboolean is_new;
  gchar *name, *spread, *source, *check;
  GStrv targets, ports, addresses;
  gboolean udp;
} ServiceChange;

/* Name. */

static gboolean
change_name (EwMesh *self, EwMeshChange *change, EwService *service, const ServiceChange *wanted, GError **error)
{
  if (wanted->name == NULL || g_strcmp0 (wanted->name, service->name) == 0)
    return TRUE;
  if (!ew_mesh_claim_name_for (self, change, wanted->name, "service", service->id, error))
    return FALSE;
  if (service->name)
    {
      g_autofree gchar *old = ew_mesh_node_key ("/names/", service->name);
      ew_mesh_change_delete (change, old);
    }
  g_free (service->name);
  service->name = g_strdup (wanted->name);
  return TRUE;
}

/* Targets. */

/* The node is expected as it is: one that is removed at the same moment isn't a target. */
static gboolean
add_target (EwMesh *self, EwMeshChange *change, EwService *service, const EwServiceTargetText *text, GError **error)
{
  EwNode *known = ew_mesh_find_node (self, text->node, error);
  g_autoptr (EwNode) node = known ? ew_mesh_read_node (self, known->id, error) : NULL;
  EwIp reached;
  if (node == NULL)
    return FALSE;
  EwServiceTarget *target = ew_mesh_service_target_new (node->id);
  g_ptr_array_add (service->targets, target);
  target->port = text->port;
  if (text->host && !ew_ip_parse (text->host, &target->host))
    return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "\"%s\" isn't the address of a host.", text->host);
  if (text->host && !ew_mesh_target_address (self, target, target->host.family, &reached))
    return ew_error_refuse (error, EW_ERROR_ROUTE_INVALID,
                            "No route through %s leads to %s. Share its network first: `edgewayctl route add CIDR %s`.",
                            node->name, text->host, node->name);
  for (guint i = 0; i + 1 < service->targets->len; i++)
    {
      const EwServiceTarget *other = service->targets->pdata[i];
      if (g_str_equal (other->node_id, target->node_id) && ew_ip_equal (&other->host, &target->host)
          && other->port == target->port)
        return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "The target %s is given twice. Leave one out.",
                                node->name);
    }
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  ew_mesh_change_expect (change, key, node->store_revision);
  return TRUE;
}

static gboolean
check_families (const EwService *service, GError **error)
{
  return ew_mesh_service_has_family (service, EW_FAMILY_V4) || ew_mesh_service_has_family (service, EW_FAMILY_V6)
         || ew_error_refuse (
           error, EW_ERROR_INVALID_ARGUMENT,
           "Some targets have only an IPv4 address and others only an IPv6 address, and callers use one or "
           "the other. Make a service of each.");
}

/* Ports, which depend on the targets'. */
static gboolean
change_ports (EwService *service, const ServiceChange *wanted, const EwServiceTargetText *texts, gsize n,
              GError **error)
{
  guint16 target_ports[EW_SERVICE_TARGETS_MAX] = { 0 };
  if (wanted->ports == NULL && !wanted->is_new)
    {
      for (gsize i = 0; i < n; i++)
        target_ports[i] = texts[i].port;
      return ew_ports_check (service->ports, target_ports, n, error);
    }
  g_autoptr (GArray) ports = ew_ports_parse ((const gchar *const *)wanted->ports, wanted->udp, texts, n, error);
  if (ports == NULL)
    return FALSE;
  g_array_unref (service->ports);
  service->ports = g_steal_pointer (&ports);
  return TRUE;
}

/* The texts, or what the service has as texts. Returns how many; 0 with error. */
static gsize
get_texts (const EwService *service, const ServiceChange *wanted, EwServiceTargetText out[EW_SERVICE_TARGETS_MAX],
           GError **error)
{
  gsize n = wanted->targets ? g_strv_length (wanted->targets) : service->targets->len;
  if (n == 0 || n > EW_SERVICE_TARGETS_MAX)
    {
      ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "A service has 1 to %d targets.", EW_SERVICE_TARGETS_MAX);
      return 0;
    }
  for (gsize i = 0; i < n; i++)
    if (!wanted->targets)
      {
        const EwServiceTarget *target = service->targets->pdata[i];
        out[i] = (EwServiceTargetText){ .node = g_strdup (target->node_id), .port = target->port };
      }
    else if (!ew_target_parse (wanted->targets[i], &out[i], error))
      return 0;
  return n;
}

static gboolean
change_targets (EwMesh *self, EwMeshChange *change, EwService *service, const ServiceChange *wanted, GError **error)
{
  EwServiceTargetText texts[EW_SERVICE_TARGETS_MAX] = { { 0 } };
  gsize n = get_texts (service, wanted, texts, error);
  gboolean good = n > 0 && change_ports (service, wanted, texts, n, error);
  if (good && wanted->targets)
    {
      g_ptr_array_set_size (service->targets, 0);
      for (gsize i = 0; good && i < n; i++)
        good = add_target (self, change, service, &texts[i], error);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    ew_target_clear (&texts[i]);
  return good && check_families (service, error);
}

/* Addresses. */

/* Whose address it is, for a sentence. (transfer full) */
static gchar *
describe_owner (EwMesh *self, JsonObject *record)
{
  const gchar *node_id = ew_json_string (record, "node"), *service_id = ew_json_string (record, "service");
  const EwNode *node = node_id ? ew_mesh_get_node (self, node_id) : NULL;
  const EwService *service = service_id ? ew_mesh_get_service (self, service_id) : NULL;
  return g_strdup (node ? node->name : service ? service->name : "");
}

static gboolean
claim_address (EwMesh *self, EwMeshChange *change, const EwService *service, const EwIp *ip, GError **error)
{
  gchar text[EW_IP_STRLEN];
  ew_ip_format (ip, text);
  g_autofree gchar *key = ew_mesh_node_key ("/addresses/", text);
  g_autoptr (JsonObject) record = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &record, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      g_autofree gchar *owner = describe_owner (self, record);
      return *owner
               ? ew_error_refuse (error, EW_ERROR_ROUTE_OVERLAP, "The address %s is already %s's. Choose another.",
                                  text, owner)
               : ew_error_refuse (error, EW_ERROR_ROUTE_OVERLAP,
                                  "The address %s was a removed node's less than 30 days ago. Choose another.", text);
    }
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put_owner (change, key, "service", service->id);
  return TRUE;
}

static guint
count_outside (EwMesh *self, const EwService *except)
{
  guint n = 0;
  for (const EwService *other = ew_mesh_next_service (self, NULL); other;
       other = ew_mesh_next_service (self, other->id))
    n += !g_str_equal (other->id, except->id) && ew_mesh_service_is_outside (self, other);
  return n;
}

static gboolean
check_chosen (EwMesh *self, const EwService *service, const EwIp *ip, const gchar *text, GError **error)
{
  EwPrefix prefix = ew_prefix_from_ip (ip);
  if (!ew_mesh_is_outside (self, ip))
    return !ew_mesh_ranges_is_reserved (&self->settings.ranges, ip)
           || ew_error_refuse (
             error, EW_ERROR_ROUTE_INVALID,
             "%s isn't for services: the beginning of the mesh's range is the edges', and .0 and .255 aren't "
             "given out. Choose another, or leave --address out.",
             text);
  if (!ew_prefix_is_private (&prefix))
    return ew_error_refuse (
      error, EW_ERROR_ROUTE_INVALID,
      "%s is a public address, whose owner nodes could no longer reach. Choose a private one, for example "
      "10.128.0.5.",
      text);
  if (count_outside (self, service) >= EW_MESH_SERVICES_OUTSIDE_MAX)
    return ew_error_refuse (
      error, EW_ERROR_INVALID_ARGUMENT,
      "A mesh can have %d services with an address outside its range, because every node needs a route to "
      "each. Leave --address out.",
      EW_MESH_SERVICES_OUTSIDE_MAX);
  return ew_mesh_check_outside (self, &prefix, error);
}

static gboolean
parse_chosen (EwMesh *self, EwMeshChange *change, EwService *service, const gchar *text, EwIp chosen[2], GError **error)
{
  EwIp ip;
  if (!ew_ip_parse (text, &ip))
    {
      g_autofree gchar *shown = g_strndup (text, SHOWN);
      return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                              "\"%s\" isn't an address. Write one such as 10.128.0.5, without a length.", shown);
    }
  guint i = ip.family == EW_FAMILY_V6;
  if (chosen[i].family != EW_FAMILY_NONE)
    return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                            "A service has one IPv4 and one IPv6 address. Give each once.");
  chosen[i] = ip;
  if (ew_ip_equal (&ip, &service->addresses[i])) /* it has that already */
    return TRUE;
  return check_chosen (self, service, &ip, text, error) && claim_address (self, change, service, &ip, error);
}

static gboolean
is_unused (EwMesh *self, const EwIp *ip, gboolean *unused, GError **error)
{
  gchar text[EW_IP_STRLEN];
  gint64 revision = 0;
  ew_ip_format (ip, text);
  g_autofree gchar *key = ew_mesh_node_key ("/addresses/", text);
  if (g_hash_table_contains (self->addresses, text))
    *unused = FALSE;
  else if (!ew_mesh_read (self, key, NULL, &revision, error))
    return FALSE;
  else
    *unused = revision == 0;
  return TRUE;
}

/* A place whose addresses are free, where chosen has none. */
static gboolean
find_place (EwMesh *self, EwIp chosen[2], GError **error)
{
  const EwRanges *ranges = &self->settings.ranges;
  guint32 count = ew_mesh_ranges_count_services (ranges);
  for (guint32 i = 0; i < count; i++)
    {
      guint32 number = (self->next_service + i) % count;
      gboolean unused = TRUE;
      EwIp ips[2];
      if (!ew_mesh_ranges_service_at (ranges, number, ips))
        continue;
      for (guint j = 0; j < 2 && unused; j++)
        if (chosen[j].family == EW_FAMILY_NONE && !is_unused (self, &ips[j], &unused, error))
          return FALSE;
      if (!unused)
        continue;
      for (guint j = 0; j < 2; j++)
        if (chosen[j].family == EW_FAMILY_NONE)
          chosen[j] = ips[j];
      self->next_service = number + 1;
      return TRUE;
    }
  return ew_error_refuse (
    error, EW_ERROR_OUT_OF_ADDRESSES,
    "All addresses of the mesh's range are in use. Remove services or nodes that aren't needed, or choose "
    "an address with --address.");
}

static gboolean
choose_addresses (EwMesh *self, EwMeshChange *change, EwService *service, EwIp chosen[2], GError **error)
{
  gboolean missing[2] = { chosen[0].family == EW_FAMILY_NONE, chosen[1].family == EW_FAMILY_NONE };
  if (!missing[0] && !missing[1])
    return TRUE;
  if (!find_place (self, chosen, error))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (missing[i] && !claim_address (self, change, service, &chosen[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
change_addresses (EwMesh *self, EwMeshChange *change, EwService *service, const ServiceChange *wanted, GError **error)
{
  EwIp chosen[2] = { { 0 } };
  for (gchar **text = wanted->addresses; text && *text; text++)
    if (!parse_chosen (self, change, service, *text, chosen, error))
      return FALSE;
  for (guint i = 0; i < 2; i++)
    if (chosen[i].family == EW_FAMILY_NONE)
      chosen[i] = service->addresses[i];
  if (!choose_addresses (self, change, service, chosen, error))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&service->addresses[i], text);
      g_autofree gchar *old = ew_mesh_node_key ("/addresses/", text);
      if (service->addresses[i].family != EW_FAMILY_NONE && !ew_ip_equal (&service->addresses[i], &chosen[i]))
        ew_mesh_change_delete (change, old);
      service->addresses[i] = chosen[i];
    }
  return TRUE;
}

/* The list of routes as it was read is guarded by the settings, which every added route and every such address
   changes. */
static gboolean
guard_routes (EwMesh *self, EwMeshChange *change, GError **error)
{
  g_autoptr (JsonObject) settings = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, "/settings", &settings, &revision, error))
    return FALSE;
  ew_mesh_change_expect (change, "/settings", revision);
  ew_mesh_change_put (change, "/settings", g_steal_pointer (&settings));
  return TRUE;
}

/* The rest. */

static gboolean
change_choice (const gchar *value, const gchar *member, const gchar *no, const gchar *yes, gboolean *out,
               GError **error)
{
  if (value && !g_str_equal (value, no) && !g_str_equal (value, yes))
    return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "%s must be \"%s\" or \"%s\".", member, no, yes);
  if (value)
    *out = g_str_equal (value, yes);
  return TRUE;
}

static EwService *
get_start (EwMesh *self, const ServiceChange *wanted, GError **error)
{
  if (!wanted->is_new)
    return ew_mesh_read_service (self, wanted->id, error);
  if (ew_mesh_count_services (self) >= EW_MESH_SERVICES_MAX)
    {
      ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                       "A mesh can have %d services. Remove some with `edgewayctl service remove`.",
                       EW_MESH_SERVICES_MAX);
      return NULL;
    }
  EwService *service = ew_mesh_service_new ();
  service->id = g_strdup (wanted->id);
  service->created_us = self->now_us ();
  return service;
}

static gboolean
put_service (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const ServiceChange *wanted = data;
  g_autoptr (EwService) service = get_start (self, wanted, error);
  if (service == NULL || !change_name (self, change, service, wanted, error)
      || !change_targets (self, change, service, wanted, error)
      || !change_addresses (self, change, service, wanted, error)
      || !change_choice (wanted->spread, "spread", "first", "spread", &service->spread, error)
      || !change_choice (wanted->source, "source", "caller", "edge", &service->as_edge, error)
      || !change_choice (wanted->check, "check", "auto", "always", &service->watched, error)
      || (wanted->addresses && !guard_routes (self, change, error)))
    return FALSE;
  ew_mesh_change_put_service (change, service);
  return TRUE;
}

static void
service_change_free (gpointer data)
{
  ServiceChange *wanted = data;
  g_free (wanted->id);
  g_free (wanted->name);
  g_free (wanted->spread);
  g_free (wanted->source);
  g_free (wanted->check);
  g_strfreev (wanted->targets);
  g_strfreev (wanted->ports);
  g_strfreev (wanted->addresses);
  g_free (wanted);
}

static ServiceChange *
service_change_new (EwMesh *self, const EwServiceRequest *request)
{
  ServiceChange *wanted = g_new0 (ServiceChange, 1);
  wanted->name = request->name ? ew_mesh_strip_suffix (self, request->name) : NULL;
  wanted->spread = g_strdup (request->spread);
  wanted->source = g_strdup (request->source);
  wanted->check = g_strdup (request->check);
  wanted->targets = g_strdupv ((GStrv)request->targets);
  wanted->ports = g_strdupv ((GStrv)request->ports);
  wanted->addresses = g_strdupv ((GStrv)request->addresses);
  wanted->udp = request->udp;
  return wanted;
}

void
ew_mesh_add_service_async (EwMesh *self, const EwServiceRequest *request, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  ServiceChange *wanted = service_change_new (self, request);
  guint64 value;
  ew_random (&value, sizeof value);
  wanted->id = g_strdup_printf ("s%016" G_GINT64_MODIFIER "x", value);
  wanted->is_new = TRUE;
  ew_mesh_change_async (self, put_service, wanted, service_change_free, callback, user_data);
}

void
ew_mesh_edit_service_async (EwMesh *self, const gchar *id, const EwServiceRequest *request,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  ServiceChange *wanted = service_change_new (self, request);
  wanted->id = g_strdup (id);
  ew_mesh_change_async (self, put_service, wanted, service_change_free, callback, user_data);
}

EwService *
ew_mesh_service_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const ServiceChange *wanted = ew_mesh_change_finish (result, error);
  EwService *service = wanted ? ew_mesh_get_service (self, wanted->id) : NULL;
  if (wanted && service == NULL)
    ew_error_refuse (error, EW_ERROR_NOT_FOUND, "This service is no longer in the mesh.");
  return service;
}
