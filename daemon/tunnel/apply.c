/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What document, choices and networks ask for, brought into force: first the plan, then the engine, then the host. If
 * the host refuses, the current plan is kept.
 */
#include "tunnel/tunnel-private.h"
#include "common/util.h"

static gchar *
describe_networks (const EwHostFacts *facts)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  char text[EW_PREFIX_STRLEN];
  for (guint i = 0; i < facts->addresses->len; i++)
    {
      /* Containers that come and go have link-local ones on this side. */
      if (ew_ip_is_link_local (&g_array_index (facts->addresses, EwIp, i)))
        continue;
      ew_ip_format (&g_array_index (facts->addresses, EwIp, i), text);
      g_ptr_array_add (lines, g_strdup (text));
    }
  for (guint i = 0; i < facts->gateways->len; i++)
    {
      ew_ip_format (&g_array_index (facts->gateways, EwIp, i), text);
      g_ptr_array_add (lines, g_strconcat ("via ", text, NULL));
    }
  for (guint i = 0; i < facts->on_link->len; i++)
    {
      ew_prefix_format (&g_array_index (facts->on_link, EwPrefix, i), text);
      g_ptr_array_add (lines, g_strdup (text));
    }
  for (guint i = 0; facts->uplinks && i < facts->uplinks->len; i++)
    g_ptr_array_add (lines, g_strdup_printf ("up %u", g_array_index (facts->uplinks, guint, i)));
  g_ptr_array_add (lines, g_strdup (facts->ipv6 ? "IPv6" : "no IPv6"));
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (gchar **)lines->pdata);
}

/* What the next hop and the subnets look like, hashed: nobody has to be able to read from the disk where this computer
   has been. Two networks that look alike are taken for one. */
static gchar *
name_network (const EwHostFacts *facts)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char part[EW_PREFIX_STRLEN];
  guint8 hash[32];
  for (guint i = 0; i < facts->gateways->len; i++)
    {
      ew_ip_format (&g_array_index (facts->gateways, EwIp, i), part);
      g_string_append_printf (text, "via %s\n", part);
    }
  for (guint i = 0; i < facts->on_link->len; i++)
    {
      ew_prefix_format (&g_array_index (facts->on_link, EwPrefix, i), part);
      g_string_append_printf (text, "on %s\n", part);
    }
  ew_sha256 (text->str, text->len, hash);
  return g_base64_encode (hash, 9);
}

static void
note_networks (EwTunnel *self, const EwHostFacts *facts)
{
  g_free (self->networks);
  self->networks = describe_networks (facts);
  g_free (self->network);
  self->network = name_network (facts);
}

gboolean
ew_tunnel_look_at_networks (EwTunnel *self)
{
  g_autofree gchar *before = g_steal_pointer (&self->networks);
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (self->host, NULL);
  if (facts)
    note_networks (self, facts);
  else
    self->networks = g_strdup (""); /* whatever is seen next is another one */
  return g_strcmp0 (before, self->networks) != 0;
}

static gboolean
apply_to_host (EwTunnel *self, const EwPlan *plan, gboolean vpn, GError **error)
{
  g_autoptr (GArray) servers = ew_tunnel_name_servers (self, plan);
  EwHostConfig config = {
    .interface = ew_engine_get_interface (self->engine),
    .mtu = ew_tunnel_get_mtu (self),
    .segment_mtu = ew_tunnel_get_segment_mtu (self),
    .addresses = (const EwIp *)plan->addresses->data,
    .n_addresses = plan->addresses->len,
    .routes = (const EwPrefix *)plan->routes->data,
    .n_routes = plan->routes->len,
    .vpn = vpn,
    .name_servers = (const EwIp *)servers->data,
    .n_name_servers = vpn && ew_tunnel_leads_names (self) ? servers->len : 0,
    .lan_names = self->keystore->lan_names,
    .lan_blocked = self->keystore->lan_blocked,
    .excluded = (const EwPrefix *)(const void *)self->keystore->excluded->data,
    .n_excluded = self->keystore->excluded->len,
    .included = (const EwPrefix *)(const void *)self->keystore->included->data,
    .n_included = self->keystore->included->len,
    .forwards = (const EwPrefix *)plan->forwards->data,
    .n_forwards = plan->forwards->len,
    .mesh_ranges = (const EwPrefix *)plan->ranges->data,
    .n_mesh_ranges = plan->ranges->len,
    .fixes = ew_tunnel_get_fixes (self),
  };
  if (!ew_host_apply (self->host, &config, error))
    return FALSE;
  self->mtu = (guint16)config.mtu;
  self->segment_mtu = (guint16)config.segment_mtu;
  return TRUE;
}

