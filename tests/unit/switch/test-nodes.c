/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The switch's list of nodes on a real engine without a TUN: coming, changing, going, and ten thousand of them.
 */
#include <string.h>

#include "edge/switch/switch-private.h"

#define MANY 10000

static EwSwitch *
make_switch (void)
{
  EwSwitchConfig config = { .listen_address = "127.0.0.1" };
  g_autoptr (GError) error = NULL;
  EwSwitch *self;

  g_assert_true (ew_ip_parse ("100.96.0.1", &config.service[0]));
  g_assert_true (ew_prefix_parse ("100.96.0.0/12", &config.ranges[0], NULL));
  memset (config.private_key, 0x42, sizeof config.private_key);
  self = ew_switch_new (&config, &error);
  g_assert_no_error (error);
  return self;
}

static void
set_node (EwSwitch *self, const gchar *id, guint32 key, guint32 address, guint64 revision)
{
  const EwIp ip = ew_ip_from_v4 (0x64600000u + address);
  EwSwitchNode node = { .id = id, .addresses = &ip, .n_addresses = 1, .revision = { revision } };

  key++;
  memcpy (node.public_key, &key, sizeof key);
  node.public_key[31] = 1;
  ew_switch_set_node (self, &node);
}

static void
test_life (void)
{
  g_autoptr (EwSwitch) self = make_switch ();
  EwSwitchNodeStatus status;

  g_assert_null (ew_switch_get_limits (self)); /* no TUN was wanted */
  g_assert_cmpuint (ew_engine_get_listen_port (self->engine), !=, 0);
  g_assert_false (ew_switch_get_node (self, "a", &status));
  set_node (self, "a", 1, 257, 1);
  g_assert_true (ew_switch_get_node (self, "a", &status));
  g_assert_false (status.online);
  g_assert_cmpint (status.last_seen_us, ==, 0);
  g_assert_cmpint (status.last_handshake_us, ==, 0);
  g_assert_cmpfloat (status.rtt_ms, <, 0);

  set_node (self, "a", 1, 258, 2); /* another address */
  set_node (self, "a", 2, 258, 3); /* enrolled again: another key */
  set_node (self, "b", 1, 257, 1); /* the old key is free again */
  g_assert_true (ew_switch_get_node (self, "b", &status));

  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*node c has the WireGuard key of node a*");
  set_node (self, "c", 2, 259, 1);
  g_test_assert_expected_messages ();
  g_assert_false (ew_switch_get_node (self, "c", &status));

  ew_switch_remove_node (self, "a");
  ew_switch_remove_node (self, "a");
  g_assert_false (ew_switch_get_node (self, "a", &status));
  g_assert_true (ew_switch_get_node (self, "b", &status));
  ew_switch_find_nodes (self);
  ew_switch_set_viewers (self, 2);
  ew_switch_remove_node (self, "b");
}

static gboolean
on_time (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* The longest time that the main context was kept busy by one of its sources, in µs. */
static gint64
run_for (guint ms)
{
  gboolean over = FALSE;
  gint64 longest = 0;

  g_timeout_add (ms, on_time, &over);
  while (!over)
    {
      gint64 before;

      while (!g_main_context_pending (NULL))
        g_usleep (500);
      before = g_get_monotonic_time ();
      g_main_context_iteration (NULL, FALSE);
      longest = MAX (longest, g_get_monotonic_time () - before);
    }
  return longest;
}

static void
test_many (void)
{
  g_autoptr (EwSwitch) self = make_switch ();
  EwSwitchNodeStatus status;
  EwSwitchStats stats;
  gint64 longest;

  for (guint i = 0; i < MANY; i++)
    {
      gchar id[16];

      g_snprintf (id, sizeof id, "n%u", i);
      set_node (self, id, i, 256 + i, 1);
    }
  ew_switch_set_viewers (self, 1);
  longest = run_for (2500);
  g_test_message ("%d nodes: the main context was busy for %" G_GINT64_FORMAT " µs at most", MANY, longest);
  g_assert_cmpint (longest, <, 5 * 50000);
  ew_switch_get_stats (self, &stats);
  g_assert_cmpuint (stats.forwarded_packets, ==, 0);
  for (guint i = 0; i < MANY; i += 2)
    {
      gchar id[16];

      g_snprintf (id, sizeof id, "n%u", i);
      ew_switch_remove_node (self, id);
    }
  g_assert_false (ew_switch_get_node (self, "n4000", &status));
  g_assert_true (ew_switch_get_node (self, "n4001", &status));
  run_for (1100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/switch/nodes/life", test_life);
  g_test_add_func ("/switch/nodes/many", test_many);
  return g_test_run ();
}
