/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A round trip, leg by leg: near is a link probe to the edge, total an ICMP echo through it, far what the edge says of
 * its leg to that node while a viewer looks at the topology: so one is looked at, and kept for a few seconds in case
 * the next ping comes.
 *
 *   target → GET /v1/nodes/TARGET → probe and echo, together → both back (and far known or not to be had) → answer
 */
#include "tunnel/tunnel-private.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "proto/packet.h"
#include <gio/gunixinputstream.h>
#include <math.h>
#include <string.h>

#define PINGS_MAX 64
#define FAR_WAIT_MS 1800 /* after the echo, for the edge to measure its leg: it reports once a second */
#define FAR_LINGER_SECONDS 5
#define TARGET_MAX 300

typedef struct
{
  GTask *task; /* owned; NULL once answered */
  EwTunnel *tunnel;
  gchar *target, *name, *id;
  EwIp address;
  gboolean to_edge;
  guint64 near_token, echo_token;
  gint64 near_us, echo_us;  /* -1: not back */
  gint64 echo_back;         /* boottime */
  gint64 deadline, timeout; /* timeout: µs, from when it is sent */
  guint timer;
} Ping;

typedef struct
{
  GCancellable *cancellable;
  GDataInputStream *lines;
  GHashTable *rtts; /* node ID → gdouble* */
  guint linger;
} FarWatch;

/* The far legs. */

static void
far_free (FarWatch *far)
{
  g_cancellable_cancel (far->cancellable);
  g_object_unref (far->cancellable);
  g_clear_handle_id (&far->linger, g_source_remove);
  g_object_unref (far->lines); /* closes the pipe: the topology ends */
  g_hash_table_unref (far->rtts);
  g_free (far);
}

static void
take_rtt (FarWatch *far, JsonObject *node)
{
  const gchar *id = ew_json_string (node, "id");
  JsonNode *value = json_object_get_member (node, "rtt_ms");
  if (!id || !value || !JSON_NODE_HOLDS_VALUE (value))
    return;
  gdouble *rtt = g_new (gdouble, 1);
  *rtt = json_node_get_double (value);
  if (isfinite (*rtt) && *rtt >= 0)
    g_hash_table_replace (far->rtts, g_strdup (id), rtt);
  else
    g_free (rtt);
}

static void
take_rtts (FarWatch *far, JsonArray *nodes)
{
  for (guint i = 0; nodes && i < json_array_get_length (nodes); i++)
    {
      JsonNode *node = json_array_get_element (nodes, i);
      if (JSON_NODE_HOLDS_OBJECT (node))
        take_rtt (far, json_node_get_object (node));
    }
}

static void
far_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTunnel) self = user_data;
  g_autofree gchar *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, NULL);
  FarWatch *far = self->far;
  if (!line || !far || far->lines != G_DATA_INPUT_STREAM (source))
    return;
  g_autoptr (JsonObject) object = ew_json_parse_object (line, strlen (line), 2 * EW_CLIENT_LIST_MAX_ANSWER, NULL);
  const gchar *type = object ? ew_json_string (object, "type") : NULL;
  if (g_strcmp0 (type, "snapshot") == 0)
    take_rtts (far, ew_json_array (ew_json_object (object, "map"), "nodes"));
  else if (g_strcmp0 (type, "counters") == 0)
    take_rtts (far, ew_json_array (object, "nodes"));
  else if (g_strcmp0 (type, "node") == 0)
    take_rtt (far, ew_json_object (object, "node"));
  g_data_input_stream_read_line_async (far->lines, G_PRIORITY_DEFAULT, far->cancellable, far_line, g_object_ref (self));
}

static gboolean
far_enough (gpointer user_data)
{
  EwTunnel *self = user_data;
  FarWatch *far = self->far;
  far->linger = 0;
  self->far = NULL;
  far_free (far);
  return G_SOURCE_REMOVE;
}

/* Best effort: without it the far leg is unknown. */
static void
far_look (EwTunnel *self)
{
  FarWatch *far = self->far;
  if (!far)
    {
      gint fd = ew_tunnel_open_topology (self, EW_TUNNEL_OURSELVES, NULL);
      if (fd < 0)
        return;
      g_autoptr (GInputStream) pipe = g_unix_input_stream_new (fd, TRUE);
      self->far = far = g_new0 (FarWatch, 1);
      far->cancellable = g_cancellable_new ();
      far->lines = g_data_input_stream_new (pipe);
      far->rtts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_data_input_stream_read_line_async (far->lines, G_PRIORITY_DEFAULT, far->cancellable, far_line,
                                           g_object_ref (self));
    }
  g_clear_handle_id (&far->linger, g_source_remove);
  far->linger = g_timeout_add_seconds (FAR_LINGER_SECONDS, far_enough, self);
}

