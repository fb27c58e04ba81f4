/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/making.h"

#include <glib/gi18n.h>
#include <string.h>

#include "common/install-lines.h"
#include "common/util.h"

#define ANSWER_MAX (1024 * 1024) /* daemon/edge/API.md: an answer's size */

typedef struct
{
  EwNewNode *node;
  GStrv networks;
  guint next;          /* of networks */
  guint valid_s;       /* a phone's */
  const gchar *method; /* that is running */
  GError *reason;      /* why the node is removed after it was made */
} Making;

void
ew_new_node_free (EwNewNode *node)
{
  if (node == NULL)
    return;
  g_free (node->name);
  g_free (node->id);
  g_free (node->install_lines);
  g_free (node->install_systems);
  ew_free_secret (node->key);
  g_clear_pointer (&node->config, json_object_unref);
  g_free (node);
}

static void
making_free (gpointer data)
{
  Making *making = data;
  ew_new_node_free (making->node);
  g_strfreev (making->networks);
  g_clear_error (&making->reason);
  g_free (making);
}

/* Holds the application until the result of the call is known. */
static GTask *
new_task (EwDaemon *daemon, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (daemon, cancellable, callback, user_data);
  GApplication *application = g_application_get_default ();

  g_task_set_check_cancellable (task, FALSE);
  if (application != NULL)
    {
      g_application_hold (application);
      g_object_set_data_full (G_OBJECT (task), "hold", application, (GDestroyNotify)g_application_release);
    }
  return task;
}

/* Undoing. */

static void
on_taken_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Making *making = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (ew_unmake_finish (result, &error))
    g_task_return_error (task, g_steal_pointer (&making->reason));
  else
    g_task_return_new_error (
      task, EW_CALL_ERROR, EW_CALL_ERROR_FAILED,
      /* TRANSLATORS: two sentences, then a node's name, then a sentence. */
      _ ("%s The node %s had already been created and couldn't be removed. Remove it from the map. %s"),
      making->reason->message, making->node->name, error->message);
}

/* Takes ownership of reason and task. */
static void
take_back (GTask *task, GError *reason)
{
  Making *making = g_task_get_task_data (task);
  making->reason = reason;
  ew_unmake_async (g_task_get_source_object (task), making->node->id != NULL ? making->node->id : making->node->name,
                   on_taken_back, task);
}

static gboolean
take_back_if_cancelled (GTask *task)
{
  if (!g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    return FALSE;
  take_back (task, g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED, _ ("Cancelled.")));
  return TRUE;
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (answer != NULL || g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NOT_FOUND))
    {
      g_clear_error (&error);
      g_task_return_boolean (task, TRUE);
    }
  else
    g_task_return_error (task, error);
}

void
ew_unmake_async (EwDaemon *daemon, const gchar *name_or_id, GAsyncReadyCallback callback, gpointer user_data)
{
  ew_daemon_call_async (daemon, "RemoveNode", g_variant_new ("(s)", name_or_id), NULL, on_removed,
                        new_task (daemon, NULL, callback, user_data));
}

gboolean
ew_unmake_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Making. */

/* The JSON of an answer; NULL with error: refused, or the daemon's answer can't be parsed. */
static JsonObject *
read_answer (GObject *source, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, error);
  JsonObject *object;
  const gchar *text;

  if (answer == NULL)
    return NULL;
  g_variant_get (answer, "(&s)", &text);
  object = ew_json_parse_object (text, strlen (text), ANSWER_MAX, NULL);
  if (object == NULL)
    g_set_error_literal (error, EW_CALL_ERROR, EW_CALL_ERROR_FAILED,
                         _ ("This version doesn't understand the Edgeway service's response. Install the same version "
                            "of both."));
  return object;
}

/* A refused call made nothing. A cancelled call reports no error. Takes task and error. */
static void
refuse (GTask *task, GError *error)
{
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      g_error_free (error);
      error = g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED, _ ("Cancelled."));
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
finish (GTask *task)
{
  Making *making = g_task_get_task_data (task);
  g_task_return_pointer (task, g_steal_pointer (&making->node), (GDestroyNotify)ew_new_node_free);
  g_object_unref (task);
}

