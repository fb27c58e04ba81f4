/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * aead-bench [--rounds N] [--json FILE]: what sealing and opening a packet costs, in ns, by backend, size and batch.
 * All backends take their turn in each round, so that what else happens on the machine happens to all of them; the
 * figure is the median of the rounds. The packets of a batch have one size and one key, like a burst, except in the
 * rows "mixed": sizes from 64 to 1420 and four keys.
 */
#include <glib.h>
#include <stdio.h>
#include <time.h>

#include "proto/aead.h"

#define PACKETS 64
#define PACKET_MAX 8900
#define KEYS 4
#define TAG_SIZE 16

static const size_t sizes[] = { 64, 128, 256, 512, 1024, 1420, 8900, 0 /* mixed */ };
static const size_t batches[] = { 1, 2, 3, 4, 8, 45, 64 };
static const char *const names[EW_AEAD_N_BACKENDS] = { "openssl", "avx2", "avx512" };
enum
{
  SEAL,
  OPEN,
  N_WAYS
};

static uint8_t data[PACKETS][PACKET_MAX + TAG_SIZE];
static EwAeadKey *keys[N_WAYS][KEYS];

static double
now_ns (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC,
                 &t); /* the thread's own time costs a system call; the median leaves out what it would */
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t
size_of (size_t size, size_t packet)
{
  static const uint16_t mix[] = { 64, 1420, 1420, 80, 576, 96, 1420, 272 };
  return size != 0 ? size : mix[packet % G_N_ELEMENTS (mix)];
}

/* All packets, batch after batch; ns a packet. */
static double
one_way (int way, size_t size, size_t batch, size_t packets)
{
  EwAeadItem items[PACKETS];
  double began = now_ns ();
  for (size_t at = 0; at < packets; at += batch)
    {
      for (size_t i = 0; i < batch; i++)
        items[i] = (EwAeadItem){ .key = keys[way][size != 0 ? 0 : (at + i) % KEYS],
                                 .data = data[at + i],
                                 .len = size_of (size, at + i) + (way == OPEN ? TAG_SIZE : 0),
                                 .counter = at + i };
      if (way == SEAL)
        ew_aead_seal_n (items, batch);
      else
        ew_aead_open_n (items, batch);
      for (size_t i = 0; i < batch; i++)
        if (!items[i].ok)
          g_error ("a packet was not %s", way == SEAL ? "sealed" : "opened");
    }
  return (now_ns () - began) / (double)packets;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median (GArray *values)
{
  g_array_sort (values, compare);
  return g_array_index (values, double, values->len / 2);
}

static void
measure (size_t size, size_t batch, unsigned rounds, double result[EW_AEAD_N_BACKENDS][N_WAYS])
{
  GArray *values[EW_AEAD_N_BACKENDS][N_WAYS];
  size_t packets = PACKETS / batch * batch;
  for (int b = 0; b < EW_AEAD_N_BACKENDS; b++)
    for (int way = 0; way < N_WAYS; way++)
      values[b][way] = g_array_new (FALSE, FALSE, sizeof (double));
  for (unsigned round = 0; round < rounds; round++)
    for (EwAeadBackend b = 0; b < EW_AEAD_N_BACKENDS; b++)
      for (unsigned turn = 0; ew_aead_use (b) && turn < 4; turn++)
        for (int way = 0; way < N_WAYS; way++)
          {
            double ns = one_way (way, size, batch, packets);
            if (turn > 0) /* the first warms up */
              g_array_append_val (values[b][way], ns);
          }
  for (int b = 0; b < EW_AEAD_N_BACKENDS; b++)
    for (int way = 0; way < N_WAYS; way++)
      {
        result[b][way] = values[b][way]->len > 0 ? median (values[b][way]) : 0;
        g_array_unref (values[b][way]);
      }
}

static void
print_row (FILE *json, size_t size, size_t batch, double result[EW_AEAD_N_BACKENDS][N_WAYS])
{
  static gboolean any;
  char text[16] = "mixed";
  if (size != 0)
    g_snprintf (text, sizeof text, "%zu", size);
  printf ("%6s %5zu", text, batch);
  for (int b = 0; b < EW_AEAD_N_BACKENDS; b++)
    {
      double *ns = result[b], *base = result[EW_AEAD_OPENSSL];
      if (ns[SEAL] == 0)
        continue;
      printf ("   %6.0f /%6.0f", ns[SEAL], ns[OPEN]);
      if (b != EW_AEAD_OPENSSL)
        printf (" %5.2f /%5.2f", base[SEAL] / ns[SEAL], base[OPEN] / ns[OPEN]);
      if (json != NULL)
        fprintf (
          json, "%s\n    {\"backend\": \"%s\", \"size\": \"%s\", \"batch\": %zu, \"seal_ns\": %.1f, \"open_ns\": %.1f}",
          any ? "," : "", names[b], text, batch, ns[SEAL], ns[OPEN]);
      any = TRUE;
    }
  printf ("\n");
  fflush (stdout);
}

static void
run (FILE *json, unsigned rounds)
{
  static const uint8_t raw[KEYS][32] = { { 1 }, { 2 }, { 3 }, { 4 } };
  for (int way = 0; way < N_WAYS; way++)
    for (unsigned k = 0; k < KEYS; k++)
      keys[way][k] = ew_aead_key_new (raw[k], way == SEAL);
  printf ("ns a packet, seal / open; of the vector kernels also how many times as fast as openssl\n  size batch");
  for (EwAeadBackend b = 0; b < EW_AEAD_N_BACKENDS; b++)
    if (ew_aead_use (b))
      printf (b == EW_AEAD_OPENSSL ? "   %14s" : "   %14s             ", names[b]);
  printf ("\n");
  for (size_t s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (size_t b = 0; b < G_N_ELEMENTS (batches); b++)
      {
        double result[EW_AEAD_N_BACKENDS][N_WAYS];
        measure (sizes[s], batches[b], rounds, result);
        print_row (json, sizes[s], batches[b], result);
      }
  for (int way = 0; way < N_WAYS; way++)
    for (unsigned k = 0; k < KEYS; k++)
      ew_aead_key_free (keys[way][k]);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  int rounds = 15;
  GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_FILENAME, &path, "Write the figures there too", "FILE" },
                             { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "Each of three measurements (15)", "N" },
                             { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1 || rounds < 1)
    {
      fprintf (stderr, "aead-bench: %s\n", error != NULL ? error->message : "see --help");
      return 2;
    }
  FILE *json = path != NULL ? fopen (path, "w") : NULL;
  if (path != NULL && json == NULL)
    {
      fprintf (stderr, "aead-bench: %s cannot be written\n", path);
      return 1;
    }
  if (json != NULL)
    fprintf (json, "{\n  \"schema\": 1,\n  \"chosen\": \"%s\",\n  \"rows\": [", ew_aead_backend_name ());
  run (json, (unsigned)rounds);
  if (json != NULL && (fprintf (json, "\n  ]\n}\n") < 0 || fclose (json) != 0))
    return 1;
  return 0;
}
