/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/names.h"

#include <libsoup/soup.h>
#include <string.h>
#include "common/domain.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/mesh-private.h"

#define SHOWN 64 /* characters of the input */

typedef struct
{
  const gchar *name, *node_id; /* name: a label, or a domain */
  EwIp resolver;
} NameChange;

/* Looking. */

GPtrArray *
ew_mesh_get_domains (EwMesh *self)
{
  return self->domains;
}

gchar *
ew_mesh_strip_suffix (EwMesh *self, const gchar *name)
{
  const gchar *suffix = self->settings.suffix;
  gchar *text = g_ascii_strdown (name, -1);
  gsize length = strlen (text);
  if (suffix == NULL)
    return text;
  if (length > 0 && text[length - 1] == '.')
    text[--length] = '\0';
  if (length > strlen (suffix) && ew_domain_contains (suffix, text))
    text[length - strlen (suffix) - 1] = '\0';
  return text;
}

/* Memory. */

static gint
compare_domains (gconstpointer a, gconstpointer b)
{
  const EwDomainEntry *first = *(EwDomainEntry *const *)a, *second = *(EwDomainEntry *const *)b;
  return strcmp (first->domain, second->domain);
}

static gboolean
same_domains (const EwNode *a, const EwNode *b)
{
  guint n = a ? a->domains->len : 0;
  if (n != (b ? b->domains->len : 0))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      const EwDomainEntry *first = a->domains->pdata[i], *second = b->domains->pdata[i];
      if (!g_str_equal (first->domain, second->domain) || !ew_ip_equal (&first->resolver, &second->resolver))
        return FALSE;
    }
  return n == 0 || g_str_equal (a->name, b->name);
}

void
ew_mesh_relist_domains (EwMesh *self, const EwNode *old, const EwNode *node)
{
  self->shared_touched |= !same_domains (old, node);
  for (guint i = 0; old && i < old->domains->len; i++)
    g_ptr_array_remove (self->domains, old->domains->pdata[i]);
  for (guint i = 0; node && i < node->domains->len; i++)
    g_ptr_array_add (self->domains, node->domains->pdata[i]);
  g_ptr_array_sort (self->domains, compare_domains);
}

/* Which node has a name, according to the store. */

/* *taken: another node has it; *own: it is an additional name of that node already. The revision is expected in
   change. */
static gboolean
look_at_name (EwMesh *self, EwMeshChange *change, const gchar *name, const gchar *node_id, gboolean *own,
              GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/names/", name);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  *own = FALSE;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  ew_mesh_change_expect (change, key, revision);
  const gchar *holder = object ? ew_json_string (object, "node") : NULL;
  if (revision == 0)
    return TRUE;
  *own = holder && g_str_equal (holder, node_id) && ew_json_bool (object, "alias", FALSE);
  const EwNode *node = holder ? ew_mesh_get_node (self, holder) : NULL;
  if (*own)
    return TRUE;
  if (ew_json_string (object, "service"))
    {
      ew_mesh_refuse_name (self, name, object, error);
      return FALSE;
    }
  if (holder == NULL)
    return ew_error_refuse (error, EW_ERROR_NAME_TAKEN, "The name \"%s\" is an edge's. Choose another.", name);
  if (ew_json_bool (object, "alias", FALSE))
    return ew_error_refuse (
      error, EW_ERROR_NAME_TAKEN,
      "The name \"%s\" is already taken: it's an additional name of %s. Choose another, or remove that "
      "one with `edgewayctl name remove %s`.",
      name, node ? node->name : holder, name);
  return ew_error_refuse (error, EW_ERROR_NAME_TAKEN,
                          "The name \"%s\" is already taken: it's a node's own. Choose another.", name);
}

static guint
count_names (EwMesh *self)
{
  return g_hash_table_size (self->names) - MIN (g_hash_table_size (self->names), ew_mesh_count_nodes (self));
}

/* Additional names. */

