/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/presence.h"

#define S EW_SECOND_NS

typedef struct
{
  const gchar *what;
  EwPresence presence; /* last_rx, last_handshake, last_probe, goodbye; seconds */
  guint64 now;
  gboolean online, departed;
  guint64 due; /* seconds; 0: never */
} Case;

static const Case cases[] = {
  { "never heard of", { 0, 0, 0, 0 }, 1000, FALSE, FALSE, 0 },
  { "just now", { 1000, 900, 0, 0 }, 1000, TRUE, FALSE, 1040 },
  { "heard after the clock was read", { 1001, 900, 0, 0 }, 1000, TRUE, FALSE, 1041 },
  { "40 s ago", { 960, 900, 0, 0 }, 1000, TRUE, FALSE, 1000 },
  { "41 s ago", { 959, 900, 0, 0 }, 1000, FALSE, FALSE, 0 },
  { "goodbye", { 999, 900, 990, 999 }, 1000, FALSE, TRUE, 1039 },
  { "what was still under way after goodbye", { 1001, 900, 990, 999 }, 1002, FALSE, TRUE, 1039 },
  { "a packet long after goodbye", { 1002, 900, 990, 999 }, 1003, TRUE, FALSE, 1042 },
  { "a handshake after goodbye", { 1000, 1000, 990, 999 }, 1000, TRUE, FALSE, 1040 },
  { "a probe after goodbye", { 1000, 900, 1000, 999 }, 1000, TRUE, FALSE, 1040 },
  { "back after goodbye, then silent", { 1000, 1000, 990, 999 }, 1041, FALSE, FALSE, 0 },
};

static void
test_online (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EwPresence presence = cases[i].presence;

      presence.last_rx_ns *= S;
      presence.last_handshake_ns *= S;
      presence.last_probe_ns *= S;
      presence.goodbye_ns *= S;
      g_test_message ("%s", cases[i].what);
      g_assert_cmpint (ew_switch_presence_is_online (&presence, cases[i].now * S), ==, cases[i].online);
      g_assert_cmpint (ew_switch_presence_has_departed (&presence), ==, cases[i].departed);
      g_assert_cmpuint (ew_switch_presence_get_due (&presence, cases[i].now * S), ==,
                        cases[i].due != 0 ? cases[i].due * S + 1 : G_MAXUINT64);
    }
}

static void
test_rtt (void)
{
  g_assert_cmpfloat (ew_switch_presence_get_rtt (0, 0, 5 * S), <, 0);
  g_assert_cmpfloat (ew_switch_presence_get_rtt (12500000, 5 * S, 6 * S), ==, 12.5);
  g_assert_cmpfloat (ew_switch_presence_get_rtt (12500000, 6 * S, 5 * S), ==, 12.5);
  g_assert_cmpfloat (ew_switch_presence_get_rtt (12500000, 5 * S, 15 * S), ==, 12.5);
  g_assert_cmpfloat (ew_switch_presence_get_rtt (12500000, 5 * S, 15 * S + 1), <, 0);
}

static void
test_notice (void)
{
  EwNotice notice = { 0 };
  GString *sent = g_string_new (NULL);

  g_assert_false (ew_switch_notice_take (&notice, 10 * S));
  ew_switch_notice_start (&notice, 10 * S);
  for (guint64 tenth = 0; tenth < 300; tenth++)
    if (ew_switch_notice_take (&notice, 10 * S + tenth * (S / 10)))
      g_string_append_printf (sent, "%u ", (guint)tenth);
  g_assert_cmpstr (sent->str, ==, "0 10 30 70 ");
  g_assert_cmpuint (notice.due_ns, ==, 0);
  g_string_free (sent, TRUE);

  ew_switch_notice_start (&notice, 10 * S);
  g_assert_true (ew_switch_notice_take (&notice, 10 * S));
  ew_switch_notice_stop (&notice);
  g_assert_false (ew_switch_notice_take (&notice, 20 * S));
  ew_switch_notice_start (&notice, 30 * S); /* the next change begins from the first */
  g_assert_true (ew_switch_notice_take (&notice, 30 * S));
  g_assert_cmpuint (notice.due_ns, ==, 31 * S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/switch/presence/online", test_online);
  g_test_add_func ("/switch/presence/rtt", test_rtt);
  g_test_add_func ("/switch/presence/notice", test_notice);
  return g_test_run ();
}
