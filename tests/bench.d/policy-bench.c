/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy-bench SIZE ROUNDS: what a policy costs the edge's switch, with 1, 100 and 1,000 rules. Prints a line of JSON: CPU
 * ns, medians of the rounds, and what the compiled policy takes.
 *
 *   lookup       the classifier alone: flows between nodes that the rules name, drawn before
 *   flow         a new flow: its key, not found in the flow table, the classifier, stored in the table
 *   packet       node A → node B, one inner packet of SIZE bytes of an established flow; 0 rules: no policy at all
 *
 * The flows between A and B are let pass by the last rule, and nothing else is.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "edge/policy/classifier.h"
#include "hub-switch.h"
#include "lib/bench-aead.h"

#define ROUND_NS INT64_C (200000000)
#define WINDOW (4 * BURST_MAX) /* packets on their way: the hub always has some, and no queue overflows */
#define STALLED_NS INT64_C (20000000)
#define MAX_ROUNDS 99
#define FLOWS 256 /* that the packets are of, by turns */
#define HEADER 20 /* IPv4's */
#define NODES 1000
#define PROBES 65536u

static const guint sizes[] = { 0, 1, 100, 1000 };
#define SIZES G_N_ELEMENTS (sizes)

typedef struct
{
  EwSwitch *sw;
  HubNode a, b;
  size_t size;
  guint turn;
  EwPolicyClassifier *classifiers[SIZES];
  double compile_ms[SIZES];
} Bench;

static gint64
cpu_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (gint64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
make_key (EwPolicyKey *key, const EwFlow *flow)
{
  *key = (EwPolicyKey){ .source = flow->reversed ? flow->high : flow->low,
                        .destination = flow->reversed ? flow->low : flow->high,
                        .protocol = flow->protocol,
                        .port = flow->reversed ? flow->low_port : flow->high_port };
}

static gboolean
on_verdict (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  EwPolicyKey key;

  make_key (&key, flow);
  return ew_policy_classifier_judge (data, &key).allowed;
}

static EwIp
address_of (guint node)
{
  return ew_ip_from_v4 (0x64610000u + node);
}

/* Rules between nodes, each with ports of its own; the last for A and B. */
static void
compile_rules (Bench *self, guint which)
{
  static EwIp addresses[NODES];
  static EwPolicyNode nodes[NODES];
  static gchar names[NODES][8];
  const EwPolicyWorld world = { nodes, NODES, NULL, 0 };
  g_autoptr (GString) json = g_string_new ("{\"default\":\"deny\",\"rules\":[");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < NODES; i++)
    {
      g_snprintf (names[i], sizeof names[i], "m%u", i);
      addresses[i] = address_of (i);
      nodes[i] = (EwPolicyNode){ names[i], &addresses[i], 1, NULL, NULL };
    }
  for (guint i = 0; i + 1 < sizes[which]; i++)
    g_string_append_printf (json,
                            "{\"from\":[\"m%u\",\"m%u\"],\"to\":[\"m%u\",\"m%u\"],\"ports\":[%u,\"%u-%u\"],"
                            "\"action\":\"allow\"},",
                            i, (i + 1) % NODES, i * 7 % NODES, i * 11 % NODES, i % 500 + 1, 1000 + i, 1010 + i);
  g_string_append (json, "{\"from\":\"10.99.0.1\",\"to\":\"10.99.0.2\",\"protocol\":\"udp\",\"action\":\"allow\"}]}");
  const gint64 begin = cpu_ns ();
  g_autoptr (EwPolicy) policy = ew_policy_parse (json->str, json->len, &error);
  if (policy == NULL)
    g_error ("%s", error->message);
  self->classifiers[which] = ew_policy_classifier_new (policy, &world);
  self->compile_ms[which] = (double)(cpu_ns () - begin) / 1e6;
}

/* As flows of the switch: their keys are made of these. */
static EwFlow *
draw_flows (void)
{
  EwFlow *flows = g_new0 (EwFlow, PROBES);

  for (guint i = 0; i < PROBES; i++)
    {
      const EwIp from = address_of ((guint)g_random_int_range (0, NODES)),
                 to = address_of ((guint)g_random_int_range (0, NODES));

      ew_switch_flow_init_ends (&flows[i], &from, (guint16)g_random_int_range (32768, 61000), &to,
                                (guint16)g_random_int_range (1, 2100), IPPROTO_TCP);
    }
  return flows;
}

static double
measure_lookup (const EwPolicyClassifier *classifier, const EwFlow *flows, guint *passed)
{
  g_autofree EwPolicyKey *keys = g_new0 (EwPolicyKey, PROBES);

  for (guint i = 0; i < PROBES; i++)
    make_key (&keys[i], &flows[i]);
  const gint64 begin = cpu_ns ();
  for (guint i = 0; i < PROBES; i++)
    *passed += ew_policy_classifier_judge (classifier, &keys[i]).allowed;
  return (double)(cpu_ns () - begin) / PROBES;
}

