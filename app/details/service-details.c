/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-details.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

#include "access/ellipsis.h"
#include "access/spinner.h"
#include "model/full-name.h"
#include "model/words.h"
#include "node/node-icon.h"
#include "value-row.h"

struct _EwServiceDetails
{
  AdwBin parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwService *service;
  gulong notify;
  GCancellable *probing; /* NULL: none runs */
  GPtrArray *rows;       /* of the targets */
  GtkWidget *name, *what, *state, *state_image, *state_words, *note, *open;
  GtkWidget *name_row, *address_row, *address6_row, *ports_row, *names_note;
  GtkWidget *targets, *spinner, *check, *check_note;
  GtkWidget *manage_group, *edit_row, *remove_row;
};

enum
{
  CHOSEN,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EwServiceDetails, ew_service_details, ADW_TYPE_BIN)

static void
set_value (GtkWidget *row, const gchar *value)
{
  ew_value_row_set_value (EW_VALUE_ROW (row), value);
}

/* Its head. */

static gchar *
note_words (EwServiceDetails *self)
{
  const gchar *address = ew_service_get_address (self->service);

  if (ew_service_is_outside (self->service) && address != NULL)
    return g_strdup_printf (_ ("Its address is outside the mesh's range. On each computer that is to use it, run: sudo "
                               "edgewayctl route accept %s/%d"),
                            address, strchr (address, ':') != NULL ? 128 : 32);
  if (ew_service_get_n_targets (self->service) < 2)
    return NULL;
  return g_strdup (ew_service_is_spread (self->service) ? _ ("Callers are spread over all targets that work.")
                                                        : _ ("Callers are led to the first target that works."));
}

static void
show_head (EwServiceDetails *self)
{
  EwServiceState state = ew_service_get_state (self->service);
  g_autofree gchar *targets = ew_words_service_targets (self->service), *words = ew_words_service_state (self->service);
  /* Translators: below a service's name: "Service of nas:8123" */
  g_autofree gchar *what = g_strdup_printf (_ ("Service of %s"), targets), *note = note_words (self);
  g_autofree gchar *url = ew_service_get_url (self->service, self->daemon);

  gtk_label_set_label (GTK_LABEL (self->name), ew_service_get_name (self->service));
  gtk_label_set_label (GTK_LABEL (self->what), what);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image), ew_service_state_icon_name (state));
  gtk_label_set_label (GTK_LABEL (self->state_words), words);
  if (state == EW_SERVICE_WORKS)
    gtk_widget_add_css_class (self->state, "online");
  else
    gtk_widget_remove_css_class (self->state, "online");
  gtk_label_set_label (GTK_LABEL (self->note), note != NULL ? note : "");
  gtk_widget_set_visible (self->note, note != NULL);
  gtk_widget_set_visible (self->open, url != NULL);
}

static void
show_ways (EwServiceDetails *self)
{
  const gchar *const *addresses = ew_service_get_addresses (self->service);
  const gchar *trouble = ew_names_trouble (self->daemon);
  g_autofree gchar *ports = ew_words_service_ports (self->service);

  set_value (self->name_row, ew_service_get_full_name (self->service));
  set_value (self->address_row, addresses[0]);
  set_value (self->address6_row, addresses[0] != NULL ? addresses[1] : NULL);
  set_value (self->ports_row, ports);
  gtk_label_set_label (GTK_LABEL (self->names_note), trouble != NULL ? trouble : "");
  gtk_widget_set_visible (self->names_note, trouble != NULL);
}

/* The targets: rows stay while there are as many. */

static void
on_target (GtkWidget *row, EwServiceDetails *self)
{
  guint index;
  EwNode *node;

  if (self->service == NULL || !g_ptr_array_find (self->rows, row, &index)
      || index >= ew_service_get_n_targets (self->service))
    return;
  node = ew_topology_find (self->topology, ew_service_get_target (self->service, index)->node_id);
  if (node != NULL)
    g_signal_emit (self, signals[CHOSEN], 0, node);
}

static void
add_row (EwServiceDetails *self)
{
  GtkWidget *row = adw_action_row_new (), *next = gtk_image_new_from_icon_name ("go-next-symbolic");

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), next);
  g_signal_connect (row, "activated", G_CALLBACK (on_target), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->targets), row);
  g_ptr_array_add (self->rows, row);
}

static void
show_target (EwServiceDetails *self, guint index)
{
  const EwServiceTarget *target = ew_service_get_target (self->service, index);
  AdwActionRow *row = self->rows->pdata[index];
  g_autofree gchar *words = ew_words_target (target), *fix = ew_words_target_fix (target), *all = NULL;
  gboolean past = ew_service_get_as_of (self->service) != 0;

  if (past)
    all = ew_words_as_of (ew_service_get_as_of (self->service), FALSE);
  else
    all = fix != NULL ? g_strdup_printf ("%s. %s", words, fix) : g_strdup (words);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), target->label);
  adw_action_row_set_subtitle (row, all);
}

static void
show_targets (EwServiceDetails *self)
{
  guint n = ew_service_get_n_targets (self->service);

  while (self->rows->len > n)
    {
      adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->targets), self->rows->pdata[self->rows->len - 1]);
      g_ptr_array_remove_index (self->rows, self->rows->len - 1);
    }
  while (self->rows->len < n)
    add_row (self);
  for (guint i = 0; i < n; i++)
    show_target (self, i);
}

