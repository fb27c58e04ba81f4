/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/preflight.h"
#include "net/host-private.h"
#include "common/checks.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

/* ---- whose is it? */

static const struct
{
  const gchar *begin; /* of the interface's name */
  const gchar *owner;
} owners[] = {
  { "tailscale", "Tailscale" },
  { "wt0", "NetBird" },
  { "CloudflareWARP", "Cloudflare WARP" },
  { "nebula", "Nebula" },
  { "zt", "ZeroTier" },
  { "nordlynx", "NordVPN" },
  { "wg-mullvad", "Mullvad VPN" },
  { "proton", "Proton VPN" },
  { "docker", "Docker" },
  { "br-", "Docker" },
  { "podman", "Podman" },
  { "cni", N_ ("a container network") },
  { "virbr", "libvirt" },
  { "lxcbr", "LXC" },
  { "lxdbr", "LXD" },
};

static const struct
{
  const gchar *kind;
  const gchar *owner;
} kinds[] = {
  { "wireguard", "WireGuard" },
  { "tun", N_ ("another VPN") },
};

const gchar *
ew_preflight_owner (const gchar *interface, const gchar *kind)
{
  for (gsize i = 0; i < G_N_ELEMENTS (owners); i++)
    if (g_str_has_prefix (interface, owners[i].begin))
      return owners[i].owner;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kind, kinds[i].kind))
      return kinds[i].owner;
  return NULL;
}

static const EwLinkRow *
find_link (const EwSurroundings *surroundings, guint index)
{
  for (guint i = 0; i < surroundings->links->len; i++)
    if (g_array_index (surroundings->links, EwLinkRow, i).index == index)
      return &g_array_index (surroundings->links, EwLinkRow, i);
  return NULL;
}

/* "eth0", "tailscale0 (Tailscale)". */
static gchar *
describe_link (const EwSurroundings *surroundings, guint index)
{
  const EwLinkRow *link = find_link (surroundings, index);
  const gchar *owner = link != NULL ? ew_preflight_owner (link->name, link->kind) : NULL;

  if (link == NULL)
    return g_strdup (N_ ("no interface"));
  return owner != NULL ? ew_phrase ("%s (%s)", link->name, owner) : g_strdup (link->name);
}

/* A tunnel of another VPN, whose owner may be unknown. */
static gboolean
is_tunnel (const EwSurroundings *surroundings, guint index)
{
  const EwLinkRow *link = find_link (surroundings, index);

  return link != NULL && index != surroundings->own
         && (g_str_equal (link->kind, "wireguard") || g_str_equal (link->kind, "tun"));
}

/* ---- networks inside the mesh's ranges */

/* Connected, and the range was cut around it: the configuration's problems name it. */
static gboolean
is_left_out (const EwSurroundings *surroundings, const EwPrefix *prefix)
{
  for (guint i = 0; surroundings->used != NULL && i < surroundings->used->len; i++)
    if (ew_prefix_overlaps (&g_array_index (surroundings->used, EwPrefix, i), prefix))
      return FALSE;
  return surroundings->used != NULL;
}

/* The mesh range that overlaps prefix, or NULL. */
static const EwPrefix *
find_overlap (const EwSurroundings *surroundings, const EwPrefix *prefix)
{
  if (is_left_out (surroundings, prefix))
    return NULL;
  for (guint i = 0; i < surroundings->ranges->len; i++)
    {
      const EwPrefix *range = &g_array_index (surroundings->ranges, EwPrefix, i);
      if (prefix->length > 0 && ew_prefix_overlaps (range, prefix))
        return range;
    }
  return NULL;
}

