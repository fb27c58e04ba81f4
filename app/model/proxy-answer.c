/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/proxy-answer.h"

#define PATIENCE_S 5 /* a PAC file may have to be fetched */

static void
on_told (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (error != NULL)
    g_debug ("the desktop's proxy can't be told to the service: %s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) proxies = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (source), result, &error);

  if (proxies != NULL)
    {
      ew_daemon_call_quietly_async (g_task_get_source_object (task), "AnswerProxy", g_variant_new ("(^as)", proxies),
                                    NULL, on_told, task);
      return;
    }
  g_debug ("the desktop's proxy can't be found: %s", error->message);
  g_task_return_boolean (task, FALSE);
  g_object_unref (task);
}

static gboolean
on_patience_over (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

void
ew_proxy_answer_async (EwDaemon *daemon, const gchar *url, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GCancellable) patience = g_cancellable_new ();
  GTask *task = g_task_new (daemon, NULL, callback, user_data);

  g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, PATIENCE_S, on_patience_over, g_object_ref (patience),
                              g_object_unref);
  g_proxy_resolver_lookup_async (g_proxy_resolver_get_default (), url, patience, on_found, task);
}

void
ew_proxy_answer_finish (GAsyncResult *result)
{
  (void)g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
on_wanted (EwDaemon *daemon)
{
  const gchar *url = ew_daemon_get_proxy_wanted (daemon);

  if (*url != '\0')
    ew_proxy_answer_async (daemon, url, NULL, NULL);
}

void
ew_proxy_answer_follow (EwDaemon *daemon)
{
  g_signal_connect (daemon, "notify::proxy-wanted", G_CALLBACK (on_wanted), NULL);
  on_wanted (daemon);
}
