/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The flow table by itself: found again in both directions, bounded, forgotten, and with several threads at it.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "edge/switch/flows.h"

static EwFlow
make_flow (guint32 from, guint32 to, guint16 port, guint8 protocol)
{
  EwFlow flow = { .protocol = protocol, .reversed = from > to };

  flow.low = ew_ip_from_v4 (MIN (from, to));
  flow.high = ew_ip_from_v4 (MAX (from, to));
  flow.low_port = port;
  flow.high_port = 443;
  return flow;
}

static EwFlow
against (EwFlow flow)
{
  flow.reversed = !flow.reversed;
  return flow;
}

static EwFlowState
find (EwFlowTable *table, EwFlow flow, guint32 now)
{
  gboolean opener;

  return ew_switch_flow_table_find (table, &flow, now, &opener);
}

static void
test_both_directions (void)
{
  g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (7, 64);
  EwFlowOwner owner = { 0 };
  const EwFlow flow = make_flow (9, 5, 1000, IPPROTO_UDP), reply = against (flow);
  gboolean opener = FALSE;

  g_assert_cmphex (ew_switch_flow_hash (&flow, 7), ==, ew_switch_flow_hash (&reply, 7));
  g_assert_cmphex (ew_switch_flow_hash (&flow, 7), !=, ew_switch_flow_hash (&flow, 8));
  g_assert_cmpint (find (table, flow, 1), ==, EW_FLOW_UNKNOWN);
  g_assert_true (ew_switch_flow_table_store (table, &flow, &owner, 1));
  g_assert_true (ew_switch_flow_table_store (table, &flow, &owner, 1)); /* again: still one flow */
  g_assert_cmpuint (owner.n, ==, 1);
  g_assert_cmpint (ew_switch_flow_table_find (table, &reply, 2, &opener), ==, EW_FLOW_PASSES);
  g_assert_true (opener);
  g_assert_cmpint (find (table, make_flow (9, 5, 1001, IPPROTO_UDP), 2), ==, EW_FLOW_UNKNOWN);
  g_assert_cmpint (find (table, make_flow (9, 5, 1000, IPPROTO_TCP), 2), ==, EW_FLOW_UNKNOWN);
  g_assert_cmpint (find (table, make_flow (9, 6, 1000, IPPROTO_UDP), 2), ==, EW_FLOW_UNKNOWN);
  ew_switch_flow_table_invalidate (table);
  g_assert_cmpint (ew_switch_flow_table_find (table, &reply, 3, &opener), ==, EW_FLOW_STALE);
  g_assert_true (opener);
  g_assert_true (ew_switch_flow_table_store (table, &flow, &owner, 3));
  g_assert_cmpint (find (table, reply, 3), ==, EW_FLOW_PASSES);
  ew_switch_flow_table_remove (table, &reply);
  g_assert_cmpint (find (table, flow, 3), ==, EW_FLOW_UNKNOWN);
  g_assert_cmpuint (owner.n, ==, 0);
}

/* A flow without an answer expires sooner; TCP may stay quiet longest. */
static void
test_idle (void)
{
  static const struct
  {
    guint8 protocol;
    gboolean replied;
    guint32 limit;
  } rows[] = { { IPPROTO_UDP, FALSE, EW_FLOW_IDLE_NEW },
               { IPPROTO_TCP, FALSE, EW_FLOW_IDLE_NEW },
               { IPPROTO_UDP, TRUE, EW_FLOW_IDLE },
               { IPPROTO_TCP, TRUE, EW_FLOW_IDLE_TCP } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (i, 64);
      EwFlowOwner owner = { 0 };
      const EwFlow flow = make_flow (1, 2, 3, rows[i].protocol);
      guint32 now = 100;

      ew_switch_flow_table_store (table, &flow, &owner, now);
      if (rows[i].replied)
        g_assert_cmpint (find (table, against (flow), now), ==, EW_FLOW_PASSES);
      now += rows[i].limit;
      g_assert_cmpint (find (table, flow, now), ==, EW_FLOW_PASSES); /* and so it stays */
      now += rows[i].limit;
      g_assert_cmpint (find (table, flow, now), ==, EW_FLOW_PASSES);
      now += rows[i].limit + 1;
      g_assert_cmpint (find (table, flow, now), ==, EW_FLOW_UNKNOWN);
    }
}

