/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search for the path's MTU under a fake clock, over a simulated path: it has a limit each way, a round trip, and
 * loses what a test says.
 */
#include "tunnel/path-mtu.h"

#define S EW_PATH_SECOND
#define MS (S / 1000)
#define TOP 1420
#define FLYING_MAX 64

typedef struct
{
  EwPathProbe probe;
  guint32 generation;
  gint64 arrives; /* 0: free */
} Flying;

typedef struct
{
  EwPathMtu path;
  guint16 takes[EW_PATH_WAYS];
  gint64 now, rtt;
  gboolean silent;  /* an edge that knows no such probes */
  guint lose_every; /* the first of so many; 0: none */
  guint sent;
  gsize bytes;
  Flying flying[FLYING_MAX];
  gint64 narrowed; /* when what is known first was no more than the path takes; -1: not yet */
} Sim;

static const guint16 unknown[EW_PATH_WAYS];

static void
fly (Sim *sim, const EwPathProbes *probes)
{
  for (guint i = 0; i < probes->n; i++)
    {
      const EwPathProbe *probe = &probes->probes[i];
      const gboolean lost = sim->lose_every != 0 && sim->sent % sim->lose_every == 0;
      sim->sent++;
      sim->bytes += probe->size;
      if (sim->silent || lost || probe->size > sim->takes[EW_PATH_UP] || probe->answer > sim->takes[EW_PATH_DOWN])
        continue;
      guint at = 0;
      while (sim->flying[at].arrives != 0)
        g_assert_cmpuint (++at, <, FLYING_MAX);
      sim->flying[at] = (Flying){ *probe, sim->path.generation, sim->now + sim->rtt };
    }
}

static void
note_narrowed (Sim *sim)
{
  gboolean fits = TRUE;
  for (guint way = 0; way < EW_PATH_WAYS; way++)
    {
      const guint16 known = ew_path_mtu_get (&sim->path, way);
      fits = fits && (sim->takes[way] >= TOP || (known != 0 && known <= sim->takes[way]));
    }
  if (fits && sim->narrowed < 0)
    sim->narrowed = sim->now;
}

/* Until then, or until nothing is under way. */
static void
run (Sim *sim, gint64 until)
{
  for (;;)
    {
      gint64 next = ew_path_mtu_deadline (&sim->path);
      Flying *first = NULL;
      for (guint i = 0; i < FLYING_MAX; i++)
        if (sim->flying[i].arrives != 0 && sim->flying[i].arrives <= next)
          {
            first = &sim->flying[i];
            next = first->arrives;
          }
      if (next == G_MAXINT64 || next > until)
        break;
      EwPathProbes probes = { 0 };
      sim->now = MAX (sim->now, next);
      if (first)
        {
          const Flying landed = *first;
          first->arrives = 0;
          ew_path_mtu_answered (&sim->path, landed.generation, landed.probe.size, landed.probe.answer, sim->now,
                                &probes);
        }
      else
        ew_path_mtu_tick (&sim->path, sim->now, &probes);
      fly (sim, &probes);
      note_narrowed (sim);
    }
  if (until != G_MAXINT64)
    sim->now = MAX (sim->now, until);
}

static void
begin (Sim *sim, guint16 up, guint16 down, const guint16 remembered[EW_PATH_WAYS])
{
  EwPathProbes probes = { 0 };
  sim->now = S;
  sim->narrowed = -1;
  sim->rtt = sim->rtt ? sim->rtt : 40 * MS;
  sim->takes[EW_PATH_UP] = up;
  sim->takes[EW_PATH_DOWN] = down;
  ew_path_mtu_begin (&sim->path, TOP, remembered, sim->now, &probes);
  fly (sim, &probes);
}

static void
be_busy (Sim *sim, gint64 how_long)
{
  const gint64 until = sim->now + how_long;
  while (sim->now < until)
    {
      EwPathProbes probes = { 0 };
      ew_path_mtu_busy (&sim->path, sim->now, &probes);
      fly (sim, &probes);
      run (sim, MIN (sim->now + S, until));
    }
}

/* The largest size that is tried and fits. */
static guint16
best (guint16 takes)
{
  return takes >= TOP ? TOP : takes / EW_PATH_STEP * EW_PATH_STEP;
}

