/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two devices with a session, and an attacker who writes, changes, repeats and sends what the input says. The input is
 * a list of steps: an operation, a length (both a byte), and that many bytes.
 *
 *   0  a datagram to b, as it is
 *   1  one of the last messages (first byte: which; second: where to begin) with the rest mixed in by exclusive or, to
 * b, or to a (which ≥ 128) 2  an inner packet of any bytes from a to b 3  time passes (first byte: seconds) 4  a starts
 * a handshake 5  an inner packet of any bytes into a's sending 6  a roams 7  as 1, with the first mac made right again:
 * whoever knows the receiver's public key can 8  b (or a, first byte ≥ 128) has many handshakes waiting
 */
#include "proto/cookie.h"
#include "proto-testing.h"
#include "world.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define KEPT 8
static struct
{
  uint8_t data[WORLD_PACKET_MAX];
  size_t len;
} kept[KEPT];
static unsigned n_kept;

static gboolean
keep (WorldNode *node, EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  memcpy (kept[n_kept % KEPT].data, data, len);
  kept[n_kept++ % KEPT].len = len;
  return TRUE;
}

static void
change_and_send (WorldNode *a, WorldNode *b, const uint8_t *bytes, size_t len, gboolean mended)
{
  uint8_t message[WORLD_PACKET_MAX];
  if (len < 2 || n_kept == 0)
    return;
  unsigned which = (bytes[0] & 127) % MIN (n_kept, KEPT);
  size_t at = bytes[1], n = kept[which].len;
  memcpy (message, kept[which].data, n);
  for (size_t i = 2; i < len && at < n; i++, at++)
    message[at] ^= bytes[i];
  if (mended && n > sizeof (EwMessageMacs))
    {
      EwCookieMaker maker;
      uint8_t mac2[EW_MAC_SIZE];
      memcpy (mac2, message + n - EW_MAC_SIZE, EW_MAC_SIZE);
      ew_cookie_maker_init (&maker);
      ew_cookie_add_macs (&maker, (bytes[0] < 128 ? b : a)->public_key, message, n, 0);
      memcpy (message + n - EW_MAC_SIZE, mac2, EW_MAC_SIZE);
    }
  world_inject (bytes[0] < 128 ? b : a, message, n, bytes[0] % 3 + 4000, bytes[1] & 3);
}

static void
send_inner (WorldNode *a, WorldNode *b, const uint8_t *bytes, size_t len, gboolean to_peer)
{
  g_autofree uint8_t *buffer = g_malloc0 (EW_HEADROOM + len + EW_TAILROOM);
  EwPacket packet = { .data = buffer + EW_HEADROOM, .len = len };
  memcpy (packet.data, bytes, len);
  if (to_peer)
    ew_peer_send (world_peer (a, b), &packet, 1, &a->world->time);
  else
    ew_lane_send (ew_device_get_lane (a->device), &packet, 1, &a->world->time);
  world_run (a->world, WORLD_SECOND / 20);
}

static void
step (WorldNode *a, WorldNode *b, uint8_t operation, const uint8_t *bytes, size_t len)
{
  switch (operation % 9)
    {
    case 0:
      world_inject (b, bytes, len, 4000, 0);
      break;
    case 1:
      change_and_send (a, b, bytes, len, FALSE);
      break;
    case 2:
      send_inner (a, b, bytes, len, TRUE);
      break;
    case 3:
      world_run (a->world, len > 0 ? bytes[0] * WORLD_SECOND : WORLD_SECOND / 10);
      break;
    case 4:
      ew_peer_initiate (world_peer (a, b), &a->world->time, TRUE);
      break;
    case 5:
      send_inner (a, b, bytes, len, FALSE);
      break;
    case 6:
      world_roam (a);
      break;
    case 7:
      change_and_send (a, b, bytes, len, TRUE);
      break;
    default:
      ew_testing_set_handshake_queue ((len > 0 && bytes[0] >= 128 ? a : b)->device, len > 1 ? 8 * bytes[1] + 500 : 600,
                                      a->world->time.now_ns);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (World) world = world_new (1);
  WorldNode *a = world_add (world, FALSE), *b = world_add (world, FALSE);
  n_kept = 0;
  world->on_transmit = keep;
  world_join (a, b, NULL, NULL);
  world_send (a, b, "x", 1, 0);
  world_run (world, WORLD_SECOND);
  for (unsigned steps = 0; size >= 2 && steps < 64; steps++)
    {
      size_t len = MIN ((size_t)data[1], size - 2);
      step (a, b, data[0], data + 2, len);
      data += 2 + len;
      size -= 2 + len;
    }
  world_run (world, WORLD_SECOND);
  return 0;
}
