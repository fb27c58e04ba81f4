/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/node.h"

#include <string.h>
#include "common/domain.h"
#include "common/util.h"

#define NAMES_MAX 256 /* read from a record; fewer are written */

void
ew_mesh_json_set_ips (JsonObject *object, const gchar *member, const EwIp *ips, guint n)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < n; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&ips[i], text);
      json_array_add_string_element (array, text);
    }
  json_object_set_array_member (object, member, array);
}

static void
set_key (JsonObject *object, const gchar *member, const guint8 key[EW_KEY_SIZE])
{
  g_autofree gchar *text = ew_key_to_base64 (key);
  json_object_set_string_member (object, member, text);
}

static gboolean
get_key (JsonObject *object, const gchar *member, guint8 key[EW_KEY_SIZE])
{
  const gchar *text = ew_json_string (object, member);
  return text && ew_key_from_base64 (text, key);
}

/* Times in the store are whole microseconds, so that they compare exactly. */
static gint64
get_time (JsonObject *object, const gchar *member)
{
  return MAX (ew_json_int (object, member, 0), 0);
}

gchar *
ew_mesh_node_make_id (void)
{
  guint64 value;
  ew_random (&value, sizeof value);
  return g_strdup_printf ("n%016" G_GINT64_MODIFIER "x", value);
}

EwNode *
ew_mesh_node_new (void)
{
  EwNode *node = g_new0 (EwNode, 1);
  node->routes = g_ptr_array_new ();
  node->names = g_new0 (gchar *, 1);
  node->domains = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_mesh_domain_entry_free);
  return node;
}

void
ew_mesh_node_free (EwNode *node)
{
  if (node == NULL)
    return;
  g_free (node->id);
  g_free (node->name);
  g_free (node->kind);
  g_free (node->role);
  g_free (node->os);
  g_free (node->version);
  g_free (node->enrollment);
  g_free (node->made_by);
  g_strfreev (node->names);
  g_ptr_array_unref (node->domains);
  g_ptr_array_unref (node->routes);
  g_free (node);
}

/* Names and domains. */

EwDomainEntry *
ew_mesh_domain_entry_new (const gchar *domain, const EwIp *resolver, const gchar *node_id)
{
  EwDomainEntry *entry = g_new0 (EwDomainEntry, 1);
  entry->domain = g_strdup (domain);
  entry->resolver = *resolver;
  entry->node_id = g_strdup (node_id);
  return entry;
}

void
ew_mesh_domain_entry_free (EwDomainEntry *entry)
{
  g_free (entry->domain);
  g_free (entry->node_id);
  g_free (entry);
}

EwDomainEntry *
ew_mesh_node_find_domain (const EwNode *node, const gchar *domain)
{
  for (guint i = 0; i < node->domains->len; i++)
    if (g_str_equal (((EwDomainEntry *)node->domains->pdata[i])->domain, domain))
      return node->domains->pdata[i];
  return NULL;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *)a, *(const gchar *const *)b);
}

void
ew_mesh_node_set_name (EwNode *node, const gchar *name, gboolean present)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (gchar **old = node->names; *old; old++)
    if (!g_str_equal (*old, name))
      g_strv_builder_add (builder, *old);
  if (present)
    g_strv_builder_add (builder, name);
  g_strfreev (node->names);
  node->names = g_strv_builder_end (builder);
  qsort (node->names, g_strv_length (node->names), sizeof *node->names, compare_names);
}

static gint
compare_domains (gconstpointer a, gconstpointer b)
{
  const EwDomainEntry *first = *(EwDomainEntry *const *)a, *second = *(EwDomainEntry *const *)b;
  return strcmp (first->domain, second->domain);
}

