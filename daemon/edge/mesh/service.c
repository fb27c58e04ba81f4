/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A service's record.
 */
#include "edge/mesh/node.h"

#include <netinet/in.h>
#include "common/util.h"

EwServiceTarget *
ew_mesh_service_target_new (const gchar *node_id)
{
  EwServiceTarget *target = g_new0 (EwServiceTarget, 1);
  target->node_id = g_strdup (node_id);
  return target;
}

void
ew_mesh_service_target_free (EwServiceTarget *target)
{
  g_free (target->node_id);
  g_free (target);
}

EwService *
ew_mesh_service_new (void)
{
  EwService *service = g_new0 (EwService, 1);
  service->ports = g_array_new (FALSE, FALSE, sizeof (EwServicePort));
  service->targets = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_mesh_service_target_free);
  return service;
}

void
ew_mesh_service_free (EwService *service)
{
  if (service == NULL)
    return;
  g_free (service->id);
  g_free (service->name);
  g_array_unref (service->ports);
  g_ptr_array_unref (service->targets);
  g_free (service);
}

/* The elements of an array member that are objects, one after another. */
static JsonObject *
get_element (JsonArray *array, guint i)
{
  JsonNode *element = json_array_get_element (array, i);
  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static guint16
get_port (JsonObject *object, const gchar *member)
{
  gint64 value = ew_json_int (object, member, 0);
  return value > 0 && value <= G_MAXUINT16 ? (guint16)value : 0;
}

/* FALSE: there is something in it that isn't understood; a part of a service would be another service. */
static gboolean
read_ports (EwService *service, JsonObject *object)
{
  JsonArray *array = ew_json_array (object, "ports");
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonObject *entry = get_element (array, i);
      const gchar *protocol = entry ? ew_json_string (entry, "protocol") : NULL;
      EwServicePort port = { .protocol = g_strcmp0 (protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP };
      if (g_strcmp0 (protocol, "udp") != 0 && g_strcmp0 (protocol, "tcp") != 0)
        return FALSE;
      port.from = get_port (entry, "from");
      port.to = get_port (entry, "to");
      port.target = get_port (entry, "target");
      g_array_append_val (service->ports, port);
    }
  return TRUE;
}

static gboolean
read_targets (EwService *service, JsonObject *object)
{
  JsonArray *array = ew_json_array (object, "targets");
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonObject *entry = get_element (array, i);
      const gchar *node = entry ? ew_json_string (entry, "node") : NULL;
      const gchar *host = entry ? ew_json_string (entry, "host") : NULL;
      if (node == NULL)
        return FALSE;
      EwServiceTarget *target = ew_mesh_service_target_new (node);
      g_ptr_array_add (service->targets, target);
      if (host && !ew_ip_parse (host, &target->host))
        return FALSE;
      target->port = get_port (entry, "port");
    }
  return service->targets->len > 0 && service->targets->len <= EW_SERVICE_TARGETS_MAX;
}

static gboolean
check_ports (const EwService *service)
{
  guint16 target_ports[EW_SERVICE_TARGETS_MAX] = { 0 };
  for (guint i = 0; i < service->targets->len; i++)
    target_ports[i] = ((const EwServiceTarget *)service->targets->pdata[i])->port;
  return ew_ports_check (service->ports, target_ports, service->targets->len, NULL);
}

static gboolean
read_addresses (EwService *service, JsonObject *object)
{
  g_auto (GStrv) texts = ew_json_strv (object, "addresses", G_N_ELEMENTS (service->addresses));
  gboolean good = texts && g_strv_length (texts) == G_N_ELEMENTS (service->addresses);
  for (guint i = 0; good && i < G_N_ELEMENTS (service->addresses); i++)
    good = ew_ip_parse (texts[i], &service->addresses[i])
           && service->addresses[i].family == (i == 0 ? EW_FAMILY_V4 : EW_FAMILY_V6);
  return good;
}

EwService *
ew_mesh_service_from_json (JsonObject *object)
{
  g_autoptr (EwService) service = ew_mesh_service_new ();
  service->id = g_strdup (ew_json_string (object, "id"));
  service->name = g_strdup (ew_json_string (object, "name"));
  if (!service->id || !service->name || !ew_name_check (service->name, NULL) || !read_ports (service, object)
      || !read_targets (service, object) || !check_ports (service) || !read_addresses (service, object))
    return NULL;
  service->spread = ew_json_bool (object, "spread", FALSE);
  service->as_edge = ew_json_bool (object, "as_edge", FALSE);
  service->watched = ew_json_bool (object, "watched", FALSE);
  service->created_us = MAX (ew_json_int (object, "created_us", 0), 0);
  return g_steal_pointer (&service);
}

static JsonArray *
write_ports (const EwService *service)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < service->ports->len; i++)
    {
      const EwServicePort *port = &g_array_index (service->ports, EwServicePort, i);
      JsonObject *entry = json_object_new ();
      json_object_set_string_member (entry, "protocol", port->protocol == IPPROTO_UDP ? "udp" : "tcp");
      json_object_set_int_member (entry, "from", port->from);
      json_object_set_int_member (entry, "to", port->to);
      if (port->target)
        json_object_set_int_member (entry, "target", port->target);
      json_array_add_object_element (array, entry);
    }
  return array;
}

static JsonArray *
write_targets (const EwService *service)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < service->targets->len; i++)
    {
      const EwServiceTarget *target = service->targets->pdata[i];
      JsonObject *entry = json_object_new ();
      gchar text[EW_IP_STRLEN];
      json_object_set_string_member (entry, "node", target->node_id);
      if (target->host.family != EW_FAMILY_NONE)
        {
          ew_ip_format (&target->host, text);
          json_object_set_string_member (entry, "host", text);
        }
      if (target->port)
        json_object_set_int_member (entry, "port", target->port);
      json_array_add_object_element (array, entry);
    }
  return array;
}

JsonObject *
ew_mesh_service_to_json (const EwService *service)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", service->id);
  json_object_set_string_member (object, "name", service->name);
  ew_mesh_json_set_ips (object, "addresses", service->addresses, G_N_ELEMENTS (service->addresses));
  json_object_set_array_member (object, "ports", write_ports (service));
  json_object_set_array_member (object, "targets", write_targets (service));
  json_object_set_boolean_member (object, "spread", service->spread);
  json_object_set_boolean_member (object, "as_edge", service->as_edge);
  json_object_set_boolean_member (object, "watched", service->watched);
  json_object_set_int_member (object, "created_us", service->created_us);
  return object;
}