/* A node that opens flows without end stays within its limit, and others find theirs again. */
static void
test_bounded (void)
{
  g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (3, 16384);
  EwFlowOwner quiet = { 0 }, scanner = { 0 };
  guint stored = 0, kept = 0;

  for (guint16 port = 0; port < 100; port++)
    {
      const EwFlow flow = make_flow (1, 2, port, IPPROTO_TCP);

      stored += ew_switch_flow_table_store (table, &flow, &quiet, 10);
      find (table, against (flow), 10);
    }
  g_assert_cmpuint (stored, ==, 100);
  for (guint i = 0; i < 200000; i++)
    {
      const EwFlow flow = make_flow (3, 1000 + i, (guint16)i, IPPROTO_TCP);

      ew_switch_flow_table_store (table, &flow, &scanner, 11);
      g_assert_cmpuint (scanner.n, <=, EW_FLOWS_PER_NODE);
    }
  g_assert_cmpuint (scanner.n, ==, EW_FLOWS_PER_NODE);
  for (guint16 port = 0; port < 100; port++)
    kept += find (table, make_flow (1, 2, port, IPPROTO_TCP), 12) == EW_FLOW_PASSES;
  g_assert_cmpuint (kept, ==, 100);
  /* Its unanswered flows expire: some time later it has room to open flows again. */
  for (guint i = 0; i < 16384 / 4; i++)
    {
      const EwFlow flow = make_flow (3, 5, (guint16)(i % 10), IPPROTO_UDP);

      ew_switch_flow_table_store (table, &flow, &scanner, 12 + EW_FLOW_IDLE_NEW);
    }
  g_assert_cmpuint (scanner.n, <=, 10);
  ew_switch_flow_table_forget (table, &quiet);
  g_assert_cmpuint (quiet.n, ==, 0);
  g_assert_cmpint (find (table, make_flow (1, 2, 0, IPPROTO_TCP), 12), ==, EW_FLOW_UNKNOWN);
}

/* Four sets of four for all nodes: a table full of fresh flows keeps them, and reports that it's full. */
static void
test_full (void)
{
  g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (3, 16);
  EwFlowOwner first = { 0 }, second = { 0 };
  const EwFlow late = make_flow (7, 8, 9, IPPROTO_UDP);

  for (guint16 port = 0; port < 1000; port++)
    {
      const EwFlow flow = make_flow (1, 2, port, IPPROTO_UDP);

      ew_switch_flow_table_store (table, &flow, &first, 10);
    }
  g_assert_cmpuint (first.n, ==, 16); /* its own oldest was replaced */
  g_assert_cmpint (find (table, make_flow (1, 2, 999, IPPROTO_UDP), 10), ==, EW_FLOW_PASSES);
  g_assert_false (ew_switch_flow_table_store (table, &late, &second, 11));
  g_assert_cmpuint (second.n, ==, 0);
  g_assert_true (ew_switch_flow_table_store (table, &late, &second, 11 + EW_FLOW_IDLE_NEW));
  ew_switch_flow_table_forget (table, &first);
  ew_switch_flow_table_forget (table, &second);
  g_assert_cmpuint (first.n + second.n, ==, 0);
}

/* Threads that open, find, remove and forget at once: flows are never mixed up, and the counts are correct at the
   end. */

#define THREADS 4
#define ROUNDS 40000

typedef struct
{
  EwFlowTable *table;
  guint number;
  EwFlowOwner owner;
} Worker;

static void *
work (void *data)
{
  Worker *self = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (self->number);

  for (guint round = 0; round < ROUNDS; round++)
    {
      /* Which way a flow of these was opened is told by its port. */
      const guint16 port = (guint16)g_rand_int_range (rand, 0, 200);
      const EwFlow flow = port & 1 ? make_flow (2, 1, port, IPPROTO_UDP) : make_flow (1, 2, port, IPPROTO_UDP);
      gboolean opener = FALSE;

      if (ew_switch_flow_table_find (self->table, &flow, round / 1000, &opener) != EW_FLOW_UNKNOWN)
        g_assert_cmpint (opener, ==, flow.reversed);
      else
        ew_switch_flow_table_store (self->table, &flow, &self->owner, round / 1000);
      if (round % 64 == 0)
        ew_switch_flow_table_remove (self->table, &flow);
      if (round % 1000 == 0)
        ew_switch_flow_table_invalidate (self->table);
      if (round % 5000 == 0)
        ew_switch_flow_table_forget (self->table, &self->owner);
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (9, 128);
  Worker workers[THREADS] = { 0 };
  pthread_t threads[THREADS]; /* not GThread: thread sanitizers see through it */

  for (guint i = 0; i < THREADS; i++)
    {
      workers[i].table = table;
      workers[i].number = i;
      g_assert_cmpint (pthread_create (&threads[i], NULL, work, &workers[i]), ==, 0);
    }
  for (guint i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  for (guint i = 0; i < THREADS; i++)
    {
      ew_switch_flow_table_forget (table, &workers[i].owner);
      g_assert_cmpuint (workers[i].owner.n, ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/flow-table-hash-is-symmetric", test_both_directions);
  g_test_add_func ("/switch/flows/idle", test_idle);
  g_test_add_func ("/behaviour/flow-table-is-bounded-per-node", test_bounded);
  g_test_add_func ("/switch/flows/full", test_full);
  g_test_add_func ("/behaviour/flow-table-is-read-without-locks", test_threads);
  return g_test_run ();
}
