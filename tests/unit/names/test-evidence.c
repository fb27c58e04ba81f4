/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/evidence.h"
#include "common/checks.h"
#include "common/util.h"

#include <string.h>

#define SUFFIX "home.internal"

static EwNamesEvidence *
plain_evidence (void)
{
  EwNamesEvidence *evidence = ew_names_evidence_new ();

  evidence->suffix = g_strdup (SUFFIX);
  evidence->own_name = g_strdup ("laptop");
  evidence->interface = g_strdup ("edgeway0");
  evidence->link = 7;
  evidence->module = TRUE;
  evidence->nsswitch = g_strdup ("hosts: files edgeway [!UNAVAIL=return] dns edgeway_short\n");
  evidence->resolv_conf = g_strdup ("nameserver 192.168.1.1\n");
  return evidence;
}

static EwNamesEvidence *
resolved_evidence (void)
{
  EwNamesEvidence *evidence = plain_evidence ();

  g_free (evidence->nsswitch);
  evidence->nsswitch = g_strdup ("hosts: files resolve [!UNAVAIL=return] dns\n");
  evidence->resolved_answers = TRUE;
  evidence->dnssec = g_strdup ("no");
  return evidence;
}

static void
add_domain (EwNamesEvidence *evidence, guint link, const gchar *interface, const gchar *domain)
{
  EwNamesDomain *row = g_new0 (EwNamesDomain, 1);

  row->link = link;
  row->interface = g_strdup (interface);
  row->domain = g_strdup (domain);
  g_ptr_array_add (evidence->domains, row);
}

/* The check's result, and that its message and fix hold these words. Takes evidence. */
static void
expect (EwNamesEvidence *evidence, const gchar *check, EwCheckResult result, const gchar *says, const gchar *fix)
{
  g_autoptr (EwNamesEvidence) owned = evidence;
  g_autoptr (JsonArray) checks = json_array_new ();
  gboolean found = FALSE;

  ew_names_judge_evidence (owned, checks);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *row = json_array_get_object_element (checks, i);
      if (!g_str_equal (ew_json_string (row, "check"), check) || ew_check_result (row) != result)
        continue;
      found = TRUE;
      g_assert_nonnull (strstr (ew_json_string (row, "message"), says));
      g_assert_nonnull (strstr (ew_json_string (row, "fix"), fix));
    }
  g_assert_cmpint (ew_checks_find (checks, check), ==, result);
  g_assert_true (found || result == EW_CHECK_UNKNOWN);
}

static void
test_within (void)
{
  g_assert_true (ew_names_is_within ("Home.Internal.", SUFFIX));
  g_assert_true (ew_names_is_within ("corp.home.internal", SUFFIX));
  g_assert_false (ew_names_is_within ("ahome.internal", SUFFIX));
  g_assert_false (ew_names_is_within ("internal", SUFFIX));
  g_assert_false (ew_names_is_within ("", SUFFIX));
}

static GPtrArray *
read_hosts (const gchar *text)
{
  return ew_names_read_hosts (text, strlen (text), SUFFIX, "laptop");
}

static void
test_hosts_file (void)
{
  g_autoptr (GPtrArray) entries = read_hosts ("# nas\n127.0.0.1\tlocalhost\n127.0.1.1 laptop.example laptop\r\n"
                                              "  10.0.0.9 NAS.Home.internal. nas # web\n10.0.0.8 www.example.com\n"
                                              "fd00::9 web\nnonsense here\n10.0.0.7 a.b.home.internal home.internal\n"
                                              "192.168.1.5 laptop");
  static const struct
  {
    guint line;
    const gchar *label;
    gboolean full;
  } expected[] = { { 4, "nas", TRUE }, { 4, "nas", FALSE }, { 6, "web", FALSE }, { 9, "laptop", FALSE } };

  g_assert_cmpuint (entries->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < entries->len; i++)
    {
      const EwNamesHostsEntry *entry = entries->pdata[i];
      g_assert_cmpuint (entry->line, ==, expected[i].line);
      g_assert_cmpstr (entry->label, ==, expected[i].label);
      g_assert_cmpint (entry->full, ==, expected[i].full);
    }
  g_autoptr (GString) many = g_string_new (NULL);
  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (many, "10.0.0.1 a%u\n", i);
  g_autoptr (GPtrArray) bounded = read_hosts (many->str);
  g_assert_cmpuint (bounded->len, ==, EW_NAMES_HOSTS_ENTRIES);
}

