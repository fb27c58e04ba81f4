/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Drives daemon/net from a test: commands from stdin, one a line, an answer of one line each ("ok", "error CODE
 * SENTENCE"). Never installed.
 *
 *   ew-host LEDGER [KILL_AT]     KILL_AT: the process kills itself (SIGKILL) at this step, counted from 1
 *
 *   apply interface=NAME mtu=N address=IP… route=CIDR… forward=CIDR… mesh=CIDR… [vpn] [dns=IP…] [lan-names]
 *         [lan-blocked] [exclude=CIDR…] [include=CIDR…] [fix=CHECK…]
 *   problems      (those of the last apply, looked at now: SENTENCE FIX; …)
 *   undo          empty        steps        (how many steps so far)
 *   troubles      (what is missing; another program's route inside Edgeway's)
 *   facts         refusal CIDR [EDGE…]      diagnose [edge=IP] CIDR…      watch      run SECONDS
 */
#include "net/host-private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static guint steps, kill_at, events;

static void
on_step (const gchar *step)
{
  steps++;
  if (g_getenv ("EW_HOST_STEPS") != NULL)
    g_printerr ("%u %s\n", steps, step);
  if (steps == kill_at)
    kill (getpid (), SIGKILL);
}

static void
answer (gboolean done, GError **error)
{
  if (done)
    printf ("ok\n");
  else
    printf ("error %d %s\n", (*error)->code, (*error)->message);
}

static void
apply (EwHost *host, gchar **words)
{
  EwHostConfig config = { .interface = "edgeway0", .mtu = 1420 };
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  g_autoptr (GArray) servers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  GArray *lists[5];
  static const gchar *const keys[5] = { "route=", "forward=", "mesh=", "exclude=", "include=" };
  g_autoptr (GError) error = NULL;

  for (guint k = 0; k < G_N_ELEMENTS (lists); k++)
    lists[k] = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  for (; *words != NULL; words++)
    {
      EwIp ip;
      EwPrefix prefix;
      if (g_str_has_prefix (*words, "interface="))
        config.interface = *words + strlen ("interface=");
      else if (g_str_has_prefix (*words, "mtu="))
        config.mtu = (guint)atoi (*words + strlen ("mtu="));
      else if (g_str_has_prefix (*words, "address=") && ew_ip_parse (*words + strlen ("address="), &ip))
        g_array_append_val (addresses, ip);
      else if (g_str_has_prefix (*words, "dns=") && ew_ip_parse (*words + strlen ("dns="), &ip))
        g_array_append_val (servers, ip);
      else if (g_str_equal (*words, "vpn"))
        config.vpn = TRUE;
      else if (g_str_equal (*words, "lan-names"))
        config.lan_names = TRUE;
      else if (g_str_equal (*words, "lan-blocked"))
        config.lan_blocked = TRUE;
      else if (g_str_has_prefix (*words, "fix="))
        config.fixes |= ew_host_fix_from_check (*words + strlen ("fix="));
      for (guint k = 0; k < G_N_ELEMENTS (lists); k++)
        if (g_str_has_prefix (*words, keys[k]) && ew_prefix_parse (*words + strlen (keys[k]), &prefix, NULL))
          g_array_append_val (lists[k], prefix);
    }
  config.addresses = (EwIp *)addresses->data;
  config.n_addresses = addresses->len;
  config.name_servers = (EwIp *)servers->data;
  config.n_name_servers = servers->len;
  config.routes = (EwPrefix *)lists[0]->data;
  config.n_routes = lists[0]->len;
  config.forwards = (EwPrefix *)lists[1]->data;
  config.n_forwards = lists[1]->len;
  config.mesh_ranges = (EwPrefix *)lists[2]->data;
  config.n_mesh_ranges = lists[2]->len;
  config.excluded = (EwPrefix *)lists[3]->data;
  config.n_excluded = lists[3]->len;
  config.included = (EwPrefix *)lists[4]->data;
  config.n_included = lists[4]->len;
  answer (ew_host_apply (host, &config, &error), &error);
  for (guint k = 0; k < G_N_ELEMENTS (lists); k++)
    g_array_unref (lists[k]);
}

static void
print_ips (const gchar *name, GArray *ips)
{
  for (guint i = 0; i < ips->len; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&g_array_index (ips, EwIp, i), text);
      printf (" %s=%s", name, text);
    }
}

