/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this node cannot have while all the rest works: for its status, its map and diagnose.
 */
#include "tunnel/tunnel-private.h"
#include "common/phrase.h"

static void
add_copy (GPtrArray *problems, const EwHostProblem *problem)
{
  g_ptr_array_add (problems, ew_host_problem_new (problem->kind, &problem->prefix, problem->fix, problem->reason));
}

/* Accepted here, and yet not in use for a reason that the plan knows: one of this computer's networks conflicts. */
static void
add_blocked (EwTunnel *self, GPtrArray *problems)
{
  for (guint i = 0; i < self->plan->all->len; i++)
    {
      const EwPlanRoute *route = self->plan->all->pdata[i];
      gchar cidr[EW_PREFIX_STRLEN];
      gboolean forwarded = ew_prefixes_contain (self->keystore->forwarded, &route->prefix);
      if (!route->reason || route->found
          || (!forwarded && !ew_prefixes_contain (self->keystore->accepted, &route->prefix)))
        continue;
      ew_prefix_format (&route->prefix, cidr);
      g_autofree gchar *fix
        = ew_phrase ("Renumber one of the two networks, or refuse the route: `sudo edgewayctl route refuse %s`.", cidr);
      g_ptr_array_add (problems, ew_host_problem_new (forwarded ? EW_HOST_PROBLEM_FORWARD : EW_HOST_PROBLEM_ROUTE,
                                                      &route->prefix, fix, route->reason));
    }
}

/* The mesh has this computer as the gateway of a network, and nobody has decided that here: whoever refused knows. */
static void
add_undecided (EwTunnel *self, GPtrArray *problems)
{
  for (guint i = 0; i < self->plan->all->len; i++)
    {
      const EwPlanRoute *route = self->plan->all->pdata[i];
      gchar cidr[EW_PREFIX_STRLEN];
      if (!g_str_equal (route->state, "unaccepted-forward")
          || ew_prefixes_contain (self->keystore->refused, &route->prefix))
        continue;
      ew_prefix_format (&route->prefix, cidr);
      g_autofree gchar *fix = ew_phrase ("To forward to it, run `sudo edgewayctl route accept %s` on this computer. If "
                                         "it shouldn't, run `sudo edgewayctl route refuse %s`.",
                                         cidr, cidr);
      g_ptr_array_add (problems,
                       ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, &route->prefix, fix,
                                            N_ ("the mesh has it as the gateway to that network, but that hasn't been "
                                                "accepted here, so other computers get no answer")));
    }
}

/* What VPN mode doesn't protect, or doesn't leave, though it was asked to. */
static void
add_names (EwTunnel *self, GPtrArray *problems)
{
  if (!self->vpn_active || self->keystore->included->len > 0)
    return;
  if (!self->document->dns_all)
    g_ptr_array_add (
      problems, ew_host_problem_new (
                  EW_HOST_PROBLEM_NAMES, NULL,
                  N_ ("Ask whoever runs the edge to let it look up names (forward in edgeway-edge(8))."),
                  N_ ("In VPN mode, this computer still asks the local network's name servers, which see the names "
                      "that it looks up, because the edge doesn't look up other names than the mesh's.")));
  else if (self->keystore->lan_names && self->names && !ew_names_by_resolved (self->names))
    g_ptr_array_add (
      problems,
      ew_host_problem_new (EW_HOST_PROBLEM_NAMES, NULL,
                           N_ ("Use systemd-resolved on this computer, or the local network's addresses."),
                           N_ ("The local network's own names aren't found in VPN mode: only systemd-resolved can tell "
                               "them from others, and programs on this computer don't ask it.")));
}