/* What the mesh says of the first name. */
static EwNamesEvidence *
with_hosts (const gchar *text, gboolean asked, guint32 mesh)
{
  EwNamesEvidence *evidence = plain_evidence ();

  g_ptr_array_unref (evidence->entries);
  evidence->entries = read_hosts (text);
  EwNamesHostsEntry *entry = evidence->entries->pdata[0];
  entry->asked = asked;
  if (mesh != 0)
    entry->mesh = ew_ip_from_v4 (mesh);
  return evidence;
}

static void
test_hosts (void)
{
  const guint32 node = 0x64600005; /* 100.96.0.5 */

  expect (with_hosts ("\n10.0.0.9 nas\n", TRUE, node), "names-hosts", EW_CHECK_WARNING,
          "Line 2 of /etc/hosts says that nas is 10.0.0.9. That line wins", "full name, nas.home.internal");
  expect (with_hosts ("10.0.0.9 nas." SUFFIX, TRUE, node), "names-hosts", EW_CHECK_WARNING,
          "Line 1 of /etc/hosts says that nas.home.internal is 10.0.0.9", "sudo sed -i '1s/^/#/' /etc/hosts");
  expect (with_hosts ("10.0.0.9 nas." SUFFIX, FALSE, 0), "names-hosts", EW_CHECK_WARNING, "Line 1", "sed");
  expect (with_hosts ("10.0.0.9 nas", FALSE, 0), "names-hosts", EW_CHECK_GOOD, "no name", "");
  expect (with_hosts ("10.0.0.9 nas", TRUE, 0), "names-hosts", EW_CHECK_GOOD, "no name", "");
  expect (with_hosts ("100.96.0.5 nas", TRUE, node), "names-hosts", EW_CHECK_GOOD, "no name", "");
}

static EwNamesEvidence *
with_lan (gboolean answered, gboolean serves, gboolean wildcard)
{
  EwNamesEvidence *evidence = plain_evidence ();
  EwNamesLanServer lan
    = { .server = ew_ip_from_v4 (0xc0a80101), .answered = answered, .serves = serves, .wildcard = wildcard };

  g_array_append_val (evidence->lan, lan);
  return evidence;
}

static void
test_lan (void)
{
  expect (with_lan (TRUE, TRUE, FALSE), "names-lan", EW_CHECK_WARNING,
          "name server 192.168.1.1 has names below home.internal, too", "suffix=");
  expect (with_lan (TRUE, TRUE, TRUE), "names-lan", EW_CHECK_WARNING, "answers for every name", "suffix=");
  expect (with_lan (TRUE, FALSE, FALSE), "names-lan", EW_CHECK_GOOD, "has no names below", "");
  expect (with_lan (FALSE, FALSE, FALSE), "names-lan", EW_CHECK_WARNING,
          "name server 192.168.1.1 doesn't answer. Programs find full names of the mesh at once", "edge.home.internal");
  EwNamesEvidence *vpn = with_lan (FALSE, FALSE, FALSE);
  vpn->vpn = TRUE;
  expect (vpn, "names-lan", EW_CHECK_UNKNOWN, "", "");
  expect (plain_evidence (), "names-lan", EW_CHECK_UNKNOWN, "", "");
}

static EwNamesEvidence *
with_gateways (gboolean edge, gboolean first, gboolean second)
{
  const gboolean answered[] = { first, second };
  EwNamesEvidence *evidence = plain_evidence ();

  evidence->edge_answered = edge;
  for (guint i = 0; i < G_N_ELEMENTS (answered); i++)
    {
      EwNamesGateway *gateway = g_new0 (EwNamesGateway, 1);
      gateway->domain = g_strdup (i == 0 ? "corp.example" : "lab.example");
      gateway->node = g_strdup ("office-gw");
      gateway->resolver = ew_ip_from_v4 (0x0a4d0035 + i);
      gateway->answered = answered[i];
      g_ptr_array_add (evidence->gateways, gateway);
    }
  return evidence;
}

static void
test_gateways (void)
{
  expect (with_gateways (TRUE, TRUE, TRUE), "names-gateway", EW_CHECK_GOOD, "answer the edge", "");
  expect (with_gateways (TRUE, FALSE, TRUE), "names-gateway", EW_CHECK_WARNING,
          "The name server 10.77.0.53 of corp.example, behind office-gw, doesn't answer the edge.", "On office-gw, ");
  expect (with_gateways (TRUE, TRUE, FALSE), "names-gateway", EW_CHECK_WARNING, "10.77.0.54 of lab.example", "route");
  expect (with_gateways (FALSE, FALSE, FALSE), "names-gateway", EW_CHECK_UNKNOWN, "", "");
  expect (plain_evidence (), "names-gateway", EW_CHECK_UNKNOWN, "", "");
}

