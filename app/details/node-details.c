/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-details.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

#include "access/ellipsis.h"
#include "model/full-name.h"
#include "model/latency.h"
#include "model/words.h"
#include "node/node-icon.h"
#include "ping-row.h"
#include "route-rows.h"
#include "row-words.h"
#include "service-rows.h"
#include "value-row.h"

struct _EwNodeDetails
{
  AdwBin parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNode *node;
  gulong notify;
  GStrv addresses; /* those that have a row */
  GPtrArray *address_rows;
  GtkWidget *icon, *icon_image, *name, *what, *state, *state_image, *state_words, *note, *ssh;
  GtkWidget *address_group, *name_row, *names_row, *names_note;
  GtkWidget *latency_group, *near_row, *far_row, *path_row, *ping_row;
  GtkWidget *traffic_group, *received_row, *sent_row;
  GtkWidget *connection_group, *through_row, *through, *transport_row, *handshake_row, *seen_row, *joined_row,
    *version_row, *problem_row;
  GtkWidget *services, *routes;
  GtkWidget *manage_group, *rename_row, *service_row, *share_row, *remove_row, *leave_row;
};

enum
{
  EDGE_CHOSEN,
  CHOSEN,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EwNodeDetails, ew_node_details, ADW_TYPE_BIN)

static void
set_class (GtkWidget *widget, const gchar *class, gboolean on)
{
  if (on)
    gtk_widget_add_css_class (widget, class);
  else
    gtk_widget_remove_css_class (widget, class);
}

static void
set_value (GtkWidget *row, const gchar *value)
{
  ew_value_row_set_value (EW_VALUE_ROW (row), value);
}

/* Its head. */

/* "Server · Debian 12 · Administrator" */
static gchar *
what_words (EwNode *node)
{
  g_autoptr (GString) words = g_string_new (ew_words_kind (node));

  if (ew_node_get_os (node) != NULL)
    g_string_append_printf (words, " · %s", ew_node_get_os (node));
  if (ew_node_is_administrator (node))
    g_string_append_printf (words, " · %s", _ ("Administrator"));
  return g_string_free (g_steal_pointer (&words), FALSE);
}

static const gchar *
note_words (EwNode *node)
{
  EwNodeState state = ew_node_get_state (node);

  if (state == EW_NODE_NOT_JOINED && ew_node_is_plain (node))
    return _ ("It hasn't connected yet.");
  if (state == EW_NODE_NOT_JOINED)
    return _ ("Its enrollment key hasn't been used yet.");
  if (state == EW_NODE_AWAITING_APPROVAL)
    return _ ("An administrator has to approve it.");
  if (ew_node_is_plain (node))
    return _ ("It runs plain WireGuard, without Edgeway.");
  return ew_node_is_self (node) ? _ ("This computer") : "";
}

static void
show_head (EwNodeDetails *self, EwNode *node)
{
  const gchar *note = note_words (node);
  g_autofree gchar *what = what_words (node), *words = ew_words_node_state (node);
  EwNodeState state = ew_node_get_state (node);

  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon_image), ew_node_icon_name (node));
  set_class (self->icon, "round", ew_node_icon_is_round (node));
  set_class (self->icon, "own", ew_node_is_self (node));
  set_class (self->icon, "not-joined", state == EW_NODE_NOT_JOINED);
  gtk_label_set_label (GTK_LABEL (self->name), ew_node_get_name (node));
  gtk_label_set_label (GTK_LABEL (self->what), what);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image), ew_node_state_icon_name (state));
  gtk_label_set_label (GTK_LABEL (self->state_words), words);
  set_class (self->state, "online", state == EW_NODE_ONLINE);
  gtk_label_set_label (GTK_LABEL (self->note), note);
  gtk_widget_set_visible (self->note, *note != '\0');
  gtk_widget_set_visible (self->ssh, ew_node_get_address (node) != NULL && !ew_node_is_self (node)
                                       && !ew_node_is_plain (node) && state != EW_NODE_NOT_JOINED);
}

/* The addresses: few, and they hardly ever change; the name stays below them. */