GPtrArray *
ew_tunnel_collect_problems (EwTunnel *self)
{
  GPtrArray *problems = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_host_problem_free);
  if (!self->plan)
    return problems;
  const GPtrArray *found = ew_host_get_problems (self->host);
  for (guint i = 0; i < self->plan->problems->len; i++)
    add_copy (problems, self->plan->problems->pdata[i]);
  add_blocked (self, problems);
  add_undecided (self, problems);
  for (guint i = 0; found && i < found->len; i++)
    add_copy (problems, found->pdata[i]);
  add_names (self, problems);
  return problems;
}

GVariant *
ew_tunnel_show_problems (EwTunnel *self)
{
  g_autoptr (GPtrArray) problems = ew_tunnel_collect_problems (self);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < problems->len; i++)
    g_ptr_array_add (lines, ew_host_problem_describe (problems->pdata[i]));
  return g_variant_new_strv ((const gchar *const *)lines->pdata, lines->len);
}

GVariant *
ew_tunnel_show_problem_phrases (EwTunnel *self)
{
  g_autoptr (GPtrArray) problems = ew_tunnel_collect_problems (self);
  g_autoptr (GPtrArray) phrases = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree gchar *line = ew_host_problem_describe (problems->pdata[i]);
      g_ptr_array_add (phrases, ew_phrase_to_json (line));
    }
  return g_variant_new_strv ((const gchar *const *)phrases->pdata, phrases->len);
}

JsonArray *
ew_tunnel_problems_to_json (EwTunnel *self)
{
  static const gchar *const kinds[] = { "route", "forward", "range", "firewall", "names", "surroundings" };
  g_autoptr (GPtrArray) problems = ew_tunnel_collect_problems (self);
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < problems->len; i++)
    {
      const EwHostProblem *problem = problems->pdata[i];
      g_autofree gchar *message = ew_host_problem_describe (problem);
      JsonObject *object = json_object_new ();
      gchar subject[EW_PREFIX_STRLEN];
      json_object_set_string_member (object, "kind", kinds[problem->kind]);
      if (problem->prefix.ip.family != EW_FAMILY_NONE)
        {
          ew_prefix_format (&problem->prefix, subject);
          json_object_set_string_member (object, "subject", subject);
        }
      else
        json_object_set_null_member (object, "subject");
      json_object_set_string_member (object, "message", message);
      json_object_set_string_member (object, "fix", problem->fix);
      json_array_add_object_element (array, object);
    }
  return array;
}

/* Of the node itself, as the edge sees it. */

const EwProblemText *
ew_tunnel_get_problem (const EwTunnel *self)
{
  static const EwProblemText two_machines
    = { N_ ("Another computer uses this one's identity: one was cloned from the other, so each cuts the other off."),
        N_ ("On one of them, stop edgewayd, delete its state folder (/var/lib/edgeway), start edgewayd and enroll with "
            "a new key.") },
    clock_behind
    = { N_ ("This computer's clock is behind the edge's, so the edge refuses its handshakes and starts them itself."),
        N_ ("Set the clock, for example with `timedatectl set-ntp true`.") },
    refused
    = { N_ ("The edge refuses this computer's handshakes because they are older than earlier ones: its clock went "
            "back, or it was restored from a snapshot."),
        N_ ("Wait: the edge starts one itself within seconds.") };
  switch (self->problem)
    {
    case EW_NODE_PROBLEM_TWO_MACHINES:
      return &two_machines;
    case EW_NODE_PROBLEM_CLOCK_BEHIND:
      return &clock_behind;
    case EW_NODE_PROBLEM_RESTORED:
    case EW_NODE_PROBLEM_REFUSED:
      return self->liveness.state == EW_LINK_CONNECTED ? NULL : &refused;
    default:
      return NULL;
    }
}

gboolean
ew_tunnel_show_problem (EwTunnel *self, EwTunnelState state)
{
  const EwProblemText *problem = ew_tunnel_get_problem (self);
  if (!problem)
    return FALSE;
  g_autofree gchar *message = ew_phrase ("%s %s", problem->what, problem->fix);
  ew_tunnel_set_state (self, state, ew_node_problem_get_code (self->problem), message);
  return TRUE;
}
