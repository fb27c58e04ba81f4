/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/netfilter.h>
#include <glib/gstdio.h>
#include <string.h>

#include "edge/exit/firewall.h"
#include "edge/exit/policy.h"
#include "edge/exit/sysctl.h"

/* The policy: the forbidden ranges, with the first and the last address of each and those around it. */

static const gchar *const forbidden[] = {
  "0.0.0.0",
  "0.255.255.255",
  "10.0.0.0",
  "10.255.255.255",
  "100.64.0.0",
  "100.100.100.200",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.255",
  "169.254.0.0",
  "169.254.169.254",
  "169.254.255.255",
  "172.16.0.0",
  "172.31.255.255",
  "192.0.0.0",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.0",
  "192.168.255.255",
  "198.18.0.0",
  "198.19.255.255",
  "198.51.100.7",
  "203.0.113.255",
  "224.0.0.0",
  "239.255.255.255",
  "240.0.0.0",
  "255.255.255.255",
  "::",
  "::1",
  "::8.8.8.8",
  "::ffff:8.8.8.8",
  "::ffff:10.0.0.1",
  "64:ff9b::10.0.0.1",
  "64:ff9b::8.8.8.8",
  "64:ff9b:1::1",
  "100::1",
  "1fff::1",
  "2001::1",
  "2001:0:4136:e378::1",
  "2001:1ff:ffff::1",
  "2001:db8::1",
  "2002:a00:1::1",
  "2002:ffff::1",
  "3fff::1",
  "3fff:fff::1",
  "4000::1",
  "5f00::1",
  "fc00::1",
  "fd00:ec2::254",
  "fdff:ffff::1",
  "fe80::1",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "ffff::1",
  "168.63.129.16", /* Azure's agent */
  "8.8.4.4",
  "8.8.4.0",
  "2600:1::5", /* closed by the owner, see below */
};

static const gchar *const allowed[] = {
  "1.0.0.1",       "9.255.255.255",   "11.0.0.0",      "100.63.255.255", "100.128.0.0", "126.255.255.255",
  "128.0.0.1",     "169.253.255.255", "169.255.0.0",   "172.15.255.255", "172.32.0.0",  "192.0.1.0",
  "192.0.3.0",     "192.167.255.255", "192.169.0.0",   "198.17.255.255", "198.20.0.0",  "223.255.255.255",
  "8.8.5.1",       "2000::1",         "2001:200::1",   "2001:db7::1",    "2001:db9::1", "2003::1",
  "2600:1:0:1::5", "3ffe::1",         "168.63.129.15", "168.63.129.17",
};

static EwIp
ip (const gchar *text)
{
  EwIp result;

  g_assert_true (ew_ip_parse (text, &result));
  return result;
}

static EwPrefix
prefix (const gchar *text)
{
  EwPrefix result;

  g_assert_true (ew_prefix_parse (text, &result, NULL));
  return result;
}

static EwSwitchExitDecision
decide (const EwExitPolicy *policy, const gchar *destination)
{
  const EwIp address = ip (destination);

  return ew_exit_decide (policy, &address);
}

static void
test_policy (void)
{
  const EwPrefix closed[] = { prefix ("8.8.4.0/24"), prefix ("192.168.7.0/24"), prefix ("2600:1::/64") };
  g_autofree EwExitPolicy *policy = ew_exit_policy_new (closed, G_N_ELEMENTS (closed), TRUE, TRUE);
  g_autofree EwExitPolicy *v4 = ew_exit_policy_new (NULL, 0, TRUE, FALSE);
  const EwIp none = { 0 };

  g_assert_cmpuint (policy->n_closed, ==, 2); /* the private one is forbidden anyway */
  for (gsize i = 0; i < G_N_ELEMENTS (forbidden); i++)
    {
      g_test_message ("%s", forbidden[i]);
      g_assert_cmpint (decide (policy, forbidden[i]), ==, EW_SWITCH_EXIT_FORBIDDEN);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (allowed); i++)
    {
      g_test_message ("%s", allowed[i]);
      g_assert_cmpint (decide (policy, allowed[i]), ==, EW_SWITCH_EXIT_ALLOWED);
    }
  g_assert_cmpint (decide (v4, "2600::1"), ==, EW_SWITCH_EXIT_NO_UPSTREAM);
  g_assert_cmpint (decide (v4, "fd00::1"), ==, EW_SWITCH_EXIT_FORBIDDEN);
  g_assert_cmpint (decide (v4, "1.1.1.1"), ==, EW_SWITCH_EXIT_ALLOWED);
  g_assert_cmpint (ew_exit_decide (policy, &none), ==, EW_SWITCH_EXIT_FORBIDDEN);
}

