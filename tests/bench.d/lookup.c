/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `bench-lookup [COUNT]`: what a lookup among COUNT prefixes costs (100,000), in nanoseconds of CPU time, and what a
 * prefix costs in bytes. Addresses are drawn beforehand, from inside a prefix of the set each, so that every lookup
 * finds one.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/allowed-ips.h"

#define PROBES (1u << 20)

static uint64_t state = 88172645463325252u;

static uint32_t
draw (void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

static void
draw_bits (EwIp *ip, unsigned from)
{
  for (unsigned bit = from; bit < 8 * (ip->family == EW_FAMILY_V4 ? 4 : 16); bit++)
    {
      uint8_t mask = (uint8_t)(0x80 >> bit % 8);
      ip->bytes[bit / 8] = (uint8_t)((ip->bytes[bit / 8] & ~mask) | (draw () & 1 ? mask : 0));
    }
}

/* The sets. Each makes the i-th prefix. */

static EwPrefix
make_mesh_v4 (uint32_t i)
{
  return (EwPrefix){ ew_ip_from_v4 (0x64600000 + i), 32 };
}

static EwPrefix
make_mesh_v6 (uint32_t i)
{
  EwIp ip = { EW_FAMILY_V6, { 0xfd, 0x12, 0x34 } };
  for (unsigned b = 0; b < 4; b++)
    ip.bytes[12 + b] = (uint8_t)(i >> (24 - 8 * b));
  return (EwPrefix){ ip, 128 };
}

static EwPrefix
make_random_v4 (uint32_t i)
{
  (void)i;
  return (EwPrefix){ ew_ip_from_v4 (draw ()), (uint8_t)(8 + draw () % 25) };
}

static EwPrefix
make_random_v6 (uint32_t i)
{
  (void)i;
  EwIp ip = { .family = EW_FAMILY_V6 };
  draw_bits (&ip, 0);
  return (EwPrefix){ ip, (uint8_t)(16 + draw () % 113) };
}

static const struct
{
  const char *name;
  EwPrefix (*make) (uint32_t i);
} sets[] = { { "mesh, IPv4 /32", make_mesh_v4 },
             { "mesh, IPv6 /128", make_mesh_v6 },
             { "random, IPv4 /8…/32", make_random_v4 },
             { "random, IPv6 /16…/128", make_random_v6 } };

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of some runs over all probes: other programs can only take cache away, so the best run is the truest. */
static double
measure (const EwAllowedIps *ips, const EwIp *probes, unsigned *missed)
{
  double best = 0;
  for (unsigned run = 0; run < 7; run++)
    {
      double start = now ();
      *missed = 0;
      for (unsigned i = 0; i < PROBES; i++)
        *missed += ew_allowed_ips_lookup (ips, (EwFamily)probes[i].family, probes[i].bytes) == NULL;
      double ns = (now () - start) / PROBES;
      best = run == 0 || ns < best ? ns : best;
    }
  return best;
}

static void
run_set (unsigned which, uint32_t count, EwIp *probes)
{
  EwAllowedIps ips;
  EwAllowedIp *list = NULL;
  EwPrefix *prefixes = calloc (count, sizeof *prefixes);
  unsigned missed;
  char owner;
  for (uint32_t i = 0; i < count; i++)
    prefixes[i] = sets[which].make (i);
  size_t before = mallinfo2 ().uordblks + mallinfo2 ().hblkhd;
  ew_allowed_ips_init (&ips, NULL);
  double start = now ();
  for (uint32_t i = 0; i < count; i++)
    if (!ew_allowed_ips_add (&ips, &prefixes[i], (EwPeer *)(void *)&owner, &list))
      exit (1);
  double added = (now () - start) / count;
  size_t bytes = mallinfo2 ().uordblks + mallinfo2 ().hblkhd - before;
  for (uint32_t i = 0; i < PROBES; i++)
    {
      const EwPrefix *prefix = &prefixes[draw () % count];
      probes[i] = prefix->ip;
      draw_bits (&probes[i], prefix->length);
    }
  double ns = measure (&ips, probes, &missed);
  printf ("%-24s %8u prefixes  %6.1f ns a lookup  %6.1f ns an addition  %6.1f bytes a prefix%s\n", sets[which].name,
          count, ns, added, (double)bytes / count, missed > 0 ? "  SOME WERE NOT FOUND" : "");
  ew_allowed_ips_remove_list (&ips, &list);
  ew_allowed_ips_clear (&ips);
  free (prefixes);
}

int
main (int argc, char **argv)
{
  uint32_t count = argc > 1 ? (uint32_t)atoi (argv[1]) : 100000;
  EwIp *probes = calloc (PROBES, sizeof *probes);
  for (unsigned i = 0; i < sizeof sets / sizeof sets[0] && count > 0; i++)
    run_set (i, count, probes);
  free (probes);
  return 0;
}
