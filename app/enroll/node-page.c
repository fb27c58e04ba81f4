/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/node-page.h"

#include <glib/gi18n.h>

#include "edgeway-config.h"
#include "enroll/name-field.h"

typedef struct
{
  EwDaemon *daemon;
  EwTopology *topology;
  GCancellable *making; /* while the daemon makes the node */
  EwNameField *name;
  GtkWidget *cancel, *next;
} EwNodePagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (EwNodePage, ew_node_page, EW_TYPE_WIZARD_PAGE)

#define PRIV(page) ((EwNodePagePrivate *)ew_node_page_get_instance_private (page))

/* Next is what Enter does, so it is insensitive, too, while it does not show. */
static void
update (EwNodePage *self)
{
  EwNodePagePrivate *priv = PRIV (self);
  gboolean making = priv->making != NULL;

  gtk_widget_set_visible (priv->cancel, making);
  gtk_widget_set_visible (priv->next, !making);
  gtk_widget_set_sensitive (priv->next, !making && ew_name_field_is_good (priv->name));
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), !making);
}

void
ew_node_page_changed (EwNodePage *self)
{
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  update (self);
}

static void
on_unmade (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree gchar *name = user_data;
  g_autoptr (GError) error = NULL;

  if (!ew_unmake_finish (result, &error))
    g_message ("%s couldn't be removed from the mesh again: %s", name, error->message);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwNodePage) self = user_data;
  EwNodePagePrivate *priv = PRIV (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (EwNewNode) node = ew_make_finish (result, &error);
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  EwNodePageClass *class = EW_NODE_PAGE_GET_CLASS (self);

  g_clear_object (&priv->making);
  if (wizard == NULL)
    {
      if (node != NULL) /* closed at the moment when it was made */
        ew_unmake_async (EW_DAEMON (source), node->name, on_unmade, g_strdup (node->name));
    }
  else
    {
      ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), NULL);
      update (self);
      if (node != NULL)
        class->made (self, wizard, g_steal_pointer (&node));
      else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NAME_TAKEN))
        ew_name_field_set_taken (priv->name);
      else
        ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
    }
  if (class->over != NULL)
    class->over (self);
}

static void
on_next (EwNodePage *self)
{
  EwNodePagePrivate *priv = PRIV (self);
  const gchar *name = ew_name_field_get_text (priv->name);
  g_autofree gchar *busy = g_strdup_printf (_ ("Adding %s…"), name);
  g_autoptr (GCancellable) making = g_cancellable_new ();

  if (!EW_NODE_PAGE_GET_CLASS (self)->make (self, name, making, on_made, g_object_ref (self)))
    {
      g_object_unref (self);
      return;
    }
  priv->making = g_steal_pointer (&making);
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), busy);
  gtk_widget_set_sensitive (priv->cancel, TRUE);
  update (self);
  gtk_widget_grab_focus (priv->cancel);
}

static void
on_cancel (EwNodePage *self)
{
  EwNodePagePrivate *priv = PRIV (self);

  if (priv->making == NULL)
    return;
  g_cancellable_cancel (priv->making);
  gtk_widget_set_sensitive (priv->cancel, FALSE);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), _ ("Cancelling… You can close this window."));
}

static gboolean
ew_node_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwNodePagePrivate *priv = PRIV (EW_NODE_PAGE (page));

  if (priv->making != NULL)
    g_cancellable_cancel (priv->making);
  return TRUE;
}

void
ew_node_page_set_model (EwNodePage *self, EwDaemon *daemon, EwTopology *topology)
{
  EwNodePagePrivate *priv = PRIV (self);

  g_set_object (&priv->daemon, daemon);
  g_set_object (&priv->topology, topology);
  ew_name_field_set_topology (priv->name, topology);
  update (self);
}

EwDaemon *
ew_node_page_get_daemon (EwNodePage *self)
{
  return PRIV (self)->daemon;
}

EwTopology *
ew_node_page_get_topology (EwNodePage *self)
{
  return PRIV (self)->topology;
}

static void
ew_node_page_dispose (GObject *object)
{
  EwNodePagePrivate *priv = PRIV (EW_NODE_PAGE (object));

  g_clear_object (&priv->daemon);
  g_clear_object (&priv->topology);
  g_clear_object (&priv->making);
  G_OBJECT_CLASS (ew_node_page_parent_class)->dispose (object);
}

static void
ew_node_page_class_init (EwNodePageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_node_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_node_page_may_leave;
  g_type_ensure (EW_TYPE_NAME_FIELD);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/node-page.ui");
  gtk_widget_class_bind_template_child_private (widget_class, EwNodePage, name);
  gtk_widget_class_bind_template_child_private (widget_class, EwNodePage, cancel);
  gtk_widget_class_bind_template_child_private (widget_class, EwNodePage, next);
  gtk_widget_class_bind_template_callback_full (widget_class, "on_changed", G_CALLBACK (ew_node_page_changed));
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_next);
}

static void
ew_node_page_init (EwNodePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
