/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard (daemon/tunnel/README.md) under a fake clock.
 */
#include "tunnel/guard.h"

#define S ((gint64)G_USEC_PER_SEC)

static EwGuard
counting (guint confirm_within, gboolean remote)
{
  EwGuard guard;
  ew_guard_init (&guard, FALSE);
  g_assert_cmpint (ew_guard_set_mode (&guard, TRUE, confirm_within, remote), ==, EW_GUARD_APPLY);
  g_assert_cmpint (guard.state, ==, EW_GUARD_ARMED);
  g_assert_cmpint (ew_guard_active (&guard, 1000 * S), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (guard.state, ==, EW_GUARD_COUNTING);
  return guard;
}

static void
assert_settled (const EwGuard *guard, gboolean vpn)
{
  g_assert_cmpint (guard->state, ==, EW_GUARD_SETTLED);
  g_assert_cmpint (guard->vpn, ==, vpn);
  g_assert_cmpint (guard->stored_vpn, ==, vpn);
}

static void
test_remote (void)
{
  EwGuard guard = counting (0, TRUE);
  /* However many probes return, they don't prove that a person is present. */
  g_assert_cmpint (ew_guard_probe_returned (&guard, 1001 * S), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_tick (&guard, 1060 * S - 1), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_tick (&guard, 1060 * S), ==, EW_GUARD_APPLY);
  assert_settled (&guard, FALSE);

  guard = counting (0, TRUE);
  g_assert_cmpint (ew_guard_confirm (&guard), ==, EW_GUARD_STORE);
  assert_settled (&guard, TRUE);
  g_assert_cmpint (ew_guard_tick (&guard, 5000 * S), ==, EW_GUARD_NOTHING);
}

static void
test_local (void)
{
  EwGuard guard = counting (0, FALSE);
  g_assert_cmpint (ew_guard_probe_returned (&guard, 999 * S), ==, EW_GUARD_NOTHING); /* sent before the switch */
  g_assert_cmpint (ew_guard_probe_returned (&guard, 1000 * S), ==, EW_GUARD_STORE);
  assert_settled (&guard, TRUE);

  guard = counting (0, FALSE);
  g_assert_cmpint (ew_guard_tick (&guard, 1060 * S), ==, EW_GUARD_APPLY);
  assert_settled (&guard, FALSE);
}

static void
test_confirm_within (void)
{
  EwGuard guard = counting (86400, FALSE);
  g_assert_cmpint (guard.until, ==, (1000 + 86400) * S);
  guard = counting (10, FALSE);
  g_assert_cmpint (ew_guard_probe_returned (&guard, 1001 * S), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_tick (&guard, 1010 * S), ==, EW_GUARD_APPLY);
  assert_settled (&guard, FALSE);
}

/* The same mode again neither ends nor lengthens the countdown. */
static void
test_again (void)
{
  EwGuard guard = counting (0, TRUE);
  g_assert_cmpint (ew_guard_set_mode (&guard, TRUE, 0, FALSE), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_active (&guard, 1030 * S), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_tick (&guard, 1060 * S), ==, EW_GUARD_APPLY);
  assert_settled (&guard, FALSE);
}

static void
test_connector (void)
{
  EwGuard guard = counting (0, TRUE);
  g_assert_cmpint (ew_guard_set_mode (&guard, FALSE, 0, TRUE), ==, EW_GUARD_APPLY_AND_STORE);
  assert_settled (&guard, FALSE);
  ew_guard_init (&guard, TRUE);
  g_assert_cmpint (ew_guard_set_mode (&guard, TRUE, 0, TRUE), ==, EW_GUARD_NOTHING);
  assert_settled (&guard, TRUE);
  g_assert_cmpint (ew_guard_set_mode (&guard, FALSE, 0, TRUE), ==, EW_GUARD_APPLY_AND_STORE);
  assert_settled (&guard, FALSE);
}

/* Requested while the tunnel is down: the countdown starts when the mode is active, and nothing is confirmed before. */
static void
test_armed (void)
{
  EwGuard guard;
  ew_guard_init (&guard, FALSE);
  ew_guard_set_mode (&guard, TRUE, 0, FALSE);
  g_assert_false (guard.stored_vpn);
  g_assert_cmpint (ew_guard_confirm (&guard), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_probe_returned (&guard, 10), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_tick (&guard, 9000 * S), ==, EW_GUARD_NOTHING);
  g_assert_cmpint (ew_guard_undo (&guard), ==, EW_GUARD_APPLY);
  assert_settled (&guard, FALSE);
  g_assert_cmpint (ew_guard_undo (&guard), ==, EW_GUARD_NOTHING);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tunnel/guard/remote", test_remote);
  g_test_add_func ("/tunnel/guard/local", test_local);
  g_test_add_func ("/tunnel/guard/confirm-within", test_confirm_within);
  g_test_add_func ("/tunnel/guard/again", test_again);
  g_test_add_func ("/tunnel/guard/connector", test_connector);
  g_test_add_func ("/tunnel/guard/armed", test_armed);
  return g_test_run ();
}
