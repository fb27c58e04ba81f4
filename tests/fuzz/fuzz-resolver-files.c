/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nsswitch.conf, resolv.conf and hosts as anybody may have written them: read without harm, and bounded.
 */
#include <stdint.h>
#include <string.h>

#include "names/evidence.h"
#include "names/plan.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const gchar *text = (const gchar *)data;
  g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (text, size);
  g_auto (GStrv) services = ew_nsswitch_hosts (text, size);
  EwNamesFacts facts = {
    .nsswitch = text, .nsswitch_length = size, .resolv_conf = text, .resolv_conf_length = size, .resolved_answers = TRUE
  };

  g_assert_cmpuint (conf->n_servers, <=, EW_RESOLV_CONF_SERVERS);
  g_assert_cmpuint (g_strv_length (conf->search), <=, EW_RESOLV_CONF_SEARCH);
  for (guint i = 0; services[i] != NULL; i++)
    g_assert_true (services[i][0] != '\0' && strpbrk (services[i], " \t\r\n") == NULL);
  g_autoptr (GPtrArray) entries = ew_names_read_hosts (text, size, "home.internal", "nas");
  g_assert_cmpuint (entries->len, <=, EW_NAMES_HOSTS_ENTRIES);
  g_autoptr (EwNamesEvidence) evidence = ew_names_evidence_new ();
  g_autoptr (JsonArray) checks = json_array_new ();
  evidence->suffix = g_strdup ("home.internal");
  evidence->own_name = g_strdup ("nas");
  evidence->nsswitch = g_strndup (text, size);
  evidence->resolv_conf = g_strndup (text, size);
  ew_names_judge_evidence (evidence, checks);
  ew_names_plan (&facts);
  facts.resolved_answers = FALSE;
  g_assert_cmpint (ew_names_plan (&facts), ==, EW_NAMES_BY_MODULE);
  return 0;
}
