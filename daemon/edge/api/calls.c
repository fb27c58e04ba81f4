/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The API's calls (API.md), and the table of all.
 */
#include "edge/api/api-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "edge/api/documents.h"
#include "edge/mesh/document.h"
#include "edge/mesh/names.h"

#define LIST_MAX 1000 /* nodes in one answer */
#define SENTENCE_OWNER N_ ("Calls on the control socket aren't made by a node, so there is no node document.")

/* Members of a body. */

gboolean
ew_api_get_string (JsonObject *body, const gchar *member, const gchar **value, GError **error)
{
  *value = ew_json_string (body, member);
  if (*value || !json_object_has_member (body, member) || json_object_get_null_member (body, member))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "%s must be a string.", member);
  return FALSE;
}

gboolean
ew_api_need_string (JsonObject *body, const gchar *member, const gchar **value, GError **error)
{
  if (!ew_api_get_string (body, member, value, error))
    return FALSE;
  if (*value)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The request lacks %s.", member);
  return FALSE;
}

static gboolean
get_valid (JsonObject *body, guint *seconds, GError **error)
{
  gint64 value = EW_MESH_VALID_DEFAULT;
  if (json_object_has_member (body, "valid_seconds") && !json_object_get_null_member (body, "valid_seconds"))
    value = ew_json_int (body, "valid_seconds", -1);
  if (value < EW_MESH_VALID_MIN || value > EW_MESH_VALID_MAX)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "valid_seconds must be a whole number between %d (a minute) and %d (a year).", EW_MESH_VALID_MIN,
                    EW_MESH_VALID_MAX);
      return FALSE;
    }
  *seconds = (guint)value;
  return TRUE;
}

static EwNode *
find_argument (EwApiCall *call, GError **error)
{
  return ew_mesh_find_node (call->api->parts.mesh, call->argument, error);
}

static JsonObject *
map_node (EwApiCall *call, const EwNode *node)
{
  EwSwitchNodeStatus status;
  gboolean known = ew_feed_get (call->api->parts.feed, node->id, &status);
  JsonObject *object = ew_api_document_map_node (call->api->parts.mesh, node, known ? &status : NULL);
  json_object_set_boolean_member (object, "self", g_strcmp0 (call->node_id, node->id) == 0);
  return object;
}

/* The log says who did what. */

static const gchar *
maker_of (EwApiCall *call)
{
  return call->node_id ? call->node_id : EW_MAKER_OWNER;
}

gchar *
ew_api_caller_name (EwApiCall *call)
{
  const EwNode *node = call->node_id ? ew_mesh_get_node (call->api->parts.mesh, call->node_id) : NULL;
  return g_strdup (node ? node->name : "the owner");
}

/* The mesh, enrollment, oneself. */

JsonObject *
ew_api_get_mesh (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  JsonObject *answer = json_object_new ();
  json_object_set_string_member (answer, "mesh", ew_mesh_get_name (mesh));
  g_autofree gchar *now = ew_time_format (g_get_real_time ());
  json_object_set_string_member (answer, "edge", ew_mesh_get_edge (mesh)->name);
  json_object_set_string_member (answer, "now", now);
  if (call->node_id || call->peer->control) /* a stranger need not know what to look for */
    json_object_set_string_member (answer, "version", EW_VERSION);
  return answer;
}

static gboolean
check_rate (EwApiCall *call, GError **error)
{
  if (call->peer->control
      || ew_http_rate_limit_check (call->api->failed_enrollments, &call->peer->ip, g_get_monotonic_time (),
                                   &call->retry_after_us))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
                "Too many enrollments from this address failed. Wait %d s, then try again.",
                (gint)(call->retry_after_us / G_USEC_PER_SEC) + 1);
  return FALSE;
}

/* Before the answer is known: however many come at once, no more of them than may fail are looked at. Open keys are
 * known without the store, and many computers may come with one each at the same moment. */
static void
charge (EwApiCall *call, const gchar *secret)
{
  call->charged = !call->peer->control && !ew_mesh_has_key (call->api->parts.mesh, secret);
  if (call->charged)
    ew_http_rate_limit_take (call->api->failed_enrollments, &call->peer->ip, g_get_monotonic_time ());
}

