/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/joined-page.h"

#include <glib/gi18n.h>

#include "access/spinner.h"
#include "access/toast.h"
#include "edgeway-config.h"
#include "model/words.h"

struct _EwJoinedPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  GCancellable *calls; /* cancelled when the page goes */
  AdwActionRow *name_row, *address_row, *state_row;
  GtkWidget *connect, *spinner, *done;
};

G_DEFINE_FINAL_TYPE (EwJoinedPage, ew_joined_page, EW_TYPE_WIZARD_PAGE)

static void
update (EwJoinedPage *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  const gchar *const *addresses = ew_daemon_get_addresses (self->daemon);
  g_autofree gchar *words = ew_words_state (self->daemon), *detail = ew_words_state_detail (self->daemon);
  g_autofree gchar *heading = g_strdup_printf (_ ("Joined %s"), ew_daemon_get_mesh (self->daemon));
  gboolean has_address = addresses != NULL && addresses[0] != NULL;
  gboolean waiting = state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;

  ew_wizard_page_set_heading (EW_WIZARD_PAGE (self), heading);
  adw_action_row_set_subtitle (self->name_row, ew_daemon_get_node_name (self->daemon));
  gtk_widget_set_visible (GTK_WIDGET (self->address_row), has_address);
  adw_action_row_set_subtitle (self->address_row, has_address ? addresses[0] : "");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->state_row), words);
  /* The time connected is left out: nothing counts it on here. */
  if (state == EW_STATE_CONNECTED)
    adw_action_row_set_subtitle (self->state_row, ew_daemon_get_edge_name (self->daemon));
  else
    adw_action_row_set_subtitle (self->state_row, detail != NULL ? detail : "");
  gtk_widget_set_visible (self->connect, state == EW_STATE_DISCONNECTED);
  gtk_widget_set_visible (self->spinner, waiting);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinedPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return; /* closed meanwhile */
  gtk_widget_set_sensitive (self->connect, TRUE);
  ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static void
on_connect (EwJoinedPage *self)
{
  gtk_widget_set_sensitive (self->connect, FALSE);
  ew_daemon_call_async (self->daemon, "Connect", NULL, self->calls, on_called, g_object_ref (self));
}

static void
on_copy (EwJoinedPage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                          adw_action_row_get_subtitle (self->address_row));
  if (wizard != NULL)
    ew_wizard_toast (wizard, ew_toast_copied (GTK_WIDGET (self), _ ("Mesh IP copied")));
}

GtkWidget *
ew_joined_page_new (EwDaemon *daemon, guint steps)
{
  static const gchar *const followed[] = { "notify::state",     "notify::message",   "notify::mesh",
                                           "notify::node-name", "notify::addresses", "notify::edge-name" };
  EwJoinedPage *self = g_object_new (EW_TYPE_JOINED_PAGE, NULL);
  g_set_object (&self->daemon, daemon);
  if (steps > 0)
    ew_wizard_page_set_steps (EW_WIZARD_PAGE (self), steps, steps);
  for (gsize i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (daemon, followed[i], G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}

static void
ew_joined_page_dispose (GObject *object)
{
  EwJoinedPage *self = EW_JOINED_PAGE (object);
  g_cancellable_cancel (self->calls);
  g_clear_object (&self->calls);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_joined_page_parent_class)->dispose (object);
}

static void
ew_joined_page_class_init (EwJoinedPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_joined_page_dispose;
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/joined-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, name_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, address_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, state_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, connect);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, done);
  gtk_widget_class_bind_template_callback (widget_class, on_connect);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
}

static void
ew_joined_page_init (EwJoinedPage *self)
{
  self->calls = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}
