/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Devices from outside, through device.h only. */
#include <string.h>
#include "world.h"

static void
test_first_packets (void)
{
  g_autoptr (World) world = world_new (1);
  WorldNode *a = world_add (world, FALSE), *b = world_add (world, FALSE);
  world_join (a, b, NULL, NULL);
  g_assert_cmpuint (world_send (a, b, "hello", 5, 0), ==, 0);
  world_run (world, WORLD_SECOND);
  g_assert_cmpuint (b->delivered, ==, 1);
  g_assert_cmpuint (world_send (b, a, "hello yourself", 14, 0), ==, 0);
  world_run (world, WORLD_SECOND);
  g_assert_cmpuint (a->delivered, ==, 1);
  g_assert_cmpuint (a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  g_assert_cmpuint (b->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/device/first-packets", test_first_packets);
  return g_test_run ();
}
