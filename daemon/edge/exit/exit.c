/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/exit.h"

#include <string.h>

#include "edge/exit/firewall.h"
#include "edge/exit/netlink.h"
#include "edge/exit/sysctl.h"
#include "host/sysctl.h"

#define SYSCTLS EW_SYSCTL_ROOT

struct EwExit
{
  gchar *interface;
  guint16 *open_ports, *public_ports;
  EwPrefix *closed;
  GArray *public; /* EwPrefix: where the edge is reached, as far as it is known */
  GCancellable *looking_up;
  EwExitConfig
    config; /* its strings, ports and prefixes are those above; exit: it is open, service: what this host can have */
  gboolean guarded;
  gboolean names; /* port 53 is open */
  gboolean asked; /* … and no firewall is in the way */
  gboolean lacks_ipv6;
  GPtrArray *undo; /* EwSysctl in force */
  EwHostView *view;
  EwNetlinkWatch *watch;
  GArray *led;    /* EwPrefix: the resolvers that the edge has added a route to */
  gchar *failure; /* why the exit could not be opened */
  gchar *limits;
};

/* Of the addresses that the edge is reached at, those that no interface has. */
static GArray *
find_behind (EwExit *self)
{
  GArray *behind = g_array_new (FALSE, FALSE, sizeof (EwPrefix));

  for (guint i = 0; i < self->public->len; i++)
    {
      const EwPrefix *prefix = &g_array_index (self->public, EwPrefix, i);
      gboolean own = FALSE;

      for (guint j = 0; j < self->view->own->len; j++)
        own = own || ew_prefix_equal (&g_array_index (self->view->own, EwPrefix, j), prefix);
      if (!own)
        g_array_append_val (behind, *prefix);
    }
  return behind;
}

static gboolean
apply_firewall (EwExit *self, GError **error)
{
  g_autoptr (GArray) behind = find_behind (self);
  const EwFirewallConfig firewall = {
    .interface = self->interface,
    .service = { self->config.tun.service[0], self->config.tun.service[1] },
    .ranges = { self->config.tun.ranges[0], self->config.tun.ranges[1] },
    .mtu = self->config.tun.mtu,
    .api_port = self->config.tun.port,
    .open_ports = self->open_ports,
    .n_open_ports = self->config.n_open_ports,
    .names = self->names,
    .exit = self->config.exit,
    .public_ports = self->public_ports,
    .n_public_ports = self->config.n_public_ports,
    .own = (const EwPrefix *)self->view->own->data,
    .n_own = self->view->own->len,
    .behind = (const EwPrefix *)behind->data,
    .n_behind = behind->len,
    .closed = self->closed,
    .n_closed = self->config.n_closed,
    .listen = self->config.tun.listen,
    .undo = self->undo,
  };

  return ew_exit_firewall_apply (&firewall, error);
}

static void
add_sentence (GString *text, const gchar *sentence)
{
  if (sentence != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "", sentence);
}

static void
update_limits (EwExit *self)
{
  GString *text = g_string_new (NULL);
  g_autofree gchar *input = self->names && !self->asked ? ew_exit_firewall_find_input_blockers (self->interface) : NULL;
  g_autofree gchar *blockers = self->config.exit ? ew_exit_firewall_find_blockers (self->interface) : NULL;

  if (self->lacks_ipv6)
    add_sentence (text, "IPv6 is switched off on the edge's host (net.ipv6.conf.all.disable_ipv6), so inside the mesh "
                        "the edge is reached over IPv4 only, and VPN mode carries IPv4 only");
  add_sentence (text, self->failure);
  add_sentence (text, blockers);
  add_sentence (text, input);
  if (self->config.exit && !self->view->upstream[0] && !self->view->upstream[1])
    add_sentence (text, "The edge's host has no route to the internet, so VPN mode leads nowhere; add a default route");
  g_free (self->limits);
  self->limits = g_string_free (text, text->len == 0);
}

