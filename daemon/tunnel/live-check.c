/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/live-check.h"
#include "tunnel/tunnel-private.h"
#include <unistd.h>

#define TICK_MS 500 /* a probe without an answer is repeated */
/* Each handshake costs the edge two X25519 operations, so callers share one a second. */
#define HANDSHAKE_PAUSE ((gint64)G_USEC_PER_SEC)

typedef struct
{
  GTask *task;
  EwTunnel *tunnel; /* the task's */
  EwLiveCheck *out; /* the caller's */
  gint64 begun;
  gint64 initiated; /* 0: not with this one */
  guint timer;
  int udp; /* a socket that has sent a datagram to the edge; -1: none */
} LiveCheck;

static const EwEndpoint *
udp_in_use (EwTunnel *self)
{
  return self->candidates != NULL && self->candidate < self->candidates->len
           ? &g_array_index (self->candidates, EwCandidate, self->candidate).endpoint
           : NULL;
}

static const EwEndpoint *
endpoint_in_use (EwTunnel *self)
{
  return self->over_https ? &self->stream : udp_in_use (self);
}

static void
note_endpoint (LiveCheck *check)
{
  const EwEndpoint *endpoint = endpoint_in_use (check->tunnel);

  if (endpoint == NULL || ew_endpoint_same_remote (endpoint, &check->out->endpoint))
    return;
  check->out->endpoint = *endpoint;
  check->out->moved = TRUE;
}

/* Asked now: what the tunnel knows of it may be some seconds old. */
static gboolean
has_way_out (EwTunnel *self)
{
  for (guint i = 0; self->candidates != NULL && i < self->candidates->len; i++)
    if (ew_endpoint_has_route (&g_array_index (self->candidates, EwCandidate, i).endpoint, EW_HOST_FWMARK))
      return TRUE;
  return FALSE;
}

static void
end_check (LiveCheck *check)
{
  GTask *task = check->task;

  if (check->udp >= 0)
    {
      check->out->udp_error = ew_endpoint_read_error (check->udp);
      close (check->udp);
    }
  check->tunnel->live_checks = g_list_remove (check->tunnel->live_checks, check);
  g_clear_handle_id (&check->timer, g_source_remove);
  g_free (check);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static gboolean
on_tick (gpointer user_data)
{
  LiveCheck *check = user_data;
  EwTunnel *self = check->tunnel;
  gint64 now = ew_boottime ();

  if (self->engine == NULL || self->peer < 0 || now - check->begun > EW_LIVE_CHECK_SECONDS * (gint64)G_USEC_PER_SEC)
    {
      check->timer = 0;
      end_check (check);
      return G_SOURCE_REMOVE;
    }
  if (check->out->handshake_us < 0 && now - self->live_initiated >= HANDSHAKE_PAUSE)
    {
      self->live_initiated = now;
      for (GList *item = self->live_checks; item != NULL; item = item->next)
        ((LiveCheck *)item->data)->initiated = now;
      ew_engine_initiate (self->engine, self->peer_key, TRUE);
    }
  if (check->out->probe_us < 0)
    ew_tunnel_probe (self);
  return G_SOURCE_CONTINUE;
}

/* Ends those that have heard all there is to hear. */
static void
settle_checks (EwTunnel *self)
{
  for (GList *item = self->live_checks, *next; item != NULL; item = next)
    {
      LiveCheck *check = item->data;

      next = item->next;
      if (check->out->handshake_us >= 0 && check->out->probe_us >= 0)
        end_check (check);
    }
}

void
ew_live_check_handshaken (EwTunnel *self)
{
  gint64 now = ew_boottime ();

  for (GList *item = self->live_checks; item != NULL; item = item->next)
    {
      LiveCheck *check = item->data;

      if (check->initiated == 0 || check->out->handshake_us >= 0)
        continue;
      check->out->handshake_us = MAX (now - check->initiated, 0);
      note_endpoint (check);
    }
  settle_checks (self);
}

void
ew_live_check_answered (EwTunnel *self, gint64 sent_us)
{
  gint64 now = ew_boottime ();

  for (GList *item = self->live_checks; item != NULL; item = item->next)
    {
      LiveCheck *check = item->data;

      if (sent_us < check->begun || check->out->probe_us >= 0)
        continue;
      check->out->probe_us = MAX (now - sent_us, 0);
      note_endpoint (check);
    }
  settle_checks (self);
}

void
ew_live_check_async (EwTunnel *self, EwLiveCheck *out, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const EwEndpoint *endpoint = endpoint_in_use (self);
  gint64 now = ew_boottime ();

  *out = (EwLiveCheck){ .handshake_us = -1, .probe_us = -1, .last_answer_us = -1 };
  if (self->engine == NULL || self->peer < 0 || udp_in_use (self) == NULL || !has_way_out (self))
    {
      g_task_return_boolean (task, FALSE);
      g_object_unref (task);
      return;
    }
  out->tried = TRUE;
  out->endpoint = *endpoint;
  out->udp = *udp_in_use (self);
  const int udp = ew_endpoint_send_empty (&out->udp, EW_HOST_FWMARK, &out->refused);
  out->last_answer_us = self->liveness.answered != 0 ? now - self->liveness.answered : -1;
  LiveCheck *check = g_new0 (LiveCheck, 1);
  check->task = task;
  check->tunnel = self;
  check->out = out;
  check->begun = now;
  check->udp = udp;
  check->timer = g_timeout_add (TICK_MS, on_tick, check);
  self->live_checks = g_list_prepend (self->live_checks, check);
  on_tick (check);
}

void
ew_live_check_finish (EwTunnel *self, GAsyncResult *result)
{
  (void)self;
  (void)g_task_propagate_boolean (G_TASK (result), NULL);
}