static void
check_addresses (const EwSurroundings *surroundings, JsonArray *checks)
{
  gchar text[EW_PREFIX_STRLEN], range[EW_PREFIX_STRLEN];
  gboolean found = FALSE;

  for (guint i = 0; i < surroundings->addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (surroundings->addresses, EwAddressRow, i);
      const EwPrefix *mesh = find_overlap (surroundings, &row->subnet);
      if (row->link == surroundings->own || mesh == NULL)
        continue;
      found = TRUE;
      ew_prefix_format (&row->subnet, text);
      ew_prefix_format (mesh, range);
      g_autofree gchar *link = describe_link (surroundings, row->link);
      ew_checks_add (
        checks, "overlap-address", EW_CHECK_BAD,
        N_ (
          "Choose another range when the mesh is made (`edgeway-edge run --config`), or take the other network down."),
        "The interface %s has %s, which is inside the mesh's range %s. Addresses in both can't be reached.", link, text,
        range);
    }
  if (!found)
    ew_checks_add (checks, "overlap-address", EW_CHECK_GOOD, NULL,
                   "No other interface has an address in the mesh's ranges.");
}

static gboolean
is_foreign_overlap (const EwSurroundings *surroundings, const EwRouteRow *row)
{
  return row->protocol != EW_ROUTE_PROTOCOL && (surroundings->own == 0 || row->link != surroundings->own)
         && find_overlap (surroundings, &row->destination) != NULL;
}

/* Of one interface and table, a VPN may have one for each of its computers: the first is named, the others are
   counted. */
static gboolean
is_first_of_its_kind (const EwSurroundings *surroundings, guint index, guint *others)
{
  const EwRouteRow *row = &g_array_index (surroundings->routes, EwRouteRow, index);

  *others = 0;
  for (guint i = 0; i < surroundings->routes->len; i++)
    {
      const EwRouteRow *other = &g_array_index (surroundings->routes, EwRouteRow, i);
      if (i == index || other->link != row->link || other->table != row->table
          || !is_foreign_overlap (surroundings, other))
        continue;
      if (i < index)
        return FALSE;
      (*others)++;
    }
  return TRUE;
}

static void
check_routes (const EwSurroundings *surroundings, JsonArray *checks)
{
  const gchar *fix = N_ ("Remove that route, or choose another range when the mesh is made. A route that a DHCP server "
                         "gave out here doesn't belong there.");
  gchar text[EW_PREFIX_STRLEN];
  gboolean found = FALSE;
  guint others;

  for (guint i = 0; i < surroundings->routes->len; i++)
    {
      const EwRouteRow *row = &g_array_index (surroundings->routes, EwRouteRow, i);
      if (!is_foreign_overlap (surroundings, row) || !is_first_of_its_kind (surroundings, i, &others))
        continue;
      found = TRUE;
      ew_prefix_format (&row->destination, text);
      g_autofree gchar *link = describe_link (surroundings, row->link);
      if (others == 0)
        ew_checks_add (checks, "overlap-route", EW_CHECK_BAD, fix,
                       "Another program's route leads %s to %s (table %u). Edgeway keeps this traffic in its tunnel, "
                       "so the destinations of that route can't be reached.",
                       text, link, row->table);
      else
        ew_checks_add (checks, "overlap-route", EW_CHECK_BAD, fix,
                       "Routes of another program lead %s and %u more destinations to %s (table %u). Edgeway keeps "
                       "this traffic in its tunnel, so they can't be reached.",
                       text, others, link, row->table);
    }
  if (!found)
    ew_checks_add (checks, "overlap-route", EW_CHECK_GOOD, NULL, "No other route leads into the mesh's ranges.");
}

/* ---- firewalls */

static gboolean
is_tailscale (const EwSourceDrop *drop)
{
  return g_str_has_suffix (drop->chain, " ts-input") || g_str_has_suffix (drop->chain, " ts-forward");
}

