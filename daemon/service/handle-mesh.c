/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about the mesh: each is one call to the edge's API (daemon/edge/API.md) in this node's name.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define NAME_MAX_LENGTH 255
#define CIDR_MAX_LENGTH 64
#define KEY_ID_MAX_LENGTH 64
#define VALID_MIN_S 60
#define VALID_MAX_S 31536000
#define VALID_DEFAULT_S 86400
#define NODE_PAGES_MAX 30 /* of 1000 nodes and at most 1 MiB each: an answer stays below a system bus's 32 MiB */

gchar *
ew_handle_path (const gchar *collection, const gchar *item)
{
  g_autofree gchar *escaped = g_uri_escape_string (item, NULL, FALSE);

  return g_strconcat (collection, escaped, NULL);
}

gboolean
ew_handle_check_text (EwCall *call, const gchar *text, gsize max, const gchar *what)
{
  gsize length = strlen (text);

  if (length > 0 && length <= max)
    return TRUE;
  ew_call_fail (
    call, ew_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The argument is missing or too long. Give %s.", what));
  return FALSE;
}

static gboolean
check_name (EwCall *call, const gchar *name)
{
  GError *error = NULL;

  if (ew_name_check (name, &error))
    return TRUE;
  ew_call_fail (call, error);
  return FALSE;
}

static gboolean
check_valid_seconds (EwCall *call, guint seconds)
{
  if (seconds >= VALID_MIN_S && seconds <= VALID_MAX_S)
    return TRUE;
  ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                        N_ ("A key must be valid for between a minute and a year. Give 60 to 31536000 seconds."));
  return FALSE;
}

void
ew_handle_return_json (EwCall *call, JsonObject *reply)
{
  g_autofree gchar *text = NULL;

  json_object_set_int_member (reply, "schema", 1);
  text = ew_json_to_string (reply, FALSE);
  ew_call_return (call, g_variant_new ("(s)", text));
}

void
ew_handle_on_json (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonObject) reply = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);

  if (reply == NULL)
    ew_call_fail (user_data, error);
  else
    ew_handle_return_json (user_data, reply);
}

void
ew_handle_on_nothing (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonObject) reply = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);

  if (reply == NULL)
    ew_call_fail (user_data, error);
  else
    ew_call_return (user_data, NULL);
}

void
ew_handle_request (EwCall *call, const gchar *method, const gchar *path, JsonObject *body, GAsyncReadyCallback callback)
{
  ew_tunnel_request_async (ew_call_get_tunnel (call), method, path, body, ew_call_get_cancellable (call), callback,
                           call);
}

void
ew_handle_add_node (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  const gchar *name, *kind;
  guint valid_seconds;

  g_variant_get (parameters, "(&s&su)", &name, &kind, &valid_seconds);
  if (!check_name (call, name) || !check_valid_seconds (call, valid_seconds))
    return;
  if (!g_str_equal (kind, "server") && !g_str_equal (kind, "device"))
    {
      ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT, N_ ("A node's kind must be \"server\" or \"device\"."));
      return;
    }
  json_object_set_string_member (body, "name", name);
  json_object_set_string_member (body, "kind", kind);
  json_object_set_int_member (body, "valid_seconds", valid_seconds);
  ew_handle_request (call, "POST", "/v1/keys", body, ew_handle_on_json);
}

void
ew_handle_renew_node (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  const gchar *name;
  guint valid_seconds;

  g_variant_get (parameters, "(&su)", &name, &valid_seconds);
  if (!ew_handle_check_text (call, name, NAME_MAX_LENGTH, N_ ("a node's name"))
      || !check_valid_seconds (call, valid_seconds))
    return;
  json_object_set_string_member (body, "name", name);
  json_object_set_boolean_member (body, "renew", TRUE);
  json_object_set_int_member (body, "valid_seconds", valid_seconds);
  ew_handle_request (call, "POST", "/v1/keys", body, ew_handle_on_json);
}

void
ew_handle_delete (EwCall *call, GVariant *parameters, const gchar *collection, gsize max, const gchar *what)
{
  g_autofree gchar *path = NULL;
  const gchar *item;

  g_variant_get (parameters, "(&s)", &item);
  if (!ew_handle_check_text (call, item, max, what))
    return;
  path = ew_handle_path (collection, item);
  ew_handle_request (call, "DELETE", path, NULL, ew_handle_on_nothing);
}

void
ew_handle_list_keys (EwCall *call, GVariant *parameters)
{
  ew_handle_request (call, "GET", "/v1/keys", NULL, ew_handle_on_json);
}

void
ew_handle_revoke_key (EwCall *call, GVariant *parameters)
{
  ew_handle_delete (call, parameters, "/v1/keys/", KEY_ID_MAX_LENGTH, N_ ("a key's ID"));
}

/* The list of nodes comes in pages: each is asked for with the last ID of the one before. */

typedef struct
{
  EwCall *call;
  JsonArray *nodes;
  guint pages;
} NodeList;

