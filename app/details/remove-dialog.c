/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remove-dialog.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/dialog.h"
#include "access/toast.h"

typedef struct
{
  EwDaemon *daemon;
  const gchar *method; /* constant */
  gchar *argument, *name;
  AdwToastOverlay *overlay; /* NULL: its window has closed */
} Removal;

static void
removal_free (gpointer data)
{
  Removal *self = data;

  g_clear_object (&self->overlay);
  g_object_unref (self->daemon);
  g_free (self->argument);
  g_free (self->name);
  g_free (self);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Removal *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  g_autofree gchar *said = NULL;

  if (answer != NULL)
    {
      said = g_strdup_printf (_ ("%s was removed"), self->name);
      ew_toast_show (self->overlay, said);
    }
  else if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    ew_toast_refuse (self->overlay, error->message);
  removal_free (self);
}

static void
on_response (GtkWidget *dialog, const gchar *response, Removal *self)
{
  if (g_str_equal (response, "remove"))
    ew_daemon_call_async (self->daemon, self->method, g_variant_new ("(s)", self->argument), NULL, on_removed, self);
  else
    removal_free (self);
}

static void
present_own (GtkWindow *parent, const gchar *name, const gchar *once)
{
  g_autofree gchar *heading = g_strdup_printf (_ ("%s Is This Computer"), name);
  GtkWidget *dialog
    = ew_dialog_new (heading, _ ("To take this computer out of the mesh, choose Leave the Mesh in the main menu."));

  ew_dialog_add_response (dialog, "close", _ ("_Close"), ADW_RESPONSE_DEFAULT);
  ew_dialog_present (dialog, parent, once);
}

void
ew_remove_dialog_ask (GtkWindow *parent, EwDaemon *daemon, const EwRemovalWords *words, AdwToastOverlay *overlay)
{
  g_autofree gchar *heading = g_strdup_printf (_ ("Remove %s?"), words->name);
  GtkWidget *dialog = ew_dialog_new (heading, words->body);
  Removal *self = g_new0 (Removal, 1);

  self->daemon = g_object_ref (daemon);
  self->method = words->method;
  self->argument = g_strdup (words->argument);
  self->name = g_strdup (words->name);
  g_set_object (&self->overlay, overlay);
  ew_dialog_add_response (dialog, "cancel", _ ("_Cancel"), ADW_RESPONSE_DEFAULT);
  ew_dialog_add_response (dialog, "remove", _ ("_Remove"), ADW_RESPONSE_DESTRUCTIVE);
  ew_dialog_set_defaults (dialog, "cancel", "cancel");
  g_signal_connect (dialog, "response", G_CALLBACK (on_response), self);
  ew_dialog_present (dialog, parent, words->once);
}

void
ew_remove_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwNode *node, AdwToastOverlay *overlay)
{
  const gchar *name = ew_node_get_name (node), *id = ew_node_get_id (node);
  g_autofree gchar *once = g_strconcat ("remove ", id, NULL), *body = NULL;

  if (ew_access_raise (once))
    return;
  if (ew_node_is_self (node))
    {
      present_own (parent, name, once);
      return;
    }
  body = g_strdup_printf (_ ("%s loses its mesh IP and tunnel. To bring it back, add it again."), name);
  const EwRemovalWords words = { .once = once, .method = "RemoveNode", .argument = id, .name = name, .body = body };
  ew_remove_dialog_ask (parent, daemon, &words, overlay);
}