static void
apply_to_engine (EwTunnel *self, const EwPlan *plan)
{
  ew_tunnel_set_peer (self, plan, NULL);
  ew_router_configure (self->router, self->engine, plan->addresses, self->document->service, plan->forwards);
}

/* Routes that were not taken although they were accepted: said once each time it changes. */
static void
tell_blocked (const EwPlan *plan, const EwPlan *before)
{
  for (guint i = 0; i < plan->all->len; i++)
    {
      const EwPlanRoute *route = plan->all->pdata[i];
      gboolean known = FALSE;
      for (guint j = 0; before && j < before->all->len; j++)
        {
          const EwPlanRoute *old = before->all->pdata[j];
          known |= ew_prefix_equal (&old->prefix, &route->prefix) && g_strcmp0 (old->reason, route->reason) == 0;
        }
      char text[EW_PREFIX_STRLEN];
      ew_prefix_format (&route->prefix, text);
      if (route->reason && !known)
        g_message ("The route %s through %s isn't used: %s.", text, route->node, route->reason);
    }
}

gboolean
ew_tunnel_apply (EwTunnel *self, gboolean vpn, GError **error)
{
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (self->host, error);
  if (!facts)
    return FALSE;
  g_autoptr (GArray) edges = ew_edge_addresses (self->document, self->keystore);
  g_autoptr (EwPlan) plan
    = ew_plan_new (self->document, self->keystore, facts, (const EwIp *)edges->data, edges->len, vpn, error);
  if (!plan)
    return FALSE;
  note_networks (self, facts);
  if (!ew_engine_set_mtu (self->engine, ew_tunnel_get_mtu (self), error))
    return FALSE;
  apply_to_engine (self, plan);
  if (!self->plan)
    ew_tunnel_begin_handshake (self, plan);
  if (!apply_to_host (self, plan, vpn, error))
    {
      if (self->plan)
        apply_to_engine (self, self->plan);
      return FALSE;
    }
  const GPtrArray *problems = ew_host_get_problems (self->host);
  if (problems)
    ew_plan_note (plan, problems);
  tell_blocked (plan, self->plan);
  g_clear_pointer (&self->plan, ew_plan_free);
  self->plan = g_steal_pointer (&plan);
  self->vpn_active = vpn;
  ew_tunnel_set_names (self);
  ew_tunnel_show (self);
  return TRUE;
}

gboolean
ew_tunnel_apply_mtu (EwTunnel *self, GError **error)
{
  const guint16 mtu = ew_tunnel_get_mtu (self), segment_mtu = ew_tunnel_get_segment_mtu (self);
  if (!self->plan || (mtu == self->mtu && segment_mtu == self->segment_mtu))
    return TRUE;
  g_message ("the path to the edge takes packets of %u bytes inside the tunnel", segment_mtu);
  self->mtu = mtu; /* also where it fails: it's tried again when it changes, or with the next plan */
  self->segment_mtu = segment_mtu;
  return ew_engine_set_mtu (self->engine, mtu, error) && apply_to_host (self, self->plan, self->vpn_active, error);
}