static void
read_names (EwNode *node, JsonObject *object)
{
  g_auto (GStrv) names = ew_json_strv (object, "names", NAMES_MAX);
  JsonArray *domains = ew_json_array (object, "domains");
  for (gchar **name = names; name && *name; name++)
    if (ew_name_check (*name, NULL))
      ew_mesh_node_set_name (node, *name, TRUE);
  for (guint i = 0; domains && i < MIN (json_array_get_length (domains), NAMES_MAX); i++)
    {
      JsonNode *element = json_array_get_element (domains, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *domain = entry ? ew_json_string (entry, "domain") : NULL;
      const gchar *resolver = entry ? ew_json_string (entry, "resolver") : NULL;
      EwIp ip;
      if (domain && resolver && ew_domain_check (domain, NULL) && ew_ip_parse (resolver, &ip))
        g_ptr_array_add (node->domains, ew_mesh_domain_entry_new (domain, &ip, node->id));
    }
  g_ptr_array_sort (node->domains, compare_domains);
}

static void
write_names (const EwNode *node, JsonObject *object)
{
  JsonArray *domains = json_array_new ();
  for (guint i = 0; i < node->domains->len; i++)
    {
      const EwDomainEntry *entry = node->domains->pdata[i];
      JsonObject *element = json_object_new ();
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&entry->resolver, text);
      json_object_set_string_member (element, "domain", entry->domain);
      json_object_set_string_member (element, "resolver", text);
      json_array_add_object_element (domains, element);
    }
  if (node->names[0])
    ew_json_set_strv (object, "names", (const gchar *const *)node->names);
  if (node->domains->len > 0)
    json_object_set_array_member (object, "domains", domains);
  else
    json_array_unref (domains);
}

static void
read_addresses (EwNode *node, JsonObject *object)
{
  g_auto (GStrv) texts = ew_json_strv (object, "addresses", G_N_ELEMENTS (node->addresses));
  for (guint i = 0; texts && texts[i] && i < G_N_ELEMENTS (node->addresses); i++)
    if (ew_ip_parse (texts[i], &node->addresses[node->n_addresses]))
      node->n_addresses++;
}

EwNode *
ew_mesh_node_from_json (JsonObject *object)
{
  g_autoptr (EwNode) node = ew_mesh_node_new ();
  node->id = g_strdup (ew_json_string (object, "id"));
  node->name = g_strdup (ew_json_string (object, "name"));
  node->kind = g_strdup (ew_json_string (object, "kind"));
  node->role = g_strdup (ew_json_string (object, "role"));
  if (!node->id || !node->name || !node->kind || !node->role)
    return NULL;
  node->joined = ew_json_bool (object, "joined", FALSE);
  node->plain = ew_json_bool (object, "plain", FALSE);
  node->has_key = get_key (object, "public_key", node->public_key);
  node->has_credential = get_key (object, "credential_hash", node->credential_hash);
  read_addresses (node, object);
  gint64 mtu = ew_json_int (object, "mtu", 0);
  node->mtu = mtu >= EW_NODE_MTU_MIN && mtu <= G_MAXUINT16 ? (guint16)mtu : 0;
  node->os = g_strdup (ew_json_string (object, "os"));
  node->version = g_strdup (ew_json_string (object, "version"));
  node->created_us = get_time (object, "created_us");
  node->expires_us = get_time (object, "expires_us");
  node->enrollment = g_strdup (ew_json_string (object, "enrollment"));
  node->made_by = g_strdup (ew_json_string (object, "made_by"));
  read_names (node, object);
  return g_steal_pointer (&node);
}

JsonObject *
ew_mesh_node_to_json (const EwNode *node)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", node->id);
  json_object_set_string_member (object, "name", node->name);
  json_object_set_string_member (object, "kind", node->kind);
  json_object_set_string_member (object, "role", node->role);
  json_object_set_boolean_member (object, "joined", node->joined);
  json_object_set_boolean_member (object, "plain", node->plain);
  if (node->has_key)
    set_key (object, "public_key", node->public_key);
  if (node->has_credential)
    set_key (object, "credential_hash", node->credential_hash);
  ew_mesh_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  if (node->mtu)
    json_object_set_int_member (object, "mtu", node->mtu);
  if (node->os)
    json_object_set_string_member (object, "os", node->os);
  if (node->version)
    json_object_set_string_member (object, "version", node->version);
  json_object_set_int_member (object, "created_us", node->created_us);
  json_object_set_int_member (object, "expires_us", node->expires_us);
  if (node->enrollment)
    json_object_set_string_member (object, "enrollment", node->enrollment);
  if (node->made_by)
    json_object_set_string_member (object, "made_by", node->made_by);
  write_names (node, object);
  return object;
}

