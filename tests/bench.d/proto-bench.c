/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * proto-bench: what the protocol costs beside its data path. One thread, no I/O, the clock faked where there are
 * limits; CPU time. Prints a line of JSON:
 *
 *   handshakes_per_s   initiations answered: a responder's whole work on one, among PEERS peers
 *   lookup_*_ns        one allowed-IP lookup among PREFIXES prefixes: half of them hosts, IPv4 and IPv6, half subnets
 *   enrolled_bytes     heap of a switch for each node that it knows
 *   session_bytes      … and more of it for each with a session (one keypair)
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/switch/switch.h"
#include "loopback.h"
#include "proto/allowed-ips.h"
#include "proto/crypto.h"

#define PEERS 1500
#define PREFIXES 100000
#define LOOKUPS 2000000
#define ENROLLED 4000
#define MESSAGE_MAX 256

/* Random numbers that are the same in every run (xorshift). */
static uint64_t state = 88172645463325252u;

static uint64_t
next_random (void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static void
on_random (void *user, uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)(next_random () >> 24);
}

/* Handshakes. */

typedef struct
{
  EwDevice *device;
  EwPeer *peer;
  uint8_t public_key[EW_KEY_SIZE];
  uint8_t bytes[MESSAGE_MAX]; /* with room around what it sent last */
  size_t len;
} Party;

static void
on_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Party *self = user;

  self->len = len;
  if (EW_HEADROOM + len <= sizeof self->bytes)
    memcpy (self->bytes + EW_HEADROOM, data, len);
}

static void
on_deliver (void *user, EwPeer *from, EwPacket *packet)
{
}

static void
on_event (void *user, EwPeer *peer, EwPeerEvent event)
{
}

static void
make_party (Party *self)
{
  static const EwDeviceHooks hooks
    = { .random = on_random, .transmit = on_transmit, .deliver = on_deliver, .event = on_event };
  uint8_t key[EW_KEY_SIZE];

  on_random (NULL, key, sizeof key);
  ew_x25519_clamp (key);
  self->device = ew_device_new (&hooks, self, 1420);
  ew_device_set_private_key (self->device, key);
  ew_device_get_public_key (self->device, self->public_key);
}

static EwEndpoint
endpoint_of (unsigned i)
{
  return (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY, .id = i + 1 };
}

/* Hands to what from sent last. */
static void
pass (Party *from, Party *to, unsigned from_number, const EwTime *time)
{
  uint8_t copy[MESSAGE_MAX + EW_TAILROOM];
  EwPacket datagram = { .data = copy + EW_HEADROOM, .len = from->len, .endpoint = endpoint_of (from_number) };

  memcpy (copy, from->bytes, sizeof from->bytes);
  from->len = to->len = 0;
  ew_lane_receive (ew_device_get_lane (to->device), &datagram, 1, time);
}

