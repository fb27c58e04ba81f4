/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Translated flows: what is stored, taken, forgotten; and threads that fight for the same ports.
 */
#include <netinet/in.h>
#include <string.h>

#include "edge/nat/states.h"

#define NOW 1000

/* A call of caller 100.96.1.X from `port`, shown with `shown`, to one target. */
static EwNatState
make_flow (guint8 x, guint16 port, guint16 shown)
{
  const EwIp caller = ew_ip_from_v4 (0x64600100u + x), service = ew_ip_from_v4 (0x646f0001u),
             edge = ew_ip_from_v4 (0x64600001u), target = ew_ip_from_v4 (0x646001ffu);

  return (EwNatState){
    .way = EW_NAT_CALL,
    .before = { caller, service, port, 80, IPPROTO_TCP },
    .after = { shown != port ? edge : caller, target, shown, 8123, IPPROTO_TCP },
    .service = 7,
    .generation = 3,
  };
}

static gboolean
same_tuple (const EwNatTuple *a, const EwNatTuple *b)
{
  return ew_ip_equal (&a->source, &b->source) && ew_ip_equal (&a->destination, &b->destination)
         && a->source_port == b->source_port && a->destination_port == b->destination_port
         && a->protocol == b->protocol;
}

static void
expect_flow (EwNatStates *states, const EwNatState *flow, guint32 now, gboolean there)
{
  const EwNatTuple reply = ew_nat_tuple_reverse (&flow->after), back = ew_nat_tuple_reverse (&flow->before);
  EwNatState found;

  g_assert_cmpint (ew_nat_states_find (states, EW_NAT_CALL, &flow->before, now, &found), ==, there);
  if (there)
    g_assert_true (same_tuple (&found.after, &flow->after) && found.service == 7 && found.way == EW_NAT_CALL);
  g_assert_cmpint (ew_nat_states_find (states, EW_NAT_REPLY, &reply, now, &found), ==, there);
  if (there)
    g_assert_true (same_tuple (&found.after, &back) && found.service == 7 && found.way == EW_NAT_REPLY);
}

