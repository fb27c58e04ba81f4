/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Split tunnel: what goes through the tunnel in VPN mode and what stays outside, by the user's choice; and whether the
 * LAN can be reached. Stored with the account, in force at once.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

static JsonArray *
prefixes_to_json (const GArray *prefixes)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < prefixes->len; i++)
    {
      char text[EW_PREFIX_STRLEN];
      ew_prefix_format (&g_array_index (prefixes, EwPrefix, i), text);
      json_array_add_string_element (array, text);
    }
  return array;
}

void
ew_tunnel_add_split (EwTunnel *self, JsonObject *object)
{
  JsonObject *split = json_object_new ();
  EwKeystore *keystore = self->keystore;
  json_object_set_array_member (split, "excluded",
                                keystore ? prefixes_to_json (keystore->excluded) : json_array_new ());
  json_object_set_array_member (split, "included",
                                keystore ? prefixes_to_json (keystore->included) : json_array_new ());
  json_object_set_object_member (object, "split", split);
  json_object_set_string_member (object, "lan", keystore && keystore->lan_blocked ? "block" : "allow");
}

static gboolean
parse_network (const gchar *text, EwPrefix *prefix, GError **error)
{
  bool host_bits = false;
  if (ew_prefix_parse (text, prefix, &host_bits))
    return !host_bits || ew_tunnel_refuse_host_bits (text, prefix, error);
  ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_INVALID,
                "\"%s\" isn't a network. Write an address and a prefix length, for example 203.0.113.0/24.", text);
  return FALSE;
}

/* Of the mesh: neither list can take anything from it, or give it another way. */
static const gchar *
find_overlap (EwTunnel *self, const EwPrefix *prefix)
{
  for (guint i = 0; i < self->document->ranges->len; i++)
    if (ew_prefix_overlaps (prefix, &g_array_index (self->document->ranges, EwPrefix, i)))
      return N_ ("it overlaps the mesh's own addresses");
  for (guint i = 0; i < self->keystore->accepted->len; i++)
    if (ew_prefix_equal (prefix, &g_array_index (self->keystore->accepted, EwPrefix, i)))
      return N_ ("it is a route of the mesh that this computer has accepted");
  return NULL;
}

/* The LAN, its gateway and the edges themselves can't be reached through the tunnel. */
static gboolean
check_included (EwTunnel *self, const EwPrefix *prefix, const gchar **why, GError **error)
{
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (self->host, error);
  g_autoptr (GArray) edges = ew_edge_addresses (self->document, self->keystore);
  if (!facts)
    return FALSE;
  *why = ew_route_refusal (prefix, facts, (const EwIp *)(const void *)edges->data, edges->len);
  return TRUE;
}

static gboolean
check_prefix (EwTunnel *self, const EwPrefix *prefix, gboolean include, GError **error)
{
  char text[EW_PREFIX_STRLEN];
  const gchar *why = ew_route_refusal (prefix, NULL, NULL, 0);
  ew_prefix_format (prefix, text);
  if (include
      && !ew_tunnel_check_unlocked (self,
                                    N_ ("with a list of what alone goes through the edge, it would stop "
                                        "everything else"),
                                    error))
    return FALSE;
  if (!why)
    why = find_overlap (self, prefix);
  if (!why && include && !check_included (self, prefix, &why, error))
    return FALSE;
  if (!why)
    return TRUE;
  if (include)
    ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED, "%s can't be included: %s.", text, why);
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED, "%s can't be excluded: %s.", text, why);
  return FALSE;
}

/* Into force, where there is a tunnel or lockdown, then onto the disk. */
static gboolean
put_into_force (EwTunnel *self, GError **error)
{
  gboolean done
    = self->engine ? ew_tunnel_apply (self, self->vpn_active, error) : ew_tunnel_bound_lockdown (self, error);
  return done && ew_keystore_save (self->keystore, error);
}

static void
take_back (EwTunnel *self)
{
  if (!(self->engine ? ew_tunnel_apply (self, self->vpn_active, NULL) : ew_tunnel_bound_lockdown (self, NULL)))
    g_warning ("The choice of what goes through the tunnel couldn't be restored.");
}

static gboolean
choose (EwTunnel *self, const EwPrefix *prefix, gboolean exclude, gboolean include, GError **error)
{
  EwKeystore *keystore = self->keystore;
  gboolean was_excluded = ew_prefixes_contain (keystore->excluded, prefix);
  gboolean was_included = ew_prefixes_contain (keystore->included, prefix);
  g_autoptr (GError) local = NULL;
  if (exclude == was_excluded && include == was_included)
    return TRUE;
  (void)ew_prefixes_set (keystore->excluded, prefix, exclude);
  (void)ew_prefixes_set (keystore->included, prefix, include);
  if (exclude != ew_prefixes_contain (keystore->excluded, prefix)
      || include != ew_prefixes_contain (keystore->included, prefix))
    ew_set_error (&local, EW_ERROR, EW_ERROR_FAILED,
                  "There are %d networks in this list, the most that it can have. Remove one first.",
                  EW_CHOSEN_ROUTES_MAX);
  else if (put_into_force (self, &local))
    {
      ew_tunnel_show (self);
      return TRUE;
    }
  (void)ew_prefixes_set (keystore->excluded, prefix, was_excluded);
  (void)ew_prefixes_set (keystore->included, prefix, was_included);
  take_back (self);
  g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
  return FALSE;
}

gboolean
ew_tunnel_change_split (EwTunnel *self, const gchar *action, const gchar *cidr, GError **error)
{
  gboolean exclude = g_str_equal (action, "exclude"), include = g_str_equal (action, "include");
  EwPrefix prefix;
  if (!ew_tunnel_check_member (self, error) || !parse_network (cidr, &prefix, error))
    return FALSE;
  if (!exclude && !include && !ew_prefixes_contain (self->keystore->excluded, &prefix)
      && !ew_prefixes_contain (self->keystore->included, &prefix))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "%s is neither excluded nor included. `edgewayctl split list` shows what is.", cidr);
      return FALSE;
    }
  if ((exclude || include) && !check_prefix (self, &prefix, include, error))
    return FALSE;
  return choose (self, &prefix, exclude, include, error);
}

gboolean
ew_tunnel_set_lan (EwTunnel *self, gboolean allow, GError **error)
{
  g_autoptr (GError) local = NULL;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (self->keystore->lan_blocked == !allow)
    return TRUE;
  self->keystore->lan_blocked = !allow;
  if (put_into_force (self, &local))
    {
      ew_tunnel_show (self);
      return TRUE;
    }
  self->keystore->lan_blocked = allow;
  take_back (self);
  g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
  return FALSE;
}