static const gdouble *
far_rtt (EwTunnel *self, const gchar *id)
{
  FarWatch *far = self->far;
  return far && id ? g_hash_table_lookup (far->rtts, id) : NULL;
}

/* One ping. */

static void
ping_free (Ping *ping)
{
  ping->tunnel->pings = g_list_remove (ping->tunnel->pings, ping);
  g_clear_handle_id (&ping->timer, g_source_remove);
  g_clear_object (&ping->task);
  g_free (ping->target);
  g_free (ping->name);
  g_free (ping->id);
  g_free (ping);
}

static void
ping_failed (Ping *ping, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&ping->task);
  ping_free (ping);
  g_task_return_error (task, error);
}

static void
set_ms (JsonObject *object, const gchar *member, gdouble ms)
{
  if (ms >= 0)
    json_object_set_double_member (object, member, round (ms * 1000) / 1000);
  else
    json_object_set_null_member (object, member);
}

static void
set_text (JsonObject *object, const gchar *member, const gchar *text)
{
  if (text)
    json_object_set_string_member (object, member, text);
  else
    json_object_set_null_member (object, member);
}

static void
ping_done (Ping *ping)
{
  g_autoptr (JsonObject) object = json_object_new ();
  const EwDocumentEdge *edge = ew_tunnel_get_edge (ping->tunnel);
  const gdouble *far = far_rtt (ping->tunnel, ping->id);
  char address[EW_IP_STRLEN];
  ew_ip_format (&ping->address, address);
  gdouble near_ms = ping->near_us >= 0 ? (gdouble)ping->near_us / 1000 : -1;
  json_object_set_int_member (object, "schema", 1);
  json_object_set_string_member (object, "target", ping->target);
  json_object_set_string_member (object, "address", address);
  set_text (object, "name", ping->to_edge && edge ? edge->name : ping->name);
  set_text (object, "edge", edge ? edge->name : NULL);
  set_ms (object, "near_ms", near_ms);
  set_ms (object, "far_ms", far ? *far : -1);
  set_ms (object, "total_ms", ping->to_edge ? near_ms : (gdouble)ping->echo_us / 1000);
  g_autoptr (GTask) task = g_steal_pointer (&ping->task);
  ping_free (ping);
  g_task_return_pointer (task, ew_json_to_string (object, FALSE), g_free);
}

static void
ping_timed_out (Ping *ping)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (ping->tunnel);
  const gchar *edge_name = edge ? edge->name : N_ ("the edge");
  if (ping->near_us < 0)
    ping_failed (ping, ew_error_new (EW_ERROR, EW_ERROR_TIMED_OUT,
                                     "The edge \"%s\" itself didn't answer, so the leg between this computer and the "
                                     "edge fails. Look for the reason with `edgewayctl diagnose`.",
                                     edge_name));
  else
    ping_failed (ping, ew_error_new (EW_ERROR, EW_ERROR_TIMED_OUT,
                                     "The edge \"%s\" answered in %.1f ms, but \"%s\" didn't: the leg between them "
                                     "fails, or its firewall drops pings.",
                                     edge_name, (gdouble)ping->near_us / 1000, ping->name ? ping->name : ping->target));
}

static gboolean ping_check (gpointer user_data);

static void
check_in (Ping *ping, gint64 us)
{
  g_clear_handle_id (&ping->timer, g_source_remove);
  ping->timer = g_timeout_add ((guint)MAX (us / 1000 + 1, 1), ping_check, ping);
}

/* Answers, gives up or waits on. */
static gboolean
ping_check (gpointer user_data)
{
  Ping *ping = user_data;
  gint64 now = ew_boottime ();
  ping->timer = 0;
  gboolean near_back = ping->near_us >= 0, echo_back = ping->to_edge || ping->echo_us >= 0;
  if (near_back && echo_back)
    {
      gint64 far_until = MIN (ping->echo_back + FAR_WAIT_MS * 1000, ping->deadline);
      if (ping->to_edge || !ping->id || far_rtt (ping->tunnel, ping->id) || now >= far_until)
        ping_done (ping);
      else
        check_in (ping, MIN (far_until - now, 50 * 1000));
    }
  else if (now >= ping->deadline)
    {
      /* The echo itself is what was asked for. */
      if (echo_back && !ping->to_edge)
        ping_done (ping);
      else
        ping_timed_out (ping);
    }
  else
    check_in (ping, ping->deadline - now);
  return G_SOURCE_REMOVE;
}

