/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "route-rows.h"

#include <glib/gi18n.h>

#include "access/toast.h"
#include "route-state.h"

struct _EwRouteRows
{
  AdwBin parent;
  EwDaemon *daemon;
  EwNode *node;
  gulong notify;
  GCancellable *listing;
  GtkWidget *group;
  GPtrArray *rows; /* Row; its widget is the group's */
};

typedef struct
{
  gchar *cidr;
  EwRouteState state;
  GtkWidget *row, *choice; /* choice: a GtkSwitch */
} Row;

G_DEFINE_FINAL_TYPE (EwRouteRows, ew_route_rows, ADW_TYPE_BIN)

static void load (EwRouteRows *self);

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->cidr);
  g_free (row);
}

static Row *
find_row (EwRouteRows *self, GtkWidget *choice)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (((Row *)self->rows->pdata[i])->choice == choice)
      return self->rows->pdata[i];
  return NULL;
}

static void
show_row (Row *row, EwRouteState state, const gchar *reason)
{
  g_autofree gchar *words = ew_route_state_words (state, reason);

  row->state = state;
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row->row), words);
  gtk_widget_set_visible (row->choice, ew_route_state_has_switch (state));
  gtk_widget_set_sensitive (row->choice, TRUE);
  gtk_switch_set_active (GTK_SWITCH (row->choice), ew_route_state_is_on (state));
  gtk_switch_set_state (GTK_SWITCH (row->choice), ew_route_state_is_on (state));
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwRouteRows) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  const gchar *json = NULL;

  if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    return; /* another listing is on its way */
  if (answer != NULL)
    g_variant_get (answer, "(&s)", &json);
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];
      g_autofree gchar *reason = NULL;
      EwRouteState state = ew_route_state_find (json, row->cidr, &reason);
      show_row (row, state, reason);
    }
}

/* The choice. */

static void
on_chosen (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwRouteRows) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);

  if (answer == NULL && overlay != NULL && !g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    ew_toast_refuse (ADW_TOAST_OVERLAY (overlay), error->message);
  load (self); /* the current state, whatever the result was */
}

static gboolean
on_state_set (GtkSwitch *choice, gboolean on, EwRouteRows *self)
{
  Row *row = find_row (self, GTK_WIDGET (choice));

  if (row == NULL || on == ew_route_state_is_on (row->state))
    return FALSE; /* it only shows the current state */
  gtk_widget_set_sensitive (row->choice, FALSE);
  ew_daemon_call_async (self->daemon, on ? "AcceptRoute" : "RefuseRoute", g_variant_new ("(s)", row->cidr), NULL,
                        on_chosen, g_object_ref (self));
  return TRUE; /* the state follows the daemon */
}

/* The rows. */

static void
add_row (EwRouteRows *self, const gchar *cidr)
{
  Row *row = g_new0 (Row, 1);
  g_autofree gchar *spoken = g_strdup_printf (
    ew_node_is_self (self->node) ? _ ("Forward the mesh to %s") : _ ("Use %s on this computer"), cidr);

  row->cidr = g_strdup (cidr);
  row->choice = gtk_switch_new ();
  gtk_widget_set_valign (row->choice, GTK_ALIGN_CENTER);
  gtk_widget_set_visible (row->choice, FALSE);
  gtk_widget_set_tooltip_text (row->choice, spoken);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row->choice), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_signal_connect (row->choice, "state-set", G_CALLBACK (on_state_set), self);
  row->row = adw_action_row_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row->row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row->row), cidr);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row->row), row->choice);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->group), row->row);
  g_ptr_array_add (self->rows, row);
}

static gboolean
has_rows_of (EwRouteRows *self, const gchar *const *routes)
{
  if (g_strv_length ((gchar **)routes) != self->rows->len)
    return FALSE;
  for (guint i = 0; i < self->rows->len; i++)
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): there are as many routes as rows */
    if (g_strcmp0 (((Row *)self->rows->pdata[i])->cidr, routes[i]) != 0)
      return FALSE;
  return TRUE;
}

static void
load (EwRouteRows *self)
{
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  if (self->node == NULL || self->rows->len == 0 || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->listing = g_cancellable_new ();
  ew_daemon_call_async (self->daemon, "ListRoutes", NULL, self->listing, on_listed, g_object_ref (self));
}

static void
follow_routes (EwRouteRows *self)
{
  static const gchar *const none[] = { NULL };
  const gchar *const *routes = self->node != NULL ? ew_node_get_routes (self->node) : none;

  if (has_rows_of (self, routes))
    return;
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->group), ((Row *)self->rows->pdata[i])->row);
  g_ptr_array_set_size (self->rows, 0);
  for (; *routes != NULL; routes++)
    add_row (self, *routes);
  gtk_widget_set_visible (GTK_WIDGET (self), self->rows->len > 0);
  load (self);
}

void
ew_route_rows_set_node (EwRouteRows *self, EwDaemon *daemon, EwNode *node)
{
  if (node == self->node)
    return;
  if (self->node != NULL)
    g_clear_signal_handler (&self->notify, self->node);
  g_set_object (&self->daemon, daemon);
  g_set_object (&self->node, node);
  if (node != NULL)
    self->notify = g_signal_connect_swapped (node, "notify::routes", G_CALLBACK (follow_routes), self);
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->group), ((Row *)self->rows->pdata[i])->row);
  g_ptr_array_set_size (self->rows, 0);
  follow_routes (self);
  gtk_widget_set_visible (GTK_WIDGET (self), self->rows->len > 0);
}

static void
ew_route_rows_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_route_rows_parent_class)->map (widget);
  load (EW_ROUTE_ROWS (widget));
}

static void
ew_route_rows_dispose (GObject *object)
{
  EwRouteRows *self = EW_ROUTE_ROWS (object);

  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  if (self->node != NULL)
    g_clear_signal_handler (&self->notify, self->node);
  g_clear_object (&self->node);
  g_clear_object (&self->daemon);
  g_ptr_array_set_size (self->rows, 0);
  G_OBJECT_CLASS (ew_route_rows_parent_class)->dispose (object);
}

static void
ew_route_rows_finalize (GObject *object)
{
  g_ptr_array_unref (EW_ROUTE_ROWS (object)->rows);
  G_OBJECT_CLASS (ew_route_rows_parent_class)->finalize (object);
}

static void
ew_route_rows_class_init (EwRouteRowsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_route_rows_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_route_rows_finalize;
  GTK_WIDGET_CLASS (class)->map = ew_route_rows_map;
}

static void
ew_route_rows_init (EwRouteRows *self)
{
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->group = adw_preferences_group_new ();
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->group), _ ("Networks Behind It"));
  adw_bin_set_child (ADW_BIN (self), self->group);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}
