/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Edgeway does about what preflight.c finds, where this computer's administrator wants that (`edgewayctl diagnose
 * --fix`). A fix is a part of the configuration like a route: in the ledger before it is made, made again after the
 * other program has removed it, undone with the rest when the node disconnects, and by `edgewayctl diagnose --revert`.
 */
#include "net/preflight.h"
#include "net/host-private.h"
#include "common/util.h"

#include <string.h>

static const struct
{
  EwHostFix fix;
  const gchar *check;
} fixes[] = {
  { EW_HOST_FIX_FOREIGN_DROP, "foreign-drop" },
  { EW_HOST_FIX_RP_FILTER, "rp-filter" },
  { EW_HOST_FIX_IP_FORWARDING, "ip-forwarding" },
};

guint
ew_host_fix_from_check (const gchar *check)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fixes); i++)
    if (g_strcmp0 (fixes[i].check, check) == 0)
      return fixes[i].fix;
  return 0;
}

GStrv
ew_host_fix_checks (guint wanted)
{
  g_autoptr (GStrvBuilder) checks = g_strv_builder_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (fixes); i++)
    if ((wanted & fixes[i].fix) != 0)
      g_strv_builder_add (checks, fixes[i].check);
  return g_strv_builder_end (checks);
}

guint
ew_host_find_fixable (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges)
{
  g_autoptr (EwSurroundings) surroundings = ew_surroundings_read (host, mesh_ranges, n_mesh_ranges, FALSE);
  g_autoptr (JsonArray) checks = json_array_new ();
  guint found = 0;

  ew_preflight_run (surroundings, checks);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = json_array_get_object_element (checks, i);
      if (ew_json_bool (check, "fixable", FALSE))
        found |= ew_host_fix_from_check (ew_json_string (check, "check"));
    }
  return found;
}

gboolean
ew_fixes_setting (EwHost *host, const gchar *name)
{
  return (host->fixes & EW_HOST_FIX_RP_FILTER) != 0
         && (g_str_has_suffix (name, "/rp_filter") || g_str_has_suffix (name, "/src_valid_mark"));
}

static void
add_exemptions (EwPlan *plan)
{
  const EwHostConfig *config = plan->config;
  g_autoptr (EwSurroundings) surroundings = ew_surroundings_new (config->interface);

  g_array_append_vals (surroundings->ranges, config->mesh_ranges, (guint)config->n_mesh_ranges);
  surroundings->forwards = config->n_forwards > 0;
  ew_foreign_survey (plan->host, surroundings);
  for (guint i = 0; i < surroundings->source_drops->len; i++)
    {
      const EwSourceDrop *drop = surroundings->source_drops->pdata[i];
      if (drop->fixable)
        ew_plan_add_exemption (plan, drop->chain, &drop->range);
    }
}

/* Kept as a gateway's are (steps.c). Another uplink, another setting: each change of networks makes a new plan. */
static void
add_router_hearing (EwPlan *plan)
{
  g_autoptr (EwSurroundings) surroundings = ew_surroundings_new (plan->config->interface);

  surroundings->own = plan->link;
  ew_surroundings_find_router (plan->host, surroundings);
  if (surroundings->forwards_v6)
    ew_plan_add_accept_ra (plan, surroundings->towards_router);
}

void
ew_plan_add_fixes (EwPlan *plan)
{
  g_autofree gchar *rp_filter = g_strdup_printf ("net/ipv4/conf/%s/rp_filter", plan->config->interface);

  if ((plan->config->fixes & EW_HOST_FIX_FOREIGN_DROP) != 0)
    add_exemptions (plan);
  if ((plan->config->fixes & EW_HOST_FIX_RP_FILTER) != 0 && plan->v4 && !ew_plan_has_sysctl (plan, rp_filter))
    ew_plan_add_sysctl (plan, rp_filter, "2");
  if ((plan->config->fixes & EW_HOST_FIX_IP_FORWARDING) != 0)
    add_router_hearing (plan);
}