static size_t
heap (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* How many a second, and what a session takes of the responder's memory. False: one was not answered. */
static bool
measure_handshakes (double *per_second, double *session_bytes)
{
  static Party responder, parties[PEERS];
  EwTime time = { .now_ns = UINT64_C (1000000000000), .realtime_ns = UINT64_C (1700000000000000000) };
  EwEndpoint endpoint = endpoint_of (PEERS);
  int64_t spent = 0;
  size_t before, after;

  make_party (&responder);
  for (unsigned i = 0; i < PEERS; i++)
    {
      make_party (&parties[i]);
      ew_device_add_peer (responder.device, parties[i].public_key);
      parties[i].peer = ew_device_add_peer (parties[i].device, responder.public_key);
      ew_peer_set_endpoint (parties[i].peer, &endpoint);
      ew_peer_initiate (parties[i].peer, &time, true);
    }
  before = heap ();
  for (unsigned i = 0; i < PEERS; i++)
    {
      int64_t begun = cpu_here ();

      time.now_ns += 2000000; /* never under load */
      time.realtime_ns += 2000000;
      pass (&parties[i], &responder, i, &time);
      spent += cpu_here () - begun;
      if (responder.len != 92)
        return false;
      /* Outside what is measured here: the response is kept in the initiator's place. */
      memcpy (parties[i].bytes, responder.bytes, sizeof responder.bytes);
      parties[i].len = responder.len;
    }
  after = heap ();
  *per_second = PEERS * 1e9 / (double)spent;
  *session_bytes = (double)(after - before) / PEERS;
  for (unsigned i = 0; i < PEERS; i++)
    ew_device_free (parties[i].device);
  ew_device_free (responder.device);
  return true;
}

/* Lookups. */

static EwPrefix
make_prefix (unsigned i)
{
  EwPrefix prefix = { 0 };

  prefix.ip.family = i % 4 == 1 ? EW_FAMILY_V6 : EW_FAMILY_V4;
  for (unsigned k = 0; k < 16; k++)
    prefix.ip.bytes[k] = (uint8_t)(next_random () >> 16);
  prefix.ip.bytes[0] = prefix.ip.family == EW_FAMILY_V6 ? 0xfd : 10;
  prefix.length = prefix.ip.family == EW_FAMILY_V6 ? 128 : i % 4 == 3 ? 24 : i % 4 == 2 ? 20 : 32;
  return prefix;
}

static double
time_lookups (const EwAllowedIps *ips, const EwPrefix *prefixes, unsigned kind)
{
  unsigned found = 0;
  int64_t begun = cpu_here ();

  for (unsigned i = 0; i < LOOKUPS; i++)
    {
      const EwPrefix *prefix = &prefixes[(next_random () % (PREFIXES / 4)) * 4 + kind];
      found += ew_allowed_ips_lookup (ips, prefix->ip.family, prefix->ip.bytes) != NULL;
    }
  return found == LOOKUPS ? (double)(cpu_here () - begun) / LOOKUPS : -1;
}

static bool
measure_lookups (double results[3])
{
  static char owners[PREFIXES]; /* only compared */
  static EwAllowedIp *lists[PREFIXES];
  static EwPrefix prefixes[PREFIXES];
  EwAllowedIps ips;

  ew_allowed_ips_init (&ips, NULL);
  for (unsigned i = 0; i < PREFIXES; i++)
    {
      prefixes[i] = make_prefix (i);
      if (!ew_allowed_ips_add (&ips, &prefixes[i], (EwPeer *)(void *)&owners[i], &lists[i]))
        return false;
    }
  results[0] = time_lookups (&ips, prefixes, 0);
  results[1] = time_lookups (&ips, prefixes, 1);
  results[2] = time_lookups (&ips, prefixes, 3);
  for (unsigned i = 0; i < PREFIXES; i++)
    ew_allowed_ips_remove_list (&ips, &lists[i]);
  ew_allowed_ips_clear (&ips);
  return results[0] > 0 && results[1] > 0 && results[2] > 0;
}

/* Memory. */

static bool
measure_enrolled (double *bytes)
{
  EwSwitchConfig config = { .mtu = 1420 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EwSwitch) sw = NULL;
  size_t before;

  on_random (NULL, config.private_key, sizeof config.private_key);
  ew_ip_parse ("10.0.0.254", &config.service[0]);
  ew_prefix_parse ("10.0.0.0/8", &config.ranges[0], NULL);
  sw = ew_switch_new (&config, &error);
  if (sw == NULL)
    {
      g_printerr ("proto-bench: %s\n", error->message);
      return false;
    }
  before = heap ();
  for (guint i = 0; i < ENROLLED; i++)
    {
      g_autofree gchar *id = g_strdup_printf ("0123456789abcdef-%u", i);
      EwIp ips[2] = { { .family = EW_FAMILY_V4 }, { .family = EW_FAMILY_V6 } };
      EwSwitchNode node = { .id = id, .addresses = ips, .n_addresses = 2, .revision = { 1 } };

      for (guint k = 0; k < 2; k++)
        {
          memcpy (ips[k].bytes, (guint8[]){ k == 0 ? 10 : 0xfd, 1, (guint8)(i >> 8), (guint8)i }, 4);
          ips[k].bytes[15] = k == 1;
        }
      memset (ips[0].bytes + 4, 0, 12);
      on_random (NULL, node.public_key, sizeof node.public_key);
      node.public_key[31] &= 0x7f;
      ew_switch_set_node (sw, &node);
    }
  *bytes = (double)(heap () - before) / ENROLLED;
  return true;
}

int
main (void)
{
  double handshakes, session, enrolled, lookups[3];

  mallopt (M_ARENA_MAX, 1); /* one heap for all threads, so that mallinfo sees all of it */
  if (!loopback_enter ())
    {
      perror ("proto-bench: a network namespace");
      return 1;
    }
  if (!measure_handshakes (&handshakes, &session) || !measure_lookups (lookups) || !measure_enrolled (&enrolled))
    {
      fprintf (stderr, "proto-bench: what was measured did not work\n");
      return 1;
    }
  printf ("{\"handshakes_per_s\": %.0f, \"lookup_v4_host_ns\": %.1f, \"lookup_v6_host_ns\": %.1f, "
          "\"lookup_v4_subnet_ns\": %.1f, "
          "\"enrolled_bytes\": %.0f, \"session_bytes\": %.0f}\n",
          handshakes, lookups[0], lookups[1], lookups[2], enrolled, session);
  return 0;
}
