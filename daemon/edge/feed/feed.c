/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/feed/feed.h"

#include <string.h>
#include "common/util.h"
#include "edge/mesh/document.h"

#define SAVE_INTERVAL_US (60 * G_USEC_PER_SEC) /* a node's endpoint, and a timestamp floor after one that failed */
/* Stored ahead of what was sent: a crash before the next store must not lead to a lower timestamp. Asked for 120 s
   before it is reached. Where the store hasn't answered by then, handshakes go on, as with a full disk: refused ones
   would take the mesh down for sure, while timestamps go back only where the edge then crashes and starts with a clock
   that is slow (and the nodes start the handshakes then). */
#define TIMESTAMP_RESERVE_NS (G_GUINT64_CONSTANT (180) * 1000000000)
#define TIMESTAMP_LEFT_NS (G_GUINT64_CONSTANT (120) * 1000000000)

#define LOG_INTERVAL_US (60 * G_USEC_PER_SEC) /* a node's coming or going, or its problem: it could fill the log */

typedef struct
{
  gboolean online;
  gboolean logged;  /* the last logged state; at first offline */
  gint64 logged_us; /* monotonic; 0: never */
  EwNodeProblem logged_problem;
  gint64 problem_logged_us[EW_NODE_PROBLEM_REFUSED + 1]; /* of each one, monotonic; 0: never */
  gboolean came;                                         /* for the first time: its node is to stay */
  gboolean unsaved;
  gint64 saved_us; /* monotonic */
} Seen;

/* What the store has been asked to keep. */
typedef struct
{
  EwFeed *feed; /* NULL: it was removed */
  gchar **ids;
  guint64 floor_ns;
} Saving;

struct EwFeed
{
  EwMesh *mesh;
  EwSwitch *packet_switch;
  guint listener;
  GHashTable *seen; /* id → Seen */
  GQueue arrived;   /* ids of nodes that connected for the first time */
  guint arrived_source;
  guint online;
  Saving *places, *floor;           /* under way; NULL: none is */
  gint64 floor_asked_us;            /* monotonic */
  guint64 floor_ns;                 /* as it is stored for sure */
  gboolean save_failed, floor_late; /* it was said already */
  void (*func) (gpointer user_data, const gchar *id);
  gpointer user_data;
  void (*presence_func) (gpointer user_data, const gchar *id);
  gpointer presence_data;
  void (*work_func) (gpointer user_data);
  gpointer work_data;
};

static Seen *
get_seen (EwFeed *self, const gchar *id)
{
  Seen *seen = g_hash_table_lookup (self->seen, id);
  if (seen == NULL)
    {
      seen = g_new0 (Seen, 1);
      g_hash_table_insert (self->seen, g_strdup (id), seen);
    }
  return seen;
}

static void
tell_of_work (EwFeed *self)
{
  if (self->work_func)
    self->work_func (self->work_data);
}

/* To the switch. */

static void
push_node (EwFeed *self, const EwNode *node)
{
  if (!node->has_key || node->n_addresses == 0)
    return;
  g_autofree EwPrefix *routes = g_new (EwPrefix, node->routes->len + 1);
  for (guint i = 0; i < node->routes->len; i++)
    routes[i] = ((const EwRouteEntry *)node->routes->pdata[i])->prefix;
  EwSwitchNode out = {
    .id = node->id,
    .addresses = node->addresses,
    .n_addresses = node->n_addresses,
    .routes = routes,
    .n_routes = node->routes->len,
    .endpoint = node->endpoint,
    .plain = node->plain,
    .revision = ew_mesh_document_revision (self->mesh, node),
    .mtu = node->mtu != 0 ? ew_mesh_get_node_mtu (self->mesh, node) : 0,
  };
  memcpy (out.public_key, node->public_key, EW_KEY_SIZE);
  ew_switch_set_node (self->packet_switch, &out);
}

static void
on_node_changed (gpointer user_data, const gchar *id)
{
  EwFeed *self = user_data;
  push_node (self, ew_mesh_get_node (self->mesh, id));
}