static void
assert_known (Sim *sim, guint16 up, guint16 down)
{
  g_assert_cmpuint (ew_path_mtu_get (&sim->path, EW_PATH_UP), ==, up);
  g_assert_cmpuint (ew_path_mtu_get (&sim->path, EW_PATH_DOWN), ==, down);
}

/* A path that takes all is known after one round trip, and then the edge is told. */
static void
test_whole (void)
{
  Sim sim = { 0 };
  begin (&sim, TOP, TOP, unknown);
  run (&sim, sim.now + sim.rtt);
  assert_known (&sim, TOP, TOP);
  g_assert_cmpint (sim.narrowed, ==, S + sim.rtt);
  run (&sim, G_MAXINT64);
  g_assert_cmpint (sim.path.state, ==, EW_PATH_SETTLED);
  g_assert_cmpuint (sim.sent, ==, 2 * 3 + 1);
  g_assert_cmpuint (sim.bytes, <, 5 * 1024);
}

/* Every size, each way: found exactly, within a few seconds and a few dozen probes; what's too large isn't sent any more
   after two tries. */
static void
test_every_size (void)
{
  for (guint up = EW_PATH_FLOOR; up <= TOP + 20; up++)
    {
      const guint down = EW_PATH_FLOOR + (up * 37) % (TOP + 20 - EW_PATH_FLOOR);
      Sim sim = { 0 };
      begin (&sim, (guint16)up, (guint16)down, unknown);
      run (&sim, G_MAXINT64);
      assert_known (&sim, best ((guint16)up), best ((guint16)down));
      g_assert_cmpint (sim.now - S, <, 3 * S);
      g_assert_cmpuint (sim.sent, <=, 48);
      g_assert_cmpint (sim.narrowed - S, <=, EW_PATH_TRIES * (2 * sim.rtt + EW_PATH_MARGIN));
    }
}

/* Loss makes the result no larger than the path, and a tenth of loss seldom smaller. */
static void
test_loss (void)
{
  guint smaller = 0, all = 0;
  for (guint every = 3; every <= 30; every++)
    for (guint takes = 900; takes <= TOP; takes += 13)
      {
        Sim sim = { .lose_every = every };
        begin (&sim, (guint16)takes, (guint16)takes, unknown);
        run (&sim, G_MAXINT64);
        for (guint way = 0; way < EW_PATH_WAYS; way++)
          {
            const guint16 known = ew_path_mtu_get (&sim.path, way);
            g_assert_cmpuint (known, <=, takes);
            smaller += known < best ((guint16)takes);
            all++;
          }
      }
  g_assert_cmpuint (smaller * 20, <, all);
}

/* An edge of an earlier version: nothing is known, and nothing is limited. */
static void
test_silent (void)
{
  Sim sim = { .silent = TRUE };
  begin (&sim, TOP, TOP, unknown);
  run (&sim, G_MAXINT64);
  assert_known (&sim, 0, 0);
  g_assert_cmpint (sim.path.state, ==, EW_PATH_SETTLED);
  const guint sent = sim.sent;
  be_busy (&sim, 60 * S);
  g_assert_cmpuint (sim.sent, ==, sent);
}

static void
test_remembered (void)
{
  const guint16 before[EW_PATH_WAYS] = { 1040, 1408 };
  Sim sim = { 0 };
  begin (&sim, 1050, 1412, before);
  assert_known (&sim, 1040, 1408); /* before anything came back */
  run (&sim, G_MAXINT64);
  assert_known (&sim, 1040, 1408);
  Sim wider = { 0 };
  begin (&wider, TOP, TOP, before);
  run (&wider, G_MAXINT64);
  assert_known (&wider, TOP, TOP);
  Sim narrower = { 0 };
  begin (&narrower, 900, 900, before);
  run (&narrower, G_MAXINT64);
  assert_known (&narrower, 896, 896);
}

/* Traffic on a path that becomes narrower: found within nine seconds. Quiet: nothing is sent. */
static void
test_narrows (void)
{
  Sim sim = { 0 };
  begin (&sim, TOP, TOP, unknown);
  run (&sim, G_MAXINT64);
  const guint sent = sim.sent;
  run (&sim, sim.now + 3600 * S);
  g_assert_cmpuint (sim.sent, ==, sent);
  be_busy (&sim, 30 * S);
  g_assert_cmpuint (sim.sent - sent, <=, 11);
  sim.takes[EW_PATH_DOWN] = 1300;
  sim.narrowed = -1;
  const gint64 then = sim.now;
  be_busy (&sim, 12 * S);
  assert_known (&sim, TOP, 1296);
  g_assert_cmpint (sim.narrowed - then, <, 6 * S);
}