/* Opens the exit, or notes why not: the rest of the edge works without it. */
static void
switch_forwarding_on (EwExit *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->config.exit || ew_exit_sysctl_write_all (SYSCTLS, self->undo, &error))
    return;
  ew_exit_sysctl_undo_all (SYSCTLS, self->undo);
  self->config.exit = FALSE;
  self->failure
    = g_strdup_printf ("Forwarding can't be switched on on the edge's host (%s), so VPN mode is off; run `sudo sysctl "
                       "-w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1` and restart the edge, or start its "
                       "container with both as --sysctl",
                       error->message);
}

static gboolean
bring_up (EwExit *self, GError **error)
{
  const EwExitConfig *config = &self->config;

  if (!ew_exit_netlink_set_up (config->tun.ifindex, config->tun.mtu, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (config->tun.service); i++)
    if (config->tun.service[i].family != EW_FAMILY_NONE
        && (!ew_exit_netlink_add_address (config->tun.ifindex, &config->tun.service[i], error)
            || !ew_exit_netlink_add_route (config->tun.ifindex, &config->tun.ranges[i], &config->tun.service[i],
                                           error)))
      return FALSE;
  return TRUE;
}

static gboolean
set_up (EwExit *self, GError **error)
{
  GPtrArray *older;

  if (!ew_exit_firewall_check_name (self->interface, error)
      || (self->view = ew_exit_netlink_get_view (self->config.tun.ifindex, error)) == NULL)
    return FALSE;
  older = ew_exit_firewall_read_undo (self->interface);
  if (!self->config.exit)
    {
      ew_exit_sysctl_undo_all (SYSCTLS, older);
      g_ptr_array_set_size (older, 0);
    }
  self->undo
    = self->config.exit ? ew_exit_sysctl_inherit (
        SYSCTLS, older,
        ew_exit_sysctl_plan_forwarding (SYSCTLS, self->interface, self->config.tun.service[1].family != EW_FAMILY_NONE))
                        : older;
  if (!apply_firewall (self, error))
    return FALSE;
  switch_forwarding_on (self);
  if (self->failure != NULL) /* closed again, in the rules as well */
    {
      g_ptr_array_set_size (self->undo, 0);
      if (!apply_firewall (self, error))
        return FALSE;
    }
  return bring_up (self, error);
}

/* Addresses, routes or another program's firewall changed. If the edge's own table was removed (a `flush ruleset`),
   it's restored. */
static void
on_netlink (gpointer data)
{
  EwExit *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *before = g_strdup (self->limits);
  EwHostView *view = ew_exit_netlink_get_view (self->config.tun.ifindex, NULL);
  const gboolean changed = view != NULL && !ew_exit_view_equal (view, self->view);

  if (changed)
    {
      ew_exit_view_free (self->view);
      self->view = g_steal_pointer (&view);
    }
  ew_exit_view_free (view);
  if ((changed || !ew_exit_firewall_exists (self->interface)) && !apply_firewall (self, &error))
    {
      self->guarded = ew_exit_firewall_exists (self->interface); /* a transaction that failed left the older one */
      self->config.exit = FALSE;
      g_free (self->failure);
      self->failure
        = g_strdup_printf ("%s, so VPN mode is off; restart the edge when the firewall works", error->message);
    }
  update_limits (self);
  if ((changed || error != NULL || g_strcmp0 (before, self->limits) != 0) && self->config.tun.on_change != NULL)
    self->config.tun.on_change (self->config.tun.user_data);
}

static void
add_public (EwExit *self, const gchar *address)
{
  EwIp ip;

  if (ew_ip_parse (address, &ip))
    {
      EwPrefix prefix = ew_prefix_from_ip (&ip);
      g_array_append_val (self->public, prefix);
    }
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  EwExit *self = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* it was removed */
  for (GList *item = found; item != NULL; item = item->next)
    {
      g_autofree gchar *text = g_inet_address_to_string (item->data);
      add_public (self, text);
    }
  g_resolver_free_addresses (found);
  if (error != NULL)
    g_message ("the addresses at which this edge is reached aren't known: %s", error->message);
  else if (!apply_firewall (self, &error))
    g_warning ("%s", error->message);
}

/* A name is looked up once, beside the start: a resolver that is away must not keep the mesh down. */
static void
find_public (EwExit *self, const gchar *host)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  EwIp ip;

  if (host == NULL || !self->config.exit)
    return;
  if (ew_ip_parse (host, &ip))
    add_public (self, host);
  else
    g_resolver_lookup_by_name_async (resolver, host, self->looking_up, on_looked_up, self);
}

