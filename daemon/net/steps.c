/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host-private.h"
#include "common/phrase.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <string.h>

void (*ew_host_step_hook) (const gchar *step);

void
ew_host_step (const gchar *format, ...)
{
  va_list arguments;

  if (ew_host_step_hook == NULL)
    return;
  va_start (arguments, format);
  g_autofree gchar *step = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  ew_host_step_hook (step);
}

/* Why a change can't be made or undone, from an errno of netlink's. */
static gboolean
set_failed (GError **error, gboolean undo, const EwChange *change, int result)
{
  g_autofree gchar *what = ew_change_describe (change);

  if (result == -EPERM || result == -EACCES)
    ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_PRIVILEGE,
                  "edgewayd lacks the capability CAP_NET_ADMIN to set up %s. Run it as root, as its unit does.", what);
  else if (undo)
    ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                  "Can't undo %s: %s. Look for the reason with `edgewayctl diagnose`.", what, g_strerror (-result));
  else
    ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                  "Can't set up %s: %s. Look for the reason with `edgewayctl diagnose`.", what, g_strerror (-result));
  return FALSE;
}

static gboolean
set_conflict (GError **error, const EwChange *change, const gchar *whose, const gchar *advice)
{
  g_autofree gchar *what = ew_change_describe (change);

  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT, "Can't set up %s: %s. %s", what, whose, advice);
  return FALSE;
}

/* If a route via a gateway is added without an interface, the kernel looks up the gateway with the policy rules, with
   scope "link" or narrower. The routes of Edgeway's own table are wider and so don't count there, and its exceptions
   always do: a gateway is never found in the tunnel. */
static guint8
route_scope (const EwChange *change)
{
  if (change->throws)
    return RT_SCOPE_HOST;
  return change->table == EW_HOST_TABLE ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

static EwRouteRow
route_of (const EwChange *change)
{
  EwRouteRow route = { .destination = change->prefix,
                       .table = change->table,
                       .link = change->link,
                       .protocol = EW_ROUTE_PROTOCOL,
                       .type = change->throws ? RTN_THROW : RTN_UNICAST,
                       .scope = route_scope (change) };

  return route;
}

static EwRuleRow
rule_of (const EwChange *change)
{
  EwRuleRow rule = { .family = change->family,
                     .priority = change->priority,
                     .table = change->table,
                     .to = change->prefix,
                     .invert = change->unmarked,
                     .fwmark = change->unmarked ? EW_HOST_FWMARK : 0,
                     .fwmark_mask = change->unmarked ? EW_HOST_FWMARK_MASK : 0,
                     .suppress = change->suppress,
                     .protocol = EW_ROUTE_PROTOCOL };

  return rule;
}

/* ---- is it needed? */

static gboolean
mtu_needed (EwHost *host, EwChange *change)
{
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      if (link->index != change->link)
        continue;
      if (change->kind == EW_CHANGE_UP)
        return (link->flags & IFF_UP) == 0;
      g_free (change->before);
      change->before = g_strdup_printf ("%u", link->mtu);
      return !g_str_equal (change->before, change->value);
    }
  return TRUE; /* missing: creating it reports that */
}

static gboolean
address_needed (EwHost *host, EwChange *change, GError **error)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (host->netlink);
  gchar name[IFNAMSIZ];

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      if (!ew_ip_equal (&row->ip, &change->prefix.ip))
        continue;
      if (row->link == change->link)
        return FALSE;
      g_autofree gchar *whose
        = ew_phrase ("the interface %s has it already", if_indextoname (row->link, name) != NULL ? name : "?");
      return set_conflict (error, change, whose, N_ ("Remove it there, or choose another range for the mesh."));
    }
  return TRUE;
}

/* Another program's route with the same prefix is never replaced, nor shadowed with a better metric. */
static gboolean
route_needed (EwHost *host, EwChange *change, GError **error)
{
  g_autoptr (GArray) rows = ew_netlink_routes (host->netlink, change->prefix.ip.family, change->table);
  gchar name[IFNAMSIZ] = "";

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      gboolean same = ew_prefix_equal (&row->destination, &change->prefix);
      if (same && row->protocol == EW_ROUTE_PROTOCOL
          && (change->throws ? row->type == RTN_THROW : row->link == change->link))
        return TRUE; /* Edgeway's, from a lost ledger: adopted */
      /* Only Edgeway uses the private table. */
      if (!same && (change->table == RT_TABLE_MAIN || row->protocol == EW_ROUTE_PROTOCOL))
        continue;
      if (row->link != 0)
        if_indextoname (row->link, name);
      g_autofree gchar *whose = ew_phrase ("another program has one, via %s (protocol %u, metric %u)",
                                           *name != '\0' ? name : N_ ("no interface"), row->protocol, row->metric);
      return set_conflict (error, change, whose, N_ ("Remove that route, or don't accept this one."));
    }
  return TRUE;
}

