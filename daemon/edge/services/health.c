/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/services/health.h"

#include <netinet/in.h>

/* How often a probe that is out is looked at: an answer takes a round trip. */
#define POLL_MS 20
#define REPEAT_US (EW_HEALTH_TIMEOUT_MS / 2 * G_TIME_SPAN_MILLISECOND)
#define TIMEOUT_US (EW_HEALTH_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND)
/* After the computer's echo reply, a word about its port would have come by now. */
#define REFUSAL_US (300 * G_TIME_SPAN_MILLISECOND)

/* What is asked of a target. */
typedef struct
{
  EwIp ip;
  guint8 protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP: the computer alone */
  guint16 port;
} Question;

typedef struct
{
  gchar *key; /* the target and what it is asked */
  EwTargetState state;
  gint64 since_us; /* realtime; 0: not probed yet */
  guint silent;    /* probes in a row without an answer */
} Known;

/* Somebody waits for some probes. */
typedef struct
{
  guint left;
  void (*done) (gpointer data);
  gpointer data;
} Check;

typedef struct
{
  gchar *id, *key; /* of the service and the target */
  Check *check;    /* NULL: nobody waits */
  Question question;
  gint slot; /* -1: not sent yet */
  gint64 began_us, pinged_us;
  gboolean repeated;
} Probe;

struct EwHealth
{
  EwMesh *mesh;
  EwFeed *feed;
  GHashTable *services; /* id → array of Known */
  GQueue *waiting;      /* of Probe: not sent yet */
  GPtrArray *active;    /* of Probe: sent */
  guint poll_source, interval_source;
  void (*changed) (gpointer user_data, const gchar *id);
  gpointer user_data;
};

static void
known_free (gpointer data)
{
  g_free (((Known *)data)->key);
  g_free (data);
}

static void
probe_free (gpointer data)
{
  Probe *probe = data;
  g_free (probe->id);
  g_free (probe->key);
  g_free (probe);
}

/* Questions. */

static gchar *
make_key (const EwService *service, guint index)
{
  const EwServiceTarget *target = service->targets->pdata[index];
  const EwServicePort *port = ew_mesh_service_sole_port (service);
  gchar host[EW_IP_STRLEN] = "";
  if (target->host.family != EW_FAMILY_NONE)
    ew_ip_format (&target->host, host);
  return g_strdup_printf ("%s %s %u %u", target->node_id, host, port ? port->protocol : 0,
                          port ? ew_mesh_target_port (target, port) : 0);
}

static gint
find_index (const EwService *service, const gchar *key)
{
  for (guint i = 0; service && i < service->targets->len; i++)
    {
      g_autofree gchar *other = make_key (service, i);
      if (g_str_equal (other, key))
        return (gint)i;
    }
  return -1;
}

/* FALSE: there is nobody to ask now. */
static gboolean
make_question (EwHealth *self, const EwService *service, guint index, Question *out)
{
  const EwServiceTarget *target = service->targets->pdata[index];
  const EwServicePort *port = ew_mesh_service_sole_port (service);
  *out = (Question){ .protocol = port ? port->protocol : IPPROTO_ICMP,
                     .port = port ? ew_mesh_target_port (target, port) : 0 };
  return ew_feed_is_online (self->feed, target->node_id)
         && (ew_mesh_target_address (self->mesh, target, EW_FAMILY_V4, &out->ip)
             || ew_mesh_target_address (self->mesh, target, EW_FAMILY_V6, &out->ip));
}

/* What is known. */

static Known *
find_known (EwHealth *self, const gchar *id, const gchar *key)
{
  GPtrArray *list = g_hash_table_lookup (self->services, id);
  for (guint i = 0; list && i < list->len; i++)
    if (g_str_equal (((Known *)list->pdata[i])->key, key))
      return list->pdata[i];
  return NULL;
}

EwTargetState
ew_services_health_get (EwHealth *self, const gchar *id, guint index, gint64 *since_us)
{
  GPtrArray *list = g_hash_table_lookup (self->services, id);
  const Known *known = list && index < list->len ? list->pdata[index] : NULL;
  *since_us = known ? known->since_us : 0;
  return known ? known->state : EW_TARGET_UNKNOWN;
}

/* Silence of something that never answered says little where only a ping or UDP was tried. */
static EwTargetState
judge_silence (Known *known, const Question *question)
{
  known->silent++;
  if (known->state == EW_TARGET_UNKNOWN)
    return question->protocol == IPPROTO_TCP ? EW_TARGET_SILENT : EW_TARGET_UNKNOWN;
  return known->silent > 1 ? EW_TARGET_SILENT : known->state;
}

