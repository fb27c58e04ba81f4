/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host-private.h"
#include "common/util.h"
#include "common/phrase.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

G_DEFINE_QUARK (ew - host - error - quark, ew_host_error)

EwHostConfig *
ew_host_config_copy (const EwHostConfig *config)
{
  EwHostConfig *copy = g_new (EwHostConfig, 1);

  *copy = *config;
  copy->interface = g_strdup (config->interface);
  copy->addresses = g_memdup2 (config->addresses, config->n_addresses * sizeof *config->addresses);
  copy->routes = g_memdup2 (config->routes, config->n_routes * sizeof *config->routes);
  copy->name_servers = g_memdup2 (config->name_servers, config->n_name_servers * sizeof *config->name_servers);
  copy->excluded = g_memdup2 (config->excluded, config->n_excluded * sizeof *config->excluded);
  copy->included = g_memdup2 (config->included, config->n_included * sizeof *config->included);
  copy->forwards = g_memdup2 (config->forwards, config->n_forwards * sizeof *config->forwards);
  copy->mesh_ranges = g_memdup2 (config->mesh_ranges, config->n_mesh_ranges * sizeof *config->mesh_ranges);
  return copy;
}

void
ew_host_config_free (EwHostConfig *config)
{
  if (config == NULL)
    return;
  g_free ((gpointer)config->interface);
  g_free ((gpointer)config->addresses);
  g_free ((gpointer)config->routes);
  g_free ((gpointer)config->name_servers);
  g_free ((gpointer)config->excluded);
  g_free ((gpointer)config->included);
  g_free ((gpointer)config->forwards);
  g_free ((gpointer)config->mesh_ranges);
  g_free (config);
}

EwHost *
ew_host_new (const gchar *ledger_path, GError **error)
{
  g_autofree gchar *boot_id = ew_sysctl_read ("kernel/random/boot_id");
  g_autofree gchar *spare = ew_file_spare (ledger_path), *folder = g_path_get_dirname (ledger_path);
  g_autofree gchar *lockdown = g_build_filename (folder, EW_LOCKDOWN_FILE, NULL);
  g_autoptr (EwHost) host = g_new0 (EwHost, 1);

  host->netlink = ew_netlink_new (NETLINK_ROUTE);
  if (host->netlink == NULL || boot_id == NULL)
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "This computer's network can't be read: %s. edgewayd needs rtnetlink and /proc.",
                    g_strerror (errno));
      return NULL;
    }
  host->lockdown = ew_lockdown_new (lockdown);
  ew_host_prepare_way (host);
  host->ledger = ew_ledger_open (ledger_path, spare, boot_id, error);
  return host->ledger != NULL ? g_steal_pointer (&host) : NULL;
}

gboolean
ew_host_has_traces (void)
{
  static const guint8 families[] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  static const gchar *const tables[] = { "inet edgeway", "arp edgeway", EW_CHANGE_PORTAL_TABLE };
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_ROUTE);
  gboolean found = FALSE, ours = FALSE;

  for (gsize f = 0; netlink != NULL && f < G_N_ELEMENTS (families); f++)
    {
      g_autoptr (GArray) rules = ew_netlink_rules (netlink, families[f]);
      for (guint i = 0; rules != NULL && i < rules->len; i++)
        found |= g_array_index (rules, EwRuleRow, i).table == EW_HOST_TABLE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    found |= ew_nft_table_exists (tables[i], "edgewayd ", &ours) && ours;
  return found;
}

void
ew_host_free (EwHost *host)
{
  if (host == NULL)
    return;
  ew_host_watch_free (host->watch);
  ew_host_keep_free (host->keep);
  ew_netlink_free (host->netlink);
  ew_ledger_free (host->ledger);
  ew_lockdown_free (host->lockdown);
  ew_host_config_free (host->applied);
  g_clear_pointer (&host->uplinks, g_array_unref);
  ew_host_config_free (host->wanted);
  g_clear_pointer (&host->problems, g_ptr_array_unref);
  g_clear_pointer (&host->failures, g_hash_table_unref);
  g_free (host->firewall_failure);
  g_free (host->standing);
  g_free (host->firewall);
  g_free (host);
}

gboolean
ew_host_start_lockdown (EwHost *host, GError **error)
{
  ew_lockdown_hold (host->lockdown);
  return ew_lockdown_enforce (host->lockdown, error);
}

EwLockdownState
ew_host_get_lockdown (EwHost *host)
{
  return ew_lockdown_get_state (host->lockdown);
}

static gboolean
bound_lockdown (EwHost *host, const EwHostConfig *config, GError **error)
{
  g_autoptr (GArray) outside = ew_lan_reachable (host, config);
  const EwLockdownBounds bounds = {
    .interface = config->interface,
    .behind = config->forwards,
    .n_behind = config->n_forwards,
    .inside = config->routes,
    .n_inside = config->n_routes,
    .excluded = config->excluded,
    .n_excluded = config->n_excluded,
    .outside = (const EwPrefix *)(const void *)outside->data,
    .n_outside = outside->len,
  };

  return ew_lockdown_set_bounds (host->lockdown, &bounds, error);
}

