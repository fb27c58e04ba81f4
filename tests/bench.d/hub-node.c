/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub-node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "proto/crypto.h"
#include "proto/messages.h"

#define ROOM (EW_HEADROOM + 1504 + EW_TAILROOM)

static void
on_random (void *user, uint8_t *out, size_t len)
{
  (void)!getrandom (out, len, 0);
}

static void
flush (HubNode *self)
{
  if (self->burst_len > 0 && self->kept != NULL && self->n_kept < KEPT_MAX)
    {
      memcpy (self->kept + self->n_kept * BURST_BYTES, self->burst, self->burst_len);
      self->kept_len[self->n_kept] = self->burst_len;
      self->kept_size[self->n_kept++] = self->burst_size;
    }
  else if (self->burst_len > 0)
    loopback_send (self->fd, self->hub_port, self->burst, self->burst_len, self->burst_size);
  self->burst_len = 0;
}

void
hub_node_keep (HubNode *self)
{
  if (self->kept == NULL)
    self->kept = malloc (KEPT_MAX * BURST_BYTES);
  self->n_kept = 0;
}

void
hub_node_release (HubNode *self, size_t i)
{
  if (i < self->n_kept)
    loopback_send (self->fd, self->hub_port, self->kept + i * BURST_BYTES, self->kept_len[i], self->kept_size[i]);
}

static void
on_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  HubNode *self = user;

  if (self->burst_len > 0 && (len != self->burst_size || self->burst_len + len > sizeof self->burst))
    flush (self);
  self->burst_size = len;
  memcpy (self->burst + self->burst_len, data, len);
  self->burst_len += len;
}

static void
on_deliver (void *user, EwPeer *from, EwPacket *packet)
{
}

static void
on_event (void *user, EwPeer *peer, EwPeerEvent event)
{
}

EwTime
hub_node_time (void)
{
  struct timespec boot, real;

  clock_gettime (CLOCK_BOOTTIME, &boot);
  clock_gettime (CLOCK_REALTIME, &real);
  return (EwTime){ (uint64_t)boot.tv_sec * 1000000000u + (uint64_t)boot.tv_nsec,
                   (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec };
}

void
hub_node_init (HubNode *self)
{
  static const EwDeviceHooks hooks
    = { .random = on_random, .transmit = on_transmit, .deliver = on_deliver, .event = on_event };
  uint8_t key[EW_KEY_SIZE];

  memset (self, 0, sizeof *self);
  on_random (NULL, key, sizeof key);
  ew_x25519_clamp (key);
  self->device = ew_device_new (&hooks, self, 1420);
  ew_device_set_private_key (self->device, key);
  ew_device_get_public_key (self->device, self->public_key);
  self->fd = loopback_socket (0);
}

void
hub_node_join (HubNode *self, const uint8_t hub_key[EW_KEY_SIZE], uint16_t hub_port)
{
  EwIp loopback;
  EwEndpoint endpoint;
  EwPrefix all;
  EwTime time = hub_node_time ();

  ew_ip_parse ("127.0.0.1", &loopback);
  ew_prefix_parse ("0.0.0.0/0", &all, NULL);
  endpoint = ew_endpoint_udp (&loopback, hub_port);
  self->hub_port = hub_port;
  self->hub = ew_device_add_peer (self->device, hub_key);
  ew_peer_set_endpoint (self->hub, &endpoint);
  ew_peer_add_allowed_ip (self->hub, &all);
  ew_peer_initiate (self->hub, &time, true);
  flush (self);
}

void
hub_node_free (HubNode *self)
{
  ew_device_free (self->device);
  free (self->kept);
  close (self->fd);
}

bool
hub_node_receive (HubNode *self)
{
  static uint8_t buffer[EW_HEADROOM + 65536 + EW_TAILROOM];
  uint8_t *data = buffer + EW_HEADROOM;
  size_t size = 0, len = loopback_receive (self->fd, data, 65536, &size);
  EwTime time;
  EwPacket packet = { .data = data, .len = len };

  if (len == 0)
    return false;
  if (data[0] == 4)
    {
      self->received += (len + size - 1) / size;
      return true;
    }
  time = hub_node_time ();
  packet.endpoint = *ew_peer_get_endpoint (self->hub);
  ew_lane_receive (ew_device_get_lane (self->device), &packet, 1, &time);
  flush (self);
  return true;
}

void
hub_node_send (HubNode *self, const uint8_t *packet, size_t len, size_t n)
{
  static uint8_t buffers[BURST_MAX][ROOM];
  EwPacket packets[BURST_MAX];
  EwTime time = hub_node_time ();

  for (size_t i = 0; i < n; i++)
    {
      packets[i] = (EwPacket){ .data = buffers[i] + EW_HEADROOM, .len = len };
      memcpy (packets[i].data, packet, len);
    }
  ew_peer_send (self->hub, packets, n, &time);
  flush (self);
}

void
hub_node_fill (uint8_t *packet, size_t len, uint8_t from, uint8_t to)
{
  const uint8_t header[28] = { 0x45,
                               0,
                               (uint8_t)(len >> 8),
                               (uint8_t)len,
                               0,
                               0,
                               0x40,
                               0,
                               64,
                               17,
                               0,
                               0,
                               10,
                               99,
                               0,
                               from,
                               10,
                               99,
                               0,
                               to,
                               0x17,
                               0,
                               0x17,
                               1,
                               (uint8_t)((len - 20) >> 8),
                               (uint8_t)(len - 20) };
  uint32_t sum = 0;

  memset (packet, 0, len);
  memcpy (packet, header, sizeof header);
  for (int i = 0; i < 20; i += 2)
    sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  packet[10] = (uint8_t)(~sum >> 8);
  packet[11] = (uint8_t)~sum;
}