static EwTargetState
judge (Known *known, const Question *question, EwProbeState result)
{
  if (result == EW_PROBE_WAITING)
    return judge_silence (known, question);
  known->silent = 0;
  return result == EW_PROBE_ANSWERED  ? EW_TARGET_ANSWERS
         : result == EW_PROBE_PINGED  ? EW_TARGET_REACHABLE
         : result == EW_PROBE_REFUSED ? EW_TARGET_REFUSES
                                      : EW_TARGET_UNREACHABLE;
}

static void
note_result (EwHealth *self, const Probe *probe, EwProbeState result)
{
  Known *known = find_known (self, probe->id, probe->key);
  EwTargetState state = known ? judge (known, &probe->question, result) : EW_TARGET_UNKNOWN;
  if (known == NULL || (state == known->state && known->since_us != 0))
    return;
  gboolean changed = state != known->state;
  known->state = state;
  known->since_us = g_get_real_time ();
  if (changed)
    self->changed (self->user_data, probe->id);
}

/* Probes. */

static void
end_probe (Probe *probe)
{
  Check *check = probe->check;
  probe_free (probe);
  if (check == NULL || --check->left > 0)
    return;
  check->done (check->data);
  g_free (check);
}

static gboolean on_poll (gpointer user_data);

/* As many as there are slots for. */
static void
send_waiting (EwHealth *self)
{
  EwSwitch *packet_switch = ew_feed_get_switch (self->feed);
  Probe *probe;
  while ((probe = g_queue_peek_head (self->waiting)))
    {
      const EwService *service = ew_mesh_get_service (self->mesh, probe->id);
      gint index = find_index (service, probe->key);
      if (index < 0 || !make_question (self, service, (guint)index, &probe->question))
        {
          end_probe (g_queue_pop_head (self->waiting));
          continue;
        }
      probe->slot
        = ew_switch_start_probe (packet_switch, &probe->question.ip, probe->question.protocol, probe->question.port);
      if (probe->slot < 0)
        break;
      probe->began_us = g_get_monotonic_time ();
      g_ptr_array_add (self->active, g_queue_pop_head (self->waiting));
    }
  if (self->active->len > 0 && self->poll_source == 0)
    self->poll_source = g_timeout_add (POLL_MS, on_poll, self);
}

/* TRUE: there is nothing to wait for any more. */
static gboolean
is_over (EwHealth *self, Probe *probe, EwProbeState state)
{
  gint64 now = g_get_monotonic_time ();
  if (state == EW_PROBE_PINGED && probe->pinged_us == 0)
    probe->pinged_us = now;
  if (state == EW_PROBE_PINGED)
    return probe->question.protocol == IPPROTO_ICMP || now - probe->pinged_us >= REFUSAL_US;
  if (state != EW_PROBE_WAITING || now - probe->began_us >= TIMEOUT_US)
    return TRUE;
  if (!probe->repeated && now - probe->began_us >= REPEAT_US)
    {
      probe->repeated = TRUE;
      ew_switch_repeat_probe (ew_feed_get_switch (self->feed), probe->slot);
    }
  return FALSE;
}

static gboolean
on_poll (gpointer user_data)
{
  EwHealth *self = user_data;
  EwSwitch *packet_switch = ew_feed_get_switch (self->feed);
  g_autoptr (GPtrArray) over = g_ptr_array_new ();
  for (guint i = self->active->len; i > 0; i--)
    {
      Probe *probe = self->active->pdata[i - 1];
      EwProbeState state = ew_switch_get_probe (packet_switch, probe->slot);
      if (!is_over (self, probe, state))
        continue;
      ew_switch_end_probe (packet_switch, probe->slot);
      g_ptr_array_remove_index_fast (self->active, i - 1);
      note_result (self, probe, state);
      g_ptr_array_add (over, probe);
    }
  for (guint i = 0; i < over->len; i++)
    end_probe (over->pdata[i]);
  send_waiting (self);
  if (self->active->len > 0)
    return G_SOURCE_CONTINUE;
  self->poll_source = 0;
  return G_SOURCE_REMOVE;
}

static gboolean
is_being_probed (EwHealth *self, const gchar *id, const gchar *key)
{
  for (guint i = 0; i < self->active->len; i++)
    {
      const Probe *probe = self->active->pdata[i];
      if (g_str_equal (probe->id, id) && g_str_equal (probe->key, key))
        return TRUE;
    }
  for (GList *link = self->waiting->head; link; link = link->next)
    {
      const Probe *probe = link->data;
      if (g_str_equal (probe->id, id) && g_str_equal (probe->key, key))
        return TRUE;
    }
  return FALSE;
}

