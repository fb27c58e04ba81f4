/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A verdict that is replaced while data threads ask it: a packet that the old one has let pass is not remembered as
 * allowed by the new one.
 */
#include <stdatomic.h>

#include "ground.h"

typedef struct
{
  Ground ground;
  atomic_uint asked, refused;
} Policy;

static gboolean
let_pass_slowly (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet,
                 gsize len)
{
  atomic_fetch_add (&((Policy *)data)->asked, 1);
  g_usleep (100 * 1000); /* real time: the new one comes before this one has answered */
  return TRUE;
}

static gboolean
refuse (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  atomic_fetch_add (&((Policy *)data)->refused, 1);
  return FALSE;
}

static void
set_up (Policy *policy, gconstpointer data)
{
  ground_start (&policy->ground);
}

static void
tear_down (Policy *policy, gconstpointer data)
{
  ground_stop (&policy->ground);
}

static void
test_replaced (Policy *policy, gconstpointer data)
{
  Ground *ground = &policy->ground;
  const gint64 end = g_get_monotonic_time () + NODE_WAIT_MS * 1000;

  ew_switch_set_verdict (ground->sw, let_pass_slowly, policy);
  node_push (&ground->nodes[0], 2, 1);
  while (atomic_load (&policy->asked) == 0)
    g_usleep (100);
  ew_switch_set_verdict (ground->sw, refuse, policy);
  g_assert_cmpuint (node_pop (&ground->nodes[1], 1), ==, 1);
  node_push (&ground->nodes[0], 2, 2); /* of the same flow */
  while (atomic_load (&policy->refused) == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_usleep (100);
    }
  node_expect_nothing (&ground->nodes[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/switch/policy/replaced", Policy, NULL, set_up, test_replaced, tear_down);
  return g_test_run ();
}