void
ew_mesh_route_entry_free (EwRouteEntry *route)
{
  g_free (route->cidr);
  g_free (route->node_id);
  g_free (route);
}

EwRouteEntry *
ew_mesh_route_entry_from_json (JsonObject *object)
{
  g_autoptr (EwRouteEntry) route = g_new0 (EwRouteEntry, 1);
  route->cidr = g_strdup (ew_json_string (object, "cidr"));
  route->node_id = g_strdup (ew_json_string (object, "node"));
  if (!route->cidr || !route->node_id || !ew_prefix_parse (route->cidr, &route->prefix, NULL))
    return NULL;
  return g_steal_pointer (&route);
}

void
ew_mesh_edge_free (EwEdge *edge)
{
  if (edge == NULL)
    return;
  g_free (edge->id);
  g_free (edge->name);
  g_strfreev (edge->endpoints);
  g_strfreev (edge->api);
  g_free (edge);
}

EwEdge *
ew_mesh_edge_from_json (JsonObject *object)
{
  g_autoptr (EwEdge) edge = g_new0 (EwEdge, 1);
  edge->id = g_strdup (ew_json_string (object, "id"));
  edge->name = g_strdup (ew_json_string (object, "name"));
  edge->endpoints = ew_json_strv (object, "endpoints", 16);
  edge->api = ew_json_strv (object, "api", 16);
  if (!edge->id || !edge->name || !edge->endpoints || !edge->api || !get_key (object, "public_key", edge->public_key))
    return NULL;
  return g_steal_pointer (&edge);
}

JsonObject *
ew_mesh_edge_to_json (const EwEdge *edge)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", edge->id);
  json_object_set_string_member (object, "name", edge->name);
  set_key (object, "public_key", edge->public_key);
  ew_json_set_strv (object, "endpoints", (const gchar *const *)edge->endpoints);
  ew_json_set_strv (object, "api", (const gchar *const *)edge->api);
  return object;
}

void
ew_mesh_enrollment_free (EwEnrollment *enrollment)
{
  if (enrollment == NULL)
    return;
  g_free (enrollment->hash);
  g_free (enrollment->kind);
  g_free (enrollment->node_id);
  g_free (enrollment->made_by);
  g_free (enrollment->used_by);
  g_free (enrollment->used_public_key);
  g_free (enrollment->used_credential_hash);
  g_free (enrollment);
}

EwEnrollment *
ew_mesh_enrollment_from_json (JsonObject *object)
{
  g_autoptr (EwEnrollment) enrollment = g_new0 (EwEnrollment, 1);
  enrollment->kind = g_strdup (ew_json_string (object, "kind"));
  if (enrollment->kind == NULL)
    return NULL;
  enrollment->node_id = g_strdup (ew_json_string (object, "node"));
  enrollment->renews = ew_json_bool (object, "renews", FALSE);
  enrollment->made_by = g_strdup (ew_json_string (object, "made_by"));
  enrollment->created_us = get_time (object, "created_us");
  enrollment->expires_us = get_time (object, "expires_us");
  enrollment->used_by = g_strdup (ew_json_string (object, "used_by"));
  enrollment->used_public_key = g_strdup (ew_json_string (object, "used_public_key"));
  enrollment->used_credential_hash = g_strdup (ew_json_string (object, "used_credential_hash"));
  return g_steal_pointer (&enrollment);
}

JsonObject *
ew_mesh_enrollment_to_json (const EwEnrollment *enrollment)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "kind", enrollment->kind);
  if (enrollment->node_id)
    json_object_set_string_member (object, "node", enrollment->node_id);
  if (enrollment->renews)
    json_object_set_boolean_member (object, "renews", TRUE);
  if (enrollment->made_by)
    json_object_set_string_member (object, "made_by", enrollment->made_by);
  json_object_set_int_member (object, "created_us", enrollment->created_us);
  json_object_set_int_member (object, "expires_us", enrollment->expires_us);
  if (enrollment->used_by)
    {
      json_object_set_string_member (object, "used_by", enrollment->used_by);
      json_object_set_string_member (object, "used_public_key", enrollment->used_public_key);
      json_object_set_string_member (object, "used_credential_hash", enrollment->used_credential_hash);
    }
  return object;
}