static void
on_node_removed (gpointer user_data, const gchar *id)
{
  EwFeed *self = user_data;
  const Seen *seen = g_hash_table_lookup (self->seen, id);
  self->online -= seen && seen->online;
  ew_switch_remove_node (self->packet_switch, id);
  g_hash_table_remove (self->seen, id);
}

static void
on_all_changed (gpointer user_data)
{
  EwFeed *self = user_data;
  for (EwNode *node = ew_mesh_next_node (self->mesh, NULL); node; node = ew_mesh_next_node (self->mesh, node->id))
    push_node (self, node);
}

static const EwMeshListener mesh_listener = {
  .node_changed = on_node_changed,
  .node_removed = on_node_removed,
  .all_changed = on_all_changed,
};

/* From the switch. */

static void
on_marked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree gchar *id = user_data;
  g_autoptr (GError) error = NULL;
  if (!ew_mesh_work_finish (result, &error) && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("node %s connected, but that can't be stored: %s", id, error->message);
}

static gboolean
on_arrived (gpointer user_data)
{
  EwFeed *self = user_data;
  gchar *id;
  self->arrived_source = 0;
  while ((id = g_queue_pop_head (&self->arrived)))
    {
      const EwNode *node = ew_mesh_get_node (self->mesh, id);
      if (node && !node->joined)
        ew_mesh_mark_joined_async (self->mesh, id, on_marked, g_strdup (id));
      g_free (id);
    }
  return G_SOURCE_REMOVE;
}

/* At the end: those that nothing is stored of yet. */
static void
mark_the_rest (EwFeed *self)
{
  GHashTableIter iter;
  gpointer id, seen;
  g_hash_table_iter_init (&iter, self->seen);
  while (g_hash_table_iter_next (&iter, &id, &seen))
    {
      g_autoptr (GError) error = NULL;
      const EwNode *node = ew_mesh_get_node (self->mesh, id);
      if (node && !node->joined && ((const Seen *)seen)->came && !ew_mesh_mark_joined (self->mesh, id, &error))
        g_warning ("node %s connected, but that can't be stored: %s", (const gchar *)id, error->message);
    }
}

/* What changed back within the minute isn't logged at all. */
static void
log_presence (Seen *seen, const EwNode *node)
{
  gint64 now = g_get_monotonic_time ();
  if (seen->logged == seen->online || (seen->logged_us && now - seen->logged_us < LOG_INTERVAL_US))
    return;
  seen->logged = seen->online;
  seen->logged_us = now;
  g_message ("node %s is %s", node->name, seen->online ? "online" : "offline");
}

static void
set_online (EwFeed *self, EwNode *node, gboolean online)
{
  Seen *seen = get_seen (self, node->id);
  EwSwitchNodeStatus status = { 0 };
  if (seen->online == online)
    {
      log_presence (seen, node);
      return;
    }
  seen->online = online;
  seen->unsaved = TRUE;
  tell_of_work (self);
  self->online += online ? 1 : -1;
  ew_switch_get_node (self->packet_switch, node->id, &status);
  node->last_seen_us = MAX (node->last_seen_us, status.last_seen_us);
  log_presence (seen, node);
  if (online && !node->joined)
    {
      seen->came = TRUE;
      /* Not from within the switch's call: it would be called back. */
      g_queue_push_tail (&self->arrived, g_strdup (node->id));
      if (self->arrived_source == 0)
        self->arrived_source = g_idle_add (on_arrived, self);
    }
  if (self->func)
    self->func (self->user_data, node->id);
  if (self->presence_func)
    self->presence_func (self->presence_data, node->id);
}

static void
on_presence (gpointer user_data, const gchar *id, gboolean online)
{
  EwFeed *self = user_data;
  EwNode *node = ew_mesh_get_node (self->mesh, id);
  if (node)
    set_online (self, node, online);
}

static void
on_endpoint (gpointer user_data, const gchar *id, const EwEndpoint *endpoint)
{
  EwFeed *self = user_data;
  EwNode *node = ew_mesh_get_node (self->mesh, id);
  if (node == NULL)
    return;
  const gboolean other_transport = node->endpoint.kind != endpoint->kind;
  node->endpoint = *endpoint;
  get_seen (self, id)->unsaved = TRUE;
  tell_of_work (self);
  if (other_transport && self->func)
    self->func (self->user_data, id);
}

