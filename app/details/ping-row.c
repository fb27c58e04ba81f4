/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ping-row.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/spinner.h"
#include "ping.h"

struct _EwPingRow
{
  AdwActionRow parent;
  EwDaemon *daemon;
  EwNode *target;
  GCancellable *running; /* NULL: none runs */
  GtkWidget *spinner, *button;
};

G_DEFINE_FINAL_TYPE (EwPingRow, ew_ping_row, ADW_TYPE_ACTION_ROW)

static void
show_running (EwPingRow *self)
{
  gboolean running = self->running != NULL;

  gtk_widget_set_visible (self->spinner, running);
  ew_spinner_set_spinning (EW_SPINNER (self->spinner), running);
  gtk_button_set_label (GTK_BUTTON (self->button), running ? _ ("_Cancel") : _ ("_Ping"));
  ew_access_tidy (self->button);
}

static void
stop (EwPingRow *self)
{
  g_cancellable_cancel (self->running);
  g_clear_object (&self->running);
  show_running (self);
}

typedef struct
{
  EwPingRow *row;
  GCancellable *cancellable;
} Pinging;

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Pinging *pinging = user_data;
  g_autoptr (EwPingRow) self = pinging->row;
  g_autoptr (GCancellable) cancellable = pinging->cancellable;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *sentence = ew_ping_finish (EW_DAEMON (source), result, &error);

  if (self->running != cancellable) /* cancelled, or for another target */
    return;
  g_clear_object (&self->running);
  show_running (self);
  if (sentence == NULL && g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    adw_action_row_set_subtitle (ADW_ACTION_ROW (self), "");
  else
    adw_action_row_set_subtitle (ADW_ACTION_ROW (self), sentence != NULL ? sentence : error->message);
}

static void
start (EwPingRow *self)
{
  Pinging *pinging = g_new0 (Pinging, 1);

  self->running = g_cancellable_new ();
  pinging->row = g_object_ref (self);
  pinging->cancellable = g_object_ref (self->running);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), _ ("Waiting for an answer…"));
  show_running (self);
  ew_ping_async (self->daemon, self->target, self->running, on_pinged, pinging);
}

static void
on_clicked (EwPingRow *self)
{
  if (self->running == NULL)
    {
      start (self);
      return;
    }
  stop (self);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), "");
}

static void
ew_ping_row_dispose (GObject *object)
{
  EwPingRow *self = EW_PING_ROW (object);

  g_cancellable_cancel (self->running);
  g_clear_object (&self->running);
  g_clear_object (&self->target);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_ping_row_parent_class)->dispose (object);
}

static void
ew_ping_row_class_init (EwPingRowClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_ping_row_dispose;
}

static void
ew_ping_row_init (EwPingRow *self)
{
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), _ ("Ping"));
  self->spinner = ew_spinner_new ();
  self->button = gtk_button_new_with_mnemonic ("");
  gtk_widget_set_valign (self->button, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (on_clicked), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->spinner);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->button);
  show_running (self);
}

void
ew_ping_row_set_target (EwPingRow *self, EwDaemon *daemon, EwNode *target)
{
  g_set_object (&self->daemon, daemon);
  if (!g_set_object (&self->target, target))
    return;
  stop (self);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), "");
}
