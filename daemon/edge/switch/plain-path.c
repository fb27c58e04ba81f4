/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/plain-path.h"

#include <string.h>

#include "common/util.h"
#include "proto/packet.h"

#define LEAST 576 /* RFC 791: any host takes it */
#define STEP 16   /* what is sealed is padded to that */
#define ECHO_HEADERS_V4 28
#define ECHO_HEADERS_V6 48

static guint16
largest_for (const EwSwitch *self, const SwitchNode *node)
{
  const guint16 said = atomic_load_explicit (&node->router.mtu, memory_order_relaxed);

  return MIN (said != 0 ? said : self->router.mtu, EW_LINK_SIZE_MAX);
}

static guint16
get_echoed (const SwitchNode *node)
{
  return atomic_load_explicit (&node->router.echoed, memory_order_acquire);
}

static void
send_echo (EwSwitch *self, SwitchNode *node, guint16 size)
{
  guint8 packet[EW_LINK_SIZE_MAX], payload[EW_LINK_SIZE_MAX] = { 0 };
  const EwIp *service, *address;

  if (!ew_switch_find_addresses (self, node, &service, &address))
    return;
  const gsize headers = address->family == EW_FAMILY_V4 ? ECHO_HEADERS_V4 : ECHO_HEADERS_V6;
  const guint64 token = atomic_load_explicit (&node->router.size_token, memory_order_relaxed);
  memcpy (payload, &token, sizeof token);
  const gsize len
    = ew_packet_build_echo (packet, service, address, EW_ROUTER_SIZE_ID, size, payload, MAX (size, LEAST) - headers);
  ew_engine_inject_whole (self->engine, node->public_key, packet, len);
}

static void
add_size (SwitchNode *node, guint16 size)
{
  if (node->path.n < G_N_ELEMENTS (node->path.sizes))
    node->path.sizes[node->path.n++] = size;
}

/* What has had no answer yet. */
static void
send_sizes (EwSwitch *self, SwitchNode *node, guint64 now)
{
  const guint16 echoed = get_echoed (node);

  node->path.tries++;
  node->path.sent_ns = now;
  for (guint i = 0; i < node->path.n; i++)
    if (node->path.sizes[i] > echoed)
      send_echo (self, node, node->path.sizes[i]);
}

static guint16
largest_of (const SwitchNode *node)
{
  guint16 largest = 0;

  for (guint i = 0; i < node->path.n; i++)
    largest = MAX (largest, node->path.sizes[i]);
  return largest;
}

/* Those between what passed and the smallest that didn't, in as few steps as there is room for. FALSE: there are
   none. */
static gboolean
choose_between (SwitchNode *node)
{
  const guint16 passed = get_echoed (node);
  guint16 failed = G_MAXUINT16;

  for (guint i = 0; i < node->path.n; i++)
    if (node->path.sizes[i] > passed)
      failed = MIN (failed, node->path.sizes[i]);
  const guint first = passed / STEP + 1u, last = (failed - 1u) / STEP;
  const guint step = (last - first) / G_N_ELEMENTS (node->path.sizes) + 1;
  node->path.n = 0;
  node->path.tries = 0;
  node->path.between = TRUE;
  for (guint at = first; at <= last; at += step)
    add_size (node, (guint16)(at * STEP));
  return node->path.n > 0;
}

static void
finish (SwitchNode *node)
{
  const guint16 takes = get_echoed (node);
  const guint16 before = atomic_exchange_explicit (&node->router.takes, takes, memory_order_relaxed);

  node->path.measuring = FALSE;
  if (takes != 0 && takes != before)
    g_debug ("node %s takes packets of %u bytes", node->id, takes);
}

/* FALSE: it's over. */
static gboolean
go_on (EwSwitch *self, SwitchNode *node, guint64 now)
{
  if (get_echoed (node) < largest_of (node))
    {
      if (now < node->path.sent_ns + EW_PLAIN_PATH_WAIT_NS)
        return TRUE;
      if (node->path.tries < EW_PLAIN_PATH_TRIES)
        {
          send_sizes (self, node, now);
          return TRUE;
        }
      if (!node->path.between && get_echoed (node) != 0 && choose_between (node))
        {
          send_sizes (self, node, now);
          return TRUE;
        }
    }
  finish (node);
  return FALSE;
}

static gboolean
on_look (gpointer data)
{
  EwSwitch *self = data;
  const guint64 now = ew_switch_now_ns ();

  for (guint i = self->measuring->len; i-- > 0;)
    if (!go_on (self, g_ptr_array_index (self->measuring, i), now))
      g_ptr_array_remove_index_fast (self->measuring, i);
  if (self->measuring->len > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->measuring_source, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
ew_switch_plain_path_look (EwSwitch *self, SwitchNode *node, guint64 now)
{
  const gboolean moved = !ew_endpoint_same_remote (&node->endpoint, &node->path.endpoint);
  guint64 token = 0;

  if (!node->plain || !node->online || node->path.measuring || node->endpoint.kind != EW_ENDPOINT_UDP
      || now > node->presence.last_rx_ns + EW_PLAIN_PATH_FRESH_NS
      || (!moved && now < node->path.began_ns + EW_PLAIN_PATH_AGAIN_NS))
    return;
  while (token == 0)
    ew_random (&token, sizeof token);
  node->path = (PlainPath){ .endpoint = node->endpoint, .began_ns = now, .measuring = TRUE };
  atomic_store_explicit (&node->router.size_token, token, memory_order_release);
  atomic_store_explicit (&node->router.echoed, 0, memory_order_release);
  if (moved)
    atomic_store_explicit (&node->router.takes, 0, memory_order_relaxed);
  add_size (node, largest_for (self, node));
  if (largest_for (self, node) > EW_ROUTER_IPV6_MIN)
    add_size (node, EW_ROUTER_IPV6_MIN);
  add_size (node, LEAST);
  send_sizes (self, node, now);
  if (self->measuring == NULL)
    self->measuring = g_ptr_array_new ();
  g_ptr_array_add (self->measuring, node);
  ew_switch_run_every (self, &self->measuring_source, EW_PLAIN_PATH_LOOK_MS, on_look);
}

void
ew_switch_plain_path_removed (EwSwitch *self, SwitchNode *node)
{
  if (self->measuring != NULL)
    g_ptr_array_remove_fast (self->measuring, node);
}

void
ew_switch_plain_path_clear (EwSwitch *self)
{
  if (self->measuring_source != NULL)
    g_source_destroy (self->measuring_source);
  g_clear_pointer (&self->measuring_source, g_source_unref);
  g_clear_pointer (&self->measuring, g_ptr_array_unref);
}
