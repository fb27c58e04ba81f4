/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/check.h"
#include "names/plan.h"

#include <string.h>

static EwNamesWay
plan (const gchar *nsswitch, const gchar *resolv_conf, gboolean answers)
{
  EwNamesFacts facts = { .nsswitch = nsswitch,
                         .nsswitch_length = nsswitch != NULL ? strlen (nsswitch) : 0,
                         .resolv_conf = resolv_conf,
                         .resolv_conf_length = resolv_conf != NULL ? strlen (resolv_conf) : 0,
                         .resolved_answers = answers };

  return ew_names_plan (&facts);
}

#define STUB "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch home.internal\n"
#define LAN "nameserver 192.168.1.1\n"
#define RESOLVE "hosts: files resolve [!UNAVAIL=return] dns\n"

static void
test_plan (void)
{
  static const struct
  {
    const gchar *nsswitch, *resolv_conf;
    gboolean answers;
    EwNamesWay way;
  } cases[] = {
    /* By its module, whatever resolv.conf says. */
    { RESOLVE, LAN, TRUE, EW_NAMES_BY_RESOLVED },
    { "passwd: files\nhosts:\tfiles myhostname resolve\n", NULL, TRUE, EW_NAMES_BY_RESOLVED },
    /* By its stub. */
    { "hosts: files dns\n", STUB, TRUE, EW_NAMES_BY_RESOLVED },
    { "hosts: files dns\n", "nameserver 127.0.0.54\n", TRUE, EW_NAMES_BY_RESOLVED },
    { NULL, STUB, TRUE, EW_NAMES_BY_RESOLVED },
    { "", STUB, TRUE, EW_NAMES_BY_RESOLVED },
    /* The stub is asked second, or after a module that ends the search: not reliably. */
    { "hosts: files dns\n", LAN STUB, TRUE, EW_NAMES_BY_MODULE },
    { "hosts: files dns\n", LAN, TRUE, EW_NAMES_BY_MODULE },
    { "hosts: files dns resolve\n", LAN, TRUE, EW_NAMES_BY_MODULE },
    { "hosts: files\n", STUB, TRUE, EW_NAMES_BY_MODULE },
    { "hosts: files dns\n", "nameserver 127.0.0.1\n", TRUE, EW_NAMES_BY_MODULE },
    { "hosts: files dns\n", NULL, TRUE, EW_NAMES_BY_MODULE },
    /* A word in an action or a comment isn't a service. */
    { "hosts: files [NOTFOUND=continue resolve ] dns # resolve\n", LAN, TRUE, EW_NAMES_BY_MODULE },
    { "#hosts: resolve\nhosts: dns\n", LAN, TRUE, EW_NAMES_BY_MODULE },
    /* It is configured, and doesn't answer. */
    { RESOLVE, STUB, FALSE, EW_NAMES_BY_MODULE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (plan (cases[i].nsswitch, cases[i].resolv_conf, cases[i].answers), ==, cases[i].way);
}

static void
test_nsswitch (void)
{
  static const gchar text[] = "hosts:  files mymachines [!UNAVAIL=return] edgeway [ NOTFOUND = return ] dns myhostname";
  g_auto (GStrv) services = ew_nsswitch_hosts (text, strlen (text));
  g_auto (GStrv) none = ew_nsswitch_hosts ("networks: files\n", 16);
  g_autofree gchar *joined = g_strjoinv (" ", services), *fallback = g_strjoinv (" ", none);

  g_assert_cmpstr (joined, ==, "files mymachines edgeway dns myhostname");
  g_assert_cmpstr (fallback, ==, "files dns");
}

static void
test_resolv_conf (void)
{
  static const gchar text[] = "# nameserver 9.9.9.9\n; x\nsearch old.example\nnameserver  192.0.2.1 trailing\n"
                              "nameserver fe80::1%lo\nnameserver nonsense\nnameserver 2001:db8::53\n"
                              "nameserver 192.0.2.4\nsearch corp.example. lan .\n";
  g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (text, strlen (text));
  g_autoptr (EwResolvConf) domain = ew_resolv_conf_parse ("search a b\ndomain c d", 21);
  g_autoptr (EwResolvConf) missing = ew_resolv_conf_parse (NULL, 0);
  g_autofree gchar *search = g_strjoinv (" ", conf->search), *last = g_strjoinv (" ", domain->search);
  gchar ip[EW_IP_STRLEN];

  g_assert_cmpuint (conf->n_servers, ==, 3);
  ew_ip_format (&conf->servers[1], ip);
  g_assert_cmpstr (ip, ==, "fe80::1");
  g_assert_cmpuint (conf->scopes[1], ==, 1); /* lo */
  g_assert_cmpuint (conf->scopes[0], ==, 0);
  ew_ip_format (&conf->servers[2], ip);
  g_assert_cmpstr (ip, ==, "2001:db8::53");
  g_assert_cmpstr (search, ==, "corp.example lan");
  g_assert_cmpstr (last, ==, "c");
  g_assert_cmpuint (missing->n_servers, ==, 0);
}

static gchar *
reverse (const gchar *text)
{
  EwPrefix range;
  bool host_bits;

  g_assert_true (ew_prefix_parse (text, &range, &host_bits));
  g_auto (GStrv) domains = ew_names_reverse_domains (&range, 1);
  g_assert_cmpuint (g_strv_length (domains), <=, EW_NAMES_REVERSE_MAX);
  return g_strjoinv (" ", domains);
}

static void
test_reverse (void)
{
  g_autofree gchar *mesh = reverse ("100.96.0.0/12");

  g_assert_true (g_str_has_prefix (mesh, "96.100.in-addr.arpa 97.100.in-addr.arpa "));
  g_assert_true (g_str_has_suffix (mesh, " 111.100.in-addr.arpa"));
  static const gchar *const exact[][2] = {
    { "10.0.0.0/8", "10.in-addr.arpa" },
    { "192.168.7.0/24", "7.168.192.in-addr.arpa" },
    { "10.20.0.0/15", "20.10.in-addr.arpa 21.10.in-addr.arpa" },
    { "fd12:3456:789a::/48", "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa" },
    { "fd12:3456:789a:8000::/50", "8.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa 9.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa "
                                  "a.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa b.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa" },
    { "fd12:3456:789a:0800::/53", "8.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa 9.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa "
                                  "a.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa b.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa "
                                  "c.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa d.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa "
                                  "e.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa f.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa" },
    { "0.0.0.0/0", "" }, /* never a mesh's; and never for all names */
  };
  for (guint i = 0; i < G_N_ELEMENTS (exact); i++)
    {
      g_autofree gchar *names = reverse (exact[i][0]);
      g_assert_cmpstr (names, ==, exact[i][1]);
    }
}

/* VPN mode can't lead what is bound to a link. */
static void
test_link_local (void)
{
  static const struct
  {
    const gchar *conf, *found;
  } cases[] = { { "nameserver fe80::1%lo\n", "fe80::1" },
                { "nameserver fe80::2%lo\nnameserver fe80::3%lo\n", "fe80::2" },
                { "nameserver fe80::1%lo\nnameserver 192.0.2.1\n", NULL },
                { "nameserver 192.0.2.1\nnameserver fe80::1%lo\n", NULL },
                { "nameserver 169.254.1.1\n", NULL }, /* bound to no interface */
                { "nameserver 2001:db8::1\n", NULL },
                { "search lan\n", NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *found = ew_names_find_link_local (cases[i].conf, strlen (cases[i].conf));
      g_assert_cmpstr (found, ==, cases[i].found);
    }
}

/* A hostile edge can't take over a domain of the internet. */
static void
test_suffix (void)
{
  static const gchar *const good[] = { "home.internal", "a.b.internal", "Home.INTERNAL", "x.home.arpa", "office.lan" };
  static const gchar *const bad[]
    = { "internal", "com", "example.com", "notinternal", "home.arpa", ".internal", "internal.com", "xhome.arpa" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_names_may_have_suffix (good[i], NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_names_may_have_suffix (bad[i], "other.example"));
  g_assert_true (ew_names_may_have_suffix ("mesh.example.com", "Mesh.example.com"));
  g_assert_false (ew_names_may_have_suffix ("168.192.in-addr.arpa", "168.192.in-addr.arpa"));
}

/* An edge may be hostile, and the network's "files.office.lan" isn't for the edge to assign. */
static void
test_searched (void)
{
  static const gchar text[] = "nameserver 192.0.2.1\nsearch Office.LAN. eng.corp.internal\n";
  static const gchar *const theirs[] = { "office.lan", "OFFICE.lan", "files.office.lan", "corp.internal" };
  static const gchar *const free_ones[] = { "home.lan", "home.internal", "backoffice.lan", "sales.corp.internal" };

  for (guint i = 0; i < G_N_ELEMENTS (theirs); i++)
    g_assert_true (ew_names_is_searched (theirs[i], text, strlen (text)));
  for (guint i = 0; i < G_N_ELEMENTS (free_ones); i++)
    g_assert_false (ew_names_is_searched (free_ones[i], text, strlen (text)));
  g_assert_false (ew_names_is_searched ("office.lan", NULL, 0));
}

static void
test_judge (void)
{
  EwIp edge[2] = { { .family = EW_FAMILY_V4, .bytes = { 100, 96, 0, 1 } },
                   { .family = EW_FAMILY_V6, .bytes = { 0xfd, [15] = 1 } } };
  EwIp other[2] = { edge[0], { .family = EW_FAMILY_V4, .bytes = { 192, 0, 2, 1 } } };

  g_assert_cmpint (ew_names_check_judge (edge, 2, edge, 2), ==, EW_NAMES_CHECK_OK);
  g_assert_cmpint (ew_names_check_judge (edge, 2, edge + 1, 1), ==, EW_NAMES_CHECK_OK);
  g_assert_cmpint (ew_names_check_judge (edge, 2, other, 2), ==, EW_NAMES_CHECK_OTHER);
  g_assert_cmpint (ew_names_check_judge (edge, 2, NULL, 0), ==, EW_NAMES_CHECK_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/plan/way", test_plan);
  g_test_add_func ("/names/plan/nsswitch", test_nsswitch);
  g_test_add_func ("/names/plan/resolv-conf", test_resolv_conf);
  g_test_add_func ("/names/plan/reverse", test_reverse);
  g_test_add_func ("/names/plan/suffix", test_suffix);
  g_test_add_func ("/names/plan/link-local", test_link_local);
  g_test_add_func ("/names/plan/searched", test_searched);
  g_test_add_func ("/names/plan/judge", test_judge);
  return g_test_run ();
}
