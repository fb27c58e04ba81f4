/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/leave.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/dialog.h"
#include "control/notice.h"

/* The window may have been closed while a password was typed; the application lives on for the answer. */
static void
tell_end (EwWindow *window, const gchar *sentence, gboolean refused)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (window)))
    (refused ? ew_window_refuse : ew_window_toast) (window, sentence);
  else
    ew_notice_send (g_application_get_default (), "end", _ ("Leave the Mesh"), sentence, NULL, NULL);
}

static void
left (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwWindow) window = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  gboolean edge_told = FALSE;
  g_application_release (g_application_get_default ());
  if (answer == NULL)
    {
      if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
        tell_end (window, error->message, TRUE);
      return;
    }
  g_variant_get (answer, "(b)", &edge_told);
  tell_end (window,
            edge_told
              ? _ ("This computer left the mesh")
              : _ ("This computer left, but the edge couldn't be told. An administrator can remove the node there."),
            FALSE);
}

typedef struct
{
  EwWindow *window;
  EwDaemon *daemon;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;
  g_object_unref (question->window);
  g_object_unref (question->daemon);
  g_free (question);
}

static void
answered (Question *question, const gchar *response)
{
  if (!g_str_equal (response, "leave"))
    return;
  g_application_hold (g_application_get_default ());
  ew_daemon_call_async (question->daemon, "Leave", NULL, NULL, left, g_object_ref (question->window));
}

void
ew_leave_ask (EwWindow *window, EwDaemon *daemon)
{
  if (ew_access_raise ("leave"))
    return;
  Question *question = g_new (Question, 1);
  const gchar *mesh = ew_daemon_get_mesh (daemon);
  /* Translators: %s is the name of a mesh */
  g_autofree gchar *heading = g_strdup_printf (_ ("Leave %s?"), *mesh != '\0' ? mesh : _ ("the Mesh"));
  GtkWidget *dialog;
  g_autoptr (GString) body = g_string_new (
    _ ("This computer loses its mesh IP and its tunnel, and its keys are erased. To come back, join again with a new "
       "enrollment key."));
  if (ew_daemon_get_state (daemon) == EW_STATE_REMOVED)
    g_string_assign (body, _ ("This computer was already removed from the mesh. Leaving erases its keys here."));
  else if (ew_daemon_get_administrator (daemon))
    g_string_append_printf (body, "\n\n%s",
                            _ ("This computer administers the mesh. Without another administrator, new keys come only "
                               "from the edge itself, with edgeway-edge admin-key."));
  dialog = ew_dialog_new (heading, body->str);
  ew_dialog_add_response (dialog, "cancel", _ ("_Cancel"), ADW_RESPONSE_DEFAULT);
  ew_dialog_add_response (dialog, "leave", _ ("_Leave"), ADW_RESPONSE_DESTRUCTIVE);
  ew_dialog_set_defaults (dialog, "cancel", "cancel");
  *question = (Question){ .window = g_object_ref (window), .daemon = g_object_ref (daemon) };
  g_signal_connect_data (dialog, "response", G_CALLBACK (answered), question, question_free, G_CONNECT_SWAPPED);
  ew_dialog_present (dialog, GTK_WINDOW (window), "leave");
}
