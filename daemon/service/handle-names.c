/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about names: additional ones of nodes, and the search domains of gateways.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "service/handle-private.h"
#include "service/methods.h"
#include "tunnel/domains.h"

#define NAME_MAX_LENGTH 255

static gboolean
check_domain (EwCall *call, const gchar *domain)
{
  return ew_handle_check_text (call, domain, NAME_MAX_LENGTH, N_ ("a domain such as corp.example"));
}

void
ew_handle_add_name (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autoptr (GVariant) options = NULL;
  g_autofree gchar *own_name = NULL;
  const gchar *name, *node, *resolver = NULL;

  g_variant_get (parameters, "(&s&s@a{sv})", &name, &node, &options);
  g_variant_lookup (options, "resolver", "&s", &resolver);
  g_object_get (ew_call_get_tunnel (call), "node-name", &own_name, NULL);
  if (!ew_handle_check_text (call, name, NAME_MAX_LENGTH, N_ ("a name"))
      || (*node != '\0' && !ew_handle_check_text (call, node, NAME_MAX_LENGTH, N_ ("a node's name"))))
    return;
  if (*node == '\0' && (own_name == NULL || *own_name == '\0'))
    {
      ew_call_fail_literal (call, EW_ERROR_NOT_ENROLLED,
                            N_ ("This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`."));
      return;
    }
  json_object_set_string_member (body, "name", name);
  json_object_set_string_member (body, "node", *node != '\0' ? node : own_name);
  if (resolver != NULL)
    json_object_set_string_member (body, "resolver", resolver);
  ew_handle_request (call, "POST", "/v1/names", body, ew_handle_on_nothing);
}

void
ew_handle_remove_name (EwCall *call, GVariant *parameters)
{
  ew_handle_delete (call, parameters, "/v1/names/", NAME_MAX_LENGTH, N_ ("a name"));
}

static void
on_names (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonObject) reply = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);
  JsonArray *domains = reply != NULL ? ew_json_array (reply, "domains") : NULL;

  if (domains != NULL)
    ew_tunnel_describe_domains (EW_TUNNEL (source), domains);
  if (reply == NULL)
    ew_call_fail (user_data, error);
  else
    ew_handle_return_json (user_data, reply);
}

void
ew_handle_list_names (EwCall *call, GVariant *parameters)
{
  ew_handle_request (call, "GET", "/v1/names", NULL, on_names);
}

static void
take_or_refuse_domain (EwCall *call, GVariant *parameters, gboolean accept)
{
  GError *error = NULL;
  const gchar *domain;

  g_variant_get (parameters, "(&s)", &domain);
  if (!check_domain (call, domain))
    return;
  if (ew_tunnel_accept_domain (ew_call_get_tunnel (call), domain, accept, &error))
    ew_call_return (call, NULL);
  else
    ew_call_fail (call, error);
}

void
ew_handle_accept_domain (EwCall *call, GVariant *parameters)
{
  take_or_refuse_domain (call, parameters, TRUE);
}

void
ew_handle_refuse_domain (EwCall *call, GVariant *parameters)
{
  take_or_refuse_domain (call, parameters, FALSE);
}
