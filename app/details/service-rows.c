/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-rows.h"

#include <glib/gi18n.h>

#include "model/words.h"

#define ROWS_MAX 50 /* the list has them all */

struct _EwServiceRows
{
  AdwBin parent;
  EwTopology *topology; /* NULL: not set yet */
  EwNode *node;
  GtkWidget *group, *more;
  GPtrArray *rows, *services; /* side by side; a row is the group's */
};

enum
{
  CHOSEN,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EwServiceRows, ew_service_rows, ADW_TYPE_BIN)

static void
on_activated (GtkWidget *row, EwServiceRows *self)
{
  guint index;

  if (g_ptr_array_find (self->rows, row, &index) && index < self->services->len)
    g_signal_emit (self, signals[CHOSEN], 0, self->services->pdata[index]);
}

static void
add_row (EwServiceRows *self)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  g_signal_connect (row, "activated", G_CALLBACK (on_activated), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->group), row);
  g_ptr_array_add (self->rows, row);
}

static void
show_row (GtkWidget *row, EwService *service)
{
  g_autofree gchar *state = ew_words_service_state (service), *ports = ew_words_service_ports (service);
  /* Translators: a service's ports and its state: "Port 80 · Works" */
  g_autofree gchar *words = g_strdup_printf (_ ("Port %s · %s"), ports, state);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), ew_service_get_name (service));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), words);
}

/* Rows stay where they are while there are as many. */
static void
refresh (EwServiceRows *self)
{
  g_autoptr (GPtrArray) services = NULL;
  g_autofree gchar *words = NULL;
  guint n;

  if (self->node == NULL)
    return;
  services = ew_topology_get_services_of (self->topology, self->node);
  n = MIN (services->len, ROWS_MAX);
  if (self->more != NULL)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->group), self->more);
  self->more = NULL;
  while (self->rows->len > n)
    {
      adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self->group), self->rows->pdata[self->rows->len - 1]);
      g_ptr_array_remove_index (self->rows, self->rows->len - 1);
    }
  while (self->rows->len < n)
    add_row (self);
  for (guint i = 0; i < n; i++)
    show_row (self->rows->pdata[i], services->pdata[i]);
  if (services->len > n)
    {
      words = g_strdup_printf (ngettext ("%u more is in the list", "%u more are in the list", services->len - n),
                               services->len - n);
      self->more = adw_action_row_new ();
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->more), words);
      adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->group), self->more);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), n > 0);
  g_ptr_array_unref (self->services);
  self->services = g_steal_pointer (&services);
}

void
ew_service_rows_set_node (EwServiceRows *self, EwTopology *topology, EwNode *node)
{
  if (self->topology == NULL)
    {
      self->topology = g_object_ref (topology);
      g_signal_connect_object (topology, "services-changed", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
    }
  g_set_object (&self->node, node);
  refresh (self);
}

static void
ew_service_rows_dispose (GObject *object)
{
  EwServiceRows *self = EW_SERVICE_ROWS (object);

  g_clear_object (&self->node);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_service_rows_parent_class)->dispose (object);
}

static void
ew_service_rows_finalize (GObject *object)
{
  EwServiceRows *self = EW_SERVICE_ROWS (object);

  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->services);
  G_OBJECT_CLASS (ew_service_rows_parent_class)->finalize (object);
}

static void
ew_service_rows_class_init (EwServiceRowsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_service_rows_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_service_rows_finalize;
  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_OBJECT);
}

static void
ew_service_rows_init (EwServiceRows *self)
{
  self->rows = g_ptr_array_new ();
  self->services = g_ptr_array_new_with_free_func (g_object_unref);
  self->group = adw_preferences_group_new ();
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->group), _ ("Services"));
  adw_bin_set_child (ADW_BIN (self), self->group);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}
