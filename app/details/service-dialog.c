/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-dialog.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "access/access.h"
#include "access/ellipsis.h"
#include "access/field.h"
#include "access/scroller.h"
#include "access/spinner.h"
#include "access/wrap-box.h"
#include "model/words.h"
#include "name-check.h"
#include "node/node-icon.h"
#include "service-check.h"
#include "value-row.h"

#define LEAST_HEIGHT 200 /* px that are always in sight */

struct _EwServiceDialog
{
  AdwWindow parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwService *service; /* that is edited; NULL: a new one */
  EwService *made;    /* what the edge answered */
  GPtrArray *nodes;   /* EwNode, in the choice's order */
  GCancellable *cancellable;
  gboolean calling, proposing;
  gboolean own_name, own_port; /* typed by the person: no longer proposed */
  GtkWidget *handle, *content, *ask, *complex_note, *target_group, *node, *host, *port, *name, *callers_port, *problem,
    *progress, *done, *state, *state_image, *state_words, *next, *reached, *cancel, *save;
};

G_DEFINE_FINAL_TYPE (EwServiceDialog, ew_service_dialog, ADW_TYPE_WINDOW)

static gchar *
text_of (GtkWidget *entry)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (entry))));
}

static EwNode *
node_of (EwServiceDialog *self)
{
  guint selected = adw_combo_row_get_selected (ADW_COMBO_ROW (self->node));

  return self->nodes != NULL && selected < self->nodes->len ? self->nodes->pdata[selected] : NULL;
}

static gboolean
has_target (EwServiceDialog *self)
{
  return self->service == NULL || ew_service_is_simple (self->service);
}

/* A host behind a gateway, or "". */
static gchar *
host_of (EwServiceDialog *self)
{
  EwNode *node = node_of (self);

  return node != NULL && ew_node_is_gateway (node) ? text_of (self->host) : g_strdup ("");
}

static guint
port_of (GtkWidget *entry)
{
  g_autofree gchar *text = text_of (entry);

  return ew_service_read_port (text);
}

/* Checks. */

/* What is wrong with a port that was typed; NULL: nothing, or nothing was. */
static gchar *
port_problem (GtkWidget *entry)
{
  g_autofree gchar *text = text_of (entry);

  return *text != '\0' && ew_service_read_port (text) == 0 ? g_strdup (_ ("A port is a number from 1 to 65535."))
                                                           : NULL;
}

static gchar *
find_problem (EwServiceDialog *self, GtkWidget **field)
{
  g_autofree gchar *host = host_of (self), *name = text_of (self->name);
  gchar *problem = NULL;

  if (has_target (self) && node_of (self) != NULL)
    problem = ew_service_host_problem (host, node_of (self));
  *field = self->host;
  if (problem == NULL && has_target (self))
    {
      *field = self->port;
      problem = port_problem (self->port);
    }
  if (problem == NULL && has_target (self))
    {
      *field = self->callers_port;
      problem = port_problem (self->callers_port);
    }
  if (problem != NULL)
    return problem;
  *field = self->name;
  return *name != '\0' ? ew_service_name_problem (name, self->topology, self->service) : NULL;
}

static gboolean
is_complete (EwServiceDialog *self)
{
  g_autofree gchar *name = text_of (self->name);

  return *name != '\0'
         && (!has_target (self)
             || (node_of (self) != NULL && port_of (self->port) > 0 && port_of (self->callers_port) > 0));
}

/* Where callers will reach it. */
static gchar *
hint_words (EwServiceDialog *self)
{
  g_autofree gchar *name = text_of (self->name), *host = host_of (self), *target = NULL;
  const gchar *suffix = ew_daemon_get_suffix (self->daemon);

  if (!is_complete (self) || !has_target (self) || *suffix == '\0')
    return NULL;
  target = ew_service_target_text (node_of (self), host, port_of (self->port));
  /* Translators: "Port 80 of ha.home.internal leads to nas:8123." */
  return g_strdup_printf (_ ("Port %u of %s.%s leads to %s."), port_of (self->callers_port), name, suffix, target);
}

/* As high as what is in it now. */
static void
grow_window (EwServiceDialog *self)
{
  gint width = gtk_widget_get_width (GTK_WIDGET (self));

  if (width > 0)
    gtk_window_set_default_size (GTK_WINDOW (self), width, -1);
}