gboolean
ew_host_set_lockdown (EwHost *host, EwLockdownState state, guint seconds, const EwHostConfig *config, GError **error)
{
  return (config == NULL || bound_lockdown (host, config, error))
         && ew_lockdown_set (host->lockdown, state, seconds, error);
}

gboolean
ew_host_ledger_is_empty (EwHost *host)
{
  return ew_ledger_length (host->ledger) == 0;
}

/* One step back. FALSE: it stays in the ledger. */
static gboolean
take_back (EwHost *host, const EwChange *change, GError **error)
{
  guint64 id = change->id;
  g_autofree gchar *what = ew_change_describe (change);

  ew_host_step ("undo %s", what);
  if (!ew_step_take_back (host, change, error))
    return FALSE;
  ew_host_step ("undone, not yet in the ledger: %s", what);
  ew_ledger_remove (host->ledger, id);
  return TRUE;
}

/* One step forward: what is in the ledger already. Where it fails, it is in there no longer. */
static gboolean
make_noted (EwHost *host, const EwChange *change, GError **error)
{
  g_autofree gchar *what = ew_change_describe (change);

  ew_host_step ("set up %s", what);
  if (!ew_step_make (host, change, error))
    {
      ew_ledger_remove (host->ledger, change->id);
      return FALSE;
    }
  ew_host_step ("made %s", what);
  return TRUE;
}

static const EwChange *
ledger_find (EwHost *host, const EwChange *wanted, gboolean (*match) (const EwChange *, const EwChange *))
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    if (match (ew_ledger_get (host->ledger, i), wanted))
      return ew_ledger_get (host->ledger, i);
  return NULL;
}

static gboolean
is_wanted (const GPtrArray *wanted, const EwChange *change)
{
  for (guint i = 0; i < wanted->len; i++)
    if (ew_change_same (wanted->pdata[i], change))
      return TRUE;
  return FALSE;
}

/* What VPN mode and a gateway add to a plain connection: it's removed first on the way back, and added last on the way
 * in.
 */
static gboolean
is_extra (const EwChange *change)
{
  return change->kind == EW_CHANGE_RULE || change->kind == EW_CHANGE_SYSCTL || change->kind == EW_CHANGE_FOREIGN
         || (change->kind == EW_CHANGE_ROUTE && change->table == EW_HOST_TABLE);
}

/* Undoes, newest first, what isn't wanted. FALSE: something couldn't be undone; the rest was. */
static gboolean
take_back_unwanted (EwHost *host, const GPtrArray *wanted, gboolean extras_only, GError **error)
{
  gboolean all = TRUE;

  for (guint i = ew_ledger_length (host->ledger); i-- > 0;)
    {
      const EwChange *change = ew_ledger_get (host->ledger, i);
      if (wanted != NULL && ew_change_is_noted (change))
        continue; /* none of Edgeway's plans names it */
      if ((extras_only && !is_extra (change)) || (wanted != NULL && is_wanted (wanted, change)))
        continue;
      all &= take_back (host, change, all ? error : NULL);
    }
  return all;
}

/* Adds change to due where it has to be made. FALSE where all the rest can't go on without it. */
static gboolean
look_at_change (EwHost *host, EwChange *change, GPtrArray *due, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (ew_problems_forbid (host, change))
    return TRUE;
  if (ew_step_needed (host, change, &local))
    g_ptr_array_add (due, change);
  else if (local != NULL && !ew_problems_bear (host, change, local))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return TRUE;
}

static gboolean
note_down (EwHost *host, const GPtrArray *due, GError **error)
{
  ew_host_step ("note down %u changes", due->len);
  return ew_ledger_add_all (host->ledger, due, error);
}

/* Writes down, all at once, what of the plan has to be made: from then on it has an id. What must first take another
   entry's place is left to make_instead(). */
static gboolean
note_wanted (EwHost *host, const GPtrArray *wanted, GError **error)
{
  g_autoptr (GPtrArray) due = g_ptr_array_new ();

  for (guint i = 0; i < wanted->len; i++)
    {
      EwChange *change = wanted->pdata[i];
      if (ledger_find (host, change, ew_change_same) == NULL && ledger_find (host, change, ew_change_collides) == NULL
          && !look_at_change (host, change, due, error))
        return FALSE;
    }
  return note_down (host, due, error);
}

/* What was written down and isn't going to be made. */
static void
forget_noted (EwHost *host, const GPtrArray *wanted, guint first)
{
  for (guint i = first; i < wanted->len; i++)
    {
      const EwChange *change = wanted->pdata[i];
      if (change->id != 0 && change->kind != EW_CHANGE_TABLE)
        ew_ledger_remove (host->ledger, change->id);
    }
}

