/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Thousands of random histories (history.h), each from its seed. The first that breaks a promise ends the program,
 * which prints how to repeat it.
 *
 *   test-histories [--from N] [--count N]      seeds N, N + 1, …; 1 and 1000 unless said otherwise
 *   test-histories --seed N [--trace]          this one; --trace tells it
 */
#include "history.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REPORT 1000 /* histories in a line of TAP */
#define HANGS_S 60  /* a history takes some hundredths of a second: this one never ends */

void __attribute__ ((weak)) __sanitizer_set_death_callback (void (*callback) (void));

/* Async-signal-safe: this may be a crash. */
static void
print_seed (void)
{
  char line[96];
  int n = snprintf (line, sizeof line, "Bail out! crashed or hangs: test-histories --seed %llu --trace\n",
                    (unsigned long long)history_current_seed);
  if (write (STDOUT_FILENO, line, (size_t)n) < 0)
    _exit (2);
}

static void
on_signal (int number)
{
  print_seed ();
  signal (number, SIG_DFL);
  raise (number);
}

static void
run_many (uint64_t from, uint64_t count)
{
  HistoryTotals totals = { 0 };
  unsigned line = 0;
  for (uint64_t i = 0; i < count; i++)
    {
      alarm (HANGS_S);
      history_run (from + i, FALSE, &totals);
      if ((i + 1) % REPORT == 0 || i + 1 == count)
        printf ("ok %u - %" G_GUINT64_FORMAT " histories\n", ++line, totals.histories);
      fflush (stdout);
    }
  printf ("# %" G_GUINT64_FORMAT " packets sent, %" G_GUINT64_FORMAT " delivered; %" G_GUINT64_FORMAT
          " datagrams, %" G_GUINT64_FORMAT " of them in streams, %" G_GUINT64_FORMAT
          " ends of handshakes; healed after %.0f s at most\n1..%u\n",
          totals.sent, totals.delivered, totals.datagrams, totals.streamed, totals.handshakes,
          (double)totals.slowest_heal_ns / (double)SECOND, line);
}

int
main (int argc, char **argv)
{
  gint64 seed = -1, from = 1, count = 1000;
  gboolean trace = FALSE;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Run this history only", "N" },
    { "trace", 0, 0, G_OPTION_ARG_NONE, &trace, "Tell what happens in it", NULL },
    { "from", 0, 0, G_OPTION_ARG_INT64, &from, "The first seed", "N" },
    { "count", 0, 0, G_OPTION_ARG_INT64, &count, "How many histories", "N" },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- random histories of a mesh");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 2;
    }
  signal (SIGABRT, on_signal);
  signal (SIGALRM, on_signal);
  if (__sanitizer_set_death_callback != NULL)
    __sanitizer_set_death_callback (print_seed);
  else
    signal (SIGSEGV, on_signal);
  if (seed < 0)
    {
      run_many ((uint64_t)from, (uint64_t)count);
      return EXIT_SUCCESS;
    }
  HistoryTotals totals = { 0 };
  history_run ((uint64_t)seed, trace, &totals);
  printf ("ok 1 - seed %" G_GINT64_FORMAT "\n1..1\n", seed);
  return EXIT_SUCCESS;
}