static gboolean
sysctl_needed (EwChange *change, GError **error)
{
  g_free (change->before);
  change->before = ew_sysctl_read (change->name);
  if (change->before == NULL)
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "The setting /proc/sys/%s doesn't exist. Is /proc mounted?", change->name);
      return FALSE;
    }
  return !g_str_equal (change->before, change->value);
}

static gboolean
table_needed (EwChange *change, GError **error)
{
  gboolean ours;

  if (!ew_nft_table_exists (change->name, change->value, &ours))
    return TRUE;
  return ours ? FALSE
              : set_conflict (error, change, N_ ("another program has one with this name"),
                              N_ ("Remove it with `nft delete table` if nobody needs it."));
}

gboolean
ew_step_needed (EwHost *host, EwChange *change, GError **error)
{
  switch (change->kind)
    {
    case EW_CHANGE_MTU:
    case EW_CHANGE_UP:
      return mtu_needed (host, change);
    case EW_CHANGE_ADDRESS:
      return address_needed (host, change, error);
    case EW_CHANGE_ROUTE:
      return route_needed (host, change, error);
    case EW_CHANGE_RULE:
      /* Rules of others may have the same priority: Edgeway's is added beside them, and recognized by its protocol. An
         Edgeway rule from a lost ledger is adopted. */
      return TRUE;
    case EW_CHANGE_SYSCTL:
      return sysctl_needed (change, error);
    case EW_CHANGE_TABLE:
      return table_needed (change, error);
    default:
      return !ew_foreign_is_there (change);
    }
}

/* ---- made */

static int
change_by_netlink (EwHost *host, const EwChange *change, gboolean add)
{
  EwRouteRow route;
  EwRuleRow rule;

  switch (change->kind)
    {
    case EW_CHANGE_MTU:
      return ew_netlink_link_set (host->netlink, change->link,
                                  (guint)g_ascii_strtoull (add ? change->value : change->before, NULL, 10), -1);
    case EW_CHANGE_UP:
      return ew_netlink_link_set (host->netlink, change->link, 0, add ? 1 : 0);
    case EW_CHANGE_ADDRESS:
      return ew_netlink_address (host->netlink, add, change->link, &change->prefix.ip);
    case EW_CHANGE_ROUTE:
      route = route_of (change);
      return ew_netlink_route (host->netlink, add, &route);
    default:
      rule = rule_of (change);
      return ew_netlink_rule (host->netlink, add, &rule);
    }
}

static gboolean
write_sysctl (const gchar *name, const gchar *value, GError **error)
{
  int result = ew_sysctl_write (name, value);

  if (result != 0)
    ew_set_error (error, EW_HOST_ERROR,
                  result == -EACCES || result == -EPERM ? EW_HOST_ERROR_PRIVILEGE : EW_HOST_ERROR_FAILED,
                  "The setting /proc/sys/%s can't be set to %s: %s. In a container, set it from outside.", name, value,
                  g_strerror (-result));
  return result == 0;
}

gboolean
ew_step_make (EwHost *host, const EwChange *change, GError **error)
{
  int result;

  switch (change->kind)
    {
    case EW_CHANGE_SYSCTL:
      return write_sysctl (change->name, change->value, error);
    case EW_CHANGE_FOREIGN:
      return ew_foreign_insert (change, error);
    case EW_CHANGE_TABLE:
      return TRUE; /* ew_firewall_load() creates all of them at once */
    default:
      result = change_by_netlink (host, change, TRUE);
      if (result == -EEXIST && (change->kind == EW_CHANGE_ROUTE || change->kind == EW_CHANGE_RULE))
        result = 0; /* adopted: whose it is was looked at before */
      return result == 0 || set_failed (error, FALSE, change, result);
    }
}

/* What a gateway depends on is set again, and what the administrator wants fixed; any other setting that another program
   has changed since stays as it is. */