void
ew_tunnel_ping_heard (EwTunnel *self, const EwHeard *heard)
{
  gint64 now = (gint64)(heard->now_ns / 1000);
  for (GList *item = self->pings, *next; item; item = next)
    {
      Ping *ping = item->data;
      next = item->next;
      if (heard->kind == EW_HEARD_LINK && ping->near_token && heard->message.token == ping->near_token)
        ping->near_us = self->rtt_us;
      else if (heard->kind == EW_HEARD_ECHO && ping->echo_token && heard->token == ping->echo_token
               && ew_ip_equal (&heard->from, &ping->address))
        {
          ping->echo_us = MAX (now - (gint64)(heard->sent_ns / 1000), 0);
          ping->echo_back = now;
        }
      else
        continue;
      check_in (ping, 0);
    }
}

static void
ping_send (Ping *ping)
{
  EwTunnel *self = ping->tunnel;
  g_autoptr (GError) error = NULL;
  if (!self->engine)
    {
      ping_failed (ping, ew_error_new (EW_ERROR, EW_ERROR_NOT_CONNECTED,
                                       "The tunnel is down. Connect first: `edgewayctl connect`."));
      return;
    }
  ping->deadline = ew_boottime () + ping->timeout;
  ew_tunnel_probe (self);
  ping->near_token = self->probes[(self->next_probe - 1) % EW_PROBES_KEPT].token;
  if (!ping->to_edge)
    {
      guint8 packet[48 + EW_ROUTER_ECHO_PAYLOAD];
      const EwIp *from = NULL;
      for (guint i = 0; i < self->plan->addresses->len && !from; i++)
        if (g_array_index (self->plan->addresses, EwIp, i).family == ping->address.family)
          from = &g_array_index (self->plan->addresses, EwIp, i);
      if (!from)
        {
          ping_failed (ping, ew_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                                           "This computer has no address of that family in the mesh."));
          return;
        }
      ew_random (&ping->echo_token, sizeof ping->echo_token);
      size_t size = ew_router_build_echo (self->router, packet, from, &ping->address, ping->echo_token,
                                          (guint64)ew_boottime () * 1000);
      ew_engine_inject (self->engine, self->peer_key, packet, size);
      if (ping->id)
        far_look (self);
    }
  check_in (ping, ping->deadline - ew_boottime ());
}

/* Whom the target names. */

static gboolean
is_own (EwTunnel *self, const EwIp *ip)
{
  for (guint i = 0; i < self->document->addresses->len; i++)
    if (ew_ip_equal (ip, &g_array_index (self->document->addresses, EwIp, i)))
      return TRUE;
  return FALSE;
}

static gboolean
any_contains (const GArray *prefixes, const EwIp *ip)
{
  for (guint i = 0; i < prefixes->len; i++)
    if (ew_prefix_contains (&g_array_index (prefixes, EwPrefix, i), ip))
      return TRUE;
  return FALSE;
}

static GError *
take_node (Ping *ping, JsonObject *node)
{
  EwTunnel *self = ping->tunnel;
  g_auto (GStrv) addresses = ew_json_strv (node, "addresses", 8);
  const gchar *id = ew_json_string (node, "id"), *name = ew_json_string (node, "name");
  gboolean found = ping->address.family != EW_FAMILY_NONE;
  for (gchar **text = addresses; text && *text && !found; text++)
    found = ew_ip_parse (*text, &ping->address) && self->plan && any_contains (self->plan->ranges, &ping->address);
  if (!found || !ew_id_check (id) || !name || !ew_name_check (name, NULL))
    return ew_error_new (
      EW_ERROR, EW_ERROR_NOT_FOUND,
      "The edge knows no address of \"%s\" that this computer can reach. It may not have joined yet.", ping->target);
  ping->id = g_strdup (id);
  ping->name = g_strdup (name);
  if (is_own (self, &ping->address))
    return ew_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "\"%s\" is this computer itself. Name another node.",
                         ping->target);
  return NULL;
}