static void
show_problem (EwServiceDialog *self, GtkWidget *field, const gchar *problem)
{
  GtkWidget *const fields[] = { self->host, self->port, self->name, self->callers_port };
  g_autofree gchar *hint = problem == NULL ? hint_words (self) : NULL;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i] != field)
      ew_field_set_problem (fields[i], GTK_LABEL (self->problem), NULL, NULL);
  ew_field_set_problem (field, GTK_LABEL (self->problem), problem, hint);
  if (gtk_widget_get_visible (self->problem) == (problem != NULL || hint != NULL))
    return;
  gtk_widget_set_visible (self->problem, problem != NULL || hint != NULL);
  grow_window (self);
}

static void
check (EwServiceDialog *self)
{
  GtkWidget *field;
  g_autofree gchar *problem = find_problem (self, &field);

  show_problem (self, field, problem);
  gtk_widget_set_sensitive (self->save, !self->calling && problem == NULL && is_complete (self));
}

/* Proposals, until a person types something else. */

static void
set_text (EwServiceDialog *self, GtkWidget *entry, const gchar *text)
{
  self->proposing = TRUE;
  if (g_strcmp0 (gtk_editable_get_text (GTK_EDITABLE (entry)), text) != 0)
    gtk_editable_set_text (GTK_EDITABLE (entry), text);
  self->proposing = FALSE;
}

static void
propose (EwServiceDialog *self)
{
  guint port = port_of (self->port);
  g_autofree gchar *name = ew_service_propose_name (self->topology, node_of (self), port);
  g_autofree gchar *callers = port > 0 ? g_strdup_printf ("%u", ew_service_propose_port (port)) : g_strdup ("");

  if (!self->own_name)
    set_text (self, self->name, name);
  if (!self->own_port)
    set_text (self, self->callers_port, callers);
}

static void
on_target_changed (EwServiceDialog *self)
{
  EwNode *node;

  if (self->topology == NULL) /* not filled yet */
    return;
  node = node_of (self);
  gtk_widget_set_visible (self->host, node != NULL && ew_node_is_gateway (node));
  propose (self);
  check (self);
}

static void
on_name_changed (EwServiceDialog *self)
{
  if (self->topology == NULL || self->proposing)
    return;
  self->own_name = *gtk_editable_get_text (GTK_EDITABLE (self->name)) != '\0';
  check (self);
}

static void
on_callers_port_changed (EwServiceDialog *self)
{
  if (self->topology == NULL || self->proposing)
    return;
  self->own_port = *gtk_editable_get_text (GTK_EDITABLE (self->callers_port)) != '\0';
  check (self);
}

/* The result. */

static void
show_done (EwServiceDialog *self)
{
  const EwServiceTarget *target
    = ew_service_get_n_targets (self->made) > 0 ? ew_service_get_target (self->made, 0) : NULL;
  EwServiceState state = ew_service_get_state (self->made);
  g_autofree gchar *words = target != NULL ? ew_words_target (target) : g_strdup ("");
  g_autofree gchar *fix = target != NULL ? ew_words_target_fix (target) : NULL, *next = NULL;
  g_autofree gchar *url = ew_service_get_url (self->made, self->daemon);
  g_autofree gchar *title = g_strdup_printf (self->service == NULL ? _ ("%s Was Added") : _ ("%s Was Changed"),
                                             ew_service_get_name (self->made));

  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image), ew_service_state_icon_name (state));
  gtk_label_set_label (GTK_LABEL (self->state_words), words);
  if (state == EW_SERVICE_WORKS)
    gtk_widget_add_css_class (self->state, "online");
  if (fix != NULL)
    next = g_strdup_printf (_ ("%s Then the service works, without another change here."), fix);
  gtk_label_set_label (GTK_LABEL (self->next), next != NULL ? next : "");
  gtk_widget_set_visible (self->next, next != NULL);
  ew_value_row_set_value (EW_VALUE_ROW (self->reached), url != NULL ? url : ew_service_get_full_name (self->made));
  gtk_widget_set_visible (self->ask, FALSE);
  gtk_widget_set_visible (self->done, TRUE);
  gtk_widget_set_visible (self->save, url != NULL);
  gtk_button_set_label (GTK_BUTTON (self->save), _ ("_Open in Browser"));
  gtk_button_set_label (GTK_BUTTON (self->cancel), _ ("_Close"));
  ew_access_tidy (self->cancel);
  ew_access_tidy (self->save);
  gtk_widget_grab_focus (self->cancel);
  grow_window (self);
}