static void
on_enrolled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  EwEnrollOutcome outcome;
  if (ew_api_call_is_over (call))
    return;
  const EwNode *node = ew_mesh_enroll_finish (call->api->parts.mesh, result, &outcome, &error);
  if (call->charged && !outcome.unknown_secret)
    ew_http_rate_limit_give (call->api->failed_enrollments, &call->peer->ip);
  if (node)
    g_message (outcome.replaced ? "another computer took the place of node %s (%s, %s), with enrollment key %s"
                                : "node %s (%s, %s) joined, with enrollment key %s",
               node->name, node->kind, node->role, outcome.key_id);
  call->answer (call, node ? ew_mesh_document_node (call->api->parts.mesh, node) : NULL, error);
}

static JsonObject *
post_enroll (EwApiCall *call, GError **error)
{
  EwEnrollRequest request = { 0 };
  if (!check_rate (call, error) || !ew_api_need_string (call->body, "secret", &request.secret, error)
      || !ew_api_get_string (call->body, "name", &request.name, error)
      || !ew_api_need_string (call->body, "public_key", &request.public_key, error)
      || !ew_api_need_string (call->body, "credential_hash", &request.credential_hash, error)
      || !ew_api_get_string (call->body, "os", &request.os, error)
      || !ew_api_get_string (call->body, "version", &request.version, error))
    return NULL;
  charge (call, request.secret);
  ew_mesh_enroll_async (call->api->parts.mesh, &request, on_enrolled, call);
  return NULL;
}

static const EwNode *
caller (EwApiCall *call, GError **error)
{
  const EwNode *node = call->node_id ? ew_mesh_get_node (call->api->parts.mesh, call->node_id) : NULL;
  if (node == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, SENTENCE_OWNER);
  return node;
}

static JsonObject *
get_self (EwApiCall *call, GError **error)
{
  const EwNode *node = caller (call, error);
  EwSwitchNodeStatus status;
  JsonObject *document;

  if (node == NULL)
    return NULL;
  document = ew_mesh_document_node (call->api->parts.mesh, node);
  ew_api_document_set_problem (document, ew_feed_get (call->api->parts.feed, node->id, &status) ? &status : NULL, TRUE);
  return document;
}

/* Something has ended (a node, a key), and call->kept says what, for the log. */
static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  gboolean ended = ew_mesh_end_finish (result, &error);
  if (ended)
    g_message ("%s", call->kept);
  call->answer (call, ended ? json_object_new () : NULL, error);
}

static JsonObject *
delete_self (EwApiCall *call, GError **error)
{
  const EwNode *node = caller (call, error);
  if (node == NULL)
    return NULL;
  call->kept = g_strdup_printf ("node %s left the mesh", node->name);
  ew_mesh_leave_node_async (call->api->parts.mesh, node->id, on_ended, call);
  return NULL;
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  const EwNode *node = ew_mesh_node_finish (call->api->parts.mesh, result, &error);
  if (node)
    g_message ("node %s runs version %s on %s", node->name, node->version ? node->version : "?",
               node->os ? node->os : "?");
  call->answer (call, node ? json_object_new () : NULL, error);
}

/* Each change is a write for all edges: a node that says something else all the time is slowed down. By its address in
 * the mesh: no other node pays for it. */
static JsonObject *
patch_self (EwApiCall *call, GError **error)
{
  const EwNode *node = caller (call, error);
  const gchar *os, *version;
  gint64 now = g_get_monotonic_time ();
  if (node == NULL || !ew_api_get_string (call->body, "os", &os, error)
      || !ew_api_get_string (call->body, "version", &version, error) || !ew_mesh_check_description (os, version, error))
    return NULL;
  if (ew_mesh_is_described (node, os, version))
    return json_object_new ();
  if (!ew_http_rate_limit_check (call->api->descriptions, &node->addresses[0], now, &call->retry_after_us))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
                    "This computer has described itself too often. Wait %d s, then try again.",
                    (gint)(call->retry_after_us / G_USEC_PER_SEC) + 1);
      return NULL;
    }
  ew_http_rate_limit_take (call->api->descriptions, &node->addresses[0], now);
  ew_mesh_describe_node_async (call->api->parts.mesh, node->id, os, version, on_described, call);
  return NULL;
}

/* Nodes. */

static JsonObject *
get_nodes (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  const gchar *after = call->query ? g_hash_table_lookup (call->query, "after") : NULL;
  JsonObject *answer = json_object_new ();
  JsonArray *nodes = json_array_new ();
  const EwNode *node = ew_mesh_next_node (mesh, after);
  for (; node && json_array_get_length (nodes) < LIST_MAX; node = ew_mesh_next_node (mesh, node->id))
    json_array_add_object_element (nodes, map_node (call, node));
  json_object_set_array_member (answer, "nodes", nodes);
  json_object_set_boolean_member (answer, "more", node != NULL);
  return answer;
}