static double
measure_flow (EwPolicyClassifier *classifier, const EwFlow *flows, guint *passed)
{
  g_autoptr (EwFlowTable) table = ew_switch_flow_table_new (1, 0);
  static EwFlowOwner owners[64];
  gboolean opener;

  memset (owners, 0, sizeof owners);
  for (guint i = 0; i < PROBES; i += 64) /* its pages become real */
    ew_switch_flow_table_store (table, &flows[i], &owners[i % 64], 1);
  const gint64 begin = cpu_ns ();
  for (guint i = 0; i < PROBES; i++)
    if (ew_switch_flow_table_find (table, &flows[i], 1, &opener) != EW_FLOW_PASSES)
      {
        *passed += on_verdict (classifier, NULL, NULL, &flows[i], NULL, 0);
        ew_switch_flow_table_store (table, &flows[i], &owners[i % 64], 1);
      }
  return (double)(cpu_ns () - begin) / PROBES;
}

static void
send_burst (Bench *self)
{
  uint8_t packet[1504];
  const guint port = 0x2000 + self->turn++ % FLOWS;

  hub_node_fill (packet, self->size, 1, 2);
  packet[HEADER] = (uint8_t)(port >> 8);
  packet[HEADER + 1] = (uint8_t)port;
  hub_node_send (&self->a, packet, self->size, BURST_MAX);
}

/* Keeps the path full for a round. Returns the switch's CPU ns a packet; negative: nothing arrived. */
static double
measure_packet (Bench *self, guint which)
{
  int64_t begin, progress, before;
  uint64_t first, sent = 0, seen = 0;

  ew_switch_set_verdict (self->sw, self->classifiers[which] != NULL ? on_verdict : NULL, self->classifiers[which]);
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
          send_burst (self);
          sent += BURST_MAX;
        }
      while (hub_node_receive (&self->b))
        progress = clock_ns ();
      hub_node_receive (&self->a);
      if (self->b.received - first > seen)
        seen = self->b.received - first;
      else if (clock_ns () - progress > STALLED_NS)
        {
          sent = seen;
          progress = clock_ns ();
        }
      g_main_context_iteration (NULL, FALSE);
    }
  return seen > 0 ? (double)(cpu_elsewhere () - before) / (double)seen : -1;
}

static void
print_list (const char *name, double (*ns)[MAX_ROUNDS], guint rounds)
{
  printf ("\"%s\": [", name);
  for (guint k = 0; k < SIZES; k++)
    printf ("%s%.1f", k > 0 ? ", " : "", hub_median (ns[k], rounds));
  printf ("], ");
}

static int
run_bench (Bench *self, guint rounds)
{
  static double lookup[SIZES][MAX_ROUNDS], flow[SIZES][MAX_ROUNDS], packet[SIZES][MAX_ROUNDS];
  g_autofree EwFlow *flows = draw_flows ();
  guint passed = 0;

  for (guint k = 1; k < SIZES; k++)
    compile_rules (self, k);
  measure_packet (self, 0); /* warm */
  for (guint i = 0; i < rounds; i++)
    for (guint j = 0; j < SIZES; j++)
      {
        const guint k = (j + i) % SIZES; /* each is the first as often as the others */

        packet[k][i] = measure_packet (self, k);
        if (packet[k][i] < 0)
          return 1;
        lookup[k][i] = k > 0 ? measure_lookup (self->classifiers[k], flows, &passed) : 0;
        flow[k][i] = k > 0 ? measure_flow (self->classifiers[k], flows, &passed) : 0;
      }
  printf ("{\"size\": %zu, \"rules\": [0, 1, 100, 1000], ", self->size);
  print_list ("lookup_ns", lookup, rounds);
  print_list ("flow_ns", flow, rounds);
  print_list ("packet_ns", packet, rounds);
  printf ("\"bytes\": [0, %zu, %zu, %zu], \"compile_ms\": [0, %.2f, %.2f, %.2f], \"passed\": %u}\n",
          ew_policy_classifier_get_memory (self->classifiers[1]),
          ew_policy_classifier_get_memory (self->classifiers[2]),
          ew_policy_classifier_get_memory (self->classifiers[3]), self->compile_ms[1], self->compile_ms[2],
          self->compile_ms[3], passed);
  return 0;
}

int
main (int argc, char **argv)
{
  static Bench self;
  const guint rounds = argc == 3 ? (guint)atoi (argv[2]) : 0;

  self.size = argc == 3 ? (size_t)atoi (argv[1]) : 0;
  if (self.size < 28 || self.size > 1420 || rounds < 1 || rounds > MAX_ROUNDS)
    {
      fprintf (stderr, "Usage: policy-bench SIZE ROUNDS\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;
  if (!loopback_enter ())
    {
      perror ("policy-bench: a network namespace");
      return 1;
    }
  self.sw = hub_switch_new (0, &self.a, &self.b);
  if (self.sw == NULL)
    return 1;
  if (run_bench (&self, rounds) != 0)
    {
      fprintf (stderr, "policy-bench: nothing arrived\n");
      return 1;
    }
  ew_switch_free (self.sw);
  hub_node_free (&self.a);
  hub_node_free (&self.b);
  for (guint k = 0; k < SIZES; k++)
    ew_policy_classifier_free (self.classifiers[k]);
  return 0;
}