static void
add_source_drop (const EwSurroundings *surroundings, JsonArray *checks, const EwSourceDrop *drop)
{
  gchar source[EW_PREFIX_STRLEN];
  g_autofree gchar *rule = ew_foreign_exemption (drop->chain, surroundings->interface, &drop->range);
  g_autofree gchar *fix = NULL;
  const gchar *owner = is_tailscale (drop) ? "Tailscale" : N_ ("another program");

  ew_prefix_format (&drop->source, source);
  if (drop->exempted)
    {
      ew_checks_add (checks, "foreign-drop", EW_CHECK_GOOD, NULL,
                     "The nftables chain \"%s\" of %s drops packets from %s. Edgeway's rule in it exempts the mesh's, "
                     "on Edgeway's interface alone.",
                     drop->chain, owner, source);
      ew_checks_mark_fixed (checks);
      return;
    }
  if (drop->fixable)
    fix = ew_phrase ("Let Edgeway exempt the mesh: `sudo edgewayctl diagnose --fix`. By hand, until that program loads "
                     "its rules again: `sudo nft %s`. Other networks stay as protected as they are.",
                     rule);
  else
    fix = ew_phrase ("In that firewall, exempt the interface %s from that rule.", surroundings->interface);
  ew_checks_add (checks, "foreign-drop", EW_CHECK_BAD, fix,
                 "The nftables chain \"%s\" of %s drops packets from %s, and so those of the mesh: this computer gets "
                 "no answers and can't be reached.",
                 drop->chain, owner, source);
  if (drop->fixable)
    ew_checks_mark_fixable (checks);
}

static void
check_source_drops (const EwSurroundings *surroundings, JsonArray *checks)
{
  for (guint i = 0; i < surroundings->source_drops->len; i++)
    add_source_drop (surroundings, checks, surroundings->source_drops->pdata[i]);
  if (surroundings->source_drops->len == 0)
    ew_checks_add (checks, "foreign-drop", EW_CHECK_GOOD, NULL,
                   "No other program's firewall drops packets because they come from the mesh's addresses.");
}

static void
add_input_dropper (const EwSurroundings *surroundings, JsonArray *checks, const EwDropper *dropper)
{
  const gchar *interface = surroundings->interface;

  if (dropper->opened)
    {
      ew_checks_add (checks, "firewall-input", EW_CHECK_GOOD, NULL,
                     "This computer's firewall (the nftables chain \"%s\") drops what it doesn't know, and has rules "
                     "for the interface %s.",
                     dropper->chain, interface);
      return;
    }
  g_autofree gchar *fix
    = strstr (dropper->chain, " firewalld ") != NULL
        ? ew_phrase ("Put the interface into a zone that lets in what the mesh may reach: `sudo firewall-cmd "
                     "--permanent --zone=edgeway --add-interface=%s && sudo firewall-cmd --reload`.",
                     interface)
        : ew_phrase (
          "Allow what the mesh may reach, on the interface %s only; with ufw, for SSH: `sudo ufw allow in on "
          "%s to any port 22 proto tcp`.",
          interface, interface);
  ew_checks_add (checks, "firewall-input", EW_CHECK_WARNING, fix,
                 "This computer's firewall (the nftables chain \"%s\") drops what it doesn't know, so the mesh reaches "
                 "only what it lets in.",
                 dropper->chain);
}

static void
add_forward_dropper (const EwSurroundings *surroundings, JsonArray *checks, const EwDropper *dropper)
{
  if (dropper->by_edgeway)
    ew_checks_add (
      checks, "firewall-forward", EW_CHECK_GOOD, NULL,
      "The nftables chain \"%s\" drops forwarded packets that it doesn't know; Edgeway's rules for its own "
      "interface are in it.",
      dropper->chain);
  else if (!surroundings->forwards) /* else it is one of the configuration's problems */
    ew_checks_add (checks, "firewall-forward", EW_CHECK_GOOD, NULL,
                   "The nftables chain \"%s\" drops forwarded packets that it doesn't know. This computer doesn't "
                   "forward to a subnet, so the mesh isn't affected.",
                   dropper->chain);
}

