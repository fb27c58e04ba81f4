/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A computer has other programs and other networks: a route that another program has already, a read-only setting or a
 * firewall that no other program may change must not keep the whole node out of its mesh. What a configuration asks for
 * and cannot have is left out, noted here and shown with the node's state.
 */
#include "net/preflight.h"
#include "net/host-private.h"
#include "common/phrase.h"

#include <linux/rtnetlink.h>
#include <string.h>

EwHostProblem *
ew_host_problem_new (EwHostProblemKind kind, const EwPrefix *prefix, const gchar *fix, const gchar *reason)
{
  EwHostProblem *problem = g_new0 (EwHostProblem, 1);

  problem->kind = kind;
  if (prefix != NULL)
    problem->prefix = *prefix;
  problem->fix = g_strdup (fix);
  problem->reason = g_strdup (reason);
  return problem;
}

void
ew_host_problem_free (EwHostProblem *problem)
{
  g_free (problem->fix);
  g_free (problem->reason);
  g_free (problem);
}

gchar *
ew_host_problem_describe (const EwHostProblem *problem)
{
  gchar prefix[EW_PREFIX_STRLEN] = "";

  if (problem->prefix.ip.family != EW_FAMILY_NONE)
    ew_prefix_format (&problem->prefix, prefix);
  gboolean is_sentence = g_str_has_suffix (problem->reason, "."); /* an error's, where a clause was to be */
  switch (problem->kind)
    {
    case EW_HOST_PROBLEM_ROUTE:
      return is_sentence ? ew_phrase ("The route %s isn't in use. %s", prefix, problem->reason)
                         : ew_phrase ("The route %s isn't in use: %s.", prefix, problem->reason);
    case EW_HOST_PROBLEM_FORWARD:
      return is_sentence ? ew_phrase ("This computer doesn't forward to %s. %s", prefix, problem->reason)
                         : ew_phrase ("This computer doesn't forward to %s: %s.", prefix, problem->reason);
    case EW_HOST_PROBLEM_RANGE:
      return ew_phrase ("%s stays outside the tunnel: %s.", prefix, problem->reason);
    case EW_HOST_PROBLEM_NAMES:
    case EW_HOST_PROBLEM_SURROUNDINGS:
      return g_strdup (problem->reason);
    default:
      return ew_phrase ("Edgeway's firewall rules aren't in place. %s", problem->reason);
    }
}

void
ew_problems_forget (EwHost *host)
{
  if (host->failures == NULL)
    host->failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_remove_all (host->failures);
  g_clear_pointer (&host->firewall_failure, g_free);
}

const gchar *
ew_problems_failure (EwHost *host, const gchar *name)
{
  return host->failures != NULL ? g_hash_table_lookup (host->failures, name) : NULL;
}

/* Settings that a gateway wants, others' chains and single routes. The default route, and what VPN mode depends on,
   aren't tolerated. */
static gboolean
is_bearable (const EwChange *change)
{
  if (change->kind == EW_CHANGE_ROUTE)
    return change->prefix.length > 0 && !change->throws;
  if (change->kind == EW_CHANGE_SYSCTL)
    return g_str_has_suffix (change->name, "/forwarding") || g_str_has_suffix (change->name, "/accept_ra")
           || g_str_has_suffix (change->name, "/rp_filter");
  return change->kind == EW_CHANGE_FOREIGN;
}

gboolean
ew_problems_bear (EwHost *host, const EwChange *change, const GError *error)
{
  gchar prefix[EW_PREFIX_STRLEN];

  if (!is_bearable (change) || g_error_matches (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER))
    return FALSE;
  if (change->kind == EW_CHANGE_ROUTE)
    ew_prefix_format (&change->prefix, prefix);
  g_hash_table_replace (host->failures, g_strdup (change->kind == EW_CHANGE_ROUTE ? prefix : change->name),
                        g_strdup (error->message));
  return TRUE;
}

/* An interface that forwards forgets the router that it learned of by router advertisements unless accept_ra is 2: IPv6
   would be lost. */
gboolean
ew_problems_forbid (EwHost *host, const EwChange *change)
{
  GHashTableIter iter;
  gpointer name, why;

  if (change->kind != EW_CHANGE_SYSCTL || !g_str_equal (change->name, "net/ipv6/conf/all/forwarding"))
    return FALSE;
  g_hash_table_iter_init (&iter, host->failures);
  while (g_hash_table_iter_next (&iter, &name, &why))
    if (g_str_has_suffix (name, "/accept_ra"))
      {
        g_hash_table_replace (host->failures, g_strdup (change->name), g_strdup (why));
        return TRUE;
      }
  return FALSE;
}