static void
test_raised (void)
{
  Sim sim = { 0 };
  begin (&sim, 1300, 1300, unknown);
  run (&sim, G_MAXINT64);
  sim.takes[EW_PATH_UP] = sim.takes[EW_PATH_DOWN] = TOP;
  be_busy (&sim, EW_PATH_RAISE - 10 * S);
  assert_known (&sim, 1296, 1296);
  be_busy (&sim, 20 * S);
  assert_known (&sim, TOP, TOP);
}

/* A path so slow that every answer is late: what passed is believed after all, and it comes to an end. */
static void
test_late (void)
{
  Sim sim = { .rtt = 5 * S };
  begin (&sim, TOP, TOP, unknown);
  run (&sim, G_MAXINT64);
  g_assert_cmpint (sim.path.state, ==, EW_PATH_SETTLED);
  g_assert_cmpuint (sim.sent, <=, 80);
  Sim late = { .rtt = 1500 * MS };
  begin (&late, TOP, TOP, unknown);
  run (&late, G_MAXINT64);
  assert_known (&late, TOP, TOP);
}

/* Answers to an earlier search, after stop(), and doubled ones. */
static void
test_foreign_answers (void)
{
  EwPathProbes probes = { 0 };
  Sim sim = { 0 };
  begin (&sim, 1300, 1300, unknown);
  ew_path_mtu_answered (&sim.path, sim.path.generation - 1, TOP, TOP, sim.now, &probes);
  g_assert_cmpuint (probes.n, ==, 0);
  run (&sim, G_MAXINT64);
  assert_known (&sim, 1296, 1296);
  ew_path_mtu_answered (&sim.path, sim.path.generation, 1296, 1296, sim.now, &probes);
  ew_path_mtu_answered (&sim.path, sim.path.generation, 1296, 1296, sim.now, &probes);
  g_assert_cmpuint (probes.n, ==, 0);
  const guint32 generation = sim.path.generation;
  ew_path_mtu_stop (&sim.path, FALSE);
  ew_path_mtu_answered (&sim.path, generation, TOP, TOP, sim.now, &probes);
  ew_path_mtu_busy (&sim.path, sim.now + 9 * S, &probes);
  ew_path_mtu_tick (&sim.path, sim.now + 9 * S, &probes);
  g_assert_cmpuint (probes.n, ==, 0);
  g_assert_cmpint (ew_path_mtu_deadline (&sim.path), ==, G_MAXINT64);
  assert_known (&sim, 1296, 1296);
  ew_path_mtu_stop (&sim.path, TRUE);
  assert_known (&sim, 0, 0);
}

/* A mesh of jumbo packets. */
static void
test_jumbo (void)
{
  for (guint takes = 700; takes < 9100; takes += 91)
    {
      EwPathProbes probes = { 0 };
      Sim sim = { .now = S, .rtt = 10 * MS, .takes = { (guint16)takes, 9000 } };
      ew_path_mtu_begin (&sim.path, 9000, unknown, sim.now, &probes);
      fly (&sim, &probes);
      run (&sim, G_MAXINT64);
      assert_known (&sim, (guint16)(takes >= 9000 ? 9000 : takes / EW_PATH_STEP * EW_PATH_STEP), 9000);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tunnel/path-mtu/whole", test_whole);
  g_test_add_func ("/tunnel/path-mtu/every-size", test_every_size);
  g_test_add_func ("/tunnel/path-mtu/loss", test_loss);
  g_test_add_func ("/tunnel/path-mtu/silent", test_silent);
  g_test_add_func ("/tunnel/path-mtu/remembered", test_remembered);
  g_test_add_func ("/tunnel/path-mtu/narrows", test_narrows);
  g_test_add_func ("/tunnel/path-mtu/raised", test_raised);
  g_test_add_func ("/tunnel/path-mtu/late", test_late);
  g_test_add_func ("/tunnel/path-mtu/foreign-answers", test_foreign_answers);
  g_test_add_func ("/tunnel/path-mtu/jumbo", test_jumbo);
  return g_test_run ();
}