static void
show_calling (EwServiceDialog *self, gboolean calling)
{
  self->calling = calling;
  gtk_widget_set_visible (self->progress, calling);
  if (calling)
    gtk_window_set_focus (GTK_WINDOW (self), NULL); /* a text field that becomes insensitive while focused causes a
                                                       warning (GTK 4.8) */
  gtk_widget_set_sensitive (self->target_group, !calling);
  gtk_widget_set_sensitive (self->name, !calling);
  gtk_widget_set_sensitive (self->callers_port, !calling);
  gtk_widget_set_sensitive (self->save, !calling);
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwServiceDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (self->topology == NULL || g_cancellable_is_cancelled (self->cancellable)) /* closed in the meantime */
    return;
  show_calling (self, FALSE);
  if (answer != NULL)
    {
      self->made = ew_service_new_from_answer (answer);
      if (self->made != NULL)
        show_done (self);
      else
        gtk_window_destroy (GTK_WINDOW (self)); /* the map shows it */
      return;
    }
  check (self);
  if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    show_problem (self, self->name, error->message);
  ew_field_focus (self->name);
}

static void
add_ports (EwServiceDialog *self, GVariantBuilder *options)
{
  g_autofree gchar *text = g_strdup_printf ("%u", port_of (self->callers_port));
  const gchar *const texts[] = { text, NULL };

  g_variant_builder_add (options, "{sv}", "ports", g_variant_new_strv (texts, -1));
}

static gchar *
target_of (EwServiceDialog *self)
{
  g_autofree gchar *host = host_of (self);

  return ew_service_target_text (node_of (self), host, port_of (self->port));
}

static void
on_save (EwServiceDialog *self)
{
  g_autofree gchar *name = text_of (self->name), *target = NULL;
  GVariantBuilder options;

  if (!gtk_widget_get_sensitive (self->save))
    return; /* Enter, before there is something to do */
  if (self->made != NULL)
    {
      gtk_widget_activate_action (GTK_WIDGET (gtk_window_get_transient_for (GTK_WINDOW (self))), "win.open-service",
                                  "s", ew_service_get_id (self->made));
      return;
    }
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  target = has_target (self) ? target_of (self) : NULL;
  const gchar *const targets[] = { target, NULL };
  if (has_target (self))
    add_ports (self, &options);
  show_calling (self, TRUE);
  if (self->service == NULL)
    {
      ew_daemon_call_async (self->daemon, "AddService",
                            g_variant_new ("(s^asa{sv})", name, (gchar **)targets, &options), self->cancellable,
                            on_saved, g_object_ref (self));
      return;
    }
  if (has_target (self))
    g_variant_builder_add (&options, "{sv}", "targets", g_variant_new_strv (targets, -1));
  if (g_strcmp0 (name, ew_service_get_name (self->service)) != 0)
    g_variant_builder_add (&options, "{sv}", "name", g_variant_new_string (name));
  ew_daemon_call_async (self->daemon, "EditService",
                        g_variant_new ("(sa{sv})", ew_service_get_name (self->service), &options), self->cancellable,
                        on_saved, g_object_ref (self));
}

/* The call holds a reference, so the dialog is not disposed before the answer, and a password prompt would stay open
   that long. */
static gboolean
ew_service_dialog_close_request (GtkWindow *window)
{
  g_cancellable_cancel (EW_SERVICE_DIALOG (window)->cancellable);
  return GTK_WINDOW_CLASS (ew_service_dialog_parent_class)->close_request (window);
}

static void
ew_service_dialog_dispose (GObject *object)
{
  EwServiceDialog *self = EW_SERVICE_DIALOG (object);

  g_cancellable_cancel (self->cancellable); /* stops waiting; the request may still succeed, and then the map shows
                                               it */
  g_clear_object (&self->service);
  g_clear_object (&self->made);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_service_dialog_parent_class)->dispose (object);
}

static void
ew_service_dialog_finalize (GObject *object)
{
  g_clear_object (&EW_SERVICE_DIALOG (object)->cancellable);
  g_clear_pointer (&EW_SERVICE_DIALOG (object)->nodes, g_ptr_array_unref);
  G_OBJECT_CLASS (ew_service_dialog_parent_class)->finalize (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EwServiceDialog, name)

static void
bind_children (GtkWidgetClass *widget_class)
{
  BIND (handle);
  BIND (content);
  BIND (ask);
  BIND (complex_note);
  BIND (target_group);
  BIND (node);
  BIND (host);
  BIND (port);
  BIND (name);
  BIND (callers_port);
  BIND (problem);
  BIND (progress);
  BIND (done);
  BIND (state);
  BIND (state_image);
  BIND (state_words);
  BIND (next);
  BIND (reached);
  BIND (cancel);
  BIND (save);
}

static void
ew_service_dialog_class_init (EwServiceDialogClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_service_dialog_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_service_dialog_finalize;
  GTK_WINDOW_CLASS (class)->close_request = ew_service_dialog_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  g_type_ensure (EW_TYPE_SPINNER);
  g_type_ensure (EW_TYPE_WRAP_BOX);
  g_type_ensure (EW_TYPE_VALUE_ROW);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/service-dialog.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_target_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_name_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_callers_port_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_save);
}