static JsonObject *
get_node (EwApiCall *call, GError **error)
{
  const EwNode *node = find_argument (call, error);
  return node ? map_node (call, node) : NULL;
}

/* The node has another MTU, or another name. */
static void
on_node_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwNode *node = ew_mesh_node_finish (mesh, result, &error);
  if (node && json_object_has_member (call->body, "name"))
    g_message ("node %s is now %s, by %s", call->kept, node->name, call->who);
  else if (node)
    g_message ("node %s has the MTU %u, by %s", node->name, ew_mesh_get_node_mtu (mesh, node), call->who);
  call->answer (call, node ? map_node (call, node) : NULL, error);
}

static JsonObject *
patch_node (EwApiCall *call, GError **error)
{
  const gchar *name = NULL;
  const EwNode *node = find_argument (call, error);
  gboolean has_mtu = json_object_has_member (call->body, "mtu");
  if (node == NULL || (!has_mtu && !ew_api_need_string (call->body, "name", &name, error)))
    return NULL;
  if (has_mtu && json_object_has_member (call->body, "name"))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "A request can change only one thing: either name or mtu.");
      return NULL;
    }
  EwMesh *mesh = call->api->parts.mesh;
  call->kept = g_strdup (node->name);
  call->who = ew_api_caller_name (call);
  if (name)
    ew_mesh_rename_node_async (mesh, node->id, name, on_node_changed, call);
  else
    ew_mesh_set_node_mtu_async (mesh, node->id, ew_json_int (call->body, "mtu", -1), on_node_changed, call);
  return NULL;
}

/* A caller that uses a node's additional name may mean that name only. */
static gboolean
is_own_name (EwApiCall *call, const EwNode *node, GError **error)
{
  g_autofree gchar *label = ew_mesh_strip_suffix (call->api->parts.mesh, call->argument);
  if (!g_strv_contains ((const gchar *const *)node->names, label))
    return TRUE;
  ew_set_error (
    error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
    "\"%s\" is an additional name of %s. Remove the name alone with `edgewayctl name remove %s`, or the node "
    "with `edgewayctl node remove %s`.",
    label, node->name, label, node->name);
  return FALSE;
}

static JsonObject *
delete_node (EwApiCall *call, GError **error)
{
  const EwNode *node = find_argument (call, error);
  g_autofree gchar *who = ew_api_caller_name (call);
  if (node == NULL || !is_own_name (call, node, error))
    return NULL;
  call->kept = g_strdup_printf ("node %s was removed, by %s", node->name, who);
  ew_mesh_remove_node_async (call->api->parts.mesh, node->id, on_ended, call);
  return NULL;
}

static void
on_plain_node (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  JsonObject *answer = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwNode *node = ew_mesh_node_finish (mesh, result, &error);
  if (node)
    {
      gboolean renew = ew_json_bool (call->body, "renew", FALSE);
      g_message (renew ? "plain node %s has a new key pair, by %s" : "plain node %s was added, by %s", node->name,
                 call->who);
      answer = json_object_new ();
      json_object_set_object_member (answer, "node", map_node (call, node));
      json_object_set_object_member (answer, "config", ew_api_document_plain_config (mesh, node));
    }
  call->answer (call, answer, error);
}

static JsonObject *
post_nodes (EwApiCall *call, GError **error)
{
  const gchar *name, *kind, *public_key;
  guint valid;
  gboolean renew = ew_json_bool (call->body, "renew", FALSE);
  if (!ew_api_need_string (call->body, "name", &name, error) || !ew_api_get_string (call->body, "kind", &kind, error)
      || (!renew && !ew_api_need_string (call->body, "kind", &kind, error))
      || !ew_api_need_string (call->body, "public_key", &public_key, error) || !get_valid (call->body, &valid, error))
    return NULL;
  const EwPlainRequest request
    = { .name = name, .kind = kind, .public_key = public_key, .maker = maker_of (call), .valid_seconds = valid };
  EwMesh *mesh = call->api->parts.mesh;
  const EwNode *node = renew ? ew_mesh_find_node (mesh, name, error) : NULL;
  if (renew && node == NULL)
    return NULL;
  call->who = ew_api_caller_name (call);
  if (renew)
    ew_mesh_renew_plain_node_async (mesh, node->id, public_key, valid, on_plain_node, call);
  else
    ew_mesh_add_plain_node_async (mesh, &request, on_plain_node, call);
  return NULL;
}