static void
move_last (EwNodeDetails *self, GtkWidget *row)
{
  g_object_ref (row);
  adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->address_group), row);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->address_group), row);
  g_object_unref (row);
}

/* The names that find it, and why they don't work here. */
static void
show_names (EwNodeDetails *self, EwNode *node)
{
  const gchar *trouble = ew_names_trouble (self->daemon);
  g_autofree gchar *full = ew_full_name (self->daemon, ew_node_get_name (node));
  g_autofree gchar *names = g_strjoinv (", ", (gchar **)ew_node_get_names (node));

  set_value (self->name_row, full != NULL ? full : ew_node_get_name (node));
  set_value (self->names_row, names);
  gtk_label_set_label (GTK_LABEL (self->names_note), trouble != NULL ? trouble : "");
  gtk_widget_set_visible (self->names_note, trouble != NULL);
}

static void
show_addresses (EwNodeDetails *self, EwNode *node)
{
  const gchar *const *addresses = ew_node_get_addresses (node);

  if (self->addresses != NULL && g_strv_equal ((const gchar *const *)self->addresses, addresses))
    return;
  for (guint i = 0; i < self->address_rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->address_group), self->address_rows->pdata[i]);
  g_ptr_array_set_size (self->address_rows, 0);
  g_strfreev (self->addresses);
  self->addresses = g_strdupv ((gchar **)addresses);
  for (; *addresses != NULL; addresses++)
    {
      const gchar *what = strchr (*addresses, ':') != NULL ? _ ("Mesh IP, IPv6") : _ ("Mesh IP");
      GtkWidget *row = ew_value_row_new_copyable (what, *addresses, _ ("Mesh IP copied"));
      adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->address_group), row);
      g_ptr_array_add (self->address_rows, row);
    }
  move_last (self, self->name_row);
  move_last (self, self->names_row);
}

/* Latency, traffic. */

static void
set_leg (GtkWidget *row, gdouble ms, const gchar *from, const gchar *to)
{
  g_autofree gchar *words = ms >= 0 ? ew_words_latency (ms) : NULL;
  g_autofree gchar *title = g_strdup_printf (_ ("%s to %s"), from, to);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  set_value (row, words);
}

static gdouble
leg_of (EwNode *node)
{
  return node != NULL && ew_node_get_state (node) == EW_NODE_ONLINE ? ew_node_get_rtt_ms (node) : -1;
}

static void
show_latency (EwNodeDetails *self, EwNode *node)
{
  EwNode *own = ew_topology_get_self (self->topology);
  EwEdge *edge = ew_topology_get_edge (self->topology);
  const gchar *edge_name = edge != NULL ? ew_edge_get_name (edge) : _ ("Edge");
  gboolean is_own = ew_node_is_self (node),
           reachable = !is_own && ew_node_get_state (node) != EW_NODE_NOT_JOINED && ew_node_get_address (node) != NULL;
  gdouble near = leg_of (own), far = is_own ? -1 : leg_of (node);
  g_autofree gchar *path = near >= 0 && far >= 0 ? ew_words_sum_latency (ew_latency_sum (near, far)) : NULL;

  set_leg (self->near_row, near, _ ("This Computer"), edge_name);
  set_leg (self->far_row, far, edge_name, ew_node_get_name (node));
  set_value (self->path_row, path);
  gtk_widget_set_visible (self->ping_row, reachable);
  gtk_widget_set_visible (self->latency_group, reachable || (is_own && near >= 0));
}

/* "84 Mb/s · 1.2 GB in total"; NULL: unknown. */
static gchar *
traffic_words (EwNode *node, gdouble rate, gint64 bytes)
{
  g_autofree gchar *now = ew_words_rate (rate), *total = bytes >= 0 ? ew_words_bytes (bytes) : NULL;

  if (total == NULL)
    return NULL;
  return ew_node_get_state (node) == EW_NODE_ONLINE ? g_strdup_printf (_ ("%s · %s in total"), now, total)
                                                    : g_strdup_printf (_ ("%s in total"), total);
}