static void
node_list_free (NodeList *list)
{
  json_array_unref (list->nodes);
  g_free (list);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NodeList, node_list_free)

/* Moves a page's nodes to the list. The ID after which the next page begins, (transfer full); NULL: it is the last. */
static gchar *
node_list_take (NodeList *list, JsonObject *page, GError **error)
{
  JsonArray *nodes = ew_json_array (page, "nodes");
  guint n = nodes != NULL ? json_array_get_length (nodes) : 0;
  JsonNode *last = n > 0 ? json_array_get_element (nodes, n - 1) : NULL;
  const gchar *id
    = last != NULL && JSON_NODE_HOLDS_OBJECT (last) ? ew_json_string (json_node_get_object (last), "id") : NULL;

  for (guint i = 0; i < n; i++)
    json_array_add_element (list->nodes, json_array_dup_element (nodes, i));
  if (!ew_json_bool (page, "more", FALSE))
    return NULL;
  if (++list->pages < NODE_PAGES_MAX && id != NULL)
    return g_strdup (id);
  if (id == NULL)
    ew_set_error (
      error, EW_ERROR, EW_ERROR_FAILED,
      "The edge says that there are more nodes, but not after which one. Update Edgeway on the edge's host.");
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_TOO_LARGE,
                  "The mesh has more than %u nodes, too many for a list. Ask for one with `edgewayctl node show NAME`, "
                  "or see them all with `edgewayctl map`.",
                  json_array_get_length (list->nodes));
  return NULL;
}

static void
on_page (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (NodeList) list = user_data;
  EwCall *call = list->call;
  GError *error = NULL;
  g_autoptr (JsonObject) page = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);
  g_autofree gchar *after = page != NULL ? node_list_take (list, page, &error) : NULL;

  if (error != NULL)
    ew_call_fail (call, error);
  else if (after != NULL)
    {
      g_autofree gchar *path = ew_handle_path ("/v1/nodes?after=", after);
      ew_tunnel_request_async (EW_TUNNEL (source), "GET", path, NULL, ew_call_get_cancellable (call), on_page,
                               g_steal_pointer (&list));
    }
  else
    {
      g_autoptr (JsonObject) reply = json_object_new ();
      json_object_set_array_member (reply, "nodes", json_array_ref (list->nodes));
      ew_handle_return_json (call, reply);
    }
}

void
ew_handle_list_nodes (EwCall *call, GVariant *parameters)
{
  NodeList *list = g_new0 (NodeList, 1);

  list->call = call;
  list->nodes = json_array_new ();
  ew_tunnel_request_async (ew_call_get_tunnel (call), "GET", "/v1/nodes", NULL, ew_call_get_cancellable (call), on_page,
                           list);
}

/* NULL: the call has been refused. */
static gchar *
node_path (EwCall *call, const gchar *name)
{
  return ew_handle_check_text (call, name, NAME_MAX_LENGTH, N_ ("a node's name")) ? ew_handle_path ("/v1/nodes/", name)
                                                                                  : NULL;
}

void
ew_handle_show_node (EwCall *call, GVariant *parameters)
{
  g_autofree gchar *path = NULL;
  const gchar *name;

  g_variant_get (parameters, "(&s)", &name);
  if ((path = node_path (call, name)) != NULL)
    ew_handle_request (call, "GET", path, NULL, ew_handle_on_json);
}

void
ew_handle_rename_node (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autofree gchar *path = NULL;
  const gchar *name, *new_name;

  g_variant_get (parameters, "(&s&s)", &name, &new_name);
  if ((path = node_path (call, name)) == NULL || !check_name (call, new_name))
    return;
  json_object_set_string_member (body, "name", new_name);
  ew_handle_request (call, "PATCH", path, body, ew_handle_on_nothing);
}

void
ew_handle_set_node_mtu (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autofree gchar *path = NULL;
  const gchar *name;
  guint mtu;

  g_variant_get (parameters, "(&su)", &name, &mtu);
  if ((path = node_path (call, name)) == NULL)
    return;
  json_object_set_int_member (body, "mtu", mtu);
  ew_handle_request (call, "PATCH", path, body, ew_handle_on_nothing);
}

void
ew_handle_remove_node (EwCall *call, GVariant *parameters)
{
  g_autofree gchar *path = NULL;
  const gchar *name;

  g_variant_get (parameters, "(&s)", &name);
  if ((path = node_path (call, name)) != NULL)
    ew_handle_request (call, "DELETE", path, NULL, ew_handle_on_nothing);
}