/* Keys. */

/* What a key is for, in the log and in lists: a node's name, or NULL. */
static const gchar *
key_label (EwApiCall *call, const EwEnrollment *key)
{
  const EwNode *node = key->node_id ? ew_mesh_get_node (call->api->parts.mesh, key->node_id) : NULL;
  return node ? node->name : NULL;
}

/* What the computer that is to use a key can fetch from here. */
JsonObject *
ew_api_get_install (EwApiCall *call, GError **error)
{
  const EwApiParts *parts = &call->api->parts;
  JsonObject *answer = parts->describe_install ? parts->describe_install (parts->install_data) : json_object_new ();
  if (!json_object_has_member (answer, "systems"))
    json_object_set_array_member (answer, "systems", json_array_new ());
  return answer;
}

/* call->kept: the name that it is for, or NULL. */
static void
on_key_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  JsonObject *answer = NULL;
  EwMadeKey made;
  if (ew_api_call_is_over (call))
    return;
  gchar *key = ew_mesh_make_key_finish (result, &made, &error);
  if (key)
    {
      g_message ("enrollment key %s (%s, for %s%s) was made, by %s", made.id, made.kind,
                 call->kept ? call->kept : "any name",
                 ew_json_bool (call->body, "renew", FALSE) ? ", whose place it takes" : "", call->who);
      answer = json_object_new ();
      json_object_set_string_member (answer, "key", key);
      json_object_set_string_member (answer, "id", made.id);
      json_object_set_string_member (answer, "kind", made.kind);
      ew_json_set_string_or_null (answer, "name", call->kept);
      ew_json_set_time_or_null (answer, "expires", made.expires_us);
      json_object_set_object_member (answer, "install", ew_api_get_install (call, NULL));
      ew_free_secret (key);
    }
  call->answer (call, answer, error);
}

static JsonObject *
make_key (EwApiCall *call, EwKeyRequest *request, const gchar *name, GError **error)
{
  request->maker = maker_of (call);
  if (!get_valid (call->body, &request->valid_seconds, error))
    return NULL;
  call->kept = g_strdup (name);
  call->who = ew_api_caller_name (call);
  ew_mesh_make_key_async (call->api->parts.mesh, request, on_key_made, call);
  return NULL;
}

static JsonObject *
renew_node (EwApiCall *call, const gchar *name, GError **error)
{
  const EwNode *node = ew_mesh_find_node (call->api->parts.mesh, name, error);
  EwKeyRequest request = { .renew_id = node ? node->id : NULL };
  return node ? make_key (call, &request, node->name, error) : NULL;
}

static JsonObject *
post_keys (EwApiCall *call, GError **error)
{
  const gchar *kind, *name;
  if (ew_json_bool (call->body, "renew", FALSE))
    return ew_api_need_string (call->body, "name", &name, error) ? renew_node (call, name, error) : NULL;
  if (!ew_api_need_string (call->body, "kind", &kind, error) || !ew_api_get_string (call->body, "name", &name, error))
    return NULL;
  EwKeyRequest request = { .kind = kind, .name = name };
  return make_key (call, &request, name, error);
}

static JsonObject *
post_admin_key (EwApiCall *call, GError **error)
{
  EwKeyRequest request = { .kind = "admin" };
  return make_key (call, &request, NULL, error);
}

static JsonObject *
key_object (EwApiCall *call, const EwEnrollment *key)
{
  const EwNode *maker = key->made_by ? ew_mesh_get_node (call->api->parts.mesh, key->made_by) : NULL;
  g_autofree gchar *id = g_strndup (key->hash, EW_MESH_KEY_ID_LENGTH);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", id);
  ew_json_set_string_or_null (object, "label", key_label (call, key));
  json_object_set_string_member (object, "kind", key->kind);
  json_object_set_boolean_member (object, "renews", key->renews);
  ew_json_set_string_or_null (object, "maker", key->made_by);
  ew_json_set_string_or_null (object, "maker_name", maker ? maker->name : NULL);
  ew_json_set_time_or_null (object, "created", key->created_us);
  ew_json_set_time_or_null (object, "expires", key->expires_us);
  return object;
}

