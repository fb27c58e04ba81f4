/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hub-bench SIZE ROUNDS: what one inner packet of SIZE bytes costs the edge's switch, beside what it cannot do without,
 * measured in turns within one run. Prints a line of JSON: CPU ns a packet, medians of the rounds.
 *
 *   hub      node A → ew_switch → node B over loopback, the switch's threads alone counted
 *   calls    a thread that forwards the same datagrams with UDP_GRO and UDP_SEGMENT, and looks at nothing
 *   open, seal   the cipher, 64 packets a call, in place
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub-switch.h"
#include "lib/bench-aead.h"
#include "proto/aead.h"

#define ROUND_NS INT64_C (300000000)
#define WINDOW (4 * BURST_MAX) /* packets on their way: the hub always has some, and no queue overflows */
#define STALLED_NS INT64_C (20000000)
#define MAX_ROUNDS 99

typedef struct
{
  EwSwitch *sw;
  HubNode a, b;
  int bare_fd;
  _Atomic bool stop;
  size_t size;
  uint64_t packets, lost;
} Bench;

/* Keeps the path full for a round. send: one burst more. Returns what arrived at B. */
static uint64_t
drive (Bench *self, void (*send) (Bench *self))
{
  int64_t begin, progress;
  uint64_t first, sent = 0, seen = 0;

  do /* what the round before left on its way */
    g_usleep (2000);
  while (hub_node_receive (&self->b));
  begin = progress = clock_ns ();
  first = self->b.received;

  while (clock_ns () - begin < ROUND_NS)
    {
      if (sent + BURST_MAX <= seen + WINDOW)
        {
          send (self);
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
  self->packets += self->b.received - first;
  return self->b.received - first;
}

static void
send_sealed (Bench *self)
{
  uint8_t packet[1504];

  hub_node_fill (packet, self->size, 1, 2);
  hub_node_send (&self->a, packet, self->size, BURST_MAX);
}

static void
send_bare (Bench *self)
{
  static uint8_t burst[BURST_BYTES] = { 4 };
  size_t outer = (self->size + 15) / 16 * 16;

  outer = (outer > 1420 ? 1420 : outer) + 32;
  loopback_send (self->a.fd, loopback_port (self->bare_fd), burst, BURST_MAX * outer, outer);
}

static void *
forward_bare (void *data)
{
  Bench *self = data;
  static uint8_t buffer[65536];
  uint16_t port = loopback_port (self->b.fd);

  while (!self->stop)
    {
      struct timeval wait = { .tv_usec = 20000 };
      fd_set fds;
      size_t len, size;

      FD_ZERO (&fds);
      FD_SET (self->bare_fd, &fds);
      select (self->bare_fd + 1, &fds, NULL, NULL, &wait);
      while ((len = loopback_receive (self->bare_fd, buffer, sizeof buffer, &size)) > 0)
        {
          buffer[0] = 4;
          loopback_send (self->bare_fd, port, buffer, len, size);
        }
    }
  return NULL;
}

/* The wait at the start of drive() costs the hub almost nothing. */
static double
round_hub (Bench *self)
{
  int64_t before = cpu_elsewhere ();
  uint64_t n = drive (self, send_sealed);

  return n > 0 ? (double)(cpu_elsewhere () - before) / (double)n : -1;
}

static double
round_calls (Bench *self)
{
  pthread_t thread;
  int64_t before = cpu_elsewhere ();
  uint64_t n;
  double spent;

  self->stop = false;
  pthread_create (&thread, NULL, forward_bare, self);
  n = drive (self, send_bare);
  spent = (double)(cpu_elsewhere () - before);
  self->stop = true;
  pthread_join (thread, NULL);
  return n > 0 ? spent / (double)n : -1;
}

static void
round_cipher (const Bench *self, double *seal, double *open)
{
  static uint8_t data[EW_BATCH_MAX][2048];
  const uint8_t key[32] = { 1 };
  EwAeadKey *keys[2] = { ew_aead_key_new (key, true), ew_aead_key_new (key, false) };
  int64_t end = clock_ns () + ROUND_NS, spent[2] = { 0, 0 };
  uint64_t counter = 0;

  while (clock_ns () < end)
    {
      EwAeadItem items[EW_BATCH_MAX];

      for (int opening = 0; opening < 2; opening++)
        {
          int64_t begun;

          for (guint i = 0; i < EW_BATCH_MAX; i++)
            items[i] = (EwAeadItem){
              .key = keys[opening], .data = data[i], .len = self->size + (opening ? 16 : 0), .counter = counter + i
            };
          begun = cpu_here ();
          (opening ? ew_aead_open_n : ew_aead_seal_n) (items, EW_BATCH_MAX);
          spent[opening] += cpu_here () - begun;
          if (!items[0].ok || !items[EW_BATCH_MAX - 1].ok)
            g_error ("the cipher refused its own packet");
        }
      counter += EW_BATCH_MAX;
    }
  *seal = (double)spent[0] / (double)counter;
  *open = (double)spent[1] / (double)counter;
  ew_aead_key_free (keys[0]);
  ew_aead_key_free (keys[1]);
}

int
main (int argc, char **argv)
{
  static Bench self;
  static double hub[MAX_ROUNDS], calls[MAX_ROUNDS], seal[MAX_ROUNDS], open_[MAX_ROUNDS];
  guint rounds = argc == 3 ? (guint)atoi (argv[2]) : 0;

  self.size = argc == 3 ? (size_t)atoi (argv[1]) : 0;
  if (self.size < 28 || self.size > 1420 || rounds < 1 || rounds > MAX_ROUNDS)
    {
      fprintf (stderr, "Usage: hub-bench SIZE ROUNDS\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;
  if (!loopback_enter ())
    {
      perror ("hub-bench: a network namespace");
      return 1;
    }
  self.bare_fd = loopback_socket (0);
  self.sw = hub_switch_new (0, &self.a, &self.b);
  if (self.sw == NULL)
    return 1;
  round_hub (&self); /* warm */
  for (guint i = 0; i < rounds; i++)
    {
      hub[i] = round_hub (&self);
      calls[i] = round_calls (&self);
      round_cipher (&self, &seal[i], &open_[i]);
      if (hub[i] < 0 || calls[i] < 0)
        {
          fprintf (stderr, "hub-bench: nothing arrived\n");
          return 1;
        }
    }
  printf ("{\"size\": %zu, \"hub_ns\": %.1f, \"open_ns\": %.1f, \"seal_ns\": %.1f, \"calls_ns\": %.1f, \"packets\": "
          "%" PRIu64 ", \"lost\": %" PRIu64 "}\n",
          self.size, hub_median (hub, rounds), hub_median (open_, rounds), hub_median (seal, rounds),
          hub_median (calls, rounds), self.packets, self.lost);
  ew_switch_free (self.sw);
  hub_node_free (&self.a);
  hub_node_free (&self.b);
  return 0;
}
