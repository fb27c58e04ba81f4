/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory that is freed while others read: the grace period itself, and the two structures that lanes follow without a
 * lock, each changed by one thread while others search it.
 */
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "proto/allowed-ips.h"
#include "proto/table.h"

typedef struct
{
  EwGraceItem item;
  guint *released;
} Thing;

static void
release (EwGraceItem *item)
{
  (*((Thing *)item)->released)++;
}

static void
test_grace (void)
{
  EwGrace grace;
  guint released = 0;
  Thing things[4]
    = { { .released = &released }, { .released = &released }, { .released = &released }, { .released = &released } };

  ew_grace_init (&grace);
  ew_grace_retire (&grace, &things[0].item, release); /* no reader is inside */
  g_assert_cmpuint (released, ==, 1);

  ew_grace_enter (&grace, 1);
  ew_grace_retire (&grace, &things[1].item, release);
  g_assert_cmpuint (released, ==, 1);
  ew_grace_enter (&grace, 2); /* has never seen it */
  ew_grace_retire (&grace, &things[2].item, release);
  ew_grace_leave (&grace, 1);
  g_assert_true (ew_grace_collect (&grace));
  g_assert_cmpuint (released, ==, 2);
  ew_grace_leave (&grace, 2);
  ew_grace_enter (&grace, 2); /* another batch */
  g_assert_false (ew_grace_collect (&grace));
  g_assert_cmpuint (released, ==, 3);

  ew_grace_retire (&grace, &things[3].item, release);
  g_assert_cmpuint (released, ==, 3);
  ew_grace_clear (&grace);
  g_assert_cmpuint (released, ==, 4);
}

/* Readers and a writer. */

#define READERS 2
#define ROUNDS 20000 /* changes, at least */
#define LOOKS 100    /* of each reader, at least */
#define STABLE 32    /* values that are always there */
#define MOVING 64    /* … and that come and go */

typedef struct
{
  EwGrace grace;
  EwTable table;
  EwAllowedIps ips;
  EwAllowedIp *lists[2]; /* of the owners of what stays, and of what moves */
  atomic_bool end;
} Ground;

typedef struct
{
  Ground *ground;
  unsigned number;
  atomic_uint rounds;
} Reader;

static guint32 values[STABLE + MOVING];

static EwPeer *
owner (guint i)
{
  return (EwPeer *)&values[i]; /* never followed */
}

static guint32
hash_of (guint i)
{
  return i * 7 % 61; /* many have the same */
}

static void
find_all (Ground *ground)
{
  for (guint i = 0; i < STABLE; i++)
    {
      gsize cursor = EW_TABLE_START;
      void *value;
      do
        value = ew_table_next (&ground->table, hash_of (i), &cursor);
      while (value != NULL && value != &values[i]);
      g_assert_true (value == &values[i]);
    }
}

/* 10.I.0.0/16 stays; 10.I.J.0/24 and longer ones come and go. */
static void
look_up_all (Ground *ground)
{
  for (guint i = 0; i < STABLE; i++)
    {
      const guint8 covered[4] = { 10, (guint8)i, (guint8)(i * 5), 1 }, apart[4] = { 10, (guint8)i, 255, 255 };
      const EwPeer *found = ew_allowed_ips_lookup (&ground->ips, EW_FAMILY_V4, covered);
      g_assert_true (found == owner (0) || found == owner (1));
      g_assert_true (ew_allowed_ips_lookup (&ground->ips, EW_FAMILY_V4, apart) == owner (0));
    }
}

static void *
read_on (void *data)
{
  Reader *reader = data;

  while (!atomic_load (&reader->ground->end))
    {
      ew_grace_enter (&reader->ground->grace, reader->number);
      find_all (reader->ground);
      look_up_all (reader->ground);
      ew_grace_leave (&reader->ground->grace, reader->number);
      atomic_fetch_add (&reader->rounds, 1);
    }
  return NULL;
}

static EwPrefix
moving_prefix (guint i, guint length)
{
  EwPrefix prefix
    = { .ip = { .family = EW_FAMILY_V4, .bytes = { 10, (guint8)(i % STABLE), (guint8)(i % STABLE * 5), 1 } },
        .length = (guint8)length };

  return prefix;
}

static void
change (Ground *ground, GRand *rand, gboolean there[MOVING])
{
  const guint i = (guint)g_rand_int_range (rand, 0, MOVING), length = (guint)g_rand_int_range (rand, 20, 33);
  const EwPrefix prefix = moving_prefix (i, length);

  if (there[i])
    ew_table_remove (&ground->table, hash_of (STABLE + i), &values[STABLE + i]);
  else
    g_assert_true (ew_table_insert (&ground->table, hash_of (STABLE + i), &values[STABLE + i]));
  there[i] = !there[i];
  if (g_rand_boolean (rand))
    g_assert_true (ew_allowed_ips_add (&ground->ips, &prefix, owner (1), &ground->lists[1]));
  else
    ew_allowed_ips_remove (&ground->ips, &prefix, owner (1));
  if (g_rand_int_range (rand, 0, 500) == 0)
    ew_allowed_ips_remove_list (&ground->ips, &ground->lists[1]);
}

static void
test_readers (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  static Ground ground;
  gboolean there[MOVING] = { FALSE };
  pthread_t threads[READERS];
  Reader readers[READERS];

  memset (&ground, 0, sizeof ground);
  ew_grace_init (&ground.grace);
  ground.table.grace = &ground.grace;
  ew_allowed_ips_init (&ground.ips, &ground.grace);
  for (guint i = 0; i < STABLE; i++)
    {
      const EwPrefix prefix = { .ip = { .family = EW_FAMILY_V4, .bytes = { 10, (guint8)i } }, .length = 16 };
      g_assert_true (ew_allowed_ips_add (&ground.ips, &prefix, owner (0), &ground.lists[0]));
      g_assert_true (ew_table_insert (&ground.table, hash_of (i), &values[i]));
    }
  for (guint i = 0; i < READERS; i++)
    {
      readers[i] = (Reader){ .ground = &ground, .number = i + 1 };
      g_assert_cmpint (pthread_create (&threads[i], NULL, read_on, &readers[i]), ==, 0);
    }
  for (guint i = 0; i < ROUNDS || atomic_load (&readers[0].rounds) < LOOKS || atomic_load (&readers[1].rounds) < LOOKS;
       i++)
    change (&ground, rand, there);
  atomic_store (&ground.end, true);
  for (guint i = 0; i < READERS; i++)
    pthread_join (threads[i], NULL);
  g_assert_false (ew_grace_collect (&ground.grace));
  for (guint i = 0; i < 2; i++)
    ew_allowed_ips_remove_list (&ground.ips, &ground.lists[i]);
  ew_allowed_ips_clear (&ground.ips);
  ew_table_clear (&ground.table);
  ew_grace_clear (&ground.grace);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/grace/period", test_grace);
  g_test_add_func ("/grace/readers-beside-a-writer", test_readers);
  return g_test_run ();
}