static void
check_droppers (const EwSurroundings *surroundings, JsonArray *checks)
{
  for (guint i = 0; i < surroundings->droppers->len; i++)
    {
      const EwDropper *dropper = surroundings->droppers->pdata[i];
      if (dropper->forward)
        add_forward_dropper (surroundings, checks, dropper);
      else
        add_input_dropper (surroundings, checks, dropper);
    }
}

static void
check_legacy (const EwSurroundings *surroundings, JsonArray *checks)
{
  static const gchar *const programs[] = { "iptables-legacy", "ip6tables-legacy" };
  const gchar *interface = surroundings->interface;

  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      if (!surroundings->legacy[i])
        continue;
      g_autofree gchar *fix
        = ew_phrase ("Where forwarding to a subnet fails: %s -I FORWARD -i %s -j ACCEPT; %s -I FORWARD "
                     "-o %s -j ACCEPT",
                     programs[i], interface, programs[i], interface);
      ew_checks_add (checks, "legacy-iptables", EW_CHECK_WARNING, fix,
                     "Rules of %s are loaded. Edgeway can't read them; they may drop what it lets through.",
                     programs[i]);
    }
}

/* ---- the default route and reverse path filtering */

static void
check_default_route (const EwSurroundings *surroundings, JsonArray *checks)
{
  g_autofree gchar *out = describe_link (surroundings, surroundings->way_out);
  g_autofree gchar *beside = describe_link (surroundings, surroundings->way_beside);

  if (surroundings->way_beside == 0)
    return; /* no network: another check says so */
  if (surroundings->takes_all && surroundings->way_out != surroundings->own)
    ew_checks_add (checks, "default-route", EW_CHECK_BAD,
                   N_ ("Disconnect the other VPN, or remove its rule (`ip rule`: its number is below 5200); or leave "
                       "VPN mode: `edgewayctl mode connector`."),
                   "VPN mode is on, but another program leads this computer's traffic to %s and not into the tunnel.",
                   out);
  else if (surroundings->vpn && is_tunnel (surroundings, surroundings->way_beside))
    ew_checks_add (checks, "default-route", EW_CHECK_WARNING,
                   N_ ("If that isn't what you want, disconnect the other VPN, or leave VPN mode: `edgewayctl mode "
                       "connector`."),
                   "Another VPN has the default route, via %s. VPN mode takes this computer's traffic from it, and the "
                   "way to the edge leads through it.",
                   beside);
  else if (is_tunnel (surroundings, surroundings->way_beside))
    ew_checks_add (
      checks, "default-route", EW_CHECK_GOOD, NULL,
      "Another VPN has the default route, via %s. The mesh works through it, as long as it lets UDP or TCP "
      "pass to the edge.",
      beside);
  else
    ew_checks_add (checks, "default-route", EW_CHECK_GOOD, NULL,
                   "The default route leads out via %s, and no other VPN has it.", beside);
}

/* 1: strict. The greater one counts, and 2 is loose (kernel's ip-sysctl.rst). */
static gboolean
is_strict (const EwSurroundings *surroundings, gint of_interface)
{
  return MAX (surroundings->rp_filter_all, of_interface) == 1;
}