/* Closes the password prompt of a cancelled call; a call that is past its prompt is awaited. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  Making *making = g_task_get_task_data (task);

  if (making->method != NULL)
    ew_daemon_cancel_prompt (g_task_get_source_object (task), making->method);
}

static void
make_call (GTask *task, const gchar *method, GVariant *parameters, GAsyncReadyCallback callback)
{
  Making *making = g_task_get_task_data (task);

  making->method = method;
  ew_daemon_call_async (g_task_get_source_object (task), method, parameters, NULL, callback, task);
}

static void offer_next (GTask *task);

static void
on_offered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (answer == NULL)
    take_back (task, error);
  else if (!take_back_if_cancelled (task))
    offer_next (task);
}

static void
offer_next (GTask *task)
{
  Making *making = g_task_get_task_data (task);
  if (making->networks == NULL || making->networks[making->next] == NULL)
    {
      finish (task);
      return;
    }
  make_call (task, "AddRoute", g_variant_new ("(ss)", making->networks[making->next++], making->node->name),
             on_offered);
}

static void
on_computer_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Making *making = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonObject) answer = read_answer (source, result, &error);

  if (answer == NULL)
    {
      refuse (task, error);
      return;
    }
  making->node->key = g_strdup (ew_json_string (answer, "key"));
  making->node->expires_us = ew_time_parse (ew_json_string (answer, "expires"));
  making->node->install_lines = ew_install_lines (ew_json_object (answer, "install"));
  making->node->install_systems = ew_install_systems (ew_json_object (answer, "install"));
  if (making->node->key == NULL)
    take_back (task, g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_FAILED, _ ("The edge sent no enrollment key.")));
  else if (!take_back_if_cancelled (task))
    offer_next (task);
}

static void
on_phone_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Making *making = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonObject) answer = read_answer (source, result, &error);
  JsonObject *config = ew_json_object (answer, "config");

  if (answer == NULL)
    {
      refuse (task, error);
      return;
    }
  making->node->id = g_strdup (ew_json_string (ew_json_object (answer, "node"), "id"));
  making->node->config = config != NULL ? json_object_ref (config) : NULL;
  making->node->expires_us = g_get_real_time () + (gint64)making->valid_s * G_USEC_PER_SEC;
  if (config == NULL)
    take_back (task, g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_FAILED, _ ("The edge sent no configuration.")));
  else if (!take_back_if_cancelled (task))
    finish (task);
}

static GTask *
start (EwDaemon *daemon, const gchar *name, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_task (daemon, cancellable, callback, user_data);
  Making *making = g_new0 (Making, 1);
  making->node = g_new0 (EwNewNode, 1);
  making->node->name = g_strdup (name);
  g_task_set_task_data (task, making, making_free);
  if (cancellable != NULL)
    g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (on_cancelled), task, 0);
  return task;
}

void
ew_make_computer_async (EwDaemon *daemon, const gchar *name, const gchar *kind, guint valid_s,
                        const gchar *const *networks, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = start (daemon, name, cancellable, callback, user_data);
  Making *making = g_task_get_task_data (task);
  making->networks = g_strdupv ((GStrv)networks);
  make_call (task, "AddNode", g_variant_new ("(ssu)", name, kind, valid_s), on_computer_added);
}

void
ew_make_phone_async (EwDaemon *daemon, const gchar *name, const gchar *public_key, guint valid_s,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = start (daemon, name, cancellable, callback, user_data);
  Making *making = g_task_get_task_data (task);
  GVariantBuilder options;
  making->valid_s = valid_s;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "kind", g_variant_new_string ("device"));
  g_variant_builder_add (&options, "{sv}", "valid-seconds", g_variant_new_uint32 (valid_s));
  make_call (task, "CreateConfig", g_variant_new ("(ssa{sv})", name, public_key, &options), on_phone_added);
}

EwNewNode *
ew_make_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