/* FALSE where all the rest can't go on without it. */
static gboolean
make_or_bear (EwHost *host, const EwChange *change, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (ew_problems_forbid (host, change))
    {
      ew_ledger_remove (host->ledger, change->id);
      return TRUE;
    }
  if (make_noted (host, change, &local) || ew_problems_bear (host, change, local))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The old one is undone when the new one is about to be made, and not before. */
static gboolean
make_instead (EwHost *host, const EwChange *old, EwChange *change, GError **error)
{
  g_autoptr (GPtrArray) due = g_ptr_array_new ();

  if (!take_back (host, old, error) || !look_at_change (host, change, due, error) || !note_down (host, due, error))
    return FALSE;
  return due->len == 0 || make_or_bear (host, change, error);
}

static gboolean
make_change (EwHost *host, EwChange *change, GError **error)
{
  const EwChange *entry;

  if (change->kind == EW_CHANGE_TABLE)
    return TRUE; /* load_firewall() creates it */
  if (change->id != 0)
    return make_or_bear (host, change, error);
  entry = ledger_find (host, change, ew_change_same);
  if (entry != NULL)
    {
      ew_step_ensure (host, entry);
      return TRUE;
    }
  entry = ledger_find (host, change, ew_change_collides);
  return entry == NULL || make_instead (host, entry, change, error);
}

static gboolean
make_wanted (EwHost *host, const GPtrArray *wanted, GError **error)
{
  for (guint i = 0; i < wanted->len; i++)
    if (!make_change (host, wanted->pdata[i], error))
      {
        forget_noted (host, wanted, i);
        return FALSE;
      }
  return TRUE;
}

/* Edgeway's tables are in the ledger; they are loaded in one transaction. */
static gboolean
load_firewall (EwHost *host, const EwHostConfig *config, const GPtrArray *wanted, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (host->firewall_failure != NULL)
    return TRUE; /* the second try, without */
  ew_host_step ("load the firewall");
  if (!ew_firewall_load (host, config, &local))
    {
      forget_noted (host, wanted, 0);
      host->firewall_failure = g_strdup (local->message);
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  ew_host_step ("loaded the firewall");
  return TRUE;
}

/* Each change is in the ledger before the first of them is made. The order is what keeps connections alive: VPN mode's
   routes are removed before the guard; the guard is added before VPN mode's routes, and traffic is sealed at the end; new addresses are added before old ones are removed (with
   its last address an interface loses its routes). */
static gboolean
apply_plan (EwHost *host, const EwHostConfig *config, GError **error)
{
  g_autoptr (GPtrArray) wanted = ew_plan_make (host, config, error);

  return wanted != NULL && take_back_unwanted (host, wanted, TRUE, error) && note_wanted (host, wanted, error)
         && load_firewall (host, config, wanted, error) && make_wanted (host, wanted, error)
         && take_back_unwanted (host, wanted, FALSE, error) && ew_firewall_seal (host, config, error);
}

/* Without firewall rules the mesh works, and nothing is forwarded; only VPN mode's guard cannot do without. */
static gboolean
apply_what_can_be (EwHost *host, EwHostConfig *config, GError **error)
{
  g_autoptr (GError) local = NULL;

  ew_problems_forget (host);
  ew_problems_leave_out_taken (host, config);
  if (apply_plan (host, config, &local))
    return TRUE;
  if (host->firewall_failure != NULL && !config->vpn)
    {
      config->n_forwards = 0;
      return apply_plan (host, config, error);
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
ew_host_undo_all (EwHost *host, GError **error)
{
  g_clear_pointer (&host->applied, ew_host_config_free);
  g_clear_pointer (&host->wanted, ew_host_config_free);
  host->firewall_vpn = host->sealed = FALSE;
  ew_host_keep_applied (host);
  return take_back_unwanted (host, NULL, FALSE, error);
}

static gboolean
apply_config (EwHost *host, const EwHostConfig *config, GError **error)
{
  g_autoptr (EwHostConfig) applied = ew_host_config_copy (config), wanted = ew_host_config_copy (config);
  g_autoptr (GError) bounds = NULL;

  host->fixes = config->fixes;
  if (!apply_what_can_be (host, applied, error))
    return FALSE;
  ew_host_config_free (host->applied);
  host->applied = g_steal_pointer (&applied);
  ew_host_config_free (host->wanted);
  host->wanted = g_steal_pointer (&wanted);
  ew_host_keep_applied (host);
  ew_problems_settle (host);
  if (ew_host_get_lockdown (host) != EW_LOCKDOWN_OFF && !bound_lockdown (host, host->wanted, &bounds))
    g_warning ("Lockdown's firewall rules couldn't be adapted: %s", bounds->message);
  return TRUE;
}

gboolean
ew_host_apply (EwHost *host, const EwHostConfig *config, GError **error)
{
  g_autoptr (GError) back = NULL;

  if (config == NULL)
    return ew_host_undo_all (host, error);
  if (apply_config (host, config, error))
    return TRUE;
  /* Goes back to the previous state: what can't be restored stays in the ledger. */
  if (host->wanted != NULL ? !apply_config (host, host->wanted, &back) : !ew_host_undo_all (host, &back))
    g_warning ("After a failure, this computer's network couldn't be restored completely: %s", back->message);
  return FALSE;
}