static EwNamesEvidence *
with_domain (guint link, const gchar *domain, gboolean vpn)
{
  EwNamesEvidence *evidence = resolved_evidence ();

  add_domain (evidence, 7, "edgeway0", SUFFIX);
  add_domain (evidence, 7, "edgeway0", "");
  add_domain (evidence, link, link != 0 ? "eth0" : "systemd-resolved", domain);
  evidence->vpn = vpn;
  return evidence;
}

static EwNamesEvidence *
with_gateway_domain (const gchar *theirs)
{
  EwNamesEvidence *evidence = with_domain (2, theirs, FALSE);

  add_domain (evidence, 7, "edgeway0", "corp.example");
  add_domain (evidence, 7, "edgeway0", "96.100.in-addr.arpa");
  return evidence;
}

static void
test_domains (void)
{
  EwNamesEvidence *evidence = plain_evidence ();

  expect (with_domain (2, SUFFIX, FALSE), "names-domain", EW_CHECK_WARNING, "the first answer wins",
          "sudo resolvectl domain eth0 ''");
  expect (with_domain (2, "corp." SUFFIX, FALSE), "names-domain", EW_CHECK_WARNING, "not the edge", "eth0");
  expect (with_domain (0, SUFFIX, FALSE), "names-domain", EW_CHECK_WARNING, "systemd-resolved has the domain",
          "resolved.conf");
  expect (with_domain (2, "lan.example", FALSE), "names-domain", EW_CHECK_GOOD, "No other network", "");
  expect (with_domain (2, "internal", FALSE), "names-domain", EW_CHECK_GOOD, "No other network", "");
  expect (with_gateway_domain ("corp.example"), "names-domain", EW_CHECK_WARNING, "the first answer wins",
          "sudo edgewayctl name refuse corp.example");
  expect (with_gateway_domain ("eng.corp.example"), "names-domain", EW_CHECK_WARNING, "not the edge", "name refuse");
  expect (with_gateway_domain ("other.example"), "names-domain", EW_CHECK_GOOD, "No other network", "");
  expect (with_gateway_domain ("96.100.in-addr.arpa"), "names-domain", EW_CHECK_GOOD, "No other network", "");
  expect (with_domain (2, "", TRUE), "names-all", EW_CHECK_WARNING, "eth0 takes all names", "resolvectl domain eth0");
  expect (with_domain (2, "", FALSE), "names-all", EW_CHECK_UNKNOWN, "", "");
  expect (plain_evidence (), "names-domain", EW_CHECK_GOOD, "No other network", "");
  g_free (evidence->resolv_conf);
  evidence->resolv_conf = g_strdup ("search " SUFFIX "\nnameserver 192.168.1.1\n");
  expect (evidence, "names-domain", EW_CHECK_GOOD, "search domain home.internal", "");
}

static EwNamesEvidence *
with_dnssec (const gchar *dnssec, const gchar *suffix, gboolean known)
{
  EwNamesEvidence *evidence = resolved_evidence ();

  g_free (evidence->dnssec);
  g_free (evidence->suffix);
  evidence->dnssec = g_strdup (dnssec);
  evidence->suffix = g_strdup (suffix);
  evidence->unsigned_known = known;
  return evidence;
}

static void
test_dnssec (void)
{
  expect (with_dnssec ("yes", "home.mesh", FALSE), "names-dnssec", EW_CHECK_BAD, "DNSSEC=yes",
          "sudo resolvectl nta edgeway0 home.mesh");
  expect (with_dnssec ("allow-downgrade", "home.mesh", FALSE), "names-dnssec", EW_CHECK_BAD, "allow-downgrade", "nta");
  expect (with_dnssec ("yes", "home.mesh", TRUE), "names-dnssec", EW_CHECK_GOOD, "have none", "");
  expect (with_dnssec ("yes", SUFFIX, FALSE), "names-dnssec", EW_CHECK_GOOD, "have none", "");
  expect (with_dnssec ("yes", "me.home.arpa", FALSE), "names-dnssec", EW_CHECK_GOOD, "have none", "");
  expect (with_dnssec ("no", "home.mesh", FALSE), "names-dnssec", EW_CHECK_UNKNOWN, "", "");
}