static gboolean
host_has_ipv6 (void)
{
  return ew_sysctl_read_int ("net/ipv6/conf/all/disable_ipv6", 1) == 0;
}

EwExit *
ew_exit_new (const EwExitConfig *config, GError **error)
{
  EwExit *self = g_new0 (EwExit, 1);

  self->config = *config;
  self->interface = g_strdup (config->tun.interface);
  self->open_ports = g_memdup2 (config->open_ports, config->n_open_ports * sizeof *config->open_ports);
  self->public_ports = g_memdup2 (config->public_ports, config->n_public_ports * sizeof *config->public_ports);
  self->closed = g_memdup2 (config->closed, config->n_closed * sizeof *config->closed);
  self->public = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->led = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->looking_up = g_cancellable_new ();
  self->config.tun.interface = self->interface;
  self->config.open_ports = self->open_ports;
  self->config.public_ports = self->public_ports;
  self->config.closed = self->closed;
  self->config.public_host = NULL;
  find_public (self, config->public_host);
  if (config->tun.service[1].family != EW_FAMILY_NONE && !host_has_ipv6 ())
    {
      self->lacks_ipv6 = TRUE;
      self->config.tun.service[1].family = EW_FAMILY_NONE;
    }
  if (!set_up (self, error))
    {
      ew_exit_free (self);
      return NULL;
    }
  self->guarded = TRUE;
  update_limits (self);
  self->watch = ew_exit_netlink_watch (on_netlink, self);
  return self;
}

void
ew_exit_free (EwExit *self)
{
  g_autoptr (GError) error = NULL;

  if (self == NULL)
    return;
  ew_exit_netlink_unwatch (self->watch);
  g_cancellable_cancel (self->looking_up);
  g_object_unref (self->looking_up);
  if (self->undo != NULL)
    {
      /* In this order: the table remembers what the settings were. */
      ew_exit_sysctl_undo_all (SYSCTLS, self->undo);
      if (ew_exit_firewall_exists (self->interface) && !ew_exit_firewall_remove (self->interface, &error))
        g_warning ("%s: remove `table inet edgeway-edge-%s` by hand", error->message, self->interface);
      g_ptr_array_unref (self->undo);
    }
  ew_exit_view_free (self->view);
  g_free (self->failure);
  g_free (self->limits);
  g_array_unref (self->public);
  g_array_unref (self->led);
  g_free (self->closed);
  g_free (self->public_ports);
  g_free (self->open_ports);
  g_free (self->interface);
  g_free (self);
}

EwExitPolicy *
ew_exit_get_policy (EwExit *self)
{
  if (!self->config.exit)
    return NULL;
  return ew_exit_policy_new (self->closed, self->config.n_closed, self->view->upstream[0],
                             self->view->upstream[1] && self->config.tun.service[1].family != EW_FAMILY_NONE);
}

void
ew_exit_set_names (EwExit *self, gboolean answers, gboolean asked)
{
  g_autoptr (GError) error = NULL;

  const gboolean changed = self->names != answers;

  if (!changed && self->asked == asked)
    return;
  self->names = answers;
  self->asked = asked;
  if (changed && !apply_firewall (self, &error))
    g_warning ("%s", error->message);
  update_limits (self);
  self->config.tun.on_change (self->config.tun.user_data);
}

