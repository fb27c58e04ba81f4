/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The compiled classifier beside the model, on random policies; and what rules mean.
 */
#include <netinet/in.h>

#include "policy/model.h"

static const gchar *const ends[] = { "*",
                                     "nas",
                                     "web",
                                     "guest",
                                     "phone",
                                     "tag:web",
                                     "tag:db",
                                     "tag:old",
                                     "group:staff",
                                     "group:guests",
                                     "100.96.1.0/30",
                                     "100.96.0.0/16",
                                     "10.0.0.0/8",
                                     "255.255.255.255",
                                     "0.0.0.0",
                                     "128.0.0.0/1",
                                     "fd12:3400::/64",
                                     "fd12:3400::4/127",
                                     "ffff::/16",
                                     "8000::/1",
                                     "::/0",
                                     "nobody",
                                     "tag:none",
                                     "service:web",
                                     "service:db" };
static const gchar *const protocols[] = { "",
                                          "\"protocol\":\"tcp\",",
                                          "\"protocol\":\"icmp\",",
                                          "\"protocol\":47,",
                                          "\"protocol\":[\"tcp\",\"udp\",\"sctp\"],",
                                          "\"protocol\":\"dccp\"," };
static const gchar *const ports[] = { "",
                                      "\"ports\":443,",
                                      "\"ports\":[\"1-1024\",8080],",
                                      "\"ports\":\"1-65535\",",
                                      "\"ports\":[65535,1],",
                                      "\"ports\":[\"400-500\",\"450-600\",601]," };

static EwPolicy *
parse (const gchar *json)
{
  g_autoptr (GError) error = NULL;
  EwPolicy *policy = ew_policy_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  return policy;
}

static void
append_ends (GString *json, const gchar *member, guint n_kinds)
{
  const gint n = g_random_int_range (1, 4);

  g_string_append_printf (json, "\"%s\":[", member);
  for (gint i = 0; i < n; i++)
    g_string_append_printf (json, "%s\"%s\"", i > 0 ? "," : "", ends[g_random_int_range (0, (gint)n_kinds)]);
  g_string_append (json, "],");
}

static gchar *
make_document (guint n_rules)
{
  g_autoptr (GString) json = g_string_new (NULL);

  g_string_append_printf (json, "{\"default\":\"%s\",\"rules\":[", g_random_boolean () ? "allow" : "deny");
  for (guint i = 0; i < n_rules; i++)
    {
      const gint protocol = g_random_int_range (0, G_N_ELEMENTS (protocols));
      const gboolean has_ports = protocol != 2 && protocol != 3;

      g_string_append (json, i > 0 ? ",{" : "{");
      append_ends (json, "from", G_N_ELEMENTS (ends) - 2);
      append_ends (json, "to", G_N_ELEMENTS (ends));
      g_string_append (json, protocols[protocol]);
      g_string_append (json, ports[has_ports ? g_random_int_range (0, G_N_ELEMENTS (ports)) : 0]);
      g_string_append_printf (json, "\"action\":\"%s\"}", g_random_boolean () ? "allow" : "deny");
    }
  g_string_append (json, "]}");
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static EwPolicyKey
draw_key (void)
{
  static const guint8 kinds[]
    = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47, IPPROTO_SCTP, IPPROTO_DCCP, 255 };
  static const guint16 edges[] = { 0, 1, 2, 400, 443, 444, 450, 601, 602, 1024, 1025, 8080, 65534, 65535 };
  const gboolean v6 = g_random_boolean ();
  EwPolicyKey key = { .source = policy_model_address (g_random_int_range (0, 4) * 256 + g_random_int_range (0, 14), v6),
                      .destination = policy_model_address (g_random_int (), v6),
                      .protocol = kinds[g_random_int_range (0, G_N_ELEMENTS (kinds))] };

  if (g_random_boolean ())
    key.destination = policy_model_address ((guint)g_random_int_range (0, 14) + (g_random_boolean () ? 188 : 0), v6);
  if (ew_policy_has_ports (key.protocol))
    {
      key.unreadable = g_random_int_range (0, 8) == 0;
      key.port = key.unreadable ? 0 : edges[g_random_int_range (0, G_N_ELEMENTS (edges))];
    }
  return key;
}

