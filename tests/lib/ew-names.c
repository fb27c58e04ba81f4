/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd does for libnss_edgeway, without a tunnel: tests drive it by lines on stdin and get "ok" or an error
 * sentence for each.
 *
 *   ew-names FOLDER LEDGER
 *   works SUFFIX SERVICE PORT RANGE…   the tunnel is connected; domain corp.example, route 10.77.0.0/16    down … (the same)    none
 *   add, remove, undo                  nsswitch.conf
 *
 * KILL_AT in the environment: killed before the step whose name holds it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "names/answer.h"
#include "names/module.h"
#include "net/host-private.h"
#include "nss/nsswitch.h"

static const gchar *kill_at;

static void
on_step (const gchar *step)
{
  if (kill_at != NULL && strstr (step, kill_at) != NULL)
    raise (SIGKILL);
}

static void
configure (EwNamesAnswer *answer, gchar **words)
{
  EwNamesAnswerConfig config = { .suffix = words[1], .interface = "lo", .works = g_str_equal (words[0], "works") };
  EwPrefix ranges[8], route;
  const gchar *const domains[] = { "corp.example", NULL };
  EwIp service;

  g_assert_true (ew_ip_parse (words[2], &service));
  config.service = &service;
  config.n_service = 1;
  config.port = (guint16)g_ascii_strtoull (words[3], NULL, 10);
  for (gchar **word = words + 4; *word != NULL && config.n_ranges < G_N_ELEMENTS (ranges); word++)
    g_assert_true (ew_prefix_parse (*word, &ranges[config.n_ranges++], NULL));
  config.ranges = config.reverse = ranges;
  config.n_reverse = config.n_ranges;
  g_assert_true (ew_prefix_parse ("10.77.0.0/16", &route, NULL));
  config.routes = &route;
  config.n_routes = 1;
  config.domains = domains;
  if (g_getenv ("INTERFACE") != NULL)
    config.interface = g_getenv ("INTERFACE");
  ew_names_answer_configure (answer, &config);
}

int
main (int argc, char **argv)
{
  static EwNamesContest contest;
  g_autoptr (GError) error = NULL;
  gchar line[1024];

  kill_at = g_getenv ("KILL_AT");
  ew_log_init ("ew-names");
  if (g_getenv ("NO_KEEPER") == NULL)
    g_assert_true (ew_nsswitch_start_keeper ());
  ew_host_step_hook = on_step;
  g_autoptr (EwHost) host = ew_host_new (argv[2], &error);
  g_assert_no_error (error);
  ew_names_module_register (host);
  g_autoptr (EwNamesAnswer) answer = ew_names_answer_new (argv[1], &error);
  g_assert_no_error (error);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", -1);
      gboolean done = TRUE;

      g_clear_error (&error);
      if (g_str_equal (words[0], "works") || g_str_equal (words[0], "down"))
        configure (answer, words);
      else if (g_str_equal (words[0], "none"))
        ew_names_answer_configure (answer, NULL);
      else if (g_str_equal (words[0], "add"))
        done = ew_names_module_use (host, TRUE, &contest, &error);
      else if (g_str_equal (words[0], "remove"))
        done = ew_names_module_use (host, FALSE, &contest, &error);
      else
        done = ew_host_undo_all (host, &error);
      printf ("%s\n", done ? "ok" : error != NULL ? error->message : "failed");
      fflush (stdout);
    }
  return 0;
}
