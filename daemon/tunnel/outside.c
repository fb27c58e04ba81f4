/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/outside.h"
#include "common/phrase.h"
#include "names/outside-resolver.h"
#include <libsoup/soup.h>

typedef struct
{
  EwOutside *outside;
  GCancellable *step; /* of the step that runs: its time-out, and the caller's wish */
  GCancellable *caller;
  gulong caller_handler;
  guint timeout;
  gboolean timed_out;
  gint64 begun;
} Attempt;

void
ew_outside_free (EwOutside *outside)
{
  g_free (outside->name_error);
  g_free (outside->fetch_error);
  g_free (outside);
}

static void
end_step (Attempt *attempt)
{
  g_clear_handle_id (&attempt->timeout, g_source_remove);
  if (attempt->caller != NULL)
    g_cancellable_disconnect (attempt->caller, attempt->caller_handler);
  attempt->caller_handler = 0;
  g_clear_object (&attempt->step);
}

static void
free_attempt (gpointer data)
{
  Attempt *attempt = data;

  end_step (attempt);
  g_clear_object (&attempt->caller);
  g_clear_pointer (&attempt->outside, ew_outside_free);
  g_free (attempt);
}

static gboolean
on_timeout (gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->timeout = 0;
  attempt->timed_out = TRUE;
  g_cancellable_cancel (attempt->step);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *caller, gpointer step)
{
  g_cancellable_cancel (step);
}

static void
begin_step (Attempt *attempt)
{
  attempt->step = g_cancellable_new ();
  attempt->timed_out = FALSE;
  attempt->begun = g_get_monotonic_time ();
  attempt->timeout = g_timeout_add_seconds (EW_OUTSIDE_SECONDS, on_timeout, attempt);
  if (attempt->caller != NULL)
    attempt->caller_handler = g_cancellable_connect (attempt->caller, G_CALLBACK (on_caller_cancelled),
                                                     g_object_ref (attempt->step), g_object_unref);
}

static gchar *
describe_failure (const Attempt *attempt, const GError *error)
{
  if (attempt->timed_out)
    return ew_phrase ("no answer within %d s", EW_OUTSIDE_SECONDS);
  return g_strdup (ew_phrase_cause (error));
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Attempt *attempt = g_task_get_task_data (task);
  g_autoptr (GInputStream) body = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  attempt->outside->fetch_us = g_get_monotonic_time () - attempt->begun;
  if (body == NULL)
    attempt->outside->fetch_error = describe_failure (attempt, error);
  end_step (attempt);
  g_task_return_pointer (task, g_steal_pointer (&attempt->outside), (GDestroyNotify)ew_outside_free);
}

/* Any HTTP answer will do: only the path is tested. */
static void
fetch_head (GTask *task)
{
  Attempt *attempt = g_task_get_task_data (task);
  g_autoptr (SoupSession) session = soup_session_new_with_options ("proxy-resolver", NULL, NULL);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_HEAD, "http://" EW_OUTSIDE_HOST "/");

  /* Anyone on the path may answer, and root reads it: only what is needed is parsed. */
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  begin_step (attempt);
  soup_session_send_async (session, message, G_PRIORITY_DEFAULT, attempt->step, on_fetched, g_object_ref (task));
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Attempt *attempt = g_task_get_task_data (task);
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  attempt->outside->name_us = g_get_monotonic_time () - attempt->begun;
  if (addresses == NULL)
    attempt->outside->name_error = describe_failure (attempt, error);
  end_step (attempt);
  g_resolver_free_addresses (addresses);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (attempt->outside->name_error != NULL)
    g_task_return_pointer (task, g_steal_pointer (&attempt->outside), (GDestroyNotify)ew_outside_free);
  else
    fetch_head (task);
}

void
ew_outside_try_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GResolver) ours = g_resolver_get_default ();
  GResolver *resolver
    = EW_IS_OUTSIDE_RESOLVER (ours) ? ew_outside_resolver_get_system (EW_OUTSIDE_RESOLVER (ours)) : ours;
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->outside = g_new0 (EwOutside, 1);
  attempt->caller = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  g_task_set_task_data (task, attempt, free_attempt);
  begin_step (attempt);
  g_resolver_lookup_by_name_async (resolver, EW_OUTSIDE_HOST, attempt->step, on_looked_up, g_object_ref (task));
}

EwOutside *
ew_outside_try_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