/* ---- routes that another program has */

static gboolean
is_made (EwHost *host, const EwPrefix *prefix, guint32 table)
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    {
      const EwChange *change = ew_ledger_get (host->ledger, i);
      if (change->kind == EW_CHANGE_ROUTE && change->table == table && !change->throws
          && ew_prefix_equal (&change->prefix, prefix))
        return TRUE;
    }
  return FALSE;
}

/* Part of the mesh's own addresses. The owner of a route there may want the mesh's traffic; the private table comes
   first (vpn.c), so such a route has no effect, and keep.c reports it. */
static gboolean
is_mesh (const EwHostConfig *config, const EwPrefix *prefix)
{
  for (gsize i = 0; i < config->n_mesh_ranges; i++)
    if (ew_prefix_overlaps (&config->mesh_ranges[i], prefix))
      return TRUE;
  return FALSE;
}

/* Another program's route with exactly this prefix, which existed before Edgeway's was added; NULL: none. */
static const EwRouteRow *
find_taken (EwHost *host, const EwHostConfig *config, const GArray *rows, const EwPrefix *prefix)
{
  if (prefix->length == 0 || is_mesh (config, prefix) || is_made (host, prefix, RT_TABLE_MAIN))
    return NULL; /* a default route is never asked for as one of these: plan.c refuses it */
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (ew_prefix_equal (&row->destination, prefix) && row->protocol != EW_ROUTE_PROTOCOL)
        return row;
    }
  return NULL;
}

/* ---- mesh addresses that another interface has */

/* Its index; 0: none. */
static guint
find_holder (const GArray *rows, const EwIp *address, guint own)
{
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      if (row->link != own && ew_ip_equal (&row->ip, address))
        return row->link;
    }
  return 0;
}

/* Where no address would be left, all stay: what is in the way is then an error. */
static void
leave_out_held_addresses (EwHost *host, EwHostConfig *config)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (host->netlink);
  const guint own = if_nametoindex (config->interface);
  EwIp *addresses = (EwIp *)config->addresses;
  gsize free = 0, kept = 0;

  for (gsize i = 0; i < config->n_addresses; i++)
    free += find_holder (rows, &addresses[i], own) == 0 ? 1 : 0;
  for (gsize i = 0; free > 0 && i < config->n_addresses; i++)
    if (find_holder (rows, &addresses[i], own) == 0)
      addresses[kept++] = addresses[i];
  if (free > 0)
    config->n_addresses = kept;
}

static void
look_at_addresses (EwHost *host, GPtrArray *problems)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (host->netlink);
  const guint own = if_nametoindex (host->applied->interface);

  for (gsize i = 0; i < host->wanted->n_addresses; i++)
    {
      const EwPrefix prefix = ew_prefix_from_ip (&host->wanted->addresses[i]);
      guint holder = find_holder (rows, &host->wanted->addresses[i], own);
      gchar name[IFNAMSIZ];
      if (holder == 0)
        continue;
      g_autofree gchar *reason = ew_phrase ("the interface %s has this address of the mesh",
                                            if_indextoname (holder, name) != NULL ? name : "?");
      g_ptr_array_add (problems,
                       ew_host_problem_new (EW_HOST_PROBLEM_RANGE, &prefix,
                                            N_ ("Remove it there (`sudo ip addr del`), or choose another range for "
                                                "the mesh."),
                                            reason));
    }
}

static GArray *
read_main (EwHost *host, guint8 family)
{
  return ew_netlink_routes (host->netlink, family, RT_TABLE_MAIN);
}

void
ew_problems_leave_out_taken (EwHost *host, EwHostConfig *config)
{
  g_autoptr (GArray) v4 = read_main (host, EW_FAMILY_V4), v6 = read_main (host, EW_FAMILY_V6);
  EwPrefix *routes = (EwPrefix *)config->routes;
  gsize kept = 0;

  leave_out_held_addresses (host, config);
  for (gsize i = 0; i < config->n_routes; i++)
    if (find_taken (host, config, routes[i].ip.family == EW_FAMILY_V4 ? v4 : v6, &routes[i]) == NULL)
      routes[kept++] = routes[i];
  config->n_routes = kept;
}

