/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/proxy-password.h"

#include <adwaita.h>
#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "access/access.h"
#include "access/dialog.h"

typedef struct
{
  gchar *place; /* the proxy that is named; "": none. The password is for that one, whichever asks in the meantime */
  GtkEditable *user, *password;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->place);
  g_free (question);
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (answer != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_response (GtkWidget *dialog, const gchar *response, gpointer user_data)
{
  GTask *task = user_data;
  Question *question = g_task_get_task_data (task);

  if (g_str_equal (response, "store"))
    ew_daemon_call_async (g_task_get_source_object (task), "SetProxyPassword",
                          g_variant_new ("(sss)", question->place, gtk_editable_get_text (question->user),
                                         gtk_editable_get_text (question->password)),
                          NULL, on_stored, g_object_ref (task));
  else
    g_task_return_boolean (task, FALSE);
}

static void
release_task (gpointer task, GClosure *closure)
{
  g_object_unref (task);
}

static void
on_user_changed (GtkEditable *user, gpointer dialog)
{
  ew_dialog_set_enabled (dialog, "store", *gtk_editable_get_text (user) != '\0');
}

static GtkWidget *
make_rows (Question *question)
{
  GtkWidget *group = adw_preferences_group_new (), *user = adw_entry_row_new (),
            *password = adw_password_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (user), _ ("User name"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (password), _ ("Password"));
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (user), TRUE);
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (password), TRUE);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), user);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), password);
  question->user = GTK_EDITABLE (user);
  question->password = GTK_EDITABLE (password);
  return group;
}

void
ew_proxy_password_ask_async (GtkWindow *parent, EwDaemon *daemon, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (daemon, NULL, callback, user_data);
  const gchar *place = ew_daemon_get_proxy_asks (daemon);

  if (ew_access_raise ("proxy-password"))
    {
      g_task_return_boolean (task, FALSE);
      g_object_unref (task);
      return;
    }
  Question *question = g_new0 (Question, 1);
  question->place = g_strdup (place);
  /* Translators: %s is a proxy's address, such as proxy.example:3128 */
  g_autofree gchar *body
    = *place != '\0' ? g_strdup_printf (
        _ ("The proxy %s asks for a user name and a password before it leads to the edge. They're stored "
           "on this computer, where only the service can read them."),
        place)
                     : g_strdup (_ ("The network's proxy asks for a user name and a password before it "
                                    "leads to the edge. They're stored on this computer, where only the "
                                    "service can read them."));
  GtkWidget *dialog = ew_dialog_new (_ ("Password for the Proxy"), body);
  ew_dialog_set_extra (dialog, make_rows (question));
  ew_dialog_add_response (dialog, "cancel", _ ("_Cancel"), ADW_RESPONSE_DEFAULT);
  ew_dialog_add_response (dialog, "store", _ ("_Use"), ADW_RESPONSE_SUGGESTED);
  ew_dialog_set_defaults (dialog, "store", "cancel");
  ew_dialog_set_enabled (dialog, "store", FALSE);
  g_task_set_task_data (task, question, question_free);
  g_signal_connect (question->user, "changed", G_CALLBACK (on_user_changed), dialog);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), task, release_task, 0);
  ew_dialog_present (dialog, parent, "proxy-password");
  gtk_widget_grab_focus (GTK_WIDGET (question->user));
}

gboolean
ew_proxy_password_ask_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