static void
ew_service_dialog_init (EwServiceDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_object_ref (self->content);
  gtk_window_handle_set_child (GTK_WINDOW_HANDLE (self->handle), NULL);
  gtk_window_handle_set_child (GTK_WINDOW_HANDLE (self->handle), ew_scroller_new (self->content, LEAST_HEIGHT));
  g_object_unref (self->content);
  ew_ellipsis_add_row_tooltip (self->host);
  ew_ellipsis_add_row_tooltip (self->port);
  ew_ellipsis_add_row_tooltip (self->name);
  ew_ellipsis_add_row_tooltip (self->callers_port);
}

/* Filling it. */

static gint
compare_nodes (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_node_get_name (*(EwNode *const *)a), ew_node_get_name (*(EwNode *const *)b));
}

static void
fill_nodes (EwServiceDialog *self, EwNode *chosen)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->topology)), at = 0;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (nodes, g_list_model_get_item (G_LIST_MODEL (self->topology), i));
  g_ptr_array_sort (nodes, compare_nodes);
  for (guint i = 0; i < nodes->len; i++)
    {
      gtk_string_list_append (names, ew_node_get_name (nodes->pdata[i]));
      if (nodes->pdata[i] == chosen)
        at = i;
    }
  adw_combo_row_set_model (ADW_COMBO_ROW (self->node), G_LIST_MODEL (names));
  adw_combo_row_set_selected (ADW_COMBO_ROW (self->node), at);
  self->nodes = nodes;
}

/* Most services are a server's. */
static EwNode *
first_server (EwTopology *topology)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (topology));
  EwNode *found = ew_topology_get_self (topology);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (topology), i);

      if (ew_node_get_kind (node) == EW_KIND_SERVER && ew_node_get_state (node) == EW_NODE_ONLINE)
        return node; /* the topology keeps it */
    }
  return found;
}

static EwServiceDialog *
dialog_new (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node)
{
  EwServiceDialog *self = g_object_new (EW_TYPE_SERVICE_DIALOG, "transient-for", parent, NULL);

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  fill_nodes (self, node);
  return self;
}

void
ew_service_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node)
{
  EwServiceDialog *self;

  if (ew_access_raise ("add service"))
    return;
  self = dialog_new (parent, daemon, topology, node != NULL ? node : first_server (topology));
  gtk_window_set_title (GTK_WINDOW (self), _ ("Add a Service"));
  on_target_changed (self);
  ew_access_present_once (GTK_WINDOW (self), "add service");
  ew_field_focus (self->port);
}

static void
fill_simple (EwServiceDialog *self)
{
  const EwServiceTarget *target = ew_service_get_target (self->service, 0);
  const EwServicePortInfo *port = ew_service_get_port (self->service, 0);
  guint there = target->port > 0 ? target->port : port->target > 0 ? port->target : port->from;
  g_autofree gchar *there_text = g_strdup_printf ("%u", there), *callers = g_strdup_printf ("%u", port->from);

  set_text (self, self->host, target->host != NULL ? target->host : "");
  set_text (self, self->port, there_text);
  set_text (self, self->callers_port, callers);
}

void
ew_service_dialog_present_edit (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwService *service)
{
  g_autofree gchar *once = g_strconcat ("edit service ", ew_service_get_id (service), NULL), *title = NULL;
  EwServiceDialog *self;

  if (ew_access_raise (once))
    return;
  self = dialog_new (parent, daemon, topology, ew_topology_find (topology, ew_service_get_node_id (service)));
  self->service = g_object_ref (service);
  self->own_name = self->own_port = TRUE;
  title = g_strdup_printf (_ ("Edit %s"), ew_service_get_name (service));
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_button_set_label (GTK_BUTTON (self->save), _ ("_Save"));
  set_text (self, self->name, ew_service_get_name (service));
  if (has_target (self))
    fill_simple (self);
  else
    {
      gtk_label_set_label (GTK_LABEL (self->complex_note),
                           _ ("It has several targets or ports. Change those with “edgewayctl service edit”."));
      gtk_widget_set_visible (self->complex_note, TRUE);
      gtk_widget_set_visible (self->target_group, FALSE);
      gtk_widget_set_visible (self->callers_port, FALSE);
    }
  on_target_changed (self);
  ew_access_present_once (GTK_WINDOW (self), once);
  ew_field_focus (self->name);
}