static void
queue_probe (EwHealth *self, const EwService *service, guint index, Check *check)
{
  Question question;
  g_autofree gchar *key = make_key (service, index);
  if (!make_question (self, service, index, &question) || (check == NULL && is_being_probed (self, service->id, key)))
    return;
  Probe *probe = g_new0 (Probe, 1);
  probe->id = g_strdup (service->id);
  probe->key = g_steal_pointer (&key);
  probe->slot = -1;
  probe->check = check;
  if (check)
    check->left++;
  g_queue_push_tail (self->waiting, probe);
}

static gboolean
end_check (gpointer data)
{
  Check *check = data;
  if (--check->left > 0)
    return G_SOURCE_REMOVE;
  check->done (check->data);
  g_free (check);
  return G_SOURCE_REMOVE;
}

void
ew_services_health_check (EwHealth *self, const gchar *id, void (*done) (gpointer data), gpointer data)
{
  const EwService *service = ew_mesh_get_service (self->mesh, id);
  Check *check = g_new0 (Check, 1);
  check->done = done;
  check->data = data;
  check->left = 1; /* this call's own, which ends later, so that done never comes within it */
  for (guint i = 0; service && i < service->targets->len; i++)
    queue_probe (self, service, i, check);
  send_waiting (self);
  g_idle_add (end_check, check);
}

/* All the time. */

static gboolean
is_watched (const EwService *service)
{
  return service->watched || service->targets->len > 1;
}

static gboolean
on_interval (gpointer user_data)
{
  EwHealth *self = user_data;
  gboolean any = FALSE;
  for (const EwService *service = ew_mesh_next_service (self->mesh, NULL); service;
       service = ew_mesh_next_service (self->mesh, service->id))
    if (is_watched (service))
      {
        any = TRUE;
        for (guint i = 0; i < service->targets->len; i++)
          queue_probe (self, service, i, NULL);
      }
  send_waiting (self);
  if (any)
    return G_SOURCE_CONTINUE;
  self->interval_source = 0;
  return G_SOURCE_REMOVE;
}

void
ew_services_health_update (EwHealth *self, const gchar *id)
{
  const EwService *service = ew_mesh_get_service (self->mesh, id);
  if (service == NULL)
    {
      g_hash_table_remove (self->services, id);
      return;
    }
  GPtrArray *list = g_ptr_array_new_with_free_func (known_free);
  for (guint i = 0; i < service->targets->len; i++)
    {
      g_autofree gchar *key = make_key (service, i);
      const Known *old = find_known (self, id, key);
      Known *known = old ? g_memdup2 (old, sizeof *old) : g_new0 (Known, 1);
      known->key = g_steal_pointer (&key);
      g_ptr_array_add (list, known);
      if (is_watched (service))
        queue_probe (self, service, i, NULL); /* it is new, or has just come */
    }
  g_hash_table_replace (self->services, g_strdup (id), list);
  if (is_watched (service) && self->interval_source == 0)
    self->interval_source = g_timeout_add_seconds (EW_HEALTH_INTERVAL_S, on_interval, self);
  send_waiting (self);
}

/* Life. */

EwHealth *
ew_services_health_new (EwMesh *mesh, EwFeed *feed, void (*changed) (gpointer user_data, const gchar *id),
                        gpointer user_data)
{
  EwHealth *self = g_new0 (EwHealth, 1);
  self->mesh = mesh;
  self->feed = feed;
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  self->waiting = g_queue_new ();
  self->active = g_ptr_array_new ();
  self->changed = changed;
  self->user_data = user_data;
  return self;
}

void
ew_services_health_free (EwHealth *self)
{
  Probe *probe;
  g_clear_handle_id (&self->poll_source, g_source_remove);
  g_clear_handle_id (&self->interval_source, g_source_remove);
  for (guint i = 0; i < self->active->len; i++)
    {
      probe = self->active->pdata[i];
      ew_switch_end_probe (ew_feed_get_switch (self->feed), probe->slot);
      end_probe (probe);
    }
  while ((probe = g_queue_pop_head (self->waiting)))
    end_probe (probe);
  g_ptr_array_unref (self->active);
  g_queue_free (self->waiting);
  g_hash_table_unref (self->services);
  g_free (self);
}
