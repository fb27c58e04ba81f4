/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/joining.h"

#include <glib/gi18n.h>

static void
on_left (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (answer == NULL)
    g_task_return_new_error (
      task, EW_CALL_ERROR, EW_CALL_ERROR_FAILED,
      _ ("You cancelled after this computer had joined, and it couldn't leave again: %s Choose Leave the Mesh in the "
         "main menu."),
      error->message);
  else
    {
      g_task_set_task_data (task, GINT_TO_POINTER (TRUE), NULL);
      g_task_return_new_error (task, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED, _ ("Cancelled."));
    }
}

static void
on_joined (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwDaemon *daemon = EW_DAEMON (source);
  GError *error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (daemon, result, &error);
  gboolean cancelled = g_cancellable_is_cancelled (g_task_get_cancellable (task));

  if (answer != NULL && cancelled)
    ew_daemon_call_async (daemon, "Leave", NULL, NULL, on_left, g_steal_pointer (&task));
  else if (answer != NULL)
    g_task_return_boolean (task, TRUE);
  else if (cancelled)
    {
      g_error_free (error);
      g_task_return_new_error (task, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED, _ ("Cancelled."));
    }
  else
    g_task_return_error (task, error);
}

static void
release_application (gpointer application)
{
  g_application_release (application);
}

/* Closes the password prompt of a cancelled call; a call that is past its prompt is awaited. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  ew_daemon_cancel_prompt (g_task_get_source_object (user_data), "Enroll");
}

void
ew_join_async (EwDaemon *daemon, const gchar *key, const gchar *name, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (daemon, cancellable, callback, user_data);
  GApplication *application = g_application_get_default ();

  g_task_set_check_cancellable (task, FALSE); /* the answer contains the result */
  g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (on_cancelled), task, 0);
  if (application != NULL)
    {
      g_application_hold (application);
      g_object_set_data_full (G_OBJECT (task), "hold", application, release_application);
    }
  ew_daemon_call_async (daemon, "Enroll", g_variant_new ("(ss@a{sv})", key, name, g_variant_new ("a{sv}", NULL)), NULL,
                        on_joined, task);
}

gboolean
ew_join_finish (GAsyncResult *result, gboolean *left_again, GError **error)
{
  *left_again = g_task_get_task_data (G_TASK (result)) != NULL;
  return g_task_propagate_boolean (G_TASK (result), error);
}