static void
warn_of_problem (const EwNode *node, const EwSwitchNodeStatus *status)
{
  gchar here[EW_ENDPOINT_STRLEN], there[EW_ENDPOINT_STRLEN];

  ew_endpoint_format (&status->endpoint, here);
  ew_endpoint_format (&status->former_endpoint, there);
  switch (status->problem)
    {
    case EW_NODE_PROBLEM_TWO_MACHINES:
      g_warning (
        "Two computers use the identity of node %s, at %s and %s: one was cloned from the other, so each cuts the "
        "other off. On one of them, stop edgewayd, delete /var/lib/edgeway, start edgewayd and enroll with a new key.",
        node->name, there, here);
      break;
    case EW_NODE_PROBLEM_CLOCK_BEHIND:
      g_warning ("The clock of node %s is %" G_GINT64_FORMAT " s behind the edge's host. Set it, or let NTP set it. "
                 "Until then the edge starts the handshakes with it.",
                 node->name, status->clock_behind_s);
      break;
    case EW_NODE_PROBLEM_RESTORED:
      g_message ("node %s was reset to an older state; the edge started the handshake with it", node->name);
      break;
    default:
      g_message ("node %s no longer has a problem with its identity", node->name);
    }
}

static void
log_problem (Seen *seen, const EwNode *node, const EwSwitchNodeStatus *status)
{
  gint64 now = g_get_monotonic_time (), *logged_us = &seen->problem_logged_us[status->problem];

  if (seen->logged_problem == status->problem || (*logged_us && now - *logged_us < LOG_INTERVAL_US))
    return;
  seen->logged_problem = status->problem;
  *logged_us = now;
  warn_of_problem (node, status);
}

static void
on_problem (gpointer user_data, const gchar *id)
{
  EwFeed *self = user_data;
  const EwNode *node = ew_mesh_get_node (self->mesh, id);
  EwSwitchNodeStatus status;

  if (node == NULL || !ew_feed_get (self, id, &status))
    return;
  log_problem (get_seen (self, id), node, &status);
  tell_of_work (self);
  if (self->func)
    self->func (self->user_data, id);
}

static void
on_exit_changed (gpointer user_data)
{
  tell_of_work (user_data);
}

/* The regular work. */

static void
check_online (EwFeed *self)
{
  for (EwNode *node = ew_mesh_next_node (self->mesh, NULL); node; node = ew_mesh_next_node (self->mesh, node->id))
    {
      EwSwitchNodeStatus status;
      if (!ew_feed_get (self, node->id, &status))
        continue;
      set_online (self, node, status.online);
      log_problem (get_seen (self, node->id), node, &status); /* what wasn't logged at once */
    }
}

/* Notes what to store about one node; FALSE: nothing, or not yet. */
static gboolean
prepare_endpoint (EwFeed *self, const gchar *id, Seen *seen, gboolean all)
{
  gint64 now = g_get_monotonic_time ();
  EwNode *node = ew_mesh_get_node (self->mesh, id);
  EwSwitchNodeStatus status;
  if (node == NULL || (!seen->unsaved && !(all && seen->online)))
    return FALSE;
  if (!all && seen->saved_us && now - seen->saved_us < SAVE_INTERVAL_US)
    return FALSE;
  if (ew_feed_get (self, id, &status))
    {
      node->last_seen_us = MAX (node->last_seen_us, status.last_seen_us);
      if (status.endpoint.kind != EW_ENDPOINT_NONE)
        node->endpoint = status.endpoint; /* may be newer than what was logged: on_endpoint comes only so often */
    }
  seen->saved_us = now;
  return TRUE;
}

/* (transfer full) */
static gchar **
take_unsaved (EwFeed *self, gboolean all)
{
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer id, seen;
  g_hash_table_iter_init (&iter, self->seen);
  while (g_hash_table_iter_next (&iter, &id, &seen))
    if (prepare_endpoint (self, id, seen, all))
      {
        g_strv_builder_add (ids, id);
        ((Seen *)seen)->unsaved = FALSE;
      }
  return g_strv_builder_end (ids);
}

