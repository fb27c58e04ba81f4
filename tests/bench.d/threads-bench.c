/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * threads-bench SIZE ROUNDS: what one inner packet of SIZE bytes costs the edge's switch with one thread for data and
 * with two, measured in turns within one run. Nodes A and B send to each other over loopback, so that each of two
 * threads has a node and sends to the other's. Prints a line of JSON: CPU ns a packet of all the switch's threads, and
 * packets a second, medians of the rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub-switch.h"
#include "lib/bench-aead.h"

#define ROUND_NS INT64_C (300000000)
/* Packets of each direction: sealed before, sent at once, so that the threads have enough for whole batches, however
   many there are and whichever core this thread is on. The sockets hold them. */
#define BURSTS 24
#define FILL (BURSTS * BURST_MAX)
#define STALLED_NS INT64_C (20000000)
#define MAX_ROUNDS 99

typedef struct
{
  EwSwitch *sw;
  HubNode nodes[2];
} Hub;

static uint64_t
received (const Hub *hub)
{
  return hub->nodes[0].received + hub->nodes[1].received;
}

static void
empty (Hub *hub)
{
  while (hub_node_receive (&hub->nodes[0]) || hub_node_receive (&hub->nodes[1]))
    ;
}

/* Puts FILL packets into each direction, sleeps until all have come through: so that this thread doesn't disturb the
   switch's threads. Returns how many came. */
static uint64_t
fill_and_wait (Hub *hub, size_t size)
{
  const uint64_t before = received (hub);
  int64_t progress;
  uint64_t seen;

  for (guint from = 0; from < 2; from++)
    {
      uint8_t packet[1504];
      hub_node_fill (packet, size, (uint8_t)(1 + from), (uint8_t)(2 - from));
      hub_node_keep (&hub->nodes[from]);
      for (guint burst = 0; burst < BURSTS; burst++)
        hub_node_send (&hub->nodes[from], packet, size, BURST_MAX);
    }
  for (guint burst = 0; burst < BURSTS; burst++)
    for (guint from = 0; from < 2; from++)
      hub_node_release (&hub->nodes[from], burst);
  seen = before;
  progress = clock_ns ();
  while (received (hub) - before < 2 * FILL && clock_ns () - progress < STALLED_NS)
    {
      g_usleep (200);
      empty (hub);
      if (received (hub) != seen)
        progress = clock_ns ();
      seen = received (hub);
    }
  return received (hub) - before;
}

static gboolean
round_of (Hub *hub, size_t size, double *cost, double *rate)
{
  int64_t spent = 0, begin = clock_ns ();
  uint64_t n = 0;

  while (clock_ns () - begin < ROUND_NS)
    {
      const int64_t before = cpu_elsewhere ();
      n += fill_and_wait (hub, size);
      spent += cpu_elsewhere () - before;
      g_main_context_iteration (NULL, FALSE);
    }
  *cost = (double)spent / (double)MAX (n, 1);
  *rate = (double)n / ((double)(clock_ns () - begin) / 1e9);
  return n > 0;
}

int
main (int argc, char **argv)
{
  static Hub hubs[2];
  static double cost[2][MAX_ROUNDS], rate[2][MAX_ROUNDS];
  const guint rounds = argc == 3 ? (guint)atoi (argv[2]) : 0;
  const size_t size = argc == 3 ? (size_t)atoi (argv[1]) : 0;

  if (size < 28 || size > 1420 || rounds < 1 || rounds > MAX_ROUNDS)
    {
      fprintf (stderr, "Usage: threads-bench SIZE ROUNDS\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;
  if (!loopback_enter ())
    {
      perror ("threads-bench: a network namespace");
      return 1;
    }
  for (guint i = 0; i < 2; i++)
    {
      hubs[i].sw = hub_switch_new (i + 1, &hubs[i].nodes[0], &hubs[i].nodes[1]);
      if (hubs[i].sw == NULL || !round_of (&hubs[i], size, &cost[i][0], &rate[i][0])) /* warm */
        return 1;
    }
  for (guint round = 0; round < rounds; round++)
    for (guint i = 0; i < 2; i++)
      if (!round_of (&hubs[i], size, &cost[i][round], &rate[i][round]))
        {
          fprintf (stderr, "threads-bench: nothing arrived\n");
          return 1;
        }
  printf ("{\"size\": %zu, \"one_ns\": %.1f, \"two_ns\": %.1f, \"one_pps\": %.0f, \"two_pps\": %.0f}\n", size,
          hub_median (cost[0], rounds), hub_median (cost[1], rounds), hub_median (rate[0], rounds),
          hub_median (rate[1], rounds));
  for (guint i = 0; i < 2; i++)
    {
      ew_switch_free (hubs[i].sw);
      hub_node_free (&hubs[i].nodes[0]);
      hub_node_free (&hubs[i].nodes[1]);
    }
  return 0;
}