static void
test_model (void)
{
  static const guint sizes[] = { 0, 1, 2, 5, 63, 64, 65, 200 };
  guint by_rule = 0, unreadable = 0;

  for (guint round = 0; round < 160; round++)
    {
      g_autofree gchar *json = make_document (sizes[round % G_N_ELEMENTS (sizes)]);
      g_autoptr (EwPolicy) policy = parse (json);
      g_autoptr (EwPolicyClassifier) classifier = ew_policy_classifier_new (policy, policy_model_world ());

      for (guint i = 0; i < 1000; i++)
        {
          const EwPolicyKey key = draw_key ();
          const EwPolicyVerdict is = ew_policy_classifier_judge (classifier, &key);
          const EwPolicyVerdict should = policy_model_judge (policy, policy_model_world (), &key);

          if (is.rule != should.rule || is.allowed != should.allowed || is.unreadable != should.unreadable)
            g_test_message ("%s", json);
          g_assert_cmpint (is.rule, ==, should.rule);
          g_assert_cmpint (is.allowed, ==, should.allowed);
          g_assert_cmpint (is.unreadable, ==, should.unreadable);
          by_rule += is.rule >= 0;
          unreadable += is.unreadable;
        }
    }
  g_assert_cmpuint (by_rule, >, 20000); /* it was about something */
  g_assert_cmpuint (unreadable, >, 100);
}

static gint
judge (const EwPolicyClassifier *classifier, const gchar *from, const gchar *to, guint8 protocol, gint port)
{
  EwPolicyKey key = { .protocol = protocol, .unreadable = port < 0, .port = (guint16)MAX (port, 0) };

  g_assert_true (ew_ip_parse (from, &key.source) && ew_ip_parse (to, &key.destination));
  const EwPolicyVerdict verdict = ew_policy_classifier_judge (classifier, &key);
  return verdict.allowed ? verdict.rule + 1 : -(verdict.rule + 1);
}

/* nas is 100.96.1.0, web 100.96.1.1, guest 100.96.1.2; service web 100.96.1.200. */
static void
test_meaning (void)
{
  g_autoptr (EwPolicy) policy
    = parse ("{\"default\":\"deny\",\"rules\":["
             "{\"from\":\"nas\",\"to\":\"service:web\",\"ports\":443,\"action\":\"allow\"},"
             "{\"from\":\"nas\",\"to\":\"web\",\"action\":\"deny\"},"
             "{\"from\":\"guest\",\"to\":\"*\",\"protocol\":\"tcp\",\"ports\":[80,\"8000-8010\"],\"action\":\"allow\"},"
             "{\"from\":\"*\",\"to\":\"*\",\"protocol\":\"icmp\",\"action\":\"allow\"},"
             "{\"from\":\"100.96.1.3\",\"to\":\"*\",\"action\":\"allow\"}]}");
  g_autoptr (EwPolicyClassifier) c = ew_policy_classifier_new (policy, policy_model_world ());

  g_assert_cmpint (judge (c, "100.96.1.0", "100.96.1.200", IPPROTO_TCP, 443), ==, 1);
  g_assert_cmpint (judge (c, "100.96.1.0", "100.96.1.200", IPPROTO_UDP, 443), ==, 1); /* ports alone: both */
  g_assert_cmpint (judge (c, "100.96.1.0", "100.96.1.200", IPPROTO_TCP, 80), ==, 0);  /* the default */
  g_assert_cmpint (judge (c, "100.96.1.0", "100.96.1.1", IPPROTO_TCP, 443), ==, -2);
  g_assert_cmpint (judge (c, "100.96.1.2", "8.8.8.8", IPPROTO_TCP, 8010), ==, 3);
  g_assert_cmpint (judge (c, "100.96.1.2", "8.8.8.8", IPPROTO_TCP, 8011), ==, 0);
  g_assert_cmpint (judge (c, "100.96.1.2", "8.8.8.8", IPPROTO_TCP, -1), ==, -3); /* that rule needs the port */
  g_assert_cmpint (judge (c, "100.96.1.1", "100.96.1.2", IPPROTO_ICMP, 0), ==, 4);
  g_assert_cmpint (judge (c, "fd12:3400::1", "fd12:3400::2", IPPROTO_ICMPV6, 0), ==, 4);
  g_assert_cmpint (judge (c, "100.96.1.3", "100.96.1.2", 47, 0), ==, 5);
  g_assert_cmpint (judge (c, "100.96.1.3", "100.96.1.2", IPPROTO_TCP, -1), ==, 5);
  g_assert_cmpint (judge (c, "100.96.1.1", "100.96.1.2", 47, 0), ==, 0);
}