static void
look_at_routes (EwHost *host, GPtrArray *problems)
{
  g_autoptr (GArray) v4 = read_main (host, EW_FAMILY_V4), v6 = read_main (host, EW_FAMILY_V6);

  for (gsize i = 0; i < host->wanted->n_routes; i++)
    {
      const EwPrefix *prefix = &host->wanted->routes[i];
      const EwRouteRow *taken = find_taken (host, host->wanted, prefix->ip.family == EW_FAMILY_V4 ? v4 : v6, prefix);
      gchar text[EW_PREFIX_STRLEN], name[IFNAMSIZ] = "";
      ew_prefix_format (prefix, text);
      const gchar *failure = ew_problems_failure (host, text);
      g_autofree gchar *reason = NULL;
      if (taken != NULL)
        reason = ew_phrase ("another program already has that route, via %s (protocol %u, metric %u)",
                            taken->link != 0 && if_indextoname (taken->link, name) != NULL ? name : N_ ("no interface"),
                            taken->protocol, taken->metric);
      else if (failure != NULL && !is_made (host, prefix, EW_HOST_TABLE))
        reason = g_strdup (failure);
      else
        continue;
      g_autofree gchar *fix = ew_phrase (
        "Remove that route (`sudo ip route del %s`), or refuse this one: `sudo edgewayctl route refuse %s`.", text,
        text);
      g_ptr_array_add (problems, ew_host_problem_new (EW_HOST_PROBLEM_ROUTE, prefix, fix, reason));
    }
}

/* ---- all of them */

static void
look_at_surroundings (EwHost *host, GPtrArray *problems)
{
  g_autoptr (EwSurroundings) surroundings
    = ew_surroundings_read (host, host->wanted->mesh_ranges, host->wanted->n_mesh_ranges, FALSE);

  ew_preflight_look_for_problems (surroundings, problems);
}

static void
look_at_firewall (EwHost *host, GPtrArray *problems)
{
  g_ptr_array_add (problems, ew_host_problem_new (EW_HOST_PROBLEM_FIREWALL, NULL,
                                                  N_ ("The mesh works without them; VPN mode and forwarding don't."),
                                                  host->firewall_failure));
  for (gsize i = 0; i < host->wanted->n_forwards; i++)
    g_ptr_array_add (problems,
                     ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, &host->wanted->forwards[i],
                                          N_ ("See the problem with Edgeway's firewall rules."),
                                          N_ ("it needs firewall rules, which this computer's kernel refuses")));
}

const GPtrArray *
ew_host_look_for_problems (EwHost *host)
{
  if (host->problems != NULL)
    g_ptr_array_unref (host->problems);
  host->problems = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_host_problem_free);
  if (host->wanted == NULL || host->applied == NULL)
    return host->problems;
  look_at_addresses (host, host->problems);
  look_at_routes (host, host->problems);
  if (host->firewall_failure != NULL)
    look_at_firewall (host, host->problems);
  else
    ew_gateway_look_for_problems (host, host->problems);
  look_at_surroundings (host, host->problems);
  return host->problems;
}

const GPtrArray *
ew_host_get_problems (EwHost *host)
{
  return host->problems;
}

/* Everything that an apply depends on here, as text: the problems, and through which interfaces each subnet is
   reached. */
static gchar *
describe_standing (EwHost *host)
{
  const GPtrArray *problems = ew_host_look_for_problems (host);
  g_autoptr (GString) text = g_string_new (NULL);
  guint own = if_nametoindex (host->applied->interface);

  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree gchar *line = ew_host_problem_describe (problems->pdata[i]);
      g_string_append_printf (text, "%s\n", line);
    }
  for (gsize i = 0; i < host->applied->n_forwards; i++)
    {
      const EwPrefix *subnet = &host->applied->forwards[i];
      g_autoptr (GArray) rows = read_main (host, subnet->ip.family);
      g_autoptr (GArray) links = ew_gateway_links (host, subnet, own, rows);
      for (guint j = 0; j < links->len; j++)
        g_string_append_printf (text, "%u ", g_array_index (links, guint, j));
      g_string_append_c (text, '\n');
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
ew_problems_differ (EwHost *host)
{
  g_autofree gchar *now = host->applied != NULL ? describe_standing (host) : NULL;

  return now != NULL && g_strcmp0 (now, host->standing) != 0;
}

void
ew_problems_settle (EwHost *host)
{
  g_free (host->standing);
  host->standing = host->applied != NULL ? describe_standing (host) : NULL;
}