static EwNamesEvidence *
with_files (const gchar *nsswitch, const gchar *resolv_conf, gboolean link, gboolean resolved)
{
  EwNamesEvidence *evidence = resolved ? resolved_evidence () : plain_evidence ();

  g_free (evidence->nsswitch);
  g_free (evidence->resolv_conf);
  evidence->nsswitch = g_strdup (nsswitch);
  evidence->resolv_conf = g_strdup (resolv_conf);
  evidence->resolv_conf_is_link = link;
  return evidence;
}

static void
test_copy (void)
{
  static const gchar stub[] = "nameserver 127.0.0.53\n", files[] = "hosts: files dns\n";

  expect (with_files (files, stub, FALSE, TRUE), "names-copy", EW_CHECK_WARNING, "laptop.home.internal",
          "sudo ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf");
  expect (with_files (files, stub, TRUE, TRUE), "names-copy", EW_CHECK_UNKNOWN, "", "");
  expect (with_files (files, "search " SUFFIX "\nnameserver 127.0.0.53\n", FALSE, TRUE), "names-copy", EW_CHECK_UNKNOWN,
          "", "");
}

static void
test_order (void)
{
  static const struct
  {
    const gchar *hosts;
    EwCheckResult result;
    const gchar *says, *fix;
  } cases[] = {
    { "files edgeway [!UNAVAIL=return] dns edgeway_short", EW_CHECK_GOOD, "asks Edgeway first", "" },
    { "files mdns4_minimal [NOTFOUND=return] edgeway [!UNAVAIL=return] dns edgeway_short", EW_CHECK_WARNING,
      "mdns4_minimal before edgeway", "edgewayctl" },
    { "files myhostname edgeway [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns edgeway_short", EW_CHECK_GOOD,
      "asks Edgeway first", "" },
    { "files dns", EW_CHECK_BAD, "doesn't have both words", "edgewayctl disconnect" },
    { "files edgeway dns", EW_CHECK_BAD, "doesn't have both words", "edgewayctl" },
    { "files dns edgeway [!UNAVAIL=return] edgeway_short", EW_CHECK_WARNING, "dns before edgeway", "edgewayctl" },
    { "files edgeway [!UNAVAIL=return] wins [!UNAVAIL=return] dns edgeway_short", EW_CHECK_WARNING, "after wins",
      "full names" },
    { "files edgeway [ !UNAVAIL=return ] dns [NOTFOUND=return] edgeway_short # edgeway", EW_CHECK_WARNING, "after dns",
      "full names" },
    { "files edgeway [!UNAVAIL=return] resolve [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] dns "
      "edgeway_short",
      EW_CHECK_GOOD, "asks Edgeway first", "" },
    { "files edgeway [!UNAVAIL=return] resolve [!UNAVAIL=return] dns edgeway_short", EW_CHECK_WARNING, "after resolve",
      "full names" },
    { "", EW_CHECK_BAD, "doesn't have both words", "edgewayctl" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *text = g_strdup_printf ("passwd: files\n hosts:\t%s\n", cases[i].hosts);
      g_test_message ("%s", cases[i].hosts);
      expect (with_files (text, NULL, FALSE, FALSE), "names-order", cases[i].result, cases[i].says, cases[i].fix);
    }
  expect (with_files ("# Generated by authselect\nhosts: files dns\n", NULL, FALSE, FALSE), "names-order", EW_CHECK_BAD,
          "both words", "sudo authselect apply-changes");
  expect (with_files (NULL, NULL, FALSE, FALSE), "names-order", EW_CHECK_BAD, "both words", "edgewayctl");
}

static void
test_cache (void)
{
  EwNamesEvidence *evidence = plain_evidence ();

  evidence->nscd = TRUE;
  expect (evidence, "names-cache", EW_CHECK_WARNING, "nscd runs", "sudo nscd -i hosts");
  expect (plain_evidence (), "names-cache", EW_CHECK_UNKNOWN, "", "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/evidence/within", test_within);
  g_test_add_func ("/names/evidence/hosts-file", test_hosts_file);
  g_test_add_func ("/names/evidence/hosts", test_hosts);
  g_test_add_func ("/names/evidence/lan", test_lan);
  g_test_add_func ("/names/evidence/gateways", test_gateways);
  g_test_add_func ("/names/evidence/domains", test_domains);
  g_test_add_func ("/names/evidence/dnssec", test_dnssec);
  g_test_add_func ("/names/evidence/copy", test_copy);
  g_test_add_func ("/names/evidence/order", test_order);
  g_test_add_func ("/names/evidence/cache", test_cache);
  return g_test_run ();
}
