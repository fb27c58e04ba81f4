/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "route-state.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "model/translate.h"

/* In the order of EwRouteState. */
static const gchar *const state_words[]
  = { "", "offered", "accepted", "refused", "forwarding", "unaccepted-forward", "blocked" };

static const gchar *
get_text (JsonObject *object, const gchar *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

static JsonArray *
get_routes (JsonNode *root)
{
  JsonNode *member = NULL;

  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    member = json_object_get_member (json_node_get_object (root), "routes");
  return member != NULL && JSON_NODE_HOLDS_ARRAY (member) ? json_node_get_array (member) : NULL;
}

EwRouteState
ew_route_state_find (const gchar *json, const gchar *cidr, gchar **reason)
{
  g_autoptr (JsonNode) root = json != NULL ? json_from_string (json, NULL) : NULL;
  JsonArray *routes = get_routes (root);

  *reason = NULL;
  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      if (route == NULL || g_strcmp0 (get_text (route, "cidr"), cidr) != 0)
        continue;
      *reason = ew_translate_member (route, "reason");
      if (**reason == '\0')
        g_clear_pointer (reason, g_free);
      for (guint state = 1; state < G_N_ELEMENTS (state_words); state++)
        if (g_strcmp0 (get_text (route, "state"), state_words[state]) == 0)
          return state;
      break;
    }
  return EW_ROUTE_UNKNOWN;
}

gchar *
ew_route_state_words (EwRouteState state, const gchar *reason)
{
  switch (state)
    {
    case EW_ROUTE_OFFERED:
      return g_strdup (_ ("Offered, not used on this computer"));
    case EW_ROUTE_ACCEPTED:
      return g_strdup (_ ("Used on this computer"));
    case EW_ROUTE_REFUSED:
      return g_strdup (_ ("Refused on this computer"));
    case EW_ROUTE_FORWARDING:
      return g_strdup (_ ("This computer forwards the mesh to this network"));
    case EW_ROUTE_UNACCEPTED_FORWARD:
      return g_strdup (_ ("Not forwarded until you allow it here"));
    case EW_ROUTE_BLOCKED:
      return reason != NULL ? g_strdup_printf (_ ("Can't be used here: %s"), reason)
                            : g_strdup (_ ("Can't be used on this computer"));
    case EW_ROUTE_UNKNOWN:
      break;
    }
  return g_strdup ("");
}

gboolean
ew_route_state_has_switch (EwRouteState state)
{
  return state != EW_ROUTE_UNKNOWN && state != EW_ROUTE_BLOCKED;
}

gboolean
ew_route_state_is_on (EwRouteState state)
{
  return state == EW_ROUTE_ACCEPTED || state == EW_ROUTE_FORWARDING;
}