static JsonObject *
get_keys (EwApiCall *call, GError **error)
{
  g_autoptr (GPtrArray) keys = ew_mesh_list_keys (call->api->parts.mesh);
  JsonObject *answer = json_object_new ();
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < keys->len; i++)
    json_array_add_object_element (array, key_object (call, keys->pdata[i]));
  json_object_set_array_member (answer, "keys", array);
  return answer;
}

static JsonObject *
delete_key (EwApiCall *call, GError **error)
{
  const EwEnrollment *key = ew_mesh_find_key (call->api->parts.mesh, call->argument, error);
  if (key == NULL)
    return NULL;
  g_autofree gchar *who = ew_api_caller_name (call), *id = g_strndup (key->hash, EW_MESH_KEY_ID_LENGTH);
  const gchar *label = key_label (call, key);
  call->kept = g_strdup_printf ("enrollment key %s (%s, for %s) was revoked, by %s", id, key->kind,
                                label ? label : "any name", who);
  ew_mesh_revoke_key_async (call->api->parts.mesh, key->hash, on_ended, call);
  return NULL;
}

/* The fuzzer's corpus refers to calls by their index here: add new ones at the end. */
const EwApiEntry ew_api_table[] = {
  { "GET", "/v1/mesh", EW_ACCESS_ANYONE, ew_api_get_mesh },
  { "POST", "/v1/enroll", EW_ACCESS_ANYONE, post_enroll },
  { "GET", "/v1/self", EW_ACCESS_NODE, get_self },
  { "DELETE", "/v1/self", EW_ACCESS_NODE, delete_self },
  { "GET", "/v1/nodes", EW_ACCESS_NODE, get_nodes },
  { "POST", "/v1/nodes", EW_ACCESS_ADMINISTRATOR, post_nodes },
  { "GET", "/v1/nodes/", EW_ACCESS_NODE, get_node },
  { "PATCH", "/v1/nodes/", EW_ACCESS_ADMINISTRATOR, patch_node },
  { "DELETE", "/v1/nodes/", EW_ACCESS_ADMINISTRATOR, delete_node },
  { "POST", "/v1/keys", EW_ACCESS_ADMINISTRATOR, post_keys },
  { "GET", "/v1/routes", EW_ACCESS_NODE, ew_api_get_routes },
  { "POST", "/v1/routes", EW_ACCESS_ADMINISTRATOR, ew_api_post_routes },
  { "DELETE", "/v1/routes/", EW_ACCESS_ADMINISTRATOR, ew_api_delete_route },
  { "GET", "/v1/topology", EW_ACCESS_NODE, NULL },
  { "GET", "/v1/status", EW_ACCESS_OWNER, ew_api_get_status },
  { "POST", "/v1/admin-key", EW_ACCESS_OWNER, post_admin_key },
  { "GET", "/v1/keys", EW_ACCESS_ADMINISTRATOR, get_keys },
  { "DELETE", "/v1/keys/", EW_ACCESS_ADMINISTRATOR, delete_key },
  { "GET", "/v1/names", EW_ACCESS_NODE, ew_api_get_names },
  { "POST", "/v1/names", EW_ACCESS_ADMINISTRATOR, ew_api_post_names },
  { "DELETE", "/v1/names/", EW_ACCESS_ADMINISTRATOR, ew_api_delete_name },
  { "GET", "/v1/install", EW_ACCESS_NODE, ew_api_get_install },
  { "PATCH", "/v1/self", EW_ACCESS_NODE, patch_self },
  { "GET", "/v1/services", EW_ACCESS_NODE, ew_api_get_services },
  { "POST", "/v1/services", EW_ACCESS_ADMINISTRATOR, ew_api_post_services },
  { "GET", "/v1/services/", EW_ACCESS_NODE, ew_api_get_service },
  { "PATCH", "/v1/services/", EW_ACCESS_ADMINISTRATOR, ew_api_patch_service },
  { "DELETE", "/v1/services/", EW_ACCESS_ADMINISTRATOR, ew_api_delete_service },
  { "GET", "/v1/published", EW_ACCESS_NODE, ew_api_get_published },
  { "POST", "/v1/published", EW_ACCESS_ADMINISTRATOR, ew_api_post_published },
  { "DELETE", "/v1/published/", EW_ACCESS_ADMINISTRATOR, ew_api_delete_published },
  { NULL, NULL, EW_ACCESS_OWNER, NULL },
};
