/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "share-dialog.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

#include "access/access.h"
#include "access/ellipsis.h"
#include "access/field.h"
#include "access/spinner.h"
#include "access/toast.h"
#include "access/wrap-box.h"
#include "enroll/network-check.h"

struct _EwShareDialog
{
  AdwWindow parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNode *node;
  GCancellable *cancellable;
  gchar *cidr; /* what is being offered */
  AdwToastOverlay *toasts;
  GtkWidget *entry, *problem, *progress, *share, *cancel, *ask, *done, *next, *command;
};

G_DEFINE_FINAL_TYPE (EwShareDialog, ew_share_dialog, ADW_TYPE_WINDOW)

/* text: a sentence; NULL: nothing is wrong. */
static void
show_problem (EwShareDialog *self, const gchar *text)
{
  ew_field_set_problem (self->entry, GTK_LABEL (self->problem), text, NULL);
  gtk_widget_set_visible (self->problem, text != NULL);
}

static void
show_calling (EwShareDialog *self, gboolean calling)
{
  gtk_widget_set_visible (self->progress, calling);
  if (calling)
    gtk_window_set_focus (GTK_WINDOW (self), NULL); /* a text field that becomes insensitive while focused causes a
                                                       warning (GTK 4.8) */
  gtk_widget_set_sensitive (self->entry, !calling);
  gtk_widget_set_sensitive (self->share, !calling);
}

/* While a network is being typed, complain only about what is complete and wrong. */
static void
on_changed (EwShareDialog *self)
{
  const gchar *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autofree gchar *cidr = NULL, *problem = ew_check_new_network (self->topology, text, &cidr);

  show_problem (self, strchr (text, '/') != NULL ? problem : NULL);
  gtk_widget_set_sensitive (self->share, problem == NULL);
}

static const gchar *
next_step (EwShareDialog *self)
{
  if (ew_node_is_self (self->node))
    return _ ("This computer forwards the mesh to this network. On each computer that should use it, run:");
  if (ew_node_is_plain (self->node))
    return _ (
      "This node runs plain WireGuard, so set up forwarding to this network there by hand. On each computer that "
      "should use it, run:");
  return _ (
    "The node doesn't forward this network until that is accepted there. On the node, and on each computer that "
    "should use the network, run:");
}

static void
show_done (EwShareDialog *self)
{
  g_autofree gchar *command = g_strdup_printf ("sudo edgewayctl route accept %s", self->cidr);

  gtk_label_set_label (GTK_LABEL (self->next), next_step (self));
  gtk_label_set_label (GTK_LABEL (self->command), command);
  gtk_widget_set_visible (self->ask, FALSE);
  gtk_widget_set_visible (self->share, FALSE);
  gtk_widget_set_visible (self->done, TRUE);
  gtk_button_set_label (GTK_BUTTON (self->cancel), _ ("_Close"));
  gtk_window_set_default_size (GTK_WINDOW (self), gtk_widget_get_width (GTK_WIDGET (self)), -1); /* it may be taller */
}

static void
on_shared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwShareDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (self->node == NULL || g_cancellable_is_cancelled (self->cancellable)) /* closed in the meantime */
    return;
  show_calling (self, FALSE);
  if (answer != NULL)
    {
      show_done (self);
      return;
    }
  on_changed (self);
  if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    show_problem (self, error->message);
  ew_field_focus (self->entry);
}

static void
on_share (EwShareDialog *self)
{
  g_autofree gchar *problem = NULL, *cidr = NULL;

  if (!gtk_widget_get_sensitive (self->entry))
    return; /* Enter, while it is on its way */
  problem = ew_check_new_network (self->topology, gtk_editable_get_text (GTK_EDITABLE (self->entry)), &cidr);
  show_problem (self, problem);
  if (problem != NULL)
    return;
  g_free (self->cidr);
  self->cidr = g_steal_pointer (&cidr);
  show_calling (self, TRUE);
  ew_daemon_call_async (self->daemon, "AddRoute", g_variant_new ("(ss)", self->cidr, ew_node_get_name (self->node)),
                        self->cancellable, on_shared, g_object_ref (self));
}

static void
on_copy (EwShareDialog *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                          gtk_label_get_label (GTK_LABEL (self->command)));
  ew_toast_show (self->toasts, ew_toast_copied (GTK_WIDGET (self), _ ("Command copied")));
}

/* The call holds a reference, so the dialog is not disposed before the answer, and a password prompt would stay open
   that long. */
static gboolean
ew_share_dialog_close_request (GtkWindow *window)
{
  g_cancellable_cancel (EW_SHARE_DIALOG (window)->cancellable);
  return GTK_WINDOW_CLASS (ew_share_dialog_parent_class)->close_request (window);
}

static void
ew_share_dialog_dispose (GObject *object)
{
  EwShareDialog *self = EW_SHARE_DIALOG (object);

  g_cancellable_cancel (self->cancellable); /* stops waiting; the request may still succeed, and then the map shows
                                               it */
  g_clear_object (&self->node);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_share_dialog_parent_class)->dispose (object);
}

static void
ew_share_dialog_finalize (GObject *object)
{
  g_clear_object (&EW_SHARE_DIALOG (object)->cancellable);
  g_free (EW_SHARE_DIALOG (object)->cidr);
  G_OBJECT_CLASS (ew_share_dialog_parent_class)->finalize (object);
}

static void
ew_share_dialog_class_init (EwShareDialogClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_share_dialog_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_share_dialog_finalize;
  GTK_WINDOW_CLASS (class)->close_request = ew_share_dialog_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  g_type_ensure (EW_TYPE_SPINNER);
  g_type_ensure (EW_TYPE_WRAP_BOX);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/share-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, entry);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, progress);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, share);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, cancel);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, ask);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, done);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, next);
  gtk_widget_class_bind_template_child (widget_class, EwShareDialog, command);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_share);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
}

static void
ew_share_dialog_init (EwShareDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->entry));
}

void
ew_share_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwTopology *topology, EwNode *node)
{
  EwShareDialog *self = g_object_new (EW_TYPE_SHARE_DIALOG, "transient-for", parent, NULL);
  g_autofree gchar *title = g_strdup_printf (_ ("Share a Network Behind %s"), ew_node_get_name (node));

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->node = g_object_ref (node);
  gtk_window_set_title (GTK_WINDOW (self), title);
  ew_access_present (GTK_WINDOW (self));
  ew_field_focus (self->entry);
}