static void
show_traffic (EwNodeDetails *self, EwNode *node)
{
  gboolean joined = ew_node_get_state (node) != EW_NODE_NOT_JOINED;
  g_autofree gchar *received = traffic_words (node, ew_node_get_rx_rate (node), ew_node_get_rx_bytes (node)),
                   *sent = traffic_words (node, ew_node_get_tx_rate (node), ew_node_get_tx_bytes (node)),
                   *name = g_markup_escape_text (ew_node_get_name (node), -1),
                   *title = g_strdup_printf (_ ("Traffic of %s"), name);

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->traffic_group), title);
  set_value (self->received_row, received);
  set_value (self->sent_row, sent);
  gtk_widget_set_visible (self->traffic_group, joined && (received != NULL || sent != NULL));
}

/* The connection. */

static gchar *
ago_words (gint64 then)
{
  g_autofree gchar *span = NULL;
  const gint64 seconds = (g_get_real_time () - then) / G_USEC_PER_SEC;

  if (then <= 0 || seconds < -5) /* a time in the future can't be a last handshake */
    return NULL;
  span = ew_words_span (MAX (0, seconds));
  return g_strdup_printf (_ ("%s ago"), span);
}

static void
show_connection (EwNodeDetails *self, EwNode *node)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);
  gboolean online = ew_node_get_state (node) == EW_NODE_ONLINE;
  const gchar *way = ew_row_words_way (node);
  g_autofree gchar *handshake = ago_words (ew_node_get_last_handshake (node)), *seen = NULL, *joined = NULL;

  if (!online && ew_node_get_last_seen (node) > 0)
    seen = ew_words_time (ew_node_get_last_seen (node));
  if (ew_node_get_created (node) > 0 && ew_node_get_state (node) != EW_NODE_NOT_JOINED)
    joined = ew_words_time (ew_node_get_created (node));
  gtk_label_set_label (GTK_LABEL (self->through), edge != NULL ? ew_edge_get_name (edge) : "");
  gtk_widget_set_visible (self->through_row, online && edge != NULL);
  set_value (self->transport_row, way != NULL ? _ ("HTTPS") : NULL);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->transport_row), way != NULL ? way : "");
  set_value (self->handshake_row, handshake);
  set_value (self->seen_row, seen);
  set_value (self->joined_row, joined);
  set_value (self->version_row, ew_node_is_plain (node) ? NULL : ew_node_get_version (node));
  set_value (self->problem_row, ew_words_problem (ew_node_get_problem (node)));
  gtk_widget_set_visible (self->connection_group, gtk_widget_get_visible (self->through_row) || handshake != NULL
                                                    || seen != NULL || joined != NULL
                                                    || gtk_widget_get_visible (self->version_row)
                                                    || gtk_widget_get_visible (self->problem_row));
}

static void
set_target (GtkWidget *widget, EwNode *node)
{
  gtk_actionable_set_action_target (GTK_ACTIONABLE (widget), "s", ew_node_get_id (node));
}

static void
show_manage (EwNodeDetails *self, EwNode *node)
{
  gboolean administrator = ew_daemon_get_administrator (self->daemon), own = ew_node_is_self (node);
  g_autofree gchar *remove = g_strdup_printf (_ ("Remove %s from the Mesh…"), ew_node_get_name (node));

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->remove_row), remove);
  gtk_widget_set_visible (self->rename_row, administrator);
  gtk_widget_set_visible (self->service_row, administrator && ew_node_get_state (node) != EW_NODE_NOT_JOINED);
  gtk_widget_set_visible (self->share_row, administrator && !ew_node_icon_is_round (node));
  gtk_widget_set_visible (self->remove_row, administrator && !own);
  gtk_widget_set_visible (self->leave_row, own);
  gtk_widget_set_visible (self->manage_group, administrator || own);
}

void
ew_node_details_refresh (EwNodeDetails *self)
{
  if (self->node == NULL)
    return;
  show_head (self, self->node);
  show_addresses (self, self->node);
  show_names (self, self->node);
  show_latency (self, self->node);
  show_traffic (self, self->node);
  show_connection (self, self->node);
  show_manage (self, self->node);
}

