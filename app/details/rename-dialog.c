/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rename-dialog.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "access/access.h"
#include "access/ellipsis.h"
#include "access/field.h"
#include "access/spinner.h"
#include "access/wrap-box.h"
#include "name-check.h"

struct _EwRenameDialog
{
  AdwWindow parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNode *node;
  GCancellable *cancellable;
  gboolean calling;
  GtkWidget *group, *entry, *problem, *progress, *rename;
};

G_DEFINE_FINAL_TYPE (EwRenameDialog, ew_rename_dialog, ADW_TYPE_WINDOW)

/* text: a sentence; NULL: nothing is wrong. */
static void
show_problem (EwRenameDialog *self, const gchar *text)
{
  ew_field_set_problem (self->entry, GTK_LABEL (self->problem), text, NULL);
  gtk_widget_set_visible (self->problem, text != NULL);
}

static void
show_calling (EwRenameDialog *self, gboolean calling)
{
  self->calling = calling;
  gtk_widget_set_visible (self->progress, calling);
  if (calling)
    gtk_window_set_focus (GTK_WINDOW (self), NULL); /* a text field that becomes insensitive while focused causes a
                                                       warning (GTK 4.8) */
  gtk_widget_set_sensitive (self->entry, !calling);
}

static gchar *
new_name (EwRenameDialog *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));
}

static void
on_changed (EwRenameDialog *self)
{
  g_autofree gchar *name = new_name (self), *problem = ew_name_problem (name, self->topology, self->node);

  show_problem (self, *name == '\0' ? NULL : problem); /* an empty field isn't a mistake yet */
  gtk_widget_set_sensitive (self->rename,
                            !self->calling && problem == NULL && !g_str_equal (name, ew_node_get_name (self->node)));
}

/* A free name may be taken in the meantime, and vice versa. */
static void
on_names_changed (EwRenameDialog *self)
{
  if (self->node != NULL && !self->calling)
    on_changed (self);
}

static void
on_renamed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwRenameDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (self->node == NULL || g_cancellable_is_cancelled (self->cancellable)) /* closed in the meantime */
    return;
  show_calling (self, FALSE);
  if (answer != NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }
  on_changed (self);
  if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    show_problem (self, error->message);
  ew_field_focus (self->entry);
}

static void
on_rename (EwRenameDialog *self)
{
  g_autofree gchar *name = new_name (self);

  if (!gtk_widget_get_sensitive (self->rename))
    return; /* Enter, before there is something to do */
  show_problem (self, NULL);
  show_calling (self, TRUE);
  gtk_widget_set_sensitive (self->rename, FALSE);
  ew_daemon_call_async (self->daemon, "RenameNode", g_variant_new ("(ss)", ew_node_get_id (self->node), name),
                        self->cancellable, on_renamed, g_object_ref (self));
}

/* The call holds a reference, so the dialog is not disposed before the answer, and a password prompt would stay open
   that long. */
static gboolean
ew_rename_dialog_close_request (GtkWindow *window)
{
  g_cancellable_cancel (EW_RENAME_DIALOG (window)->cancellable);
  return GTK_WINDOW_CLASS (ew_rename_dialog_parent_class)->close_request (window);
}

static void
ew_rename_dialog_dispose (GObject *object)
{
  EwRenameDialog *self = EW_RENAME_DIALOG (object);

  g_cancellable_cancel (self->cancellable); /* stops waiting; the request may still succeed, and then the map shows
                                               it */
  g_clear_object (&self->node);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_rename_dialog_parent_class)->dispose (object);
}

static void
ew_rename_dialog_finalize (GObject *object)
{
  g_clear_object (&EW_RENAME_DIALOG (object)->cancellable);
  G_OBJECT_CLASS (ew_rename_dialog_parent_class)->finalize (object);
}

static void
ew_rename_dialog_class_init (EwRenameDialogClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_rename_dialog_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_rename_dialog_finalize;
  GTK_WINDOW_CLASS (class)->close_request = ew_rename_dialog_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  g_type_ensure (EW_TYPE_SPINNER);
  g_type_ensure (EW_TYPE_WRAP_BOX);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/rename-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, EwRenameDialog, group);
  gtk_widget_class_bind_template_child (widget_class, EwRenameDialog, entry);
  gtk_widget_class_bind_template_child (widget_class, EwRenameDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, EwRenameDialog, progress);
  gtk_widget_class_bind_template_child (widget_class, EwRenameDialog, rename);
  gtk_widget_class_bind_template_callback (widget_class, on_rename);
}

static void
ew_rename_dialog_init (EwRenameDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->entry));
}

void
ew_rename_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node)
{
  EwRenameDialog *self;
  g_autofree gchar *title = g_strdup_printf (_ ("Rename %s"), ew_node_get_name (node));
  g_autofree gchar *once = g_strconcat ("rename ", ew_node_get_id (node), NULL);

  if (ew_access_raise (once))
    return;
  self = g_object_new (EW_TYPE_RENAME_DIALOG, "transient-for", parent, NULL);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->node = g_object_ref (node);
  gtk_window_set_title (GTK_WINDOW (self), title);
  g_signal_connect_object (topology, "items-changed", G_CALLBACK (on_names_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "names-changed", G_CALLBACK (on_names_changed), self, G_CONNECT_SWAPPED);
  gtk_editable_set_text (GTK_EDITABLE (self->entry), ew_node_get_name (node));
  g_signal_connect_swapped (self->entry, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect_swapped (self->entry, "entry-activated", G_CALLBACK (on_rename), self);
  ew_access_present_once (GTK_WINDOW (self), once);
  ew_field_focus (self->entry);
  gtk_editable_select_region (GTK_EDITABLE (self->entry), 0, -1);
}