void
ew_handle_create_config (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autoptr (GVariant) options = NULL;
  const gchar *name, *public_key, *kind = "device";
  guint8 key[32];
  guint valid_seconds = VALID_DEFAULT_S;
  gboolean renew = FALSE;

  g_variant_get (parameters, "(&s&s@a{sv})", &name, &public_key, &options);
  g_variant_lookup (options, "kind", "&s", &kind);
  g_variant_lookup (options, "valid-seconds", "u", &valid_seconds);
  g_variant_lookup (options, "renew", "b", &renew);
  if (!check_name (call, name) || !check_valid_seconds (call, valid_seconds))
    return;
  if (!ew_key_from_base64 (public_key, key))
    {
      ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                            N_ ("This isn't a WireGuard public key. One has 44 characters, as `wg pubkey` prints it."));
      return;
    }
  json_object_set_string_member (body, "name", name);
  if (renew)
    json_object_set_boolean_member (body, "renew", TRUE);
  else
    json_object_set_string_member (body, "kind", kind);
  json_object_set_string_member (body, "public_key", public_key);
  json_object_set_int_member (body, "valid_seconds", valid_seconds);
  ew_handle_request (call, "POST", "/v1/nodes", body, ew_handle_on_json);
}

/* A route through this computer is offered to the mesh and accepted for forwarding here; if the second half fails, the
   first is undone, so that the mesh doesn't send packets that no node forwards. */

static void
on_offer_taken_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (JsonObject) reply = ew_tunnel_request_finish (EW_TUNNEL (source), result, NULL);
}

static void
on_own_route_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwCall *call = user_data;
  EwTunnel *tunnel = EW_TUNNEL (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) reply = ew_tunnel_request_finish (tunnel, result, &error);
  const gchar *cidr;

  g_variant_get (ew_call_get_parameters (call), "(&s&s)", &cidr, NULL);
  if (reply != NULL && ew_tunnel_accept_route (tunnel, cidr, TRUE, &error))
    {
      ew_call_return (call, NULL);
      return;
    }
  if (reply != NULL)
    {
      g_autofree gchar *path = ew_handle_path ("/v1/routes/", cidr);
      ew_tunnel_request_async (tunnel, "DELETE", path, NULL, NULL, on_offer_taken_back, NULL);
    }
  ew_call_fail (call, g_steal_pointer (&error));
}

void
ew_handle_add_route (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autofree gchar *own_name = NULL;
  const gchar *cidr, *node;
  gboolean own;

  g_variant_get (parameters, "(&s&s)", &cidr, &node);
  g_object_get (ew_call_get_tunnel (call), "node-name", &own_name, NULL);
  own = *node == '\0' || g_strcmp0 (node, own_name) == 0;
  if (!ew_handle_check_text (call, cidr, CIDR_MAX_LENGTH, N_ ("a CIDR such as 192.168.1.0/24"))
      || (!own && !ew_handle_check_text (call, node, NAME_MAX_LENGTH, N_ ("a node's name"))))
    return;
  if (own && (own_name == NULL || *own_name == '\0'))
    {
      ew_call_fail_literal (call, EW_ERROR_NOT_ENROLLED,
                            N_ ("This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`."));
      return;
    }
  json_object_set_string_member (body, "cidr", cidr);
  json_object_set_string_member (body, "node", own ? own_name : node);
  ew_handle_request (call, "POST", "/v1/routes", body, own ? on_own_route_added : ew_handle_on_nothing);
}

void
ew_handle_remove_route (EwCall *call, GVariant *parameters)
{
  g_autofree gchar *path = NULL;
  const gchar *cidr;

  g_variant_get (parameters, "(&s)", &cidr);
  if (!ew_handle_check_text (call, cidr, CIDR_MAX_LENGTH, N_ ("a CIDR such as 192.168.1.0/24")))
    return;
  path = ew_handle_path ("/v1/routes/", cidr);
  ew_handle_request (call, "DELETE", path, NULL, ew_handle_on_nothing);
}

static void
on_routes (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autofree gchar *text = ew_tunnel_list_routes_finish (EW_TUNNEL (source), result, &error);

  if (text == NULL)
    ew_call_fail (user_data, error);
  else
    ew_call_return (user_data, g_variant_new ("(s)", text));
}

void
ew_handle_list_routes (EwCall *call, GVariant *parameters)
{
  ew_tunnel_list_routes_async (ew_call_get_tunnel (call), ew_call_get_cancellable (call), on_routes, call);
}

static void
take_or_refuse (EwCall *call, GVariant *parameters, gboolean accept)
{
  GError *error = NULL;
  const gchar *cidr;

  g_variant_get (parameters, "(&s)", &cidr);
  if (!ew_handle_check_text (call, cidr, CIDR_MAX_LENGTH, N_ ("a CIDR such as 192.168.1.0/24")))
    return;
  if (ew_tunnel_accept_route (ew_call_get_tunnel (call), cidr, accept, &error))
    ew_call_return (call, NULL);
  else
    ew_call_fail (call, error);
}

void
ew_handle_accept_route (EwCall *call, GVariant *parameters)
{
  take_or_refuse (call, parameters, TRUE);
}

void
ew_handle_refuse_route (EwCall *call, GVariant *parameters)
{
  take_or_refuse (call, parameters, FALSE);
}