static gboolean
keeps_value (EwHost *host, const EwChange *change)
{
  g_autofree gchar *now = ew_sysctl_read (change->name);

  return now == NULL || g_str_equal (now, change->value)
         || !(g_str_has_suffix (change->name, "/forwarding") || g_str_has_suffix (change->name, "/accept_ra")
              || ew_fixes_setting (host, change->name));
}

void
ew_step_ensure (EwHost *host, const EwChange *change)
{
  switch (change->kind)
    {
    case EW_CHANGE_UP:
    case EW_CHANGE_ADDRESS:
    case EW_CHANGE_ROUTE:
    case EW_CHANGE_RULE:
      change_by_netlink (host, change, TRUE);
      break;
    case EW_CHANGE_FOREIGN:
      if (!ew_foreign_is_there (change) && ew_foreign_remove (change, NULL)) /* one of the two may be left */
        ew_foreign_insert (change, NULL);
      break;
    case EW_CHANGE_SYSCTL:
      /* `sysctl --system`, or an interface that was made again under its old name. */
      if (!keeps_value (host, change))
        ew_sysctl_write (change->name, change->value);
      break;
    default:
      break;
    }
}

/* ---- undoing */

/* The interface is still the one that was changed: not another that has taken its name. */
static gboolean
link_is_ours (EwHost *host, const EwChange *change)
{
  return if_nametoindex (change->interface) == change->link;
}

static gboolean
take_back_mtu (EwHost *host, const EwChange *change)
{
  g_autoptr (EwChange) now = ew_change_copy (change);

  return !mtu_needed (host, now); /* it still has the value that Edgeway wrote */
}

/* Another program has switched on forwarding everywhere since: Edgeway no longer owns this interface's share of it.
 */
static gboolean
forwarding_is_wanted (const EwChange *change)
{
  return g_str_has_prefix (change->name, "net/ipv4/conf/") && g_str_has_suffix (change->name, "/forwarding")
         && ew_sysctl_read_int ("net/ipv4/conf/all/forwarding", 0) == 1;
}

static gboolean
take_back_sysctl (const EwChange *change, GError **error)
{
  g_autofree gchar *now = ew_sysctl_read (change->name);

  if (now == NULL || !g_str_equal (now, change->value) || forwarding_is_wanted (change))
    return TRUE;
  return write_sysctl (change->name, change->before, error);
}

static gboolean
take_back_table (EwHost *host, const EwChange *change, GError **error)
{
  g_autofree gchar *script = g_strdup_printf ("delete table %s\n", change->name);
  gboolean ours;

  g_clear_pointer (&host->firewall, g_free);
  if (!ew_nft_table_exists (change->name, change->value, &ours) || !ours)
    return TRUE;
  if (g_str_equal (change->name, "inet edgeway"))
    ew_flows_unmark (host);
  if (!ew_nft_run (script, FALSE, NULL, error))
    return FALSE;
  if (g_str_equal (change->name, "inet edgeway"))
    ew_flows_forget_questions (host);
  return TRUE;
}

gboolean
ew_step_take_back (EwHost *host, const EwChange *change, GError **error)
{
  g_autoptr (GError) noted = NULL;
  int result;

  if (change->interface != NULL && change->kind != EW_CHANGE_FOREIGN && !link_is_ours (host, change))
    return TRUE;
  switch (change->kind)
    {
    case EW_CHANGE_MTU:
      if (!take_back_mtu (host, change))
        return TRUE;
      break;
    case EW_CHANGE_SYSCTL:
      return take_back_sysctl (change, error);
    case EW_CHANGE_TABLE:
      return take_back_table (host, change, error);
    case EW_CHANGE_FOREIGN:
      return ew_foreign_remove (change, error);
    case EW_CHANGE_RESOLVER:
    case EW_CHANGE_NSSWITCH:
    case EW_CHANGE_WAY_OUT:
      if (ew_notes_take_back (host, change, &noted))
        return TRUE;
      if (noted == NULL)
        return set_failed (error, TRUE, change, -ENOSYS);
      g_propagate_error (error, g_steal_pointer (&noted));
      return FALSE;
    default:
      break;
    }
  result = change_by_netlink (host, change, FALSE);
  return result == 0 || ew_netlink_is_gone (result) || set_failed (error, TRUE, change, result);
}
