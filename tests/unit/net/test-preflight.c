/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each pre-flight check on the facts of a computer that this test makes up.
 */
#include "net/preflight.h"
#include "net/host-private.h"
#include "common/checks.h"
#include "common/util.h"

#include <string.h>

enum
{
  ETH0 = 2,
  EDGEWAY0 = 3,
  OTHER = 4
};

static EwPrefix
prefix_of (const gchar *text)
{
  EwPrefix prefix;

  g_assert_true (ew_prefix_parse (text, &prefix, NULL));
  return prefix;
}

static void
add_link (EwSurroundings *surroundings, guint index, const gchar *name, const gchar *kind)
{
  EwLinkRow row = { .index = index };

  g_strlcpy (row.name, name, sizeof row.name);
  g_strlcpy (row.kind, kind, sizeof row.kind);
  g_array_append_val (surroundings->links, row);
}

static void
add_address (EwSurroundings *surroundings, guint link, const gchar *subnet)
{
  EwAddressRow row = { .link = link, .subnet = prefix_of (subnet) };

  row.ip = row.subnet.ip;
  g_array_append_val (surroundings->addresses, row);
}

static void
add_route (EwSurroundings *surroundings, guint link, const gchar *destination, guint32 table)
{
  EwRouteRow row = { .link = link, .destination = prefix_of (destination), .table = table };

  g_array_append_val (surroundings->routes, row);
}

/* A laptop that is connected in connector-only mode. */
static EwSurroundings *
make_laptop (void)
{
  EwSurroundings *surroundings = ew_surroundings_new ("edgeway0");
  const EwPrefix ranges[] = { prefix_of ("100.96.0.0/12"), prefix_of ("fd45::/48") };

  g_array_append_vals (surroundings->ranges, ranges, G_N_ELEMENTS (ranges));
  surroundings->used = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  g_array_append_vals (surroundings->used, ranges, G_N_ELEMENTS (ranges));
  surroundings->own = EDGEWAY0;
  surroundings->way_out = surroundings->way_beside = ETH0;
  surroundings->rp_filter_own = 2;
  add_link (surroundings, ETH0, "eth0", "");
  add_link (surroundings, EDGEWAY0, "edgeway0", "tun");
  add_address (surroundings, ETH0, "192.168.7.0/24");
  add_address (surroundings, EDGEWAY0, "100.96.1.7/32");
  add_route (surroundings, ETH0, "0.0.0.0/0", 254);
  add_route (surroundings, EDGEWAY0, "100.96.0.0/12", 254);
  return surroundings;
}

/* ---- what is made of it */

typedef struct
{
  const gchar *check;
  EwCheckResult result;
  gboolean fixable, fixed;
  const gchar *words; /* of the message or the fix; NULL: any */
} Expected;

static void
expect (EwSurroundings *surroundings, Expected expected)
{
  g_autoptr (EwSurroundings) owned = surroundings;
  g_autoptr (JsonArray) checks = json_array_new ();
  guint found = 0;

  ew_preflight_run (surroundings, checks);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = json_array_get_object_element (checks, i);
      g_autofree gchar *text
        = g_strconcat (ew_json_string (check, "message"), " ", ew_json_string (check, "fix"), NULL);
      if (g_strcmp0 (ew_json_string (check, "check"), expected.check) != 0)
        {
          g_assert_cmpint (ew_check_result (check), ==, EW_CHECK_GOOD); /* nothing else is wrong */
          continue;
        }
      found++;
      g_test_message ("%s", text);
      g_assert_cmpint (ew_check_result (check), ==, expected.result);
      g_assert_cmpint (ew_json_bool (check, "fixable", FALSE), ==, expected.fixable);
      g_assert_cmpint (ew_json_bool (check, "fixed", FALSE), ==, expected.fixed);
      g_assert_true (expected.words == NULL || strstr (text, expected.words) != NULL);
    }
  g_assert_cmpuint (found, ==, 1);
}

