/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon-private.h"

#include <edgeway-config.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "call-error.h"
#include "edgeway-daemon1.h"
#include "translate.h"

#define ASKED_MAX 2048 /* bytes of a message */
#define PHRASE_MS 2000 /* then it's shown in English */

typedef struct
{
  GVariant *value;
  GUnixFDList *fds;
} Answer;

typedef struct
{
  gchar *method;
  GError *error; /* while its phrase is asked for */
} Call;

static Call *
call_new (const gchar *method)
{
  Call *call = g_new0 (Call, 1);

  call->method = g_strdup (method);
  return call;
}

static void
call_free (gpointer data)
{
  Call *call = data;

  g_clear_error (&call->error);
  g_free (call->method);
  g_free (call);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  g_clear_pointer (&answer->value, g_variant_unref);
  g_clear_object (&answer->fds);
  g_free (answer);
}

/* GDBus reads no more of an error than one string, so what a message was made of is asked for. */
static void
on_phrase (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  Call *call = g_task_get_task_data (task);
  const gchar *phrase = NULL;

  if (answer != NULL)
    g_variant_get (answer, "(&s)", &phrase);
  g_task_return_error (task, ew_call_error_from_dbus (g_steal_pointer (&call->error), phrase,
                                                      ew_daemon_get_version (g_task_get_source_object (task))));
}

/* Takes error. */
static void
fail_call (GTask *task, GDBusConnection *connection, GError *error)
{
  Call *call = g_task_get_task_data (task);
  g_autofree gchar *message = ew_translate_has_catalog () ? ew_call_error_dup_message (error) : NULL;

  if (message == NULL || strlen (message) > ASKED_MAX || !g_utf8_validate (message, -1, NULL))
    {
      g_task_return_error (
        task, ew_call_error_from_dbus (error, NULL, ew_daemon_get_version (g_task_get_source_object (task))));
      return;
    }
  call->error = error;
  g_dbus_connection_call (connection, EW_DAEMON_NAME, EW_DAEMON_PATH, EW_DAEMON_NAME, "GetPhrase",
                          g_variant_new ("(s)", message), G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          PHRASE_MS, g_task_get_cancellable (task), on_phrase, g_object_ref (task));
}

void
ew_daemon_cancel_prompt (EwDaemon *self, const gchar *method)
{
  GDBusConnection *connection = ew_daemon_get_connection (self);

  if (connection != NULL)
    g_dbus_connection_call (connection, EW_DAEMON_NAME, EW_DAEMON_PATH, EW_DAEMON_NAME, "CancelPrompt",
                            g_variant_new ("(s)", method), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Answer *answer = g_new0 (Answer, 1);
  GError *error = NULL;

  answer->value
    = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), &answer->fds, result, &error);
  if (answer->value != NULL)
    {
      g_task_return_pointer (task, answer, answer_free);
      return;
    }
  answer_free (answer);
  g_debug ("daemon: %s: %s", ((Call *)g_task_get_task_data (task))->method, error->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* GDBus stops waiting, but the service would ask on */
    ew_daemon_cancel_prompt (g_task_get_source_object (task), ((Call *)g_task_get_task_data (task))->method);
  fail_call (task, G_DBUS_CONNECTION (source), error);
}

/* "(ss)" for what a method of our XML answers; NULL: no such method. */
static GVariantType *
answer_type (const gchar *method)
{
  GDBusMethodInfo *info = g_dbus_interface_info_lookup_method (ew_daemon1_interface_info (), method);
  g_autoptr (GString) text = g_string_new ("(");

  if (info == NULL)
    return NULL;
  for (guint i = 0; info->out_args != NULL && info->out_args[i] != NULL; i++)
    g_string_append (text, info->out_args[i]->signature);
  g_string_append_c (text, ')');
  return g_variant_type_new (text->str);
}

/* Takes task. */
static void
start_call (EwDaemon *self, GTask *taken, const gchar *method, GVariant *parameters, GDBusCallFlags flags)
{
  g_autoptr (GVariant) sunk = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autoptr (GTask) task = taken;
  g_autoptr (GVariantType) type = answer_type (method);

  g_return_if_fail (type != NULL);
  g_task_set_source_tag (task, start_call);
  g_task_set_check_cancellable (task, FALSE); /* cancelled is one of our errors */
  g_task_set_task_data (task, call_new (method), call_free);
  if (ew_daemon_get_connection (self) == NULL || ew_daemon_get_unavailable_message (self) != NULL)
    {
      const gchar *why = ew_daemon_get_unavailable_message (self);
      g_task_return_new_error (task, EW_CALL_ERROR, EW_CALL_ERROR_UNREACHABLE, "%s",
                               why != NULL ? why : _ ("The Edgeway service is still starting. Try again in a moment."));
      return;
    }
  g_dbus_connection_call_with_unix_fd_list (ew_daemon_get_connection (self), EW_DAEMON_NAME, EW_DAEMON_PATH,
                                            EW_DAEMON_NAME, method, sunk, type, flags | G_DBUS_CALL_FLAGS_NO_AUTO_START,
                                            G_MAXINT, NULL, g_task_get_cancellable (task), on_answer, task);
  (void)g_steal_pointer (&task);
}

void
ew_daemon_call_async (EwDaemon *self, const gchar *method, GVariant *parameters, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  start_call (self, g_task_new (self, cancellable, callback, user_data), method, parameters,
              G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
}

void
ew_daemon_call_quietly_async (EwDaemon *self, const gchar *method, GVariant *parameters, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  start_call (self, g_task_new (self, cancellable, callback, user_data), method, parameters, G_DBUS_CALL_FLAGS_NONE);
}

GVariant *
ew_daemon_call_finish (EwDaemon *self, GAsyncResult *result, GError **error)
{
  Answer *answer = g_task_propagate_pointer (G_TASK (result), error);
  GVariant *value = answer != NULL ? g_steal_pointer (&answer->value) : NULL;

  g_clear_pointer (&answer, answer_free);
  return value;
}

gint
ew_daemon_call_fd_finish (EwDaemon *self, GAsyncResult *result, GError **error)
{
  Answer *answer = g_task_propagate_pointer (G_TASK (result), error);
  gint32 handle = -1;
  gint fd = -1;

  if (answer == NULL)
    return -1;
  if (g_variant_is_of_type (answer->value, G_VARIANT_TYPE ("(h)")))
    g_variant_get (answer->value, "(h)", &handle);
  if (answer->fds != NULL && handle >= 0 && handle < g_unix_fd_list_get_length (answer->fds))
    fd = g_unix_fd_list_get (answer->fds, handle, NULL);
  if (fd < 0)
    g_set_error_literal (error, EW_CALL_ERROR, EW_CALL_ERROR_FAILED,
                         _ ("The Edgeway service didn't send the requested data. Try again."));
  answer_free (answer);
  return fd;
}