static void
node_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ping *ping = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) node = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);
  g_autoptr (EwTunnel) keep = g_object_ref (ping->tunnel);
  /* This computer may have left the mesh while the edge was asked. */
  if (!ew_tunnel_check_member (keep, error ? NULL : &error))
    g_clear_pointer (&node, json_object_unref);
  else if (node)
    error = take_node (ping, node);
  /* For an address no name has to be looked up. */
  if (!node && ping->address.family != EW_FAMILY_NONE && g_error_matches (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE))
    g_clear_error (&error);
  if (error)
    ping_failed (ping, g_steal_pointer (&error));
  else
    ping_send (ping);
}

/* The target as DNS compares names: in lower case, and without the mesh's suffix. (transfer full) */
static gchar *
bare_target (Ping *ping)
{
  const gchar *suffix = ping->tunnel->document->suffix;
  gchar *name = g_ascii_strdown (ping->target, -1);
  gsize length = strlen (name);
  if (length > 1 && name[length - 1] == '.')
    name[--length] = '\0';
  if (length > strlen (suffix) && ew_domain_contains (suffix, name))
    name[length - strlen (suffix) - 1] = '\0';
  return name;
}

static void
find_node (Ping *ping)
{
  EwTunnel *self = ping->tunnel;
  g_autofree gchar *name = bare_target (ping);
  if (ping->address.family == EW_FAMILY_NONE && !ew_id_check (name))
    {
      ping_failed (ping,
                   ew_error_new (EW_ERROR, EW_ERROR_NOT_FOUND,
                                 "There is no node \"%s\". List the nodes with `edgewayctl node list`.", ping->target));
      return;
    }
  g_autofree gchar *escaped = g_uri_escape_string (name, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("/v1/nodes/", escaped, NULL);
  ew_tunnel_request_async (self, "GET", path, NULL, g_task_get_cancellable (ping->task), node_found, ping);
}

static void
ping_begin (Ping *ping)
{
  EwTunnel *self = ping->tunnel;
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  const EwIp *service = &g_array_index (self->document->service, EwIp, 0);
  g_autofree gchar *name = bare_target (ping);
  gboolean numeric = ew_ip_parse (ping->target, &ping->address);
  for (guint i = 0; numeric && i < self->document->service->len; i++)
    ping->to_edge |= ew_ip_equal (&ping->address, &g_array_index (self->document->service, EwIp, i));
  if (ping->to_edge || !*ping->target || g_str_equal (name, "edge") || (edge && g_str_equal (name, edge->name)))
    {
      ping->to_edge = TRUE;
      ping->address = *service;
      ping_send (ping);
    }
  else if (!numeric || any_contains (self->plan->ranges, &ping->address))
    find_node (ping);
  else if (any_contains (self->plan->allowed_ips, &ping->address))
    ping_send (ping);
  else
    ping_failed (
      ping, ew_error_new (EW_ERROR, EW_ERROR_NOT_FOUND,
                          "%s is neither in the mesh nor behind a route accepted here. See `edgewayctl route list`.",
                          ping->target));
}

void
ew_tunnel_ping_async (EwTunnel *self, const gchar *target, guint timeout_ms, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  if (!ew_tunnel_check_member (self, &error))
    ;
  else if (!self->engine || !self->plan)
    ew_set_error (&error, EW_ERROR, EW_ERROR_NOT_CONNECTED, "The tunnel is down. Connect first: `edgewayctl connect`.");
  else if (strlen (target) > TARGET_MAX)
    ew_set_error (&error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "This isn't a node's name: it is too long.");
  else if (g_list_length (self->pings) >= PINGS_MAX)
    ew_set_error (&error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS, "Too many pings at once. Wait for some to end.");
  if (error)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  Ping *ping = g_new0 (Ping, 1);
  ping->task = g_steal_pointer (&task);
  ping->tunnel = self;
  ping->target = g_strdup (target);
  ping->near_us = ping->echo_us = -1;
  ping->timeout = (gint64)CLAMP (timeout_ms, 100, 30000) * 1000;
  self->pings = g_list_prepend (self->pings, ping);
  ping_begin (ping);
}

gchar *
ew_tunnel_ping_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_tunnel_ping_stop (EwTunnel *self)
{
  for (GList *item = self->pings, *next; item; item = next)
    {
      Ping *ping = item->data;
      next = item->next;
      /* One that still asks for a name is answered when that is. */
      if (ping->timer)
        ping_failed (ping, ew_error_new (EW_ERROR, EW_ERROR_NOT_CONNECTED, "The tunnel went down in the meantime."));
    }
  FarWatch *far = g_steal_pointer (&self->far);
  if (far)
    far_free (far);
}
