/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/identity.h"
#include "edge/switch/presence.h"

#define S EW_SECOND_NS
#define NOW (1000 * S)
#define REAL (1700000000 * S)

/* A restarted program's earlier identity never returns; a second machine's does, soon or after others. */
static void
test_instances (void)
{
  EwInstances instances = { 0 };

  g_assert_cmpint (ew_switch_instances_note (&instances, 0), ==, EW_INSTANCE_SAME); /* doesn't say */
  for (guint32 number = 1; number < 50; number++)
    {
      g_assert_cmpint (ew_switch_instances_note (&instances, number), ==, EW_INSTANCE_NEW);
      g_assert_cmpint (ew_switch_instances_note (&instances, number), ==, EW_INSTANCE_SAME);
      g_assert_cmpint (ew_switch_instances_note (&instances, 0), ==, EW_INSTANCE_SAME);
    }
  g_assert_cmpint (ew_switch_instances_note (&instances, 48), ==, EW_INSTANCE_BACK);
  g_assert_cmpint (ew_switch_instances_note (&instances, 49), ==, EW_INSTANCE_BACK);
  g_assert_cmpint (ew_switch_instances_note (&instances, 50), ==, EW_INSTANCE_NEW); /* a third one */
  g_assert_cmpint (ew_switch_instances_note (&instances, 48), ==, EW_INSTANCE_BACK);
  g_assert_cmpint (ew_switch_instances_note (&instances, 1), ==, EW_INSTANCE_NEW); /* forgotten */
}

static void
test_two_machines (void)
{
  const EwIdentity identity = { 0 };

  g_assert_cmpint (ew_switch_identity_get_problem (&identity, 0, NOW), ==, EW_NODE_PROBLEM_NONE);
  g_assert_cmpint (ew_switch_identity_get_problem (&identity, NOW + S, NOW), ==, EW_NODE_PROBLEM_TWO_MACHINES);
  g_assert_cmpint (ew_switch_identity_get_problem (&identity, NOW - 599 * S, NOW), ==, EW_NODE_PROBLEM_TWO_MACHINES);
  g_assert_cmpint (ew_switch_identity_get_problem (&identity, NOW - 600 * S, NOW), ==, EW_NODE_PROBLEM_NONE);
  g_assert_cmpuint (ew_switch_identity_get_problem_end (&identity, NOW - 599 * S, NOW), ==, NOW + S);
  g_assert_cmpuint (ew_switch_identity_get_problem_end (&identity, NOW - 600 * S, NOW), ==, G_MAXUINT64);
  g_assert_cmpuint (ew_switch_identity_get_problem_end (&identity, 0, NOW), ==, G_MAXUINT64);
}

static EwNodeProblem
problem_of (guint64 behind_ns, guint64 stated_ns, gint64 *behind_s)
{
  const EwPeerStats stats
    = { .refused_old = 3, .refused_ns = NOW, .behind_ns = behind_ns, .behind_stated_ns = stated_ns };
  EwIdentity identity = { 0 };

  ew_switch_identity_note_stats (&identity, &stats, REAL);
  *behind_s = identity.behind_s;
  return ew_switch_identity_get_problem (&identity, 0, NOW);
}

static void
test_behind (void)
{
  const EwPeerStats refused = { .refused_old = 3, .refused_ns = NOW };
  EwIdentity identity = { 0 };
  gint64 seconds;

  g_assert_cmpint (problem_of (NOW, REAL - 3600 * S, &seconds), ==, EW_NODE_PROBLEM_CLOCK_BEHIND);
  g_assert_cmpint (seconds, ==, 3600);
  g_assert_cmpint (problem_of (NOW, 1, &seconds), ==, EW_NODE_PROBLEM_CLOCK_BEHIND); /* 1970 */
  g_assert_cmpint (seconds, ==, 1699999999);
  g_assert_cmpint (problem_of (NOW, REAL - 59 * S, &seconds), ==, EW_NODE_PROBLEM_RESTORED);
  g_assert_cmpint (problem_of (NOW, REAL + 3600 * S, &seconds), ==, EW_NODE_PROBLEM_RESTORED);
  g_assert_cmpint (problem_of (NOW, G_MAXUINT64, &seconds), ==, EW_NODE_PROBLEM_RESTORED);
  g_assert_cmpint (problem_of (NOW - 899 * S, 1, &seconds), ==, EW_NODE_PROBLEM_CLOCK_BEHIND);
  g_assert_cmpint (problem_of (NOW - 900 * S, 1, &seconds), ==, EW_NODE_PROBLEM_NONE);
  g_assert_cmpint (problem_of (0, REAL, &seconds), ==, EW_NODE_PROBLEM_NONE); /* it may be a replay */
  /* … which the node itself may know of, for a while. */
  ew_switch_identity_note_stats (&identity, &refused, REAL);
  ew_switch_identity_note_stats (&identity, &refused, REAL + 20 * S);
  g_assert_cmpuint (ew_switch_identity_get_problem_end (&identity, 0, NOW), ==, G_MAXUINT64);
  g_assert_true (ew_switch_identity_is_refused (&identity, NOW + 29 * S));
  g_assert_false (ew_switch_identity_is_refused (&identity, NOW + 30 * S));
}

static void
test_whom_to_call (void)
{
  const EwIp ip = ew_ip_from_v4 (0xc0000201);
  const EwEndpoint former = ew_endpoint_udp (&ip, 1234);
  EwIdentity identity = { 0 };

  g_assert_null (ew_switch_identity_whom_to_call (&identity, 0));
  g_assert_null (ew_switch_identity_whom_to_call (&identity, NOW)); /* it was at no other place */
  ew_switch_identity_note_move (&identity, &former, NOW);
  g_assert_null (ew_switch_identity_whom_to_call (&identity, NOW)); /* looked at before it moved */
  g_assert_true (ew_endpoint_same_remote (ew_switch_identity_whom_to_call (&identity, NOW + 1), &former));
  g_assert_null (ew_switch_identity_whom_to_call (&identity, NOW + 1)); /* once */
  g_assert_null (ew_switch_identity_whom_to_call (&identity, NOW + 30 * S));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/switch/identity/instances", test_instances);
  g_test_add_func ("/switch/identity/two-machines", test_two_machines);
  g_test_add_func ("/switch/identity/behind", test_behind);
  g_test_add_func ("/switch/identity/whom-to-call", test_whom_to_call);
  return g_test_run ();
}
