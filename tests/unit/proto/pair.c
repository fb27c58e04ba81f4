/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"
#include "proto-testing.h"

#include <string.h>

static gboolean
keep (WorldNode *node, EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Pair *pair = node->world->user;
  Sent *sent = g_malloc (sizeof *sent + len);
  *sent = (Sent){ .from = node, .at_ns = node->world->time.now_ns, .len = len, .dscp_ecn = dscp_ecn };
  memcpy (sent->data, data, len);
  g_ptr_array_add (pair->sent, sent);
  return !pair->swallow;
}

void
pair_set_up (Pair *pair, gconstpointer data)
{
  pair->world = world_new ((uint64_t)g_test_rand_int ());
  pair->world->user = pair;
  pair->world->on_transmit = keep;
  pair->sent = g_ptr_array_new_with_free_func (g_free);
  pair->a = world_add (pair->world, FALSE);
  pair->b = world_add (pair->world, FALSE);
  world_join (pair->a, pair->b, NULL, NULL);
  pair->a_of_b = world_peer (pair->b, pair->a);
  pair->b_of_a = world_peer (pair->a, pair->b);
}

void
pair_tear_down (Pair *pair, gconstpointer data)
{
  world_free (pair->world);
  g_ptr_array_unref (pair->sent);
}

EwTime *
pair_time (Pair *pair)
{
  return &pair->world->time;
}

void
pair_say (Pair *pair, WorldNode *from)
{
  world_send (from, from == pair->a ? pair->b : pair->a, "word", 4, 0);
}

uint64_t
pair_establish (Pair *pair)
{
  pair_say (pair, pair->a);
  world_run (pair->world, WORLD_SECOND);
  pair_say (pair, pair->b);
  world_run (pair->world, WORLD_SECOND);
  g_assert_cmpuint (pair->a->delivered, ==, 1);
  g_assert_cmpuint (pair->b->delivered, ==, 1);
  pair->a->delivered = pair->b->delivered = 0;
  pair_forget (pair);
  return world_stats (pair->a, pair->b).last_handshake_ns;
}

static const Sent *
find (Pair *pair, const WorldNode *from, EwMessageType type, unsigned n, unsigned *count)
{
  for (guint i = 0; i < pair->sent->len; i++)
    {
      const Sent *sent = pair->sent->pdata[i];
      if ((from == NULL || sent->from == from) && sent->data[0] == type && (*count)++ == n)
        return sent;
    }
  return NULL;
}

unsigned
pair_count (Pair *pair, const WorldNode *from, EwMessageType type)
{
  unsigned count = 0;
  find (pair, from, type, G_MAXUINT, &count);
  return count;
}

const Sent *
pair_nth (Pair *pair, const WorldNode *from, EwMessageType type, unsigned n)
{
  unsigned count = 0;
  const Sent *sent = find (pair, from, type, n, &count);
  g_assert_nonnull (sent);
  return sent;
}

void
pair_forget (Pair *pair)
{
  g_ptr_array_set_size (pair->sent, 0);
}

void
pair_wait_until (Pair *pair, uint64_t now_ns)
{
  g_assert_cmpuint (now_ns, >=, pair->world->time.now_ns);
  world_run (pair->world, now_ns - pair->world->time.now_ns);
}

void
pair_deliver (Pair *pair, const Sent *sent)
{
  world_inject (sent->from == pair->a ? pair->b : pair->a, sent->data, sent->len, sent->from->address, 0);
}

Sent *
pair_copy (const Sent *sent)
{
  return g_memdup2 (sent, sizeof *sent + sent->len);
}

uint64_t
pair_invalid (WorldNode *node)
{
  EwDeviceStats stats;
  ew_testing_get_device_stats (node->device, &stats);
  return stats.rx_invalid;
}