static void
put_back (EwFeed *self, gchar **ids)
{
  for (guint i = 0; ids[i]; i++)
    {
      Seen *seen = g_hash_table_lookup (self->seen, ids[i]);
      if (seen)
        seen->unsaved = TRUE;
    }
}

static Saving *
saving_new (EwFeed *self)
{
  Saving *saving = g_new0 (Saving, 1);
  saving->feed = self;
  return saving;
}

static void
saving_free (Saving *saving)
{
  g_strfreev (saving->ids);
  g_free (saving);
}

static void
note_saved (EwFeed *self, const GError *error)
{
  if (error && !self->save_failed) /* once, not every minute */
    g_warning ("where the nodes are can't be stored: %s", error->message);
  self->save_failed = error != NULL;
}

static void
on_places_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Saving *saving = user_data;
  EwFeed *self = saving->feed;
  g_autoptr (GError) error = NULL;
  gboolean saved = ew_mesh_work_finish (result, &error);
  if (self)
    {
      self->places = NULL;
      if (!saved)
        put_back (self, saving->ids);
      note_saved (self, error);
    }
  saving_free (saving);
}

static void
save_endpoints (EwFeed *self)
{
  if (self->places)
    return;
  gchar **ids = take_unsaved (self, FALSE);
  if (ids[0] == NULL)
    {
      g_strfreev (ids);
      return;
    }
  self->places = saving_new (self);
  self->places->ids = ids;
  ew_mesh_save_endpoints_async (self->mesh, (const gchar *const *)ids, on_places_saved, self->places);
}

static guint64
latest_timestamp (EwFeed *self)
{
  return MAX (ew_switch_get_timestamp_floor (self->packet_switch), (guint64)g_get_real_time () * 1000);
}

static void
note_floor (EwFeed *self, guint64 floor_ns, const GError *error)
{
  if (error && !self->floor_late)
    g_warning ("the handshakes' timestamps can't be stored: %s", error->message);
  self->floor_late = error != NULL;
  if (error == NULL)
    self->floor_ns = floor_ns;
}

static void
on_floor_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Saving *saving = user_data;
  g_autoptr (GError) error = NULL;
  ew_mesh_work_finish (result, &error);
  if (saving->feed)
    {
      saving->feed->floor = NULL;
      note_floor (saving->feed, saving->floor_ns, error);
    }
  saving_free (saving);
}

static void
save_timestamp_floor (EwFeed *self)
{
  gint64 now = g_get_monotonic_time ();
  guint64 latest = latest_timestamp (self);
  if (!self->floor_late && ew_switch_get_timestamp_floor (self->packet_switch) > self->floor_ns)
    {
      g_warning ("the handshakes' timestamps aren't stored yet: the store doesn't answer");
      self->floor_late = TRUE;
    }
  if (self->floor || latest + TIMESTAMP_LEFT_NS <= self->floor_ns
      || (self->floor_late && now - self->floor_asked_us < SAVE_INTERVAL_US))
    return;
  self->floor_asked_us = now;
  self->floor = saving_new (self);
  self->floor->floor_ns = latest + TIMESTAMP_RESERVE_NS;
  ew_mesh_set_timestamp_floor_async (self->mesh, self->floor->floor_ns, on_floor_saved, self->floor);
}

/* Timestamps must not go back, and a full disk keeps the same reservation over several starts. One that is ahead of the
 * clock then advances with the time since boot, slowly, but faster than handshakes (a grain of 17 ms in 5 s) use it up.
 */
static void
start_timestamps (EwFeed *self)
{
  guint64 floor = ew_mesh_get_timestamp_floor (self->mesh);
  g_autoptr (GError) error = NULL;
  ew_switch_set_timestamp_floor (self->packet_switch, floor);
  self->floor_ns = floor;
  self->floor_asked_us = g_get_monotonic_time ();
  guint64 wanted = latest_timestamp (self) + TIMESTAMP_RESERVE_NS;
  ew_mesh_set_timestamp_floor (self->mesh, wanted, &error);
  note_floor (self, wanted, error);
  if (error && floor > (guint64)g_get_real_time () * 1000)
    ew_switch_set_timestamp_floor (self->packet_switch, floor + (guint64)g_get_monotonic_time () * 1000 / 64);
}

