/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's routes as this computer sees them, and its user's choices among them.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

static EwPlan *
plan_now (EwTunnel *self, GError **error)
{
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (self->host, error);
  g_autoptr (GArray) edges = ew_edge_addresses (self->document, self->keystore);
  return facts ? ew_plan_new (self->document, self->keystore, facts, (const EwIp *)edges->data, edges->len,
                              self->vpn_active, error)
               : NULL;
}

static gchar *
plan_to_json (const EwPlan *plan)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < plan->all->len; i++)
    {
      const EwPlanRoute *route = plan->all->pdata[i];
      JsonObject *entry = json_object_new ();
      char cidr[EW_PREFIX_STRLEN];
      ew_prefix_format (&route->prefix, cidr);
      json_object_set_string_member (entry, "cidr", cidr);
      if (route->node)
        json_object_set_string_member (entry, "node", route->node);
      else
        json_object_set_null_member (entry, "node");
      json_object_set_string_member (entry, "state", route->state);
      if (route->reason)
        {
          json_object_set_string_member (entry, "reason", route->reason);
          ew_phrase_add_member (entry, "reason_phrase", route->reason);
        }
      else
        json_object_set_null_member (entry, "reason");
      json_array_add_object_element (array, entry);
    }
  json_object_set_int_member (object, "schema", 1);
  json_object_set_array_member (object, "routes", array);
  return ew_json_to_string (object, FALSE);
}

static void
list (GTask *task)
{
  EwTunnel *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  if (!ew_tunnel_check_member (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_autoptr (EwPlan) plan = plan_now (self, &error);
  if (plan && self->engine)
    ew_plan_note (plan, ew_host_look_for_problems (self->host));
  if (plan)
    g_task_return_pointer (task, plan_to_json (plan), g_free);
  else
    g_task_return_error (task, ew_tunnel_error (g_steal_pointer (&error)));
}

/* If the edge can't be asked, what is known is still shown. */
static void
fresh_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwTunnel *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = ew_client_call_finish (EW_CLIENT (source), result, &error);
  if (EW_CLIENT (source) == self->client && object)
    (void)ew_tunnel_take_document (self, object);
  list (task);
}

void
ew_tunnel_list_routes_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  if (self->state == EW_STATE_CONNECTED)
    ew_client_call_async (self->client, "GET", "/v1/self", NULL, cancellable, fresh_document, g_steal_pointer (&task));
  else
    list (task);
}

gchar *
ew_tunnel_list_routes_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
ew_tunnel_refuse_host_bits (const gchar *text, const EwPrefix *prefix, GError **error)
{
  char meant[EW_PREFIX_STRLEN];
  ew_prefix_format (prefix, meant);
  ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_INVALID, "\"%s\" has bits set after its length. Did you mean %s?", text,
                meant);
  return FALSE;
}

static gboolean
parse_route (const gchar *text, EwPrefix *prefix, GError **error)
{
  bool host_bits = false;
  if (text && ew_prefix_parse (text, prefix, &host_bits))
    return !host_bits || ew_tunnel_refuse_host_bits (text, prefix, error);
  ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_INVALID,
                "\"%s\" isn't a route. Write an address and a prefix length, for example 192.168.1.0/24.", text);
  return FALSE;
}

/* Routes through others are compared with this computer's networks. A subnet behind this computer is naturally on them;
   one that the document doesn't have (yet) is judged when it does. */
static const gchar *
refusal (EwTunnel *self, const EwPrefix *prefix, GError **error)
{
  const gchar *never = ew_prefix_never (prefix);
  if (never)
    return never;
  g_autoptr (EwPlan) plan = plan_now (self, error);
  for (guint i = 0; plan && i < plan->all->len; i++)
    {
      const EwPlanRoute *route = plan->all->pdata[i];
      if (route->reason && ew_prefix_equal (&route->prefix, prefix))
        return route->reason;
    }
  return NULL;
}