static void
refresh (EwServiceDetails *self)
{
  gboolean administrator;
  g_autofree gchar *remove = NULL;

  if (self->service == NULL)
    return;
  show_head (self);
  show_ways (self);
  show_targets (self);
  administrator = ew_daemon_get_administrator (self->daemon);
  remove = g_strdup_printf (_ ("Remove %s…"), ew_service_get_name (self->service));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->remove_row), remove);
  gtk_widget_set_visible (self->manage_group, administrator);
}

/* Probing. */

static void
show_probing (EwServiceDetails *self)
{
  gboolean probing = self->probing != NULL;

  gtk_widget_set_visible (self->spinner, probing);
  ew_spinner_set_spinning (EW_SPINNER (self->spinner), probing);
  gtk_widget_set_visible (self->check, !probing);
}

static void
stop_probing (EwServiceDetails *self)
{
  g_cancellable_cancel (self->probing);
  g_clear_object (&self->probing);
  show_probing (self);
  gtk_widget_set_visible (self->check_note, FALSE);
}

typedef struct
{
  EwServiceDetails *details;
  GCancellable *cancellable;
} Probe;

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Probe *probe = user_data;
  g_autoptr (EwServiceDetails) self = probe->details;
  g_autoptr (GCancellable) cancellable = probe->cancellable;
  g_autoptr (GError) error = NULL;
  gboolean done = ew_service_probe_finish (EW_SERVICE (source), result, &error);

  if (self->probing != cancellable) /* cancelled, or another service */
    return;
  g_clear_object (&self->probing);
  show_probing (self);
  if (done || g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    return;
  gtk_label_set_label (GTK_LABEL (self->check_note), error->message);
  gtk_widget_set_visible (self->check_note, TRUE);
}

static void
start_probing (EwServiceDetails *self)
{
  Probe *probe;

  if (self->service == NULL || self->probing != NULL)
    return;
  gtk_widget_set_visible (self->check_note, FALSE);
  self->probing = g_cancellable_new ();
  probe = g_new0 (Probe, 1);
  probe->details = g_object_ref (self);
  probe->cancellable = g_object_ref (self->probing);
  show_probing (self);
  ew_service_probe_async (self->service, self->daemon, self->probing, on_probed, probe);
}

static void
on_check (EwServiceDetails *self)
{
  start_probing (self);
}

static void
set_target (GtkWidget *widget, EwService *service)
{
  gtk_actionable_set_action_target (GTK_ACTIONABLE (widget), "s", ew_service_get_id (service));
}

void
ew_service_details_set_service (EwServiceDetails *self, EwService *service)
{
  if (service == self->service)
    return;
  if (self->service != NULL)
    g_clear_signal_handler (&self->notify, self->service);
  stop_probing (self);
  g_set_object (&self->service, service);
  if (service == NULL)
    return;
  self->notify = g_signal_connect_swapped (service, "notify", G_CALLBACK (refresh), self);
  set_target (self->open, service);
  set_target (self->edit_row, service);
  set_target (self->remove_row, service);
  refresh (self);
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    start_probing (self);
}

/* While nobody looks nothing is probed. */
static void
ew_service_details_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_service_details_parent_class)->map (widget);
  start_probing (EW_SERVICE_DETAILS (widget));
}

static void
ew_service_details_unmap (GtkWidget *widget)
{
  stop_probing (EW_SERVICE_DETAILS (widget));
  GTK_WIDGET_CLASS (ew_service_details_parent_class)->unmap (widget);
}

static void
ew_service_details_dispose (GObject *object)
{
  EwServiceDetails *self = EW_SERVICE_DETAILS (object);

  if (self->service != NULL)
    g_clear_signal_handler (&self->notify, self->service);
  g_cancellable_cancel (self->probing);
  g_clear_object (&self->probing);
  g_clear_object (&self->service);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_service_details_parent_class)->dispose (object);
}

static void
ew_service_details_finalize (GObject *object)
{
  g_ptr_array_unref (EW_SERVICE_DETAILS (object)->rows);
  G_OBJECT_CLASS (ew_service_details_parent_class)->finalize (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EwServiceDetails, name)

static void
bind_children (GtkWidgetClass *widget_class)
{
  BIND (name);
  BIND (what);
  BIND (state);
  BIND (state_image);
  BIND (state_words);
  BIND (note);
  BIND (open);
  BIND (name_row);
  BIND (address_row);
  BIND (address6_row);
  BIND (ports_row);
  BIND (names_note);
  BIND (targets);
  BIND (spinner);
  BIND (check);
  BIND (check_note);
  BIND (manage_group);
  BIND (edit_row);
  BIND (remove_row);
}

static void
ew_service_details_class_init (EwServiceDetailsClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_service_details_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_service_details_finalize;
  widget_class->map = ew_service_details_map;
  widget_class->unmap = ew_service_details_unmap;
  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_OBJECT);
  g_type_ensure (EW_TYPE_VALUE_ROW);
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/service-details.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_check);
}

static void
ew_service_details_init (EwServiceDetails *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (self->name);
}

void
ew_service_details_set_model (EwServiceDetails *self, EwDaemon *daemon, EwTopology *topology)
{
  static const gchar *const followed[]
    = { "notify::administrator", "notify::suffix", "notify::names", "notify::names-message" };

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  for (gsize i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (daemon, followed[i], G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
}
