/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process that commits in a loop is killed in the middle of it, again and again, on one store: every revision that it
 * had acknowledged is there, whole, and nothing is half-done.
 */
#include "edge/store/store-private.h"
#include "store-helpers.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 30
#define PARTS 20 /* keys that each transaction writes, all with the same number */

/* The number N: all of /part/00…19 hold it, padded over several pages, and so does /total; /log/N is made, /log/N-10
 * deleted. */
static gint64
commit_number (EwStore *store, guint number)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autofree gchar *text = g_strdup_printf ("%0*u", (gint)(50 + number * 977 % 3000), number);
  g_autoptr (GBytes) value = bytes (text);
  g_autofree gchar *made = g_strdup_printf ("/log/%06u", number), *gone = g_strdup_printf ("/log/%06u", number - 10);
  gboolean succeeded;
  gint64 revision;
  for (guint i = 0; i < PARTS; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/part/%02u", i);
      ew_store_txn_put (txn, key, value);
    }
  ew_store_txn_put (txn, made, value);
  if (number > 10)
    ew_store_txn_delete (txn, gone);
  if (!ew_store_txn_commit (txn, &succeeded, &revision, NULL) || !succeeded)
    _exit (2);
  return revision;
}

typedef struct
{
  guint32 number;
  gint64 revision;
} Acknowledged;

/* Writes what was committed to the pipe: what the other end can read was acknowledged. */
static void
commit_for_ever (const gchar *path, guint number, int fd)
{
  EwStore *store = ew_store_open (path, NULL);
  if (store == NULL)
    _exit (1);
  gint64 lease = ew_store_lease_grant (store, 600);
  for (;;)
    {
      Acknowledged now = { .number = ++number };
      now.revision = commit_number (store, number);
      if (write (fd, &now, sizeof now) != sizeof now)
        _exit (3);
      if (number % 5 == 0)
        change_leased (store, "/presence", "x", lease);
      if (number % 7 == 0 && !ew_store_compact (store, now.revision - 20, NULL))
        _exit (4);
    }
}

static guint
number_of (EwStore *store, const gchar *key)
{
  g_autofree gchar *value = value_of (store, key);
  return value != NULL ? (guint)g_ascii_strtoull (value, NULL, 10) : 0;
}

/* Returns the number that the store holds, after checking that every key has it. */
static guint
check_whole (EwStore *store)
{
  guint number = number_of (store, "/part/00");
  g_autoptr (GPtrArray) log = ew_store_list (store, "/log/", NULL, 0, NULL, NULL);
  for (guint i = 0; i < PARTS; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/part/%02u", i);
      g_autoptr (EwStoreEntry) entry = ew_store_get (store, key, NULL);
      g_assert_cmpuint (number_of (store, key), ==, number);
      g_assert_cmpint (entry->version, ==, number);
    }
  g_assert_cmpuint (log->len, ==, MIN (number, 10));
  for (guint i = 0; i < log->len; i++)
    {
      const EwStoreEntry *entry = g_ptr_array_index (log, i);
      g_assert_cmpuint (g_ascii_strtoull (entry->key + strlen ("/log/"), NULL, 10), ==, number - log->len + 1 + i);
    }
  assert_value (store, "/presence", NULL);
  return number;
}

/* History up to the present: the last revision in it is a whole transaction, too. */
static void
count_event (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  guint *events = user_data;
  (*events)++;
}

static void
check_history (EwStore *store, guint number)
{
  guint events = 0;
  g_autoptr (EwStoreEntry) entry = ew_store_get (store, "/part/00", NULL);
  guint64 id = ew_store_watch (store, "/", entry->mod_revision, count_event, &events, NULL, NULL);
  g_assert_cmpuint (id, >, 0);
  run_pending ();
  g_assert_cmpuint (events, ==, PARTS + (number > 10 ? 2 : 1));
  ew_store_unwatch (store, id);
}

/* Lets a child work for a random time, kills it, and returns the last number that it acknowledged. */
static Acknowledged
work_and_kill (const gchar *path, guint number, guint *killed)
{
  int fds[2], status;
  Acknowledged last = { .number = number }, next;
  g_assert_cmpint (pipe (fds), ==, 0);
  pid_t child = fork ();
  if (child == 0)
    {
      close (fds[0]);
      commit_for_ever (path, number, fds[1]);
    }
  close (fds[1]);
  /* Wait until it works, then kill it anywhere in the next transactions. */
  g_assert_cmpint (read (fds[0], &last, sizeof last), ==, sizeof last);
  g_usleep ((gulong)g_test_rand_int_range (0, 40000)); /* real time: killed at any moment */
  kill (child, SIGKILL);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  *killed += WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;
  while (read (fds[0], &next, sizeof next) == sizeof next)
    last = next;
  close (fds[0]);
  return last;
}

static void
test_killed (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-kill-XXXXXX", NULL),
                   *path = g_build_filename (folder, "store.db", NULL);
  g_autofree gchar *wal = g_strconcat (path, "-wal", NULL);
  guint number = 0, killed = 0, in_flight = 0;
  gint64 revision = 0;
  for (guint round = 0; round < ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      Acknowledged last = work_and_kill (path, number, &killed);
      EwStore *store = ew_store_open (path, &error);
      g_assert_no_error (error);
      number = check_whole (store);
      check_history (store, number);
      g_assert_cmpuint (number, >=, last.number);     /* nothing acknowledged is lost */
      g_assert_cmpuint (number, <=, last.number + 1); /* at most the one on its way is there, too */
      g_assert_cmpint (ew_store_get_revision (store), >=, last.revision);
      g_assert_cmpint (last.revision, >, revision); /* and no revision was given twice */
      in_flight += number > last.number;
      revision = ew_store_get_revision (store);
      ew_store_close (store);
    }
  g_assert_cmpuint (killed, ==, ROUNDS);
  g_test_message ("%u transactions; %u times the last one was on the disk, not yet acknowledged", number, in_flight);
  g_unlink (path);
  g_unlink (wal);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/killed", test_killed);
  return g_test_run ();
}
