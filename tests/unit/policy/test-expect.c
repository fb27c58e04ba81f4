/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tests inside a policy, and which rule decides. nas, web, guest, laptop and phone are nodes; phone has no IPv6.
 */
#include <netinet/in.h>

#include "common/error.h"
#include "edge/policy/expect.h"
#include "policy/model.h"

#define RULES                                                                                                          \
  "{\"name\":\"web\",\"from\":\"nas\",\"to\":\"service:web\",\"ports\":443,\"action\":\"allow\"},"                     \
  "{\"from\":\"guest\",\"to\":\"nas\",\"action\":\"deny\"},"                                                           \
  "{\"from\":\"fd12:3400::/64\",\"to\":\"laptop\",\"protocol\":\"tcp\",\"ports\":\"20-30\",\"action\":\"allow\"},"     \
  "{\"from\":\"*\",\"to\":\"tag:web\",\"protocol\":\"udp\",\"ports\":53,\"action\":\"allow\"}"

static EwPolicy *
parse (const gchar *tests)
{
  g_autofree gchar *json = g_strdup_printf ("{\"default\":\"deny\",\"rules\":[" RULES "],\"tests\":[%s]}", tests);
  g_autoptr (GError) error = NULL;
  EwPolicy *policy = ew_policy_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  return policy;
}

static const struct
{
  const gchar *test, *says;
} tests[] = {
  { "nas may reach service:web:443", NULL },
  { "nas may reach service:web:80", "No rule fits, and the default denies it." },
  { "nas may reach service:web", NULL },
  { "nas may not reach service:web", "Rule 1 (\"web\") allows it." },
  { "nas may not reach service:web:443/udp", "Rule 1 (\"web\") allows it." },
  { "guest may not reach nas", NULL },
  { "guest may reach nas", "*enies it." },
  { "guest may reach nas:22", "Rule 2 denies it." },
  { "guest may not reach web", "Rule 4 allows it." },
  { "tag:old may not reach nas", NULL },
  { "nas may reach laptop:22", "No rule fits, and the default denies it." }, /* by IPv6 alone */
  { "fd12:3400::/64 may reach laptop:22", NULL },
  { "fd12::/32 may reach laptop:22", "No rule fits*" },
  { "* may reach tag:web:53/udp", NULL },
  { "* may reach 10.0.0.0/8:1", "No rule fits*" },
  { "nas may reach nobody", "There's nobody with addresses of the same kind at both ends." },
  { "phone may reach fd12:3400::3", "There's nobody*" },
};

static void
test_run (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree gchar *json = g_strdup_printf ("\"a may not reach b\",\"%s\"", tests[i].test);
      g_autofree gchar *says = g_strdup_printf ("Test 2, \"%s\", fails: %s", tests[i].test, tests[i].says);
      g_autoptr (EwPolicy) policy = parse (json);
      g_autoptr (EwPolicyClassifier) classifier = ew_policy_classifier_new (policy, policy_model_world ());
      g_autoptr (GPtrArray) failed = ew_policy_run_tests (policy, policy_model_world (), classifier);

      g_assert_true (g_str_has_prefix (failed->pdata[0], "Test 1, \"a may not reach b\", fails: There's nobody"));
      if (failed->len != (tests[i].says != NULL ? 2 : 1))
        g_error ("%s: %s", tests[i].test, failed->len == 2 ? (gchar *)failed->pdata[1] : "holds");
      for (gchar *star = strstr (says, "\"* may"); star != NULL; star = NULL)
        star[1] = '?'; /* not a pattern's */
      if (tests[i].says != NULL && !g_pattern_match_simple (says, failed->pdata[1]))
        g_error ("%s", (gchar *)failed->pdata[1]);
    }
}

/* Everybody with everybody, all of whom the rules tell apart: it ends. */
static void
test_many (void)
{
  static EwIp addresses[6000];
  static EwPolicyNode nodes[6000];
  static gchar names[6000][8];
  const EwPolicyWorld world = { nodes, G_N_ELEMENTS (nodes), NULL, 0 };
  g_autoptr (GString) json = g_string_new ("{\"default\":\"deny\",\"tests\":[\"* may not reach *:1\"],\"rules\":[");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      g_snprintf (names[i], sizeof names[i], "m%u", i);
      addresses[i] = ew_ip_from_v4 (0x64610000u + i);
      nodes[i] = (EwPolicyNode){ names[i], &addresses[i], 1, NULL, NULL };
    }
  for (guint i = 0; i < 2000; i++)
    g_string_append_printf (json, "%s{\"from\":[\"m%u\",\"m%u\"],\"to\":\"m%u\",\"ports\":9,\"action\":\"allow\"}",
                            i > 0 ? "," : "", i, i + 2000, i + 4000);
  g_string_append (json, "]}");
  g_autoptr (EwPolicy) policy = ew_policy_parse (json->str, json->len, &error);
  g_assert_no_error (error);
  g_autoptr (EwPolicyClassifier) classifier = ew_policy_classifier_new (policy, &world);
  g_autoptr (GPtrArray) failed = ew_policy_run_tests (policy, &world, classifier);
  /* nodes i and i + 2000 are each of a class: 4,001 by 4,001 pairs are within the bound */
  g_assert_cmpuint (failed->len, ==, 0);
}

static void
check_explained (const gchar *from, const gchar *to, guint8 protocol, guint16 port, const gchar *allowing,
                 const gchar *denying)
{
  g_autoptr (EwPolicy) policy = parse ("");
  g_autoptr (EwPolicyClassifier) classifier = ew_policy_classifier_new (policy, policy_model_world ());
  g_autoptr (GError) error = NULL;
  EwPolicyEnd source, destination;
  EwPolicyAnswer answer;

  g_assert_true (ew_policy_end_parse (from, &source, NULL) && ew_policy_end_parse (to, &destination, NULL));
  if (ew_policy_explain (classifier, policy_model_world (), &source, &destination, protocol, port, &answer, &error))
    {
      g_autofree gchar *a = answer.allowed ? ew_policy_verdict_format (policy, &answer.allowing) : NULL;
      g_autofree gchar *d = answer.denied ? ew_policy_verdict_format (policy, &answer.denying) : NULL;

      g_assert_cmpstr (a, ==, allowing);
      g_assert_cmpstr (d, ==, denying);
    }
  else
    {
      g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
      g_assert_cmpstr (error->message, ==, denying);
    }
  g_free (source.text);
  g_free (destination.text);
}

static void
test_explain (void)
{
  check_explained ("nas", "service:web", IPPROTO_TCP, 443, "Rule 1 (\"web\") allows it.", NULL);
  check_explained ("nas", "service:web", IPPROTO_ICMP, 0, NULL, "No rule fits, and the default denies it.");
  check_explained ("guest", "nas", 47, 0, NULL, "Rule 2 denies it.");
  check_explained ("nas", "laptop", IPPROTO_TCP, 20, "Rule 3 allows it.", "No rule fits, and the default denies it.");
  check_explained ("nas", "nobody", IPPROTO_TCP, 20, NULL, "The mesh doesn't have \"nobody\". Check the spelling.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/expect/run", test_run);
  g_test_add_func ("/policy/expect/many", test_many);
  g_test_add_func ("/policy/expect/explain", test_explain);
  return g_test_run ();
}
