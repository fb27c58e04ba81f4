/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the main context does again and again, and why each of its timers is there:
 *
 *   scan    —       when a node's time is up  which nodes fell silent (40 s), which problems are over, where one moved
 *                   that had moved less than a minute before; at most once a second
 *           1 s     while a viewer looks      counters
 *   probe   100 ms  while a viewer looks      a twentieth of the nodes each time: each one every 2 s
 *   notice  100 ms  while notices are due     at once, then after 1, 2 and 4 s
 *   path    100 ms  while paths are measured  plain nodes' (plain-path.h)
 *   find    20 ms   while nodes are sought    one handshake each time: 50 a second
 *   wake    —       from the data thread      goodbyes, and first packets after silence
 *   event   —       from the engine           handshakes, moves, and keepalives after silence
 *
 * A node that is away costs nothing: no time of its is ever up. One that is online is looked at when it would be
 * offline, 15 to 40 s later if it is heard every 25 s, together with all others, so that their number doesn't matter.
 *
 * The engine is asked in chunks, so that the data thread is never held for more than some microseconds at a time.
 */
#include "edge/switch/plain-path.h"
#include "edge/switch/switch-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/util.h"
#include "proto/link.h"

#define SCAN_MS 1000
#define SCAN_NS (SCAN_MS * G_GUINT64_CONSTANT (1000000))
#define PROBE_MS 100
#define PROBE_TURNS 20
#define PROBE_AT_ONCE 256
#define NOTICE_MS 100
#define FIND_MS 20
#define STATS_CHUNK 256
#define SEND_CHUNK 32
#define NOTICES_A_TICK 512

guint64
ew_switch_now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now);
  return (guint64)now.tv_sec * EW_SECOND_NS + (guint64)now.tv_nsec;
}

