/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/joining.h"

#include <glib/gi18n.h>

#include "common/enrollment-key.h"
#include "common/util.h"
#include "model/proxy-answer.h"

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

typedef struct
{
  gchar *key, *name;
} Wish;

static void
wish_free (gpointer data)
{
  Wish *wish = data;

  ew_free_secret (wish->key);
  g_free (wish->name);
  g_free (wish);
}

static void
send_enroll (GTask *task)
{
  const Wish *wish = g_object_get_data (G_OBJECT (task), "wish");

  ew_daemon_call_async (g_task_get_source_object (task), "Enroll",
                        g_variant_new ("(ss@a{sv})", wish->key, wish->name, g_variant_new ("a{sv}", NULL)), NULL,
                        on_joined, task);
}

static void
on_proxy_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ew_proxy_answer_finish (result);
  send_enroll (user_data);
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
  Wish *wish = g_new (Wish, 1);
  *wish = (Wish){ .key = g_strdup (key), .name = g_strdup (name) };
  g_object_set_data_full (G_OBJECT (task), "wish", wish, wish_free);
  /* Without a mesh, the daemon can't say which edge it wants to know the desktop's proxy for. */
  g_autoptr (EwEnrollmentKey) parsed = ew_enrollment_key_parse (key, NULL);
  if (parsed != NULL && parsed->api[0] != NULL)
    ew_proxy_answer_async (daemon, parsed->api[0], on_proxy_known, task);
  else
    send_enroll (task);
}

gboolean
ew_join_finish (GAsyncResult *result, gboolean *left_again, GError **error)
{
  *left_again = g_task_get_task_data (G_TASK (result)) != NULL;
  return g_task_propagate_boolean (G_TASK (result), error);
}