/* The earliest of when a node's place may be stored again, and when what wasn't logged at once may be. */
static gint64
find_due (EwFeed *self)
{
  gint64 due = g_get_monotonic_time () + SAVE_INTERVAL_US;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->seen);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Seen *seen = value;
      if (seen->unsaved && !self->places)
        due = MIN (due, seen->saved_us + SAVE_INTERVAL_US);
      if (seen->logged != seen->online)
        due = MIN (due, seen->logged_us + LOG_INTERVAL_US);
    }
  return due;
}

/* The floor is looked at every minute: at 120 s before it is reached, its next one is asked for. */
guint
ew_feed_tick (EwFeed *self)
{
  check_online (self);
  save_endpoints (self);
  save_timestamp_floor (self);
  ew_mesh_set_exit (self->mesh, ew_switch_has_exit (self->packet_switch));
  return (guint)(MAX (find_due (self) - g_get_monotonic_time (), 0) / G_USEC_PER_SEC + 1);
}

/* Life. */

EwFeed *
ew_feed_new (EwMesh *mesh, EwSwitchConfig *config, GError **error)
{
  EwFeed *self = g_new0 (EwFeed, 1);
  self->mesh = mesh;
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  config->on_presence = on_presence;
  config->on_endpoint = on_endpoint;
  config->on_problem = on_problem;
  config->on_exit = on_exit_changed;
  config->user_data = self;
  self->packet_switch = ew_switch_new (config, error);
  if (self->packet_switch == NULL)
    {
      g_hash_table_unref (self->seen);
      g_free (self);
      return NULL;
    }
  start_timestamps (self);
  ew_mesh_set_exit (mesh, ew_switch_has_exit (self->packet_switch));
  on_all_changed (self);
  self->listener = ew_mesh_listen (mesh, &mesh_listener, self);
  ew_switch_find_nodes (self->packet_switch);
  return self;
}

/* The store may not come to what it was asked for: all of that is stored again. */
static void
save_all (EwFeed *self)
{
  g_autoptr (GError) places_error = NULL, error = NULL;
  if (self->places)
    {
      put_back (self, self->places->ids);
      self->places->feed = NULL;
    }
  if (self->floor)
    self->floor->feed = NULL;
  mark_the_rest (self);
  g_auto (GStrv) ids = take_unsaved (self, TRUE);
  ew_mesh_save_endpoints (self->mesh, (const gchar *const *)ids, &places_error);
  note_saved (self, places_error);
  if (!ew_mesh_set_timestamp_floor (self->mesh, ew_switch_get_timestamp_floor (self->packet_switch), &error))
    g_warning ("the handshakes' timestamps can't be stored: %s", error->message);
}

void
ew_feed_free (EwFeed *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->arrived_source, g_source_remove);
  g_queue_clear_full (&self->arrived, g_free);
  ew_mesh_unlisten (self->mesh, self->listener);
  save_all (self);
  ew_switch_free (self->packet_switch);
  g_hash_table_unref (self->seen);
  g_free (self);
}

void
ew_feed_set_presence_func (EwFeed *self, void (*func) (gpointer user_data, const gchar *id), gpointer user_data)
{
  self->presence_func = func;
  self->presence_data = user_data;
}

void
ew_feed_set_func (EwFeed *self, void (*func) (gpointer user_data, const gchar *id), gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
}

void
ew_feed_set_work_func (EwFeed *self, void (*func) (gpointer user_data), gpointer user_data)
{
  self->work_func = func;
  self->work_data = user_data;
}

gboolean
ew_feed_get (EwFeed *self, const gchar *id, EwSwitchNodeStatus *out)
{
  *out = (EwSwitchNodeStatus){ .rtt_ms = -1 };
  return ew_switch_get_node (self->packet_switch, id, out);
}

gboolean
ew_feed_is_online (EwFeed *self, const gchar *id)
{
  const Seen *seen = g_hash_table_lookup (self->seen, id);
  return seen && seen->online;
}

guint
ew_feed_count_online (EwFeed *self)
{
  return self->online;
}

EwSwitch *
ew_feed_get_switch (EwFeed *self)
{
  return self->packet_switch;
}