void
ew_node_details_set_node (EwNodeDetails *self, EwNode *node)
{
  if (node == self->node)
    return;
  if (self->node != NULL)
    g_clear_signal_handler (&self->notify, self->node);
  g_set_object (&self->node, node);
  ew_service_rows_set_node (EW_SERVICE_ROWS (self->services), self->topology, node);
  ew_route_rows_set_node (EW_ROUTE_ROWS (self->routes), self->daemon, node);
  if (node == NULL)
    return;
  self->notify = g_signal_connect_swapped (node, "notify", G_CALLBACK (ew_node_details_refresh), self);
  ew_ping_row_set_target (EW_PING_ROW (self->ping_row), self->daemon, node);
  set_target (self->ssh, node);
  set_target (self->rename_row, node);
  set_target (self->share_row, node);
  set_target (self->remove_row, node);
  ew_node_details_refresh (self);
}

static void
on_through (EwNodeDetails *self)
{
  g_signal_emit (self, signals[EDGE_CHOSEN], 0);
}

static void
on_chosen (EwNodeDetails *self, GObject *service)
{
  g_signal_emit (self, signals[CHOSEN], 0, service);
}

static void
ew_node_details_dispose (GObject *object)
{
  EwNodeDetails *self = EW_NODE_DETAILS (object);

  if (self->node != NULL)
    g_clear_signal_handler (&self->notify, self->node);
  g_clear_object (&self->node);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_node_details_parent_class)->dispose (object);
}

static void
ew_node_details_finalize (GObject *object)
{
  EwNodeDetails *self = EW_NODE_DETAILS (object);

  g_strfreev (self->addresses);
  g_ptr_array_unref (self->address_rows);
  G_OBJECT_CLASS (ew_node_details_parent_class)->finalize (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EwNodeDetails, name)

static void
bind_children (GtkWidgetClass *widget_class)
{
  BIND (icon);
  BIND (icon_image);
  BIND (name);
  BIND (what);
  BIND (state);
  BIND (state_image);
  BIND (state_words);
  BIND (note);
  BIND (ssh);
  BIND (address_group);
  BIND (name_row);
  BIND (names_row);
  BIND (names_note);
  BIND (latency_group);
  BIND (near_row);
  BIND (far_row);
  BIND (path_row);
  BIND (ping_row);
  BIND (traffic_group);
  BIND (received_row);
  BIND (sent_row);
  BIND (connection_group);
  BIND (through_row);
  BIND (through);
  BIND (transport_row);
  BIND (handshake_row);
  BIND (seen_row);
  BIND (joined_row);
  BIND (version_row);
  BIND (problem_row);
  BIND (services);
  BIND (routes);
  BIND (manage_group);
  BIND (rename_row);
  BIND (service_row);
  BIND (share_row);
  BIND (remove_row);
  BIND (leave_row);
}

static void
ew_node_details_class_init (EwNodeDetailsClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_node_details_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_node_details_finalize;
  signals[EDGE_CHOSEN]
    = g_signal_new ("edge-chosen", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_type_ensure (EW_TYPE_VALUE_ROW);
  g_type_ensure (EW_TYPE_PING_ROW);
  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_OBJECT);
  g_type_ensure (EW_TYPE_SERVICE_ROWS);
  g_type_ensure (EW_TYPE_ROUTE_ROWS);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/node-details.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_through);
  gtk_widget_class_bind_template_callback (widget_class, on_chosen);
}

static void
ew_node_details_init (EwNodeDetails *self)
{
  self->address_rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (self->through);
  ew_ellipsis_add_tooltip (self->name);
}

void
ew_node_details_set_model (EwNodeDetails *self, EwDaemon *daemon, EwTopology *topology)
{
  static const gchar *const followed[]
    = { "notify::administrator", "notify::suffix", "notify::names", "notify::names-message" };

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  for (gsize i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (daemon, followed[i], G_CALLBACK (ew_node_details_refresh), self, G_CONNECT_SWAPPED);
}