static void
check_reverse_path (const EwSurroundings *surroundings, JsonArray *checks)
{
  if (surroundings->own == 0)
    return; /* it is set on connecting */
  g_autofree gchar *beside = describe_link (surroundings, surroundings->way_beside);
  if (surroundings->vpn && is_strict (surroundings, surroundings->rp_filter_beside) && surroundings->valid_mark == 0)
    {
      ew_checks_add (checks, "rp-filter", EW_CHECK_BAD,
                     N_ ("Let Edgeway set it again: `sudo edgewayctl diagnose --fix`, or `sudo sysctl "
                         "net.ipv4.conf.all.src_valid_mark=1`."),
                     "Reverse path filtering is strict on %s, and another program has set src_valid_mark to 0: answers "
                     "to what VPN mode sends beside the tunnel are dropped.",
                     beside);
      ew_checks_mark_fixable (checks);
    }
  else if (is_strict (surroundings, surroundings->rp_filter_own))
    {
      g_autofree gchar *fix = ew_phrase ("Let Edgeway set it again: `sudo edgewayctl diagnose --fix`, or `sudo sysctl "
                                         "net.ipv4.conf.%s.rp_filter=2`.",
                                         surroundings->interface);
      ew_checks_add (checks, "rp-filter", EW_CHECK_WARNING, fix,
                     "Another program has made reverse path filtering strict on %s: reports of routers behind gateways "
                     "are dropped, and large packets to them may get lost.",
                     surroundings->interface);
      ew_checks_mark_fixable (checks);
    }
  else
    {
      ew_checks_add (checks, "rp-filter", EW_CHECK_GOOD, NULL, "Reverse path filtering drops nothing of the mesh's.");
      if ((surroundings->fixes & EW_HOST_FIX_RP_FILTER) != 0)
        ew_checks_mark_fixed (checks);
    }
}

/* ---- IPv6's router */

/* An interface that forwards hears no router, unless its accept_ra is 2 (kernel's ip-sysctl.rst): the default route that
   it has learned expires. Where accept_ra is 0, another program hears the router, as NetworkManager does. */
static void
check_ip_forwarding (const EwSurroundings *surroundings, JsonArray *checks)
{
  const gchar *interface = surroundings->towards_router;

  if (!surroundings->forwards_v6 || surroundings->accept_ra != 1)
    {
      ew_checks_add (checks, "ip-forwarding", EW_CHECK_GOOD, NULL,
                     "IP forwarding doesn't keep this computer from hearing its IPv6 router.");
      if ((surroundings->fixes & EW_HOST_FIX_IP_FORWARDING) != 0)
        ew_checks_mark_fixed (checks);
      return;
    }
  g_autofree gchar *fix = ew_phrase ("Let Edgeway set it: `sudo edgewayctl diagnose --fix`, or `sudo sysctl "
                                     "net.ipv6.conf.%s.accept_ra=2`.",
                                     interface);
  ew_checks_add (checks, "ip-forwarding", EW_CHECK_WARNING, fix,
                 "IPv6 forwarding is on, so %s doesn't hear its router any more: this "
                 "computer's IPv6 connection ends within the hour.",
                 interface);
  ew_checks_mark_fixable (checks);
}

/* ---- all of them */

static const struct
{
  void (*run) (const EwSurroundings *surroundings, JsonArray *checks);
  gboolean is_planned; /* the plan of a configuration goes around it and reports it itself */
} all_checks[] = {
  { check_addresses, TRUE },     { check_routes, TRUE },         { check_source_drops, FALSE },
  { check_droppers, TRUE },      { check_legacy, TRUE },         { check_default_route, FALSE },
  { check_reverse_path, FALSE }, { check_ip_forwarding, FALSE },
};

void
ew_preflight_run (const EwSurroundings *surroundings, JsonArray *checks)
{
  for (gsize i = 0; i < G_N_ELEMENTS (all_checks); i++)
    all_checks[i].run (surroundings, checks);
}

void
ew_preflight_look_for_problems (const EwSurroundings *surroundings, GPtrArray *problems)
{
  g_autoptr (JsonArray) checks = json_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (all_checks); i++)
    if (!all_checks[i].is_planned)
      all_checks[i].run (surroundings, checks);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = json_array_get_object_element (checks, i);
      if (ew_check_result (check) == EW_CHECK_BAD)
        g_ptr_array_add (problems,
                         ew_host_problem_new (EW_HOST_PROBLEM_SURROUNDINGS, NULL, ew_json_string (check, "fix"),
                                              ew_json_string (check, "message")));
    }
}