static void
facts (EwHost *host)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (host, &error);

  if (facts == NULL)
    {
      answer (FALSE, &error);
      return;
    }
  printf ("ok ipv6=%d", facts->ipv6);
  for (guint i = 0; i < facts->on_link->len; i++)
    {
      gchar text[EW_PREFIX_STRLEN];
      ew_prefix_format (&g_array_index (facts->on_link, EwPrefix, i), text);
      printf (" on-link=%s", text);
    }
  print_ips ("address", facts->addresses);
  print_ips ("gateway", facts->gateways);
  print_ips ("resolver", facts->resolvers);
  printf ("\n");
}

static void
refusal (EwHost *host, gchar **words)
{
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (host, NULL);
  EwIp edges[8];
  gsize n = 0;
  EwPrefix route = { 0 };

  ew_prefix_parse (words[0], &route, NULL);
  for (guint i = 1; words[i] != NULL && n < G_N_ELEMENTS (edges); i++)
    n += ew_ip_parse (words[i], &edges[n]) ? 1 : 0;
  const gchar *reason = ew_route_refusal (&route, facts, edges, n);
  printf ("ok %s\n", reason != NULL ? reason : "taken");
}

static void
diagnose (EwHost *host, gchar **words)
{
  EwPrefix ranges[8];
  gsize n = 0;
  EwIp edge = { 0 };

  for (; *words != NULL && n < G_N_ELEMENTS (ranges); words++)
    if (g_str_has_prefix (*words, "edge="))
      ew_ip_parse (*words + strlen ("edge="), &edge);
    else
      n += ew_prefix_parse (*words, &ranges[n], NULL) ? 1 : 0;
  g_autofree gchar *json = ew_host_diagnose (host, ranges, n, edge.family != EW_FAMILY_NONE ? &edge : NULL);
  printf ("ok %s\n", json);
}

static void
problems (EwHost *host)
{
  const GPtrArray *found = ew_host_look_for_problems (host);

  printf ("ok");
  for (guint i = 0; i < found->len; i++)
    {
      const EwHostProblem *problem = found->pdata[i];
      g_autofree gchar *sentence = ew_host_problem_describe (problem);
      printf (" %s %s;", sentence, problem->fix);
    }
  printf ("\n");
}

static void
on_event (gpointer data)
{
  events++;
}

/* Runs the main loop and says how often the watch told of a change. */
static void
run (const gchar *seconds)
{
  gint64 until = g_get_monotonic_time () + (gint64)(g_ascii_strtod (seconds, NULL) * G_USEC_PER_SEC);

  events = 0;
  while (g_get_monotonic_time () < until)
    {
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (10000);
    }
  printf ("ok %u\n", events);
}

static void
command (EwHost *host, gchar **words)
{
  g_autoptr (GError) error = NULL;

  if (g_str_equal (words[0], "apply"))
    apply (host, words + 1);
  else if (g_str_equal (words[0], "undo"))
    answer (ew_host_undo_all (host, &error), &error);
  else if (g_str_equal (words[0], "empty"))
    printf ("ok %d\n", ew_host_ledger_is_empty (host));
  else if (g_str_equal (words[0], "steps"))
    printf ("ok %u\n", steps);
  else if (g_str_equal (words[0], "troubles"))
    printf ("ok missing=%s foreign=%s\n", ew_host_get_missing (host) != NULL ? ew_host_get_missing (host) : "",
            ew_host_get_foreign_route (host) != NULL ? ew_host_get_foreign_route (host) : "");
  else if (g_str_equal (words[0], "problems"))
    problems (host);
  else if (g_str_equal (words[0], "facts"))
    facts (host);
  else if (g_str_equal (words[0], "refusal") && words[1] != NULL)
    refusal (host, words + 1);
  else if (g_str_equal (words[0], "diagnose"))
    diagnose (host, words + 1);
  else if (g_str_equal (words[0], "watch"))
    {
      ew_host_watch (host, on_event, NULL);
      printf ("ok\n");
    }
  else if (g_str_equal (words[0], "run") && words[1] != NULL)
    run (words[1]);
  else
    printf ("error -1 unknown command\n");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwHost) host = NULL;
  g_autofree gchar *line = NULL;
  size_t size = 0;

  if (argc < 2)
    return 2;
  kill_at = argc > 2 ? (guint)atoi (argv[2]) : 0;
  ew_host_step_hook = on_step;
  setvbuf (stdout, NULL, _IOLBF, 0);
  host = ew_host_new (argv[1], &error);
  if (host == NULL)
    {
      answer (FALSE, &error);
      return 1;
    }
  while (getline (&line, &size, stdin) > 0)
    {
      g_auto (GStrv) words = g_strsplit (g_strstrip (line), " ", -1);
      if (words[0] != NULL)
        command (host, words);
    }
  return 0;
}
