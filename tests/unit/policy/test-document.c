/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy's document: what is taken, and what is said of what isn't.
 */
#include <netinet/in.h>

#include "common/error.h"
#include "edge/policy/policy.h"

#define RULE "{\"default\":\"deny\",\"rules\":[{\"from\":\"a\",\"to\":\"b\",\"action\":\"allow\"},{"
#define TEST "{\"default\":\"deny\",\"tests\":[\"a may reach b\",\""

static const struct
{
  const gchar *json, *says;
} refused[] = {
  { "", "This isn't JSON*" },
  { "[]", "A JSON object was expected*" },
  { "{}", "The policy, \"default\": it's missing. Write \"allow\" or \"deny\"." },
  { "{\"default\":\"maybe\"}", "The policy, \"default\": write \"allow\" or \"deny\"." },
  { "{\"default\":\"deny\",\"rule\":[]}",
    "The policy: \"rule\" isn't known here. Use only these: default, rules, tests." },
  { "{\"default\":\"deny\",\"rules\":{}}", "The policy, \"rules\": write an array, […]." },
  { RULE "\"port\":1}]}", "Rule 2: \"port\" isn't known here. Use only these: name, comment, from*" },
  { RULE "\"to\":\"b\",\"action\":\"deny\"}]}", "Rule 2, \"from\": it's missing." },
  { RULE "\"from\":\"a\",\"to\":[],\"action\":\"deny\"}]}", "Rule 2, \"to\": it's empty. *" },
  { RULE "\"from\":3,\"to\":\"b\",\"action\":\"deny\"}]}", "Rule 2, \"from\": write a text like*" },
  { RULE "\"from\":\"A\",\"to\":\"b\",\"action\":\"deny\"}]}", "Rule 2, \"from\": \"A\" isn't a node*lowercase*" },
  { RULE "\"from\":\"tag:\",\"to\":\"b\",\"action\":\"deny\"}]}", "Rule 2, \"from\": \"tag:\" isn't a node*empty*" },
  { RULE "\"from\":\"10.0.0.1/8\",\"to\":\"b\",\"action\":\"deny\"}]}",
    "Rule 2, \"from\": 10.0.0.1/8 has bits set after its prefix. Write 10.0.0.0/8 for the whole network." },
  { RULE "\"from\":\"10.0.0.0/33\",\"to\":\"b\",\"action\":\"deny\"}]}",
    "Rule 2, \"from\": *isn't an address or a CIDR*" },
  { RULE "\"from\":\"service:b\",\"to\":\"b\",\"action\":\"deny\"}]}",
    "Rule 2, \"from\": \"service:b\" opens no flows. *" },
  { RULE "\"from\":\"a\",\"to\":\"b\"}]}", "Rule 2, \"action\": it's missing. Write \"allow\" or \"deny\"." },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":true}]}", "Rule 2, \"action\": write*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"ports\":[80,70000]}]}",
    "Rule 2, \"ports\": entry 2 isn't a port. *" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"ports\":0}]}", "Rule 2, \"ports\": entry 1 isn't*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"ports\":\"9-8\"}]}", "Rule 2, \"ports\": entry 1 isn't*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"ports\":\"1-2-3\"}]}",
    "Rule 2, \"ports\": entry 1 isn't*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"protocol\":\"icmp\",\"ports\":8}]}",
    "Rule 2, \"ports\": protocol 1 has no ports. *" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"protocol\":256}]}",
    "Rule 2, \"protocol\": write \"tcp\"*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"protocol\":\"TCP\"}]}",
    "Rule 2, \"protocol\": write \"tcp\"*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"name\":\"a\\nb\"}]}",
    "Rule 2, \"name\": it contains a control*" },
  { RULE "\"from\":\"a\",\"to\":\"b\",\"action\":\"deny\",\"name\":7}]}",
    "Rule 2, \"name\": write a text of at most 64*" },
  { TEST "a reaches b\"]}", "Test 2: This isn't a test. *" },
  { TEST "a may reach b:0\"]}", "Test 2: \"b:0\" doesn't end with a port. *" },
  { TEST "a may reach b:53/icmp\"]}", "Test 2: \"b:53/icmp\" doesn't end with a port. *" },
  { TEST "service:a may reach b\"]}", "Test 2: \"service:a\" opens no flows. *" },
  { TEST "a may reach B\"]}", "Test 2: \"B\" isn't a node*" },
};

static void
test_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ew_policy_parse (refused[i].json, strlen (refused[i].json), &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
      if (!g_pattern_match_simple (refused[i].says, error->message))
        g_error ("%s: %s", refused[i].json, error->message);
    }
}