static gboolean
add_name (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NameChange *wanted = data;
  g_autofree gchar *key = ew_mesh_node_key ("/names/", wanted->name);
  gboolean own;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->node_id, error);
  if (node == NULL || !look_at_name (self, change, wanted->name, wanted->node_id, &own, error))
    return FALSE;
  if (own)
    return TRUE;
  if (g_strv_length (node->names) >= EW_MESH_NODE_NAMES_MAX || count_names (self) >= EW_MESH_NAMES_MAX)
    return ew_error_refuse (
      error, EW_ERROR_NAME_INVALID,
      "A node can have %d additional names, and a mesh %d. Remove some with `edgewayctl name remove`.",
      EW_MESH_NODE_NAMES_MAX, EW_MESH_NAMES_MAX);
  JsonObject *record = json_object_new ();
  json_object_set_string_member (record, "node", node->id);
  json_object_set_boolean_member (record, "alias", TRUE);
  ew_mesh_change_put (change, key, record);
  ew_mesh_node_set_name (node, wanted->name, TRUE);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
check_label (EwMesh *self, const gchar *label, GError **error)
{
  if (strchr (label, '.'))
    {
      g_autofree gchar *shown = g_strndup (label, SHOWN);
      ew_error_refuse (
        error, EW_ERROR_NAME_INVALID,
        "\"%s\" isn't a name below %s. Leave out the dots or, if a name server behind the node answers for that "
        "domain, add --resolver ADDRESS.",
        shown, self->settings.suffix);
      return FALSE;
    }
  if (!ew_name_check_computer (label, error))
    return FALSE;
  return !g_str_equal (label, EW_MESH_EDGE_NAME)
         || ew_error_refuse (error, EW_ERROR_NAME_TAKEN,
                             "The name \"%s\" always means the mesh's edge. Choose another.", label);
}

static void
name_change_free (gpointer data)
{
  NameChange *wanted = data;
  g_free ((gpointer)wanted->name);
  g_free ((gpointer)wanted->node_id);
  g_free (wanted);
}

static void
change_name_async (EwMesh *self, EwMeshChangeAttempt attempt, const NameChange *given, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  NameChange *wanted = g_memdup2 (given, sizeof *given);
  wanted->name = g_strdup (given->name);
  wanted->node_id = g_strdup (given->node_id);
  ew_mesh_change_async (self, attempt, wanted, name_change_free, callback, user_data);
}

