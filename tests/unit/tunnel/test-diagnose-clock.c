/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a diagnosis says of two clocks.
 */
#include "tunnel/diagnose-clock.h"
#include "common/checks.h"
#include "common/util.h"

#include <string.h>

#define EDGE ((gint64)1700000000 * G_USEC_PER_SEC)

static void
expect (gint64 ahead_s, EwCheckResult result, const gchar *words)
{
  const EwClocks clocks = { .edge = EDGE, .here = EDGE + ahead_s * G_USEC_PER_SEC };
  g_autoptr (JsonArray) checks = json_array_new ();

  ew_tunnel_diagnose_clock (&clocks, checks);
  g_assert_cmpuint (json_array_get_length (checks), ==, 1);
  JsonObject *check = json_array_get_object_element (checks, 0);
  g_assert_cmpint (ew_check_result (check), ==, result);
  g_assert_nonnull (strstr (ew_json_string (check, "message"), words));
}

static void
test_spans (void)
{
  expect (0, EW_CHECK_GOOD, "agree");
  expect (EW_CLOCK_TOLERANCE_S, EW_CHECK_GOOD, "agree");
  expect (EW_CLOCK_TOLERANCE_S + 1, EW_CHECK_WARNING, "5 min ahead of");
  expect (-7199, EW_CHECK_WARNING, "119 min behind");
  expect (-7200, EW_CHECK_WARNING, "2 h behind");
  expect (12 * 86400, EW_CHECK_WARNING, "12 days ahead of");
}

static void
test_answers (void)
{
  g_autoptr (JsonObject) answer = json_object_new (), old = json_object_new (), odd = json_object_new ();
  g_autoptr (JsonArray) checks = json_array_new ();
  EwClocks clocks = { 0 };

  json_object_set_string_member (odd, "now", "yesterday");
  ew_tunnel_note_clock (&clocks, NULL);
  ew_tunnel_note_clock (&clocks, old);
  ew_tunnel_note_clock (&clocks, odd);
  ew_tunnel_diagnose_clock (&clocks, checks);
  g_assert_cmpuint (json_array_get_length (checks), ==, 0);
  json_object_set_string_member (answer, "now", "2023-11-14T22:13:20Z");
  ew_tunnel_note_clock (&clocks, answer);
  g_assert_cmpint (clocks.edge, ==, EDGE);
  ew_tunnel_note_clock (&clocks, NULL);
  g_assert_cmpint (clocks.edge, ==, EDGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/diagnose-clock/spans", test_spans);
  g_test_add_func ("/diagnose-clock/answers", test_answers);
  return g_test_run ();
}