static void
test_taken (void)
{
  static const gchar json[]
    = "{\"default\":\"allow\",\"rules\":["
      "{\"name\":\"web\",\"comment\":\"für "
      "Büro\",\"from\":[\"nas\",\"tag:a\",\"group:b\"],\"to\":[\"service:c\",\"10.0.0.0/8\",\"fd00::1\"],"
      "\"ports\":[443,\"80\",\"81-90\",\"85-95\",\"1000-2000\"],\"action\":\"deny\"},"
      "{\"from\":\"*\",\"to\":\"*\",\"protocol\":[\"icmp\",47],\"action\":\"allow\"}],"
      "\"tests\":[\"nas may reach web:443\",\"* may not reach [fd00::]:53/udp\",\"tag:a may reach service:c\",\"a may "
      "not reach fd00::/64\"]}";
  g_autoptr (GError) error = NULL;
  g_autoptr (EwPolicy) policy = ew_policy_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  g_assert_true (policy->allow);
  g_assert_cmpuint (policy->n_rules, ==, 2);
  g_assert_cmpstr (policy->rules[0].name, ==, "web");
  g_assert_cmpuint (policy->rules[0].n_from, ==, 3);
  g_assert_cmpint (policy->rules[0].from[1].kind, ==, EW_POLICY_TAG);
  g_assert_cmpstr (policy->rules[0].to[2].text, ==, "fd00::1/128");
  g_assert_cmpuint (policy->rules[0].n_ports, ==, 3); /* what overlaps or touches is one */
  g_assert_cmpuint (policy->rules[0].ports[0].first, ==, 80);
  g_assert_cmpuint (policy->rules[0].ports[0].last, ==, 95);
  g_assert_true (ew_policy_rule_has_protocol (&policy->rules[0], IPPROTO_UDP));
  g_assert_false (ew_policy_rule_has_protocol (&policy->rules[0], IPPROTO_SCTP));
  g_assert_true (ew_policy_rule_has_protocol (&policy->rules[1], IPPROTO_ICMPV6));
  g_assert_true (ew_policy_rule_has_protocol (&policy->rules[1], 47));
  g_assert_false (ew_policy_rule_has_protocol (&policy->rules[1], IPPROTO_TCP));
  g_assert_true (policy->tests[0].may && policy->tests[0].port == 443 && policy->tests[0].protocol == IPPROTO_TCP);
  g_assert_true (!policy->tests[1].may && policy->tests[1].port == 53 && policy->tests[1].protocol == IPPROTO_UDP);
  g_assert_cmpstr (policy->tests[1].to.text, ==, "fd00::/128");
  g_assert_cmpstr (policy->tests[2].to.text, ==, "service:c");
  g_assert_cmpuint (policy->tests[2].port, ==, 0);
  g_assert_cmpstr (policy->tests[3].to.text, ==, "fd00::/64");
}

static void
check_many (const gchar *begin, const gchar *item, guint n, const gchar *end, const gchar *says)
{
  g_autoptr (GString) json = g_string_new (begin);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    g_string_append_printf (json, "%s%s", i > 0 ? "," : "", item);
  g_string_append (json, end);
  g_autoptr (EwPolicy) policy = ew_policy_parse (json->str, json->len, &error);
  if (says == NULL)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_null (policy);
  if (!g_pattern_match_simple (says, error->message))
    g_error ("%s", error->message);
}

static void
test_limits (void)
{
  static const gchar rules[] = "{\"default\":\"deny\",\"rules\":[",
                     rule[] = "{\"from\":\"*\",\"to\":\"*\",\"action\":\"deny\"}";

  check_many (rules, rule, EW_POLICY_RULES_MAX, "]}", NULL);
  check_many (rules, rule, EW_POLICY_RULES_MAX + 1, "]}",
              "The policy, \"rules\": there are 2001 entries, at most 2000*");
  check_many (rules, rule, 100000, "]}", "This JSON has * bytes; at most 1048576 are taken.");
  check_many ("{\"default\":\"deny\",\"tests\":[", "\"a may reach b\"", EW_POLICY_TESTS_MAX + 1, "]}",
              "The policy, \"tests\": there are 1001*");
  check_many ("{\"default\":\"deny\",\"rules\":[{\"to\":\"*\",\"action\":\"deny\",\"from\":[", "\"a\"",
              EW_POLICY_ENDS_MAX + 1, "]}]}", "Rule 1, \"from\": there are 65 entries, at most 64*");
  check_many ("{\"default\":\"deny\",\"rules\":[{\"from\":\"*\",\"to\":\"*\",\"action\":\"deny\",\"ports\":[", "1",
              EW_POLICY_PORTS_MAX + 1, "]}]}", "Rule 1, \"ports\": there are 65 entries*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/document/refused", test_refused);
  g_test_add_func ("/policy/document/taken", test_taken);
  g_test_add_func ("/policy/document/limits", test_limits);
  return g_test_run ();
}