static void
test_both_ways (void)
{
  g_autoptr (EwNatStates) states = ew_nat_states_new (1, 64);
  const EwNatState flow = make_flow (1, 5000, 5000), other = make_flow (1, 5000, 6000);
  EwNatOwner owner = { 0 };
  EwNatState found;

  expect_flow (states, &flow, NOW, FALSE);
  g_assert_cmpint (ew_nat_states_add (states, &flow, &owner, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpint (ew_nat_states_add (states, &flow, &owner, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpuint (owner.n, ==, 2);
  expect_flow (states, &flow, NOW, TRUE);
  /* The same call, shown otherwise: nothing of the former is left. */
  g_assert_cmpint (ew_nat_states_add (states, &other, &owner, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpuint (owner.n, ==, 2);
  expect_flow (states, &other, NOW, TRUE);
  const EwNatTuple reply = ew_nat_tuple_reverse (&flow.after);
  g_assert_true (ew_nat_states_is_free (states, EW_NAT_REPLY, &reply, NOW));
  g_assert_true (ew_nat_states_find (states, EW_NAT_CALL, &other.before, NOW, &found));
  ew_nat_states_remove (states, &found);
  expect_flow (states, &other, NOW, FALSE);
  g_assert_cmpuint (owner.n, ==, 0);
}

static void
test_taken (void)
{
  g_autoptr (EwNatStates) states = ew_nat_states_new (1, 64);
  const EwNatState first = make_flow (1, 5000, 20000), second = make_flow (2, 5000, 20000),
                   direct = make_flow (3, 5000, 5000);
  const EwNatTuple reply = ew_nat_tuple_reverse (&direct.after);
  EwNatOwner a = { 0 }, b = { 0 };

  g_assert_cmpint (ew_nat_states_add (states, &first, &a, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpint (ew_nat_states_add (states, &second, &b, NOW), ==, EW_NAT_TAKEN);
  g_assert_cmpuint (b.n, ==, 0);
  g_assert_cmpint (ew_nat_states_add (states, &second, &b, NOW + EW_NAT_IDLE_NEW + 1), ==, EW_NAT_ADDED);
  g_assert_true (ew_nat_states_is_free (states, EW_NAT_CALL, &first.before, NOW)); /* both ways were removed */
  g_assert_cmpuint (a.n, ==, 0);
  g_assert_cmpint (ew_nat_states_add_direct (states, &reply, &a, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpint (ew_nat_states_add_direct (states, &reply, &a, NOW), ==, EW_NAT_ADDED);
  g_assert_cmpint (ew_nat_states_add (states, &direct, &b, NOW), ==, EW_NAT_TAKEN);
  g_assert_cmpuint (a.n, ==, 1);
}

static void
touch_way (EwNatStates *states, EwNatWay way, const EwNatState *flow, guint8 flags, guint32 now)
{
  const EwNatTuple reply = ew_nat_tuple_reverse (&flow->after);
  EwNatState found;

  g_assert_true (ew_nat_states_find (states, way, way == EW_NAT_CALL ? &flow->before : &reply, now, &found));
  g_assert_true (ew_nat_states_touch (states, &found, flags, 3, now));
}

typedef struct
{
  const gchar *what;
  guint8 from_caller, from_target; /* flags */
  guint32 lives;
} Idle;

static const Idle idle[] = {
  { "no reply", 0, 0, EW_NAT_IDLE_NEW },
  { "replied", 0, EW_NAT_REPLIED, EW_NAT_IDLE_TCP },
  { "one end closed", EW_NAT_CALLER_CLOSED, EW_NAT_REPLIED, EW_NAT_IDLE_HALF },
  { "both closed", EW_NAT_CALLER_CLOSED, EW_NAT_REPLIED | EW_NAT_TARGET_CLOSED, EW_NAT_IDLE_CLOSED },
  { "reset", EW_NAT_RESET, EW_NAT_REPLIED, EW_NAT_IDLE_CLOSED },
  { "reset by the target", 0, EW_NAT_RESET, EW_NAT_IDLE_CLOSED },
};

/* Either way keeps both alive. */
static void
test_idle (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (idle); i++)
    for (guint way = 0; way < 2; way++)
      {
        g_autoptr (EwNatStates) states = ew_nat_states_new (1, 64);
        const EwNatState flow = make_flow (1, 5000, 20000);
        EwNatOwner owner = { 0 };

        g_assert_cmpint (ew_nat_states_add (states, &flow, &owner, NOW), ==, EW_NAT_ADDED);
        touch_way (states, EW_NAT_CALL, &flow, idle[i].from_caller, NOW);
        touch_way (states, EW_NAT_REPLY, &flow, idle[i].from_target, NOW);
        for (guint32 now = NOW; now < NOW + 3 * idle[i].lives; now += idle[i].lives)
          touch_way (states, (EwNatWay)way, &flow, 0, now);
        expect_flow (states, &flow, NOW + 3 * idle[i].lives, TRUE);
        expect_flow (states, &flow, NOW + 3 * idle[i].lives + 1, FALSE);
      }
}

static void
test_forget (void)
{
  g_autoptr (EwNatStates) states = ew_nat_states_new (1, 4096);
  EwNatOwner owners[2] = { 0 };

  for (guint i = 0; i < 400; i++)
    {
      const EwNatState flow = make_flow ((guint8)(1 + i % 2), (guint16)(1000 + i), (guint16)(20000 + i));

      g_assert_cmpint (ew_nat_states_add (states, &flow, &owners[i % 2], NOW), ==, EW_NAT_ADDED);
    }
  g_assert_cmpuint (owners[0].n, ==, 400);
  ew_nat_states_forget (states, &owners[0]);
  g_assert_cmpuint (owners[0].n, ==, 0);
  g_assert_cmpuint (owners[1].n, ==, 400);
  for (guint i = 0; i < 400; i++)
    {
      const EwNatState flow = make_flow ((guint8)(1 + i % 2), (guint16)(1000 + i), (guint16)(20000 + i));

      expect_flow (states, &flow, NOW, i % 2 == 1);
    }
}

/* A table that is full of living flows keeps them, and counts right. */
static void
test_full (void)
{
  g_autoptr (EwNatStates) states = ew_nat_states_new (1, 128);
  EwNatOwner owners[64] = { 0 };
  guint added = 0, n = 0;

  for (guint i = 0; i < 2000; i++)
    {
      const EwNatState flow = make_flow ((guint8)(i % 64), (guint16)(1000 + i), (guint16)(20000 + i));

      added += ew_nat_states_add (states, &flow, &owners[i % 64], NOW) == EW_NAT_ADDED;
    }
  for (guint i = 0; i < 64; i++)
    n += owners[i].n;
  g_assert_cmpuint (n, <=, 128);
  g_assert_cmpuint (n, >, 100);
  g_assert_cmpuint (added, >=, n / 2);
  for (guint i = 0; i < 64; i++)
    ew_nat_states_forget (states, &owners[i]);
  for (guint i = 0; i < 64; i++)
    g_assert_cmpuint (owners[i].n, ==, 0);
}

/* Threads. */

#define THREADS 8
#define ROUNDS 60000
#define PORTS 3 /* far fewer than they want: two threads add the same one at once in one run of five */

typedef struct
{
  EwNatStates *states;
  guint8 x;
  EwNatOwner owner;
  atomic_uint *holders; /* of each port */
  guint got, clashes;
} Worker;

/* Takes a port, is the only one that has it for a while, and gives it back. */
static gpointer
fight (gpointer data)
{
  Worker *self = data;

  for (guint i = 0; i < ROUNDS; i++)
    {
      const guint port = (i * 7 + self->x) % PORTS;
      const EwNatState flow = make_flow (self->x, (guint16)(1000 + i % 50), (guint16)(20000 + port));
      const EwNatTuple reply = ew_nat_tuple_reverse (&flow.after), back = ew_nat_tuple_reverse (&flow.before);
      EwNatState found;

      if (ew_nat_states_add (self->states, &flow, &self->owner, NOW) != EW_NAT_ADDED)
        continue;
      self->got++;
      self->clashes += atomic_fetch_add (&self->holders[port], 1) != 0;
      if (ew_nat_states_find (self->states, EW_NAT_REPLY, &reply, NOW, &found))
        self->clashes += !same_tuple (&found.after, &back);
      atomic_fetch_sub (&self->holders[port], 1);
      if (ew_nat_states_find (self->states, EW_NAT_CALL, &flow.before, NOW, &found))
        ew_nat_states_remove (self->states, &found);
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (EwNatStates) states = ew_nat_states_new (1, 1024);
  atomic_uint holders[PORTS] = { 0 };
  Worker workers[THREADS];
  GThread *threads[THREADS];

  for (guint i = 0; i < THREADS; i++)
    {
      workers[i] = (Worker){ .states = states, .x = (guint8)(i + 1), .holders = holders };
      threads[i] = g_thread_new (NULL, fight, &workers[i]);
    }
  for (guint i = 0; i < THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpuint (workers[i].got, >, 0);
      g_assert_cmpuint (workers[i].clashes, ==, 0);
    }
  for (guint i = 0; i < THREADS; i++)
    ew_nat_states_forget (states, &workers[i].owner);
  for (guint i = 0; i < THREADS; i++)
    g_assert_cmpuint (workers[i].owner.n, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nat/states/both-ways", test_both_ways);
  g_test_add_func ("/nat/states/taken", test_taken);
  g_test_add_func ("/nat/states/idle", test_idle);
  g_test_add_func ("/nat/states/forget", test_forget);
  g_test_add_func ("/nat/states/full", test_full);
  g_test_add_func ("/nat/states/threads", test_threads);
  return g_test_run ();
}