static void
check_missing (const gchar *rules, const gchar *tests, const gchar *says)
{
  g_autofree gchar *json = g_strdup_printf ("{\"default\":\"deny\",\"rules\":[%s],\"tests\":[%s]}", rules, tests);
  g_autoptr (EwPolicy) policy = parse (json);
  g_autofree gchar *missing = ew_policy_find_missing (policy, policy_model_world ());

  g_assert_cmpstr (missing, ==, says);
}

static void
test_missing (void)
{
  check_missing (
    "{\"from\":\"nas\",\"to\":[\"tag:web\",\"group:staff\",\"service:db\",\"10.0.0.0/8\",\"*\"],\"action\":\"deny\"}",
    "\"nas may reach web:443\"", NULL);
  check_missing (
    "{\"from\":\"nas\",\"to\":\"wbe\",\"action\":\"deny\"}", "",
    "Rule 1, \"to\": \"wbe\": there's no node with this name. Check the spelling, or add it to the mesh first.");
  check_missing (
    "{\"from\":[\"nas\",\"tag:wbe\"],\"to\":\"web\",\"action\":\"deny\"}", "",
    "Rule 1, \"from\": \"tag:wbe\": no node has this tag. Check the spelling, or add it to the mesh first.");
  check_missing (
    "", "\"nas may reach service:x:1\"",
    "Test 1: \"service:x\": there's no service with this name. Check the spelling, or add it to the mesh first.");
}

/* As many rules, ends and ports as are taken, in a mesh of 10,000 nodes: it's compiled, and within the bound. */
static void
test_limits (void)
{
  static EwIp addresses[10000];
  static EwPolicyNode nodes[10000];
  static gchar names[10000][8];
  const EwPolicyWorld world = { nodes, G_N_ELEMENTS (nodes), NULL, 0 };
  g_autoptr (GString) json = g_string_new ("{\"default\":\"deny\",\"rules\":[");

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      g_snprintf (names[i], sizeof names[i], "m%u", i);
      addresses[i] = ew_ip_from_v4 (0x64610000u + i * 2);
      nodes[i] = (EwPolicyNode){ names[i], &addresses[i], 1, NULL, NULL };
    }
  for (guint i = 0; i < EW_POLICY_RULES_MAX; i++)
    g_string_append_printf (
      json, "%s{\"from\":[\"m%u\",\"m%u\"],\"to\":[\"m%u\",\"m%u\"],\"ports\":[%u,%u],\"action\":\"allow\"}",
      i > 0 ? "," : "", i, i + 2000, i + 4000, i + 6000, i * 4 + 1, i * 4 + 3);
  g_string_append (json, "]}");
  g_autoptr (EwPolicy) policy = parse (json->str);
  g_autoptr (EwPolicyClassifier) c = ew_policy_classifier_new (policy, &world);
  EwPolicyKey key = { addresses[1999], addresses[7999], IPPROTO_UDP, FALSE, 1999 * 4 + 3 };
  g_assert_cmpint (ew_policy_classifier_judge (c, &key).rule, ==, 1999);
  g_assert_cmpuint (ew_policy_classifier_get_memory (c), <, 8400000 + 8000 * 560);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/classifier/model", test_model);
  g_test_add_func ("/policy/classifier/meaning", test_meaning);
  g_test_add_func ("/policy/classifier/missing", test_missing);
  g_test_add_func ("/policy/classifier/limits", test_limits);
  return g_test_run ();
}