static void
stop (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
ew_switch_run_every (EwSwitch *self, GSource **source, guint ms, GSourceFunc func)
{
  if (*source != NULL)
    return;
  *source = g_timeout_source_new (ms);
  g_source_set_callback (*source, func, self, NULL);
  g_source_attach (*source, self->context);
}

/* Presence. */

typedef struct
{
  SwitchNode *const *nodes;
  guint n;
} Chunk;

/* In the data thread. */
static void
read_stats (EwDevice *device, const EwTime *time, void *data)
{
  const Chunk *chunk = data;

  for (guint i = 0; i < chunk->n; i++)
    {
      SwitchNode *node = chunk->nodes[i];
      const EwEndpoint *endpoint = ew_peer_get_endpoint (node->peer);
      EwPeerStats stats;

      ew_peer_get_stats (node->peer, &stats);
      if (node->online && !ew_endpoint_same_remote (endpoint, &node->endpoint))
        ew_switch_identity_note_move (&node->identity, &node->endpoint, time->now_ns);
      ew_switch_identity_note_stats (&node->identity, &stats, time->realtime_ns);
      node->read_ns = time->now_ns;
      node->latest_timestamp_ns = ew_peer_get_latest_timestamp (node->peer);
      node->refused_timestamp_ns = ew_peer_get_refused_timestamp (node->peer);
      node->endpoint = *endpoint;
      node->presence.last_rx_ns = stats.last_rx_ns;
      node->presence.last_handshake_ns = stats.last_handshake_ns;
      node->last_handshake_realtime_ns = stats.last_handshake_realtime_ns;
      node->rx_bytes = stats.tx_bytes;
      node->tx_bytes = stats.rx_bytes;
      node->dropped_source = stats.dropped_source;
    }
}

static void
read_nodes (EwSwitch *self, SwitchNode *const *nodes, guint n)
{
  for (guint i = 0; i < n; i += STATS_CHUNK)
    {
      Chunk chunk = { nodes + i, MIN (STATS_CHUNK, n - i) };

      ew_engine_call (self->engine, read_stats, &chunk);
    }
}

/* All at once: whoever asks about one mostly asks about the next, too. */
void
ew_switch_monitor_refresh (EwSwitch *self, const SwitchNode *node)
{
  const guint64 now = ew_switch_now_ns ();

  if (node->read_ns == 0 || now > node->read_ns + SCAN_NS)
    read_nodes (self, (SwitchNode *const *)self->order->pdata, self->order->len);
}

typedef struct
{
  gchar *id;
  gboolean presence_changed, online;
  gboolean endpoint_changed, problem_changed;
  EwEndpoint endpoint;
} Change;

static void
clear_change (gpointer data)
{
  g_free (((Change *)data)->id);
}

static gboolean
endpoint_changed (SwitchNode *node, guint64 now)
{
  if (node->endpoint.kind == EW_ENDPOINT_NONE || ew_endpoint_same_remote (&node->endpoint, &node->reported)
      || (node->endpoint.kind == node->reported.kind && node->reported_ns != 0
          && now - node->reported_ns < EW_PRESENCE_ROAM_NS))
    return FALSE;
  node->reported = node->endpoint;
  node->reported_ns = now;
  return TRUE;
}

/* When what was decided about it will be wrong though nothing happens; G_MAXUINT64: never. */
static guint64
find_due (const SwitchNode *node, guint64 now)
{
  const guint64 back = atomic_load_explicit (&node->router.instance_back_ns, memory_order_acquire);
  guint64 due = MIN (ew_switch_identity_get_problem_end (&node->identity, back, now),
                     ew_switch_presence_get_due (&node->presence, now));

  if (node->endpoint.kind != EW_ENDPOINT_NONE && !ew_endpoint_same_remote (&node->endpoint, &node->reported))
    due = MIN (due, node->reported_ns + EW_PRESENCE_ROAM_NS);
  return due;
}

static gboolean
problem_changed (SwitchNode *node, guint64 now)
{
  const guint64 back = atomic_load_explicit (&node->router.instance_back_ns, memory_order_acquire);
  const EwNodeProblem problem = ew_switch_identity_get_problem (&node->identity, back, now);
  const gboolean changed = problem != node->problem;

  node->problem = problem;
  atomic_store_explicit (&node->router.problem, (guint8)problem, memory_order_relaxed);
  return changed;
}

typedef struct
{
  SwitchNode *node;
  const EwEndpoint *to;
} Call;

/* In the data thread. */
static void
call_peer (EwDevice *device, const EwTime *time, void *data)
{
  const Call *call = data;

  if (!ew_peer_call (call->node->peer, call->to, time))
    g_debug ("node %s isn't called where it last was", call->node->id);
}

/* Where it was before, in case a computer is still there (identity.h). */
static void
call_former (EwSwitch *self, SwitchNode *node)
{
  const guint64 appeared = atomic_load_explicit (&node->router.instance_new_ns, memory_order_acquire);
  Call call = { node, ew_switch_identity_whom_to_call (&node->identity, appeared) };

  if (call.to != NULL)
    ew_engine_call (self->engine, call_peer, &call);
}

static void
judge (EwSwitch *self, SwitchNode *node, guint64 now, GArray *changes)
{
  Change change = { .endpoint = node->endpoint };

  node->presence.goodbye_ns = atomic_load_explicit (&node->router.goodbye_ns, memory_order_acquire);
  node->presence.last_probe_ns = atomic_load_explicit (&node->router.probe_ns, memory_order_acquire);
  change.online = ew_switch_presence_is_online (&node->presence, now);
  change.presence_changed = change.online != node->online;
  change.endpoint_changed = endpoint_changed (node, now);
  change.problem_changed = problem_changed (node, now);
  node->online = change.online;
  atomic_store_explicit (&node->router.online, change.online, memory_order_relaxed);
  atomic_store_explicit (&node->router.departed, ew_switch_presence_has_departed (&node->presence),
                         memory_order_relaxed);
  node->due_ns = find_due (node, now);
  ew_switch_plain_path_look (self, node, now);
  if (!change.presence_changed && !change.endpoint_changed && !change.problem_changed)
    return;
  change.id = g_strdup (node->id);
  g_array_append_val (changes, change);
}

static void
report (EwSwitch *self, const GArray *changes)
{
  for (guint i = 0; i < changes->len; i++)
    {
      const Change *change = &g_array_index (changes, Change, i);

      /* A callback before this one may have removed it. */
      if (change->presence_changed && self->on_presence != NULL && g_hash_table_contains (self->nodes, change->id))
        self->on_presence (self->user_data, change->id, change->online);
      if (change->endpoint_changed && self->on_endpoint != NULL && g_hash_table_contains (self->nodes, change->id))
        self->on_endpoint (self->user_data, change->id, &change->endpoint);
      if (change->problem_changed && self->on_problem != NULL && g_hash_table_contains (self->nodes, change->id))
        self->on_problem (self->user_data, change->id);
    }
}

static gboolean on_scan (gpointer data);

/* Moves the next scan towards the present, never away from it: one that comes too early finds nothing to do. */
static void
hurry_scan (EwSwitch *self, guint64 due_ns)
{
  const guint64 now = ew_switch_now_ns ();

  if (due_ns == G_MAXUINT64)
    return;
  due_ns = MAX (MAX (due_ns, self->scanned_ns + SCAN_NS), now);
  if (self->scan_source != NULL && self->scan_due_ns <= due_ns)
    return;
  stop (&self->scan_source);
  self->scan_due_ns = due_ns;
  ew_switch_run_every (self, &self->scan_source, (guint)((due_ns - now) / 1000000 + 1), on_scan);
}

void
ew_switch_monitor_update (EwSwitch *self, SwitchNode *const *nodes, guint n)
{
  g_autoptr (GArray) changes = g_array_new (FALSE, FALSE, sizeof (Change));
  guint64 now, due = G_MAXUINT64;

  g_array_set_clear_func (changes, clear_change);
  read_nodes (self, nodes, n);
  now = ew_switch_now_ns ();
  for (guint i = 0; i < n; i++)
    {
      call_former (self, nodes[i]);
      judge (self, nodes[i], now, changes);
      due = MIN (due, nodes[i]->due_ns);
    }
  hurry_scan (self, due);
  report (self, changes);
}

static gboolean
on_scan (gpointer data)
{
  EwSwitch *self = data;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  stop (&self->scan_source);
  self->scanned_ns = ew_switch_now_ns ();
  for (guint i = 0; i < self->order->len; i++)
    {
      SwitchNode *node = g_ptr_array_index (self->order, i);

      if (self->viewers > 0 || node->due_ns != G_MAXUINT64)
        g_ptr_array_add (nodes, node);
    }
  if (self->viewers > 0)
    hurry_scan (self, self->scanned_ns + SCAN_NS);
  ew_switch_monitor_update (self, (SwitchNode *const *)nodes->pdata, nodes->len);
  return G_SOURCE_REMOVE;
}

/* In the data thread. A full counter doesn't matter: it isn't zero. */
static void
wake (gpointer data)
{
  const guint64 one = 1;

  if (write (((EwSwitch *)data)->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
    g_debug ("the switch's main context couldn't be woken: %s", g_strerror (errno));
}

static gboolean
on_wake (gint fd, GIOCondition condition, gpointer data)
{
  EwSwitch *self = data;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  EwRouterNode *note, *next;
  guint64 n;

  if (read (fd, &n, sizeof n) < 0 && errno != EAGAIN)
    g_debug ("the switch's eventfd: %s", g_strerror (errno));
  for (note = ew_switch_router_take_notes (&self->router); note != NULL; note = next)
    {
      next = note->next_note;
      ew_switch_router_mark_read (note);
      g_ptr_array_add (nodes, note->owner);
    }
  ew_switch_monitor_update (self, (SwitchNode *const *)nodes->pdata, nodes->len);
  return G_SOURCE_CONTINUE;
}

/* The edge's messages to nodes. */

/* Each message in a buffer of its own: the engine may write them to the socket after the last has been made. */
typedef struct
{
  EwSwitch *self;
  SwitchNode *nodes[SEND_CHUNK];
  guint8 buffers[SEND_CHUNK][EW_HEADROOM + EW_LINK_PACKET_MAX + EW_TAILROOM];
  guint n;
  gboolean probe; /* else a notice */
} Mailing;

gboolean
ew_switch_find_addresses (EwSwitch *self, SwitchNode *node, const EwIp **service, const EwIp **address)
{
  for (guint i = 0; i < node->addresses->len; i++)
    {
      *address = &g_array_index (node->addresses, EwIp, i);
      *service = &self->router.service[(*address)->family == EW_FAMILY_V6];
      if ((*service)->family == (*address)->family)
        return TRUE;
    }
  return FALSE;
}

/* Of a probe: random each time, so that no node can answer one that hasn't reached it. 0 would say that none is out.
 */
static guint64
make_token (void)
{
  guint64 token;

  ew_random (&token, sizeof token);
  return MAX (token, 1);
}

/* In the data thread; the main context waits. */
static void
send_mailing (EwDevice *device, const EwTime *time, void *data)
{
  Mailing *mailing = data;
  const EwIp *service, *address;

  for (guint i = 0; i < mailing->n; i++)
    {
      SwitchNode *node = mailing->nodes[i];
      EwPacket packet = { .data = mailing->buffers[i] + EW_HEADROOM };
      const EwLinkMessage notice = { .type = EW_LINK_NOTICE, .revision = node->revision, .stamp_ns = time->now_ns };

      if (!ew_switch_find_addresses (mailing->self, node, &service, &address))
        continue;
      packet.len = mailing->probe ? ew_switch_router_build_probe (&node->router, packet.data, service, address,
                                                                  node->plain, make_token (), time->now_ns)
                                  : ew_link_build (packet.data, service, address, &notice);
      ew_peer_send (node->peer, &packet, 1, time);
    }
}

static void
start_mailing (Mailing *mailing, EwSwitch *self, gboolean probe)
{
  mailing->self = self;
  mailing->n = 0;
  mailing->probe = probe;
}

static void
mail (Mailing *mailing, SwitchNode *node)
{
  if (node != NULL)
    mailing->nodes[mailing->n++] = node;
  if (mailing->n == SEND_CHUNK || (node == NULL && mailing->n > 0))
    {
      ew_engine_call (mailing->self->engine, send_mailing, mailing);
      mailing->n = 0;
    }
}

/* Every step-th node from first on, limit at most. */
static void
probe_nodes (EwSwitch *self, guint first, guint step, guint limit)
{
  Mailing mailing;

  start_mailing (&mailing, self, TRUE);
  for (guint i = first; i < self->order->len && limit > 0; i += step)
    {
      SwitchNode *node = g_ptr_array_index (self->order, i);

      if (node->online)
        {
          mail (&mailing, node);
          limit--;
        }
    }
  mail (&mailing, NULL);
}

static gboolean
on_probe (gpointer data)
{
  EwSwitch *self = data;

  probe_nodes (self, self->probe_turn, PROBE_TURNS, G_MAXUINT);
  self->probe_turn = (self->probe_turn + 1) % PROBE_TURNS;
  return G_SOURCE_CONTINUE;
}

void
ew_switch_set_viewers (EwSwitch *self, guint viewers)
{
  const gboolean first = self->viewers == 0 && viewers > 0;

  self->viewers = viewers;
  /* A new viewer of a small mesh gets all round trips with the next counters; those of a large one fill in gradually.
   */
  if (first)
    probe_nodes (self, 0, 1, PROBE_AT_ONCE);
  if (viewers > 0)
    {
      hurry_scan (self, 0);
      ew_switch_run_every (self, &self->probe_source, PROBE_MS, on_probe);
    }
  else
    stop (&self->probe_source);
}

/* Notices. */

static gboolean
knows (const SwitchNode *node)
{
  const EwRevision named = { atomic_load_explicit (&node->router.probe_revision, memory_order_acquire) };

  return atomic_load_explicit (&node->router.probe_ns, memory_order_acquire) != 0
         && ew_revision_equal (named, node->revision);
}

static gboolean
on_notice (gpointer data)
{
  EwSwitch *self = data;
  Mailing mailing;
  const guint64 now = ew_switch_now_ns ();
  guint sent = 0;

  start_mailing (&mailing, self, FALSE);
  for (guint i = self->noticing->len; i-- > 0 && sent < NOTICES_A_TICK;)
    {
      SwitchNode *node = g_ptr_array_index (self->noticing, i);

      /* An offline node asks with its first PROBE. */
      if (knows (node) || !node->online)
        ew_switch_notice_stop (&node->notice);
      else if (ew_switch_notice_take (&node->notice, now))
        {
          mail (&mailing, node);
          sent++;
        }
      if (node->notice.due_ns == 0)
        g_ptr_array_remove_index_fast (self->noticing, i);
    }
  mail (&mailing, NULL);
  if (self->noticing->len > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->notice_source, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
ew_switch_monitor_notify (EwSwitch *self, SwitchNode *node)
{
  if (node->plain || !node->online)
    return;
  if (node->notice.due_ns == 0)
    g_ptr_array_add (self->noticing, node);
  ew_switch_notice_start (&node->notice, ew_switch_now_ns ());
  ew_switch_run_every (self, &self->notice_source, NOTICE_MS, on_notice);
}

/* Finding the nodes again. */

static gboolean
on_find (gpointer data)
{
  EwSwitch *self = data;
  g_autofree gchar *id = g_queue_pop_head (self->seeking);
  const SwitchNode *node = id != NULL ? g_hash_table_lookup (self->nodes, id) : NULL;

  if (node != NULL && !node->online)
    ew_engine_initiate (self->engine, node->public_key, FALSE);
  if (id != NULL)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->find_source, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
ew_switch_find_nodes (EwSwitch *self)
{
  for (guint i = 0; i < self->order->len; i++)
    {
      const SwitchNode *node = g_ptr_array_index (self->order, i);

      if (!node->online && node->endpoint.kind != EW_ENDPOINT_NONE)
        g_queue_push_tail (self->seeking, g_strdup (node->id));
    }
  if (!g_queue_is_empty (self->seeking))
    ew_switch_run_every (self, &self->find_source, FIND_MS, on_find);
}

/* Life. */

gboolean
ew_switch_monitor_init (EwSwitch *self, GError **error)
{
  self->noticing = g_ptr_array_new ();
  self->seeking = g_queue_new ();
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->wake_fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "The switch couldn't be started: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->router.wake = wake;
  self->router.wake_data = self;
  self->wake_source = g_unix_fd_source_new (self->wake_fd, G_IO_IN);
  g_source_set_callback (self->wake_source, G_SOURCE_FUNC (on_wake), self, NULL);
  g_source_attach (self->wake_source, self->context);
  return TRUE;
}

void
ew_switch_monitor_clear (EwSwitch *self)
{
  stop (&self->wake_source);
  stop (&self->scan_source);
  stop (&self->probe_source);
  stop (&self->notice_source);
  stop (&self->find_source);
  ew_switch_plain_path_clear (self);
  if (self->wake_fd >= 0)
    close (self->wake_fd);
  g_clear_pointer (&self->noticing, g_ptr_array_unref);
  if (self->seeking != NULL)
    g_queue_free_full (self->seeking, g_free);
}

void
ew_switch_monitor_removed (EwSwitch *self, SwitchNode *node)
{
  EwRouterNode *note, *next;

  /* Its note must go, the others' stay. The data thread can't write another one: the peer has been removed. */
  for (note = ew_switch_router_take_notes (&self->router); note != NULL; note = next)
    {
      next = note->next_note;
      ew_switch_router_mark_read (note);
      if (note != &node->router)
        ew_switch_router_note (&self->router, note);
    }
  g_ptr_array_remove_fast (self->noticing, node);
  ew_switch_plain_path_removed (self, node);
}