static guint
count_problems (const EwSurroundings *surroundings)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_host_problem_free);

  ew_preflight_look_for_problems (surroundings, problems);
  return problems->len;
}

static void
test_all_is_well (void)
{
  g_autoptr (EwSurroundings) laptop = make_laptop ();
  static const gchar *const names[]
    = { "overlap-address", "overlap-route", "foreign-drop", "default-route", "rp-filter" };

  g_assert_cmpuint (count_problems (laptop), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    expect (make_laptop (), (Expected){ names[i], EW_CHECK_GOOD, FALSE, FALSE, NULL });
}

static void
test_networks_inside_the_range (void)
{
  static const struct
  {
    const gchar *interface, *kind, *subnet, *owner;
  } rows[] = {
    { "tailscale0", "tun", "100.101.2.3/32", "tailscale0 (Tailscale)" },
    { "wt0", "wireguard", "100.96.0.0/16", "wt0 (NetBird)" },
    { "CloudflareWARP", "tun", "100.96.0.9/32", "CloudflareWARP (Cloudflare WARP)" },
    { "br-12ab34cd56ef", "bridge", "100.100.0.0/24", "br-12ab34cd56ef (Docker)" },
    { "wg7", "wireguard", "100.97.0.0/24", "wg7 (WireGuard)" },
    { "wan0", "", "100.96.0.0/10", "wan0 has 100.64.0.0/10" }, /* a carrier's */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      EwSurroundings *laptop = make_laptop ();
      add_link (laptop, OTHER, rows[i].interface, rows[i].kind);
      add_address (laptop, OTHER, rows[i].subnet);
      expect (laptop, (Expected){ "overlap-address", EW_CHECK_BAD, FALSE, FALSE, rows[i].owner });
    }
}

static void
test_range_that_was_cut (void)
{
  EwSurroundings *laptop = make_laptop ();
  const EwPrefix half = prefix_of ("100.96.0.0/13");

  g_array_set_size (laptop->used, 0);
  g_array_append_val (laptop->used, half);
  add_link (laptop, OTHER, "wan0", "");
  add_address (laptop, OTHER, "100.104.0.0/13");
  expect (laptop, (Expected){ "overlap-address", EW_CHECK_GOOD, FALSE, FALSE, NULL });
}

static void
test_routes_of_another_vpn (void)
{
  EwSurroundings *laptop = make_laptop ();

  add_link (laptop, OTHER, "tailscale0", "tun");
  add_route (laptop, OTHER, "100.100.7.7/32", 52);
  expect (laptop,
          (Expected){ "overlap-route", EW_CHECK_BAD, FALSE, FALSE, "100.100.7.7/32 to tailscale0 (Tailscale)" });
  laptop = make_laptop ();
  add_link (laptop, OTHER, "tailscale0", "tun");
  add_route (laptop, OTHER, "100.100.7.7/32", 52);
  add_route (laptop, OTHER, "100.100.7.8/32", 52);
  add_route (laptop, OTHER, "100.64.7.8/32", 52); /* not in the mesh's range */
  expect (laptop, (Expected){ "overlap-route", EW_CHECK_BAD, FALSE, FALSE, "100.100.7.7/32 and 1 more destinations" });
}

static EwSurroundings *
make_dropped (const gchar *chain, gboolean fixable, gboolean exempted)
{
  EwSurroundings *laptop = make_laptop ();
  const EwPrefix source = prefix_of ("100.64.0.0/10"), range = prefix_of ("100.96.0.0/12");
  EwSourceDrop *drop = ew_surroundings_add_source_drop (laptop, chain, &source, &range);

  drop->fixable = fixable;
  drop->exempted = exempted;
  return laptop;
}

static void
test_rules_that_drop_the_mesh (void)
{
  g_autoptr (EwSurroundings) dropped = make_dropped ("ip filter ts-input", TRUE, FALSE);
  g_autoptr (EwSurroundings) exempted = make_dropped ("ip filter ts-input", TRUE, TRUE);

  g_assert_cmpuint (count_problems (dropped), ==, 1);
  g_assert_cmpuint (count_problems (exempted), ==, 0);
  expect (make_dropped ("ip filter ts-input", TRUE, FALSE),
          (Expected){ "foreign-drop", EW_CHECK_BAD, TRUE, FALSE,
                      "nft insert rule ip filter ts-input iifname edgeway0 ip saddr 100.96.0.0/12 counter return`" });
  expect (make_dropped ("ip filter ts-input", TRUE, TRUE),
          (Expected){ "foreign-drop", EW_CHECK_GOOD, FALSE, TRUE, "of Tailscale drops packets from 100.64.0.0/10" });
  expect (make_dropped ("inet filter input", FALSE, FALSE),
          (Expected){ "foreign-drop", EW_CHECK_BAD, FALSE, FALSE, "of another program" });
}

static void
test_firewalls (void)
{
  EwSurroundings *laptop = make_laptop ();

  ew_surroundings_add_dropper (laptop, "ip filter INPUT", FALSE);
  expect (laptop, (Expected){ "firewall-input", EW_CHECK_WARNING, FALSE, FALSE, "ufw allow in on edgeway0" });
  laptop = make_laptop ();
  ew_surroundings_add_dropper (laptop, "inet firewalld filter_INPUT", FALSE);
  expect (laptop, (Expected){ "firewall-input", EW_CHECK_WARNING, FALSE, FALSE, "--add-interface=edgeway0" });
  laptop = make_laptop ();
  ew_surroundings_add_dropper (laptop, "inet firewalld filter_INPUT", FALSE)->opened = TRUE;
  expect (laptop, (Expected){ "firewall-input", EW_CHECK_GOOD, FALSE, FALSE, "has rules for the interface edgeway0" });
  laptop = make_laptop ();
  ew_surroundings_add_dropper (laptop, "ip filter FORWARD", TRUE);
  expect (laptop, (Expected){ "firewall-forward", EW_CHECK_GOOD, FALSE, FALSE, "doesn't forward to a subnet" });
  laptop = make_laptop ();
  laptop->legacy[0] = TRUE;
  expect (laptop, (Expected){ "legacy-iptables", EW_CHECK_WARNING, FALSE, FALSE, "iptables-legacy -I FORWARD" });
}

static EwSurroundings *
make_vpn (guint way_out, guint way_beside)
{
  EwSurroundings *laptop = make_laptop ();

  laptop->vpn = laptop->takes_all = TRUE;
  laptop->valid_mark = 1;
  laptop->way_out = way_out;
  laptop->way_beside = way_beside;
  add_link (laptop, OTHER, "tun0", "tun");
  return laptop;
}

static void
test_owners_of_the_default_route (void)
{
  g_autoptr (EwSurroundings) diverted = make_vpn (OTHER, ETH0);
  g_autoptr (EwSurroundings) beside = make_vpn (EDGEWAY0, ETH0);
  EwSurroundings *laptop = make_laptop ();

  g_assert_cmpuint (count_problems (diverted), ==, 1);
  g_assert_cmpuint (count_problems (beside), ==, 0);
  expect (make_vpn (OTHER, ETH0),
          (Expected){ "default-route", EW_CHECK_BAD, FALSE, FALSE, "to tun0 (another VPN) and not into the tunnel" });
  expect (make_vpn (EDGEWAY0, OTHER),
          (Expected){ "default-route", EW_CHECK_WARNING, FALSE, FALSE, "Another VPN has the default route, via tun0" });
  add_link (laptop, OTHER, "nordlynx", "wireguard");
  laptop->way_out = laptop->way_beside = OTHER;
  expect (laptop, (Expected){ "default-route", EW_CHECK_GOOD, FALSE, FALSE, "nordlynx (NordVPN)" });
}

static void
test_reverse_path_filtering (void)
{
  EwSurroundings *laptop = make_laptop ();

  laptop->rp_filter_all = 1; /* the tunnel's 2 is greater */
  expect (laptop, (Expected){ "rp-filter", EW_CHECK_GOOD, FALSE, FALSE, NULL });
  laptop = make_laptop ();
  laptop->rp_filter_own = 1;
  expect (laptop,
          (Expected){ "rp-filter", EW_CHECK_WARNING, TRUE, FALSE, "sysctl net.ipv4.conf.edgeway0.rp_filter=2" });
  laptop = make_vpn (EDGEWAY0, ETH0);
  laptop->rp_filter_beside = 1;
  laptop->fixes = EW_HOST_FIX_RP_FILTER;
  expect (laptop, (Expected){ "rp-filter", EW_CHECK_GOOD, FALSE, TRUE, NULL });
  laptop = make_vpn (EDGEWAY0, ETH0);
  laptop->rp_filter_beside = 1;
  laptop->valid_mark = 0;
  expect (laptop, (Expected){ "rp-filter", EW_CHECK_BAD, TRUE, FALSE, "src_valid_mark=1" });
}

static EwSurroundings *
make_docker_host (gint accept_ra)
{
  EwSurroundings *laptop = make_laptop ();

  g_strlcpy (laptop->towards_router, "eth0", sizeof laptop->towards_router);
  laptop->forwards_v6 = TRUE;
  laptop->accept_ra = accept_ra;
  return laptop;
}

static void
test_ip_forwarding (void)
{
  EwSurroundings *fixed = make_docker_host (2), *alone = make_docker_host (1);
  g_autoptr (EwSurroundings) warned = make_docker_host (1);

  alone->forwards_v6 = FALSE;
  fixed->fixes = EW_HOST_FIX_IP_FORWARDING;
  g_assert_cmpuint (count_problems (warned), ==, 0); /* it works so far */
  expect (make_docker_host (1),
          (Expected){ "ip-forwarding", EW_CHECK_WARNING, TRUE, FALSE, "sysctl net.ipv6.conf.eth0.accept_ra=2" });
  expect (make_docker_host (0), (Expected){ "ip-forwarding", EW_CHECK_GOOD, FALSE, FALSE, NULL });
  expect (alone, (Expected){ "ip-forwarding", EW_CHECK_GOOD, FALSE, FALSE, NULL });
  expect (fixed, (Expected){ "ip-forwarding", EW_CHECK_GOOD, FALSE, TRUE, NULL });
}

static void
test_names_of_fixes (void)
{
  const guint all = EW_HOST_FIX_FOREIGN_DROP | EW_HOST_FIX_RP_FILTER | EW_HOST_FIX_IP_FORWARDING;
  g_auto (GStrv) checks = ew_host_fix_checks (all);
  guint fixes = 0;

  for (guint i = 0; checks[i] != NULL; i++)
    fixes |= ew_host_fix_from_check (checks[i]);
  g_assert_cmpuint (fixes, ==, all);
  g_assert_cmpuint (ew_host_fix_from_check ("handshake"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/preflight/all-is-well", test_all_is_well);
  g_test_add_func ("/preflight/networks-inside-the-range", test_networks_inside_the_range);
  g_test_add_func ("/preflight/range-that-was-cut", test_range_that_was_cut);
  g_test_add_func ("/preflight/routes-of-another-vpn", test_routes_of_another_vpn);
  g_test_add_func ("/preflight/rules-that-drop-the-mesh", test_rules_that_drop_the_mesh);
  g_test_add_func ("/preflight/firewalls", test_firewalls);
  g_test_add_func ("/preflight/owners-of-the-default-route", test_owners_of_the_default_route);
  g_test_add_func ("/preflight/reverse-path-filtering", test_reverse_path_filtering);
  g_test_add_func ("/preflight/ip-forwarding", test_ip_forwarding);
  g_test_add_func ("/preflight/names-of-fixes", test_names_of_fixes);
  return g_test_run ();
}