/* Forwarding, on a folder in the place of /proc/sys. */

typedef struct
{
  gchar *root;
} Sysctls;

static void
put (const Sysctls *sysctls, const gchar *name, const gchar *value)
{
  g_autofree gchar *path = g_build_filename (sysctls->root, name, NULL);
  g_autofree gchar *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, value, -1, NULL));
}

static void
assert_value (const Sysctls *sysctls, const gchar *name, const gchar *expected)
{
  g_autofree gchar *path = g_build_filename (sysctls->root, name, NULL);
  g_autofree gchar *value = NULL;

  g_assert_true (g_file_get_contents (path, &value, NULL, NULL));
  g_assert_cmpstr (g_strstrip (value), ==, expected);
}

static void
sysctls_set_up (Sysctls *sysctls, gconstpointer data)
{
  sysctls->root = g_dir_make_tmp ("ew-sysctl-XXXXXX", NULL);
  put (sysctls, "net/ipv4/ip_forward", "0\n");
  put (sysctls, "net/ipv4/conf/all/forwarding", "0\n");
  put (sysctls, "net/ipv4/conf/eth0/forwarding", "1\n");
  put (sysctls, "net/ipv4/conf/eth1/forwarding", "0\n");
  put (sysctls, "net/ipv6/conf/all/forwarding", "0\n");
  put (sysctls, "net/ipv6/conf/all/accept_ra", "1\n");
  put (sysctls, "net/ipv6/conf/eth0/accept_ra", "1\n");
  put (sysctls, "net/ipv6/conf/eth0/forwarding", "0\n");
  put (sysctls, "net/ipv6/conf/eth1/accept_ra", "0\n");
  put (sysctls, "net/ipv6/conf/edge0/accept_ra", "1\n");
}

static void
sysctls_tear_down (Sysctls *sysctls, gconstpointer data)
{
  const gchar *argv[] = { "rm", "-rf", sysctls->root, NULL };

  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (sysctls->root);
}

static gchar *
describe (const GPtrArray *plan)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < plan->len; i++)
    {
      g_autofree gchar *line = ew_exit_sysctl_to_text (g_ptr_array_index (plan, i));

      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (text, FALSE);
}

static const gchar full_plan[] = "sysctl net/ipv4/conf/eth0/forwarding 1 *\n"
                                 "sysctl net/ipv4/ip_forward 0 1\n"
                                 "sysctl net/ipv6/conf/eth0/accept_ra 1 2\n"
                                 "sysctl net/ipv6/conf/all/forwarding 0 1\n";

static void
test_forwarding (Sysctls *sysctls, gconstpointer data)
{
  g_autoptr (GPtrArray) plan = ew_exit_sysctl_plan_forwarding (sysctls->root, "edge0", TRUE);
  g_autofree gchar *text = describe (plan);

  g_assert_cmpstr (text, ==, full_plan);
  g_assert_true (ew_exit_sysctl_write_all (sysctls->root, plan, NULL));
  assert_value (sysctls, "net/ipv4/ip_forward", "1");
  assert_value (sysctls, "net/ipv6/conf/eth0/accept_ra", "2");
  assert_value (sysctls, "net/ipv6/conf/all/forwarding", "1");
  put (sysctls, "net/ipv4/conf/eth0/forwarding", "0\n"); /* the kernel's doing when ip_forward goes back */
  put (sysctls, "net/ipv6/conf/eth0/accept_ra", "0\n");  /* another program's change: must stay */
  ew_exit_sysctl_undo_all (sysctls->root, plan);
  assert_value (sysctls, "net/ipv4/ip_forward", "0");
  assert_value (sysctls, "net/ipv4/conf/eth0/forwarding", "1");
  assert_value (sysctls, "net/ipv6/conf/eth0/accept_ra", "0");
  assert_value (sysctls, "net/ipv6/conf/all/forwarding", "0");
}

