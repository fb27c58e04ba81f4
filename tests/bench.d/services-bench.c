/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * services-bench SIZE ROUNDS: what one inner packet of SIZE bytes costs the edge's switch, translated for a service and
 * not, measured in turns within one run. Prints a line of JSON: CPU ns a packet, medians of the rounds.
 *
 *   none         node A → node B, the mesh has no services
 *   beside       the same, and there are SERVICES of them, whose targets are elsewhere
 *   target       the same, and node B is a target, at the port that the packets go to: noted as flows of no service
 *   translated   node A → a service → node B
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub-switch.h"
#include "lib/bench-aead.h"

#define ROUND_NS INT64_C (200000000)
#define WINDOW (4 * BURST_MAX) /* packets on their way: the hub always has some, and no queue overflows */
#define STALLED_NS INT64_C (20000000)
#define MAX_ROUNDS 99
#define SERVICES 200
#define FLOWS 256 /* that the packets are of, by turns */
#define PORT 0x1701
#define HEADER 20 /* IPv4's */

typedef enum
{
  NONE,
  BESIDE,
  TARGET,
  TRANSLATED,
  WAYS
} Way;

typedef struct
{
  EwSwitch *sw;
  HubNode a, b;
  size_t size;
  guint turn;
  uint64_t lost;
} Bench;

/* The first is 10.99.0.100, and node B its target; the others' is nobody. */
static void
set_services (Bench *self, Way way)
{
  static const EwNatPorts ports = { EW_NAT_UDP, PORT, PORT, 0 };
  static EwNatService services[SERVICES];
  static EwNatTarget targets[SERVICES];
  static char ids[SERVICES][8];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < SERVICES; i++)
    {
      snprintf (ids[i], sizeof ids[i], "s%u", i);
      targets[i] = (EwNatTarget){ .ips = { ew_ip_from_v4 (0x0a630002u + (i > 0 || way == BESIDE ? 0x1000 + i : 0)) },
                                  .healthy = TRUE };
      services[i] = (EwNatService){ .id = ids[i],
                                    .addresses = { ew_ip_from_v4 (i > 0 ? 0x0a640000u + i : 0x0a630064u) },
                                    .ports = &ports,
                                    .n_ports = 1,
                                    .targets = &targets[i],
                                    .n_targets = 1 };
    }
  if (!ew_switch_set_services (self->sw, services, way == NONE ? 0 : SERVICES, &error))
    g_error ("%s", error->message);
}

static void
send_burst (Bench *self, Way way)
{
  uint8_t packet[1504];
  const guint port = 0x2000 + self->turn++ % FLOWS;

  hub_node_fill (packet, self->size, 1, way == TRANSLATED ? 100 : 2);
  packet[HEADER] = (uint8_t)(port >> 8);
  packet[HEADER + 1] = (uint8_t)port;
  hub_node_send (&self->a, packet, self->size, BURST_MAX);
}

/* Keeps the path full for a round. Returns the switch's CPU ns a packet; negative: nothing arrived. */
static double
run_round (Bench *self, Way way)
{
  int64_t begin, progress, before;
  uint64_t first, sent = 0, seen = 0;

  set_services (self, way);
  do /* what the round before left on its way */
    g_usleep (2000);
  while (hub_node_receive (&self->b));
  before = cpu_elsewhere ();
  begin = progress = clock_ns ();
  first = self->b.received;
  while (clock_ns () - begin < ROUND_NS)
    {
      if (sent + BURST_MAX <= seen + WINDOW)
        {
          send_burst (self, way);
          sent += BURST_MAX;
        }
      while (hub_node_receive (&self->b))
        progress = clock_ns ();
      hub_node_receive (&self->a);
      if (self->b.received - first > seen)
        seen = self->b.received - first;
      else if (clock_ns () - progress > STALLED_NS)
        {
          self->lost += sent > seen ? sent - seen : 0;
          sent = seen;
          progress = clock_ns ();
        }
      g_main_context_iteration (NULL, FALSE);
    }
  return seen > 0 ? (double)(cpu_elsewhere () - before) / (double)seen : -1;
}

int
main (int argc, char **argv)
{
  static Bench self;
  static double ns[WAYS][MAX_ROUNDS];
  const guint rounds = argc == 3 ? (guint)atoi (argv[2]) : 0;

  self.size = argc == 3 ? (size_t)atoi (argv[1]) : 0;
  if (self.size < 28 || self.size > 1420 || rounds < 1 || rounds > MAX_ROUNDS)
    {
      fprintf (stderr, "Usage: services-bench SIZE ROUNDS\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;
  if (!loopback_enter ())
    {
      perror ("services-bench: a network namespace");
      return 1;
    }
  self.sw = hub_switch_new (0, &self.a, &self.b);
  if (self.sw == NULL)
    return 1;
  run_round (&self, TRANSLATED); /* warm */
  for (guint i = 0; i < rounds; i++)
    for (guint k = 0; k < WAYS; k++)
      {
        const Way way = (Way)((k + i) % WAYS); /* each is the first as often as the others */

        ns[way][i] = run_round (&self, way);
        if (ns[way][i] < 0)
          {
            fprintf (stderr, "services-bench: nothing arrived\n");
            return 1;
          }
      }
  printf ("{\"size\": %zu, \"none_ns\": %.1f, \"beside_ns\": %.1f, \"target_ns\": %.1f, \"translated_ns\": %.1f, "
          "\"lost\": %" PRIu64 "}\n",
          self.size, hub_median (ns[NONE], rounds), hub_median (ns[BESIDE], rounds), hub_median (ns[TARGET], rounds),
          hub_median (ns[TRANSLATED], rounds), self.lost);
  ew_switch_free (self.sw);
  hub_node_free (&self.a);
  hub_node_free (&self.b);
  return 0;
}
