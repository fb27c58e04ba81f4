/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/name-field.h"

#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "edgeway-config.h"
#include "enroll/checks.h"
#include "enroll/wizard-page.h"

struct _EwNameField
{
  AdwBin parent_instance;
  EwTopology *topology;
  gboolean taken; /* the edge said so */
  gchar *problem; /* as shown; NULL: none */
  AdwEntryRow *entry;
  GtkWidget *good;
  GtkLabel *note;
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (EwNameField, ew_name_field, ADW_TYPE_BIN)

const gchar *
ew_name_field_get_text (EwNameField *self)
{
  return gtk_editable_get_text (GTK_EDITABLE (self->entry));
}

static gboolean
is_edge_name (EwNameField *self, const gchar *name)
{
  GListModel *edges = self->topology != NULL ? ew_topology_get_edges (self->topology) : NULL;
  for (guint i = 0; edges != NULL && i < g_list_model_get_n_items (edges); i++)
    {
      g_autoptr (EwEdge) edge = g_list_model_get_item (edges, i);
      if (g_strcmp0 (ew_edge_get_name (edge), name) == 0)
        return TRUE;
    }
  return g_strcmp0 (name, "edge") == 0; /* always means the mesh's edge */
}

static gchar *
find_problem (EwNameField *self)
{
  const gchar *name = ew_name_field_get_text (self);
  gchar *problem = ew_check_name (name);
  if (problem != NULL)
    return problem;
  if (self->taken || (self->topology != NULL && ew_topology_find_by_any_name (self->topology, name) != NULL))
    return g_strdup_printf (_ ("Another node is called %s."), name);
  if (is_edge_name (self, name))
    return g_strdup_printf (_ ("The edge is called %s."), name);
  return NULL;
}

gboolean
ew_name_field_is_good (EwNameField *self)
{
  g_autofree gchar *problem = find_problem (self);
  return problem == NULL;
}

static void
show (EwNameField *self)
{
  gboolean empty = *ew_name_field_get_text (self) == '\0';
  g_free (self->problem);
  self->problem = find_problem (self);
  ew_wizard_set_field (GTK_WIDGET (self->entry), self->note, empty ? NULL : self->problem,
                       _ ("Lowercase letters, digits and hyphens."));
  gtk_widget_set_visible (self->good, self->problem == NULL);
  g_signal_emit (self, changed_signal, 0);
}

static void
on_changed (EwNameField *self)
{
  self->taken = FALSE;
  show (self);
}

/* A free name may be taken in the meantime, and vice versa. Ignored while the field is insensitive: the node that is
   being made has this very name. */
static void
follow (EwNameField *self)
{
  g_autofree gchar *problem = find_problem (self);
  if (gtk_widget_is_sensitive (GTK_WIDGET (self)) && gtk_widget_get_mapped (GTK_WIDGET (self))
      && g_strcmp0 (problem, self->problem) != 0)
    show (self);
}

void
ew_name_field_set_taken (EwNameField *self)
{
  self->taken = TRUE;
  show (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

void
ew_name_field_set_topology (EwNameField *self, EwTopology *topology)
{
  if (!g_set_object (&self->topology, topology) || topology == NULL)
    return;
  g_signal_connect_object (topology, "items-changed", G_CALLBACK (follow), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "names-changed", G_CALLBACK (follow), self, G_CONNECT_SWAPPED);
}

static void
ew_name_field_dispose (GObject *object)
{
  g_clear_object (&EW_NAME_FIELD (object)->topology);
  G_OBJECT_CLASS (ew_name_field_parent_class)->dispose (object);
}

static void
ew_name_field_finalize (GObject *object)
{
  g_free (EW_NAME_FIELD (object)->problem);
  G_OBJECT_CLASS (ew_name_field_parent_class)->finalize (object);
}

static void
ew_name_field_class_init (EwNameFieldClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_name_field_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_name_field_finalize;
  changed_signal = g_signal_new ("changed", EW_TYPE_NAME_FIELD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/name-field.ui");
  gtk_widget_class_bind_template_child (widget_class, EwNameField, entry);
  gtk_widget_class_bind_template_child (widget_class, EwNameField, good);
  gtk_widget_class_bind_template_child (widget_class, EwNameField, note);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
}

static void
ew_name_field_init (EwNameField *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->entry));
  g_signal_connect (self, "map", G_CALLBACK (follow), NULL);
  g_signal_connect (self, "state-flags-changed", G_CALLBACK (follow), NULL);
  show (self);
}