static gboolean
is_offered (const EwDocument *document, const EwPrefix *prefix)
{
  for (guint i = 0; i < document->routes->len; i++)
    if (ew_prefix_equal (&((EwDocumentRoute *)document->routes->pdata[i])->prefix, prefix))
      return TRUE;
  return FALSE;
}

/* Accepted is what the user saw: a route through another node, or a subnet behind this one. A route that no document
   names waits until one does; refused, it is forgotten. */
static void
set_choice (EwTunnel *self, const EwPrefix *prefix, gboolean accept)
{
  gboolean behind = ew_prefixes_contain (self->document->offers, prefix), ahead = is_offered (self->document, prefix);
  (void)ew_prefixes_set (self->keystore->accepted, prefix, accept && ahead);
  (void)ew_prefixes_set (self->keystore->forwarded, prefix, accept && behind);
  (void)ew_prefixes_set (self->keystore->awaited, prefix, accept && !ahead && !behind);
  (void)ew_prefixes_set (self->keystore->refused, prefix, !accept && (ahead || behind));
}

void
ew_tunnel_settle_choices (EwTunnel *self)
{
  EwKeystore *keystore = self->keystore;
  for (guint i = keystore->awaited->len; i > 0; i--)
    {
      EwPrefix prefix = g_array_index (keystore->awaited, EwPrefix, i - 1);
      gboolean behind = ew_prefixes_contain (self->document->offers, &prefix);
      if (!behind && !is_offered (self->document, &prefix))
        continue;
      (void)ew_prefixes_set (keystore->awaited, &prefix, FALSE);
      (void)ew_prefixes_set (behind ? keystore->forwarded : keystore->accepted, &prefix, TRUE);
    }
}

/* The lists in which a choice is kept, and whether it was in each. */
#define CHOICES 4

static void
get_choices (EwKeystore *keystore, GArray *lists[CHOICES])
{
  lists[0] = keystore->accepted;
  lists[1] = keystore->forwarded;
  lists[2] = keystore->awaited;
  lists[3] = keystore->refused;
}

static gboolean
choose (EwTunnel *self, const EwPrefix *prefix, gboolean accept, GError **error)
{
  EwKeystore *keystore = self->keystore;
  GArray *lists[CHOICES];
  gboolean before[CHOICES], has_room = !accept;
  g_autoptr (GError) local = NULL;
  get_choices (keystore, lists);
  for (guint i = 0; i < CHOICES; i++)
    before[i] = ew_prefixes_contain (lists[i], prefix);
  set_choice (self, prefix, accept);
  for (guint i = 0; i < CHOICES; i++)
    has_room |= lists[i] != keystore->refused && ew_prefixes_contain (lists[i], prefix);
  if (!has_room)
    ew_set_error (&local, EW_ERROR, EW_ERROR_FAILED,
                  "This computer has accepted %d routes, the most that it can. Refuse one first.",
                  EW_CHOSEN_ROUTES_MAX);
  else if ((!self->engine || ew_tunnel_apply (self, self->vpn_active, &local)) && ew_keystore_save (keystore, &local))
    return TRUE;
  for (guint i = 0; i < CHOICES; i++) /* as before, on the host too */
    (void)ew_prefixes_set (lists[i], prefix, before[i]);
  if (self->engine && !ew_tunnel_apply (self, self->vpn_active, NULL))
    g_warning ("The routes couldn't be restored.");
  g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
  return FALSE;
}

gboolean
ew_tunnel_accept_route (EwTunnel *self, const gchar *cidr, gboolean accept, GError **error)
{
  EwPrefix prefix;
  g_autoptr (GError) local = NULL;
  if (!ew_tunnel_check_member (self, error) || !parse_route (cidr, &prefix, error))
    return FALSE;
  const gchar *why = accept ? refusal (self, &prefix, &local) : NULL;
  if (local)
    {
      g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
      return FALSE;
    }
  if (why)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED, "This computer never uses the route %s: %s.", cidr, why);
      return FALSE;
    }
  return choose (self, &prefix, accept, error);
}