static void
test_inherit (Sysctls *sysctls, gconstpointer data)
{
  GPtrArray *older = ew_exit_sysctl_plan_forwarding (sysctls->root, "edge0", TRUE);
  g_autoptr (GPtrArray) kept = NULL;
  g_autofree gchar *text = NULL;

  /* Killed after writing; then an administrator has set one of the values. */
  g_assert_true (ew_exit_sysctl_write_all (sysctls->root, older, NULL));
  put (sysctls, "net/ipv6/conf/eth0/accept_ra", "0\n");
  kept = ew_exit_sysctl_inherit (sysctls->root, older, ew_exit_sysctl_plan_forwarding (sysctls->root, "edge0", TRUE));
  text = describe (kept);
  g_assert_cmpstr (text, ==,
                   "sysctl net/ipv4/conf/eth0/forwarding 1 *\n"
                   "sysctl net/ipv4/ip_forward 0 1\n"
                   "sysctl net/ipv6/conf/all/forwarding 0 1\n");
  ew_exit_sysctl_undo_all (sysctls->root, kept);
  assert_value (sysctls, "net/ipv4/ip_forward", "0");
}

static void
test_already_forwarding (Sysctls *sysctls, gconstpointer data)
{
  g_autoptr (GPtrArray) plan = NULL;

  put (sysctls, "net/ipv4/ip_forward", "1\n");
  put (sysctls, "net/ipv6/conf/all/forwarding", "1\n");
  plan = ew_exit_sysctl_plan_forwarding (sysctls->root, "edge0", TRUE);
  g_assert_cmpuint (plan->len, ==, 0);
}