const gchar *
ew_exit_get_limits (EwExit *self)
{
  return self->limits;
}

gboolean
ew_exit_takes (EwExit *self, EwFamily family)
{
  return self->guarded && self->config.tun.service[family == EW_FAMILY_V6].family != EW_FAMILY_NONE;
}

/* The switch's view. */

/* Resolvers behind nodes. */

static gboolean
has_prefix (const GArray *prefixes, const EwPrefix *prefix)
{
  for (guint i = 0; i < prefixes->len; i++)
    if (ew_prefix_equal (&g_array_index (prefixes, EwPrefix, i), prefix))
      return TRUE;
  return FALSE;
}

/* Whether the route to it is through the mesh. */
static gboolean
lead_to (EwExit *self, const EwPrefix *resolver)
{
  const gsize family = resolver->ip.family == EW_FAMILY_V6;
  const EwIp *service = &self->config.tun.service[family];
  g_autoptr (GError) error = NULL;
  gchar text[EW_IP_STRLEN];

  if (service->family == EW_FAMILY_NONE)
    return FALSE;
  if (has_prefix (self->led, resolver) || ew_prefix_contains (&self->config.tun.ranges[family], &resolver->ip))
    return TRUE; /* a node's own address has the mesh's route */
  ew_ip_format (&resolver->ip, text);
  if (ew_exit_netlink_has_route (self->config.tun.ifindex, &resolver->ip))
    g_warning ("a gateway's resolver %s can't be asked: the edge's host has a route of its own to that address", text);
  else if (ew_exit_netlink_add_route (self->config.tun.ifindex, resolver, service, &error))
    g_array_append_vals (self->led, resolver, 1);
  else
    g_warning ("a gateway's resolver %s can't be asked: %s", text, error->message);
  return has_prefix (self->led, resolver);
}

guint32
ew_exit_set_resolvers (EwExit *self, const EwIp *resolvers, gsize n)
{
  g_autoptr (GArray) wanted = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  guint32 reached = 0;

  for (gsize i = 0; i < MIN (n, 32); i++)
    {
      EwPrefix prefix = ew_prefix_from_ip (&resolvers[i]);
      g_array_append_val (wanted, prefix);
    }
  for (guint i = self->led->len; i-- > 0;)
    if (!has_prefix (wanted, &g_array_index (self->led, EwPrefix, i)))
      {
        ew_exit_netlink_remove_route (self->config.tun.ifindex, &g_array_index (self->led, EwPrefix, i));
        g_array_remove_index (self->led, i);
      }
  for (guint i = 0; i < wanted->len; i++)
    if (lead_to (self, &g_array_index (wanted, EwPrefix, i)))
      reached |= 1u << i;
  return reached;
}

static gpointer
open_for_switch (gpointer data, const EwSwitchTun *tun, GError **error)
{
  EwExitConfig config = *(const EwExitConfig *)data;

  config.tun = *tun;
  return ew_exit_new (&config, error);
}

static void
close_for_switch (gpointer exit)
{
  ew_exit_free (exit);
}

static gpointer
get_policy_for_switch (gpointer exit)
{
  return ew_exit_get_policy (exit);
}

static EwSwitchExitDecision
decide_for_switch (gconstpointer policy, const EwIp *destination)
{
  return ew_exit_decide (policy, destination);
}

static const gchar *
get_limits_for_switch (gpointer exit)
{
  return ew_exit_get_limits (exit);
}

static gboolean
takes_for_switch (gpointer exit, EwFamily family)
{
  return ew_exit_takes (exit, family);
}

static guint32
set_resolvers_for_switch (gpointer exit, const EwIp *resolvers, gsize n)
{
  return ew_exit_set_resolvers (exit, resolvers, n);
}

const EwSwitchExit ew_exit_for_switch
  = { open_for_switch,       close_for_switch, get_policy_for_switch,   decide_for_switch,
      get_limits_for_switch, takes_for_switch, set_resolvers_for_switch };