void
ew_mesh_add_name_async (EwMesh *self, const gchar *name, const gchar *node_id, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autofree gchar *label = ew_mesh_strip_suffix (self, name);
  const NameChange wanted = { .name = label, .node_id = node_id };
  GError *error = NULL;
  if (check_label (self, label, &error))
    change_name_async (self, add_name, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

EwNode *
ew_mesh_add_name_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const NameChange *wanted = ew_mesh_change_finish (result, error);
  EwNode *node = wanted ? ew_mesh_get_node (self, wanted->node_id) : NULL;
  if (wanted && node == NULL)
    ew_error_refuse (error, EW_ERROR_NOT_FOUND, "This node is no longer in the mesh.");
  return node;
}

/* Domains. */

static gboolean
leads_to (const EwNode *node, GPtrArray *routes, const EwIp *resolver)
{
  for (guint i = 0; i < node->n_addresses; i++)
    if (ew_ip_equal (&node->addresses[i], resolver))
      return TRUE;
  for (guint i = 0; i < routes->len; i++)
    if (ew_prefix_contains (&((EwRouteEntry *)routes->pdata[i])->prefix, resolver))
      return TRUE;
  return FALSE;
}

static gboolean
check_domain (EwMesh *self, const gchar *domain, GError **error)
{
  const gchar *suffix = self->settings.suffix;
  if (!ew_domain_check (domain, error))
    return FALSE;
  if (soup_tld_domain_is_public_suffix (domain))
    return ew_error_refuse (
      error, EW_ERROR_NAME_INVALID,
      "Anyone can register names below \"%s\", so no gateway can answer for it. Give a domain of your own.", domain);
  if (ew_domain_contains (suffix, domain) || ew_domain_contains (domain, suffix))
    return ew_error_refuse (error, EW_ERROR_NAME_TAKEN, "\"%s\" overlaps %s, whose names the mesh itself answers.",
                            domain, suffix);
  return TRUE;
}

/* Which node offers the domain already, according to the store. *own: this node, with this resolver. */
static gboolean
look_at_domain (EwMesh *self, EwMeshChange *change, const NameChange *wanted, EwNode *node, gboolean *own,
                GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/domains/", wanted->name);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  ew_mesh_change_expect (change, key, revision);
  const gchar *holder = object ? ew_json_string (object, "node") : NULL;
  const EwNode *other = holder ? ew_mesh_get_node (self, holder) : NULL;
  EwDomainEntry *entry = ew_mesh_node_find_domain (node, wanted->name);
  *own = revision != 0 && entry && ew_ip_equal (&entry->resolver, &wanted->resolver);
  if (revision == 0 || entry)
    return TRUE;
  return ew_error_refuse (error, EW_ERROR_NAME_TAKEN, "%s offers the domain \"%s\" already. Remove that one first.",
                          other ? other->name : "?", wanted->name);
}

static gboolean
add_domain (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NameChange *wanted = data;
  const EwNode *known = ew_mesh_get_node (self, wanted->node_id);
  g_autofree gchar *key = ew_mesh_node_key ("/domains/", wanted->name);
  gchar text[EW_IP_STRLEN];
  gboolean own;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->node_id, error);
  if (node == NULL || !look_at_domain (self, change, wanted, node, &own, error))
    return FALSE;
  if (own)
    return TRUE;
  ew_ip_format (&wanted->resolver, text);
  if (known == NULL || !leads_to (node, known->routes, &wanted->resolver))
    return ew_error_refuse (
      error, EW_ERROR_ROUTE_INVALID,
      "No route through %s leads to the resolver %s. Add one first: `edgewayctl route add CIDR %s`.", node->name, text,
      node->name);
  EwDomainEntry *old = ew_mesh_node_find_domain (node, wanted->name);
  if (old)
    g_ptr_array_remove (node->domains, old);
  else if (node->domains->len >= EW_MESH_NODE_DOMAINS_MAX || self->domains->len >= EW_MESH_DOMAINS_MAX)
    return ew_error_refuse (error, EW_ERROR_NAME_INVALID,
                            "A node can offer %d domains, and a mesh %d. Remove some with `edgewayctl name remove`.",
                            EW_MESH_NODE_DOMAINS_MAX, EW_MESH_DOMAINS_MAX);
  g_ptr_array_add (node->domains, ew_mesh_domain_entry_new (wanted->name, &wanted->resolver, node->id));
  JsonObject *record = json_object_new ();
  json_object_set_string_member (record, "node", node->id);
  json_object_set_string_member (record, "resolver", text);
  ew_mesh_change_put (change, key, record);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

/* *lower (transfer full) is wanted's name, also where it was refused. */
static gboolean
prepare_domain (EwMesh *self, const gchar *domain, const gchar *resolver, NameChange *wanted, gchar **lower,
                GError **error)
{
  gchar *name = *lower = g_ascii_strdown (domain, -1);
  wanted->name = name;
  if (g_str_has_suffix (name, "."))
    name[strlen (name) - 1] = '\0';
  if (!check_domain (self, name, error))
    return FALSE;
  if (!ew_ip_parse (resolver, &wanted->resolver))
    {
      g_autofree gchar *shown = g_strndup (resolver, SHOWN);
      return ew_error_refuse (
        error, EW_ERROR_INVALID_ARGUMENT,
        "\"%s\" isn't an address. Give the one of the name server behind the node, for example 192.168.1.53.", shown);
    }
  return ew_ip_is_private (&wanted->resolver) /* the edge's host gets a route to it */
         || ew_error_refuse (error, EW_ERROR_ROUTE_INVALID,
                             "The resolver %s has a public address. Give one inside the gateway's own network.",
                             resolver);
}

static const EwDomainEntry *
find_added_domain (EwMesh *self, const NameChange *wanted, GError **error)
{
  const EwNode *node = ew_mesh_get_node (self, wanted->node_id);
  const EwDomainEntry *entry = node ? ew_mesh_node_find_domain (node, wanted->name) : NULL;
  if (entry == NULL)
    ew_error_refuse (error, EW_ERROR_INTERNAL, "The domain was removed again at the same moment.");
  return entry;
}

void
ew_mesh_add_domain_async (EwMesh *self, const gchar *domain, const gchar *resolver, const gchar *node_id,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *name = NULL;
  NameChange wanted = { .node_id = node_id };
  GError *error = NULL;
  if (prepare_domain (self, domain, resolver, &wanted, &name, &error))
    change_name_async (self, add_domain, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

const EwDomainEntry *
ew_mesh_add_domain_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const NameChange *wanted = ew_mesh_change_finish (result, error);
  return wanted ? find_added_domain (self, wanted, error) : NULL;
}

gboolean
ew_mesh_change_drop_domains (EwMesh *self, EwMeshChange *change, EwNode *node, const EwPrefix *route)
{
  const EwNode *known = ew_mesh_get_node (self, node->id);
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  gboolean dropped = FALSE;
  for (guint i = 0; known && i < known->routes->len; i++)
    if (!ew_prefix_equal (&((EwRouteEntry *)known->routes->pdata[i])->prefix, route))
      g_ptr_array_add (others, known->routes->pdata[i]);
  for (guint i = node->domains->len; i > 0; i--)
    {
      const EwDomainEntry *entry = node->domains->pdata[i - 1];
      if (leads_to (node, others, &entry->resolver))
        continue;
      g_autofree gchar *key = ew_mesh_node_key ("/domains/", entry->domain);
      ew_mesh_change_delete (change, key);
      g_ptr_array_remove_index (node->domains, i - 1);
      dropped = TRUE;
    }
  return dropped;
}

/* Removing. */

void
ew_mesh_change_delete_names (EwMeshChange *change, const EwNode *node)
{
  for (gchar **name = node->names; *name; name++)
    {
      g_autofree gchar *key = ew_mesh_node_key ("/names/", *name);
      ew_mesh_change_delete (change, key);
    }
  for (guint i = 0; i < node->domains->len; i++)
    {
      g_autofree gchar *key = ew_mesh_node_key ("/domains/", ((EwDomainEntry *)node->domains->pdata[i])->domain);
      ew_mesh_change_delete (change, key);
    }
}

static gboolean
remove_name (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NameChange *wanted = data;
  gboolean is_domain = strchr (wanted->name, '.') != NULL;
  g_autofree gchar *key = ew_mesh_node_key (is_domain ? "/domains/" : "/names/", wanted->name);
  g_autofree gchar *shown = g_strndup (wanted->name, SHOWN);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  if (object == NULL)
    return ew_error_refuse (error, EW_ERROR_NOT_FOUND,
                            "The mesh has no additional name \"%s\". List them with `edgewayctl name list`.", shown);
  const gchar *id = ew_json_string (object, "node");
  if (ew_json_string (object, "service"))
    return ew_error_refuse (error, EW_ERROR_NAME_INVALID,
                            "\"%s\" is a service. Remove it with `edgewayctl service remove %s`.", shown, shown);
  if (id == NULL)
    return ew_error_refuse (error, EW_ERROR_NAME_INVALID, "\"%s\" is an edge's name, which stays with it.", shown);
  if (!is_domain && !ew_json_bool (object, "alias", FALSE))
    return ew_error_refuse (error, EW_ERROR_NAME_INVALID,
                            "\"%s\" is a node's own name. Give the node another one with `edgewayctl node rename`.",
                            shown);
  g_autoptr (EwNode) node = ew_mesh_read_node (self, id, error);
  if (node == NULL)
    return FALSE;
  if (is_domain && ew_mesh_node_find_domain (node, wanted->name))
    g_ptr_array_remove (node->domains, ew_mesh_node_find_domain (node, wanted->name));
  else if (!is_domain)
    ew_mesh_node_set_name (node, wanted->name, FALSE);
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_delete (change, key);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
check_length (const gchar *text, GError **error)
{
  return strlen (text) <= EW_DOMAIN_MAX
         || ew_error_refuse (error, EW_ERROR_NAME_INVALID, "A domain has at most %d characters.", EW_DOMAIN_MAX);
}

void
ew_mesh_remove_name_async (EwMesh *self, const gchar *name, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *text = ew_mesh_strip_suffix (self, name);
  const NameChange wanted = { .name = text };
  GError *error = NULL;
  if (check_length (text, &error))
    change_name_async (self, remove_name, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

gboolean
ew_mesh_remove_name_finish (GAsyncResult *result, GError **error)
{
  return ew_mesh_change_finish (result, error) != NULL;
}

/* The suffix. */

gboolean
ew_mesh_check_suffix (const gchar *suffix, GError **error)
{
  if (!ew_suffix_check (suffix, error))
    return FALSE;
  return !soup_tld_domain_is_public_suffix (suffix) || g_str_equal (suffix, "home.arpa")
         || ew_error_refuse (error, EW_ERROR_NAME_INVALID,
                             "Anyone can register names below \"%s\". Choose a domain of your own, or for example "
                             "home.internal.",
                             suffix);
}