static void
test_read_only (Sysctls *sysctls, gconstpointer data)
{
  g_autoptr (GPtrArray) plan = ew_exit_sysctl_plan_forwarding (sysctls->root, "edge0", FALSE);
  g_autofree gchar *path = g_build_filename (sysctls->root, "net/ipv4/ip_forward", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (plan->len, ==, 2);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_false (ew_exit_sysctl_write_all (sysctls->root, plan, &error));
  g_assert_nonnull (strstr (error->message, "net/ipv4/ip_forward"));
}

static void
test_sysctl_text (void)
{
  static const gchar *const bad[] = { "",
                                      "sysctl",
                                      "sysctl net/ipv4/ip_forward 0",
                                      "sysctl net/ipv4/ip_forward 0 1 2",
                                      "sysctl kernel/core_pattern 0 1",
                                      "sysctl net/ipv4/../../kernel/x 0 1",
                                      "sysctl net/ipv4/%2e%2e/%2E./kernel/x 0 1",
                                      "sysctl net/ipv4/%00 0 1",
                                      "sysctl net/ipv4/ip_forward x 1",
                                      "sysctl net/ipv4/ip_forward 0 |",
                                      "sysctl net/ipv4/ip_forward 0000 1",
                                      "systcl net/ipv4/ip_forward 0 1" };
  EwSysctl *good = ew_exit_sysctl_from_text ("sysctl net/ipv4/ip_forward 0 1");

  g_assert_cmpstr (good->name, ==, "net/ipv4/ip_forward");
  g_assert_cmpstr (good->before, ==, "0");
  g_assert_cmpstr (good->written, ==, "1");
  ew_exit_sysctl_free (good);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (ew_exit_sysctl_from_text (bad[i]));
}

/* The kernel forbids '/', ':' and white space in an interface's name and nothing else. */
static void
test_sysctl_odd_interface (void)
{
  EwSysctl odd = { .name = (gchar *)"net/ipv4/conf/a\";\\#%22\x7f\xe9@1/forwarding", .before = (gchar *)"1" };
  g_autofree gchar *text = ew_exit_sysctl_to_text (&odd);
  EwSysctl *read = ew_exit_sysctl_from_text (text);

  g_assert_cmpuint (strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/%* "), ==,
                    strlen (text));
  g_assert_cmpstr (read->name, ==, odd.name);
  g_assert_null (read->written);
  ew_exit_sysctl_free (read);
}

/* The firewall's text: what it does is tested in a namespace. */

static void
test_firewall_text (void)
{
  const guint16 ports[] = { 22, 443 };
  const guint16 public_ports[] = { 80, 443 };
  const EwPrefix closed[] = { prefix ("8.8.4.0/24"), prefix ("2600:1::/64") };
  const EwPrefix own[] = { prefix ("8.8.8.8/32"), prefix ("10.1.2.3/32"), prefix ("2600:2::2/128") };
  const EwPrefix behind[] = { prefix ("9.9.9.9/32") };
  EwFirewallConfig config = {
    .interface = "edge0",
    .service = { ip ("100.96.0.1"), ip ("fd12::1") },
    .ranges = { prefix ("100.96.0.0/12"), prefix ("fd12::/48") },
    .mtu = 1420,
    .api_port = 443,
    .open_ports = ports,
    .n_open_ports = 2,
    .public_ports = public_ports,
    .n_public_ports = 2,
    .own = own,
    .n_own = 3,
    .behind = behind,
    .n_behind = 1,
    .closed = closed,
    .n_closed = 2,
  };
  g_autofree gchar *closed_exit = ew_exit_firewall_format (&config);
  g_autofree gchar *open = NULL;
  g_autofree gchar *v4 = NULL;

  g_assert_nonnull (strstr (closed_exit, "tcp dport { 443, 22 } accept"));
  g_assert_null (strstr (closed_exit, "masquerade"));
  g_assert_null (strstr (closed_exit, "near4"));
  g_assert_null (strstr (closed_exit, "to_own"));
  g_assert_null (strstr (closed_exit, "dport 53"));
  config.names = TRUE;
  g_autofree gchar *with_names = ew_exit_firewall_format (&config);
  const gchar *to_service = strstr (with_names, "chain to_service");
  const gchar *foreign = strstr (to_service, "ip saddr != 100.96.0.0/12 drop");
  g_assert_true (foreign && foreign < strstr (to_service, "tcp dport") && strstr (to_service, "established") < foreign);
  g_assert_nonnull (
    strstr (to_service, "tcp dport { 443, 22 } accept\n\t\tmeta l4proto { tcp, udp } th dport 53 jump to_names"));
  config.exit = TRUE;
  open = ew_exit_firewall_format (&config);
  g_assert_nonnull (strstr (open, "169.254.0.0/16"));
  g_assert_nonnull (strstr (open, "8.8.4.0/24"));
  g_assert_nonnull (strstr (open, "2600:1::/64"));
  g_assert_nonnull (strstr (open, "168.63.129.16/32"));
  g_assert_nonnull (strstr (open, "elements = { 8.8.8.8/32 }"));
  g_assert_null (strstr (open, "10.1.2.3")); /* an own address, but private: stays closed */
  g_assert_nonnull (strstr (open, "elements = { 9.9.9.9/32 }"));
  g_assert_nonnull (strstr (open, "\t\tmeta l4proto { tcp, udp } th dport 443 reject"));
  g_assert_nonnull (strstr (open, "ip daddr @behind4 meta l4proto { tcp, udp } th dport { 80, 443 } redirect"));
  g_assert_nonnull (strstr (open, "ip6 saddr fd12::/48 masquerade"));
  g_assert_nonnull (strstr (open, "maxseg size set 1380"));
  config.listen = ip ("8.8.8.8");
  g_autofree gchar *bound = ew_exit_firewall_format (&config);
  g_assert_nonnull (strstr (bound, "ip daddr 8.8.8.8 meta l4proto { tcp, udp } th dport 443 reject"));
  config.service[1].family = EW_FAMILY_NONE;
  v4 = ew_exit_firewall_format (&config);
  g_assert_null (strstr (v4, "fd12"));
}

static void
test_firewall_name (void)
{
  g_assert_true (ew_exit_firewall_check_name ("edgeway-edge0", NULL));
  g_assert_true (ew_exit_firewall_check_name ("e.1_x", NULL));
  g_assert_false (ew_exit_firewall_check_name ("x\"; flush", NULL));
  g_assert_false (ew_exit_firewall_check_name ("edge*", NULL));
}

static void
test_blockers (void)
{
  static const EwNftChain docker[] = {
    { .family = NFPROTO_IPV4, .table = "filter", .name = "DOCKER-USER" },
    { .family = NFPROTO_IPV4,
      .based = TRUE,
      .hook = NF_INET_FORWARD,
      .drops = TRUE,
      .table = "filter",
      .name = "FORWARD" },
  };
  static const EwNftChain calm[] = {
    { .family = NFPROTO_IPV4, .based = TRUE, .hook = NF_INET_FORWARD, .table = "filter", .name = "FORWARD" },
    { .family = NFPROTO_IPV4,
      .based = TRUE,
      .hook = NF_INET_LOCAL_IN,
      .drops = TRUE,
      .table = "filter",
      .name = "INPUT" },
    { .family = NFPROTO_IPV4, .drops = TRUE, .table = "filter", .name = "not-based" },
  };
  g_autofree gchar *sentence = ew_exit_firewall_find_blockers_in ("edge0", docker, G_N_ELEMENTS (docker));

  g_assert_nonnull (strstr (sentence, "ip filter FORWARD"));
  g_assert_nonnull (strstr (sentence, "iptables -I DOCKER-USER -i edge0 -j ACCEPT"));
  g_assert_null (ew_exit_firewall_find_blockers_in ("edge0", calm, G_N_ELEMENTS (calm)));
  g_assert_null (ew_exit_firewall_find_blockers_in ("edge0", NULL, 0));
  g_autofree gchar *input = ew_exit_firewall_find_input_blockers_in ("edge0", calm, G_N_ELEMENTS (calm));
  g_assert_nonnull (strstr (input, "(ip filter INPUT)"));
  g_assert_nonnull (strstr (input, "`ufw allow in on edge0 to any port 53`"));
  g_assert_null (ew_exit_firewall_find_input_blockers_in ("edge0", docker, G_N_ELEMENTS (docker)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/switch/exit/policy", test_policy);
  g_test_add ("/switch/exit/forwarding", Sysctls, NULL, sysctls_set_up, test_forwarding, sysctls_tear_down);
  g_test_add ("/switch/exit/inherit", Sysctls, NULL, sysctls_set_up, test_inherit, sysctls_tear_down);
  g_test_add ("/switch/exit/already-forwarding", Sysctls, NULL, sysctls_set_up, test_already_forwarding,
              sysctls_tear_down);
  g_test_add ("/switch/exit/read-only", Sysctls, NULL, sysctls_set_up, test_read_only, sysctls_tear_down);
  g_test_add_func ("/switch/exit/sysctl-text", test_sysctl_text);
  g_test_add_func ("/switch/exit/sysctl-text/odd-interface", test_sysctl_odd_interface);
  g_test_add_func ("/switch/exit/firewall-text", test_firewall_text);
  g_test_add_func ("/switch/exit/firewall-name", test_firewall_name);
  g_test_add_func ("/switch/exit/blockers", test_blockers);
  return g_test_run ();
}
