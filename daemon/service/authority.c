/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/authority.h"

#include "common/error.h"
#include "common/phrase.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_USER_INTERACTION 1u /* CheckAuthorizationFlags */

typedef struct
{
  GDBusConnection *connection;
  GVariant *subject;
  GVariant *details;
  gchar *action;
  gchar *cancellation_id; /* names this check in CancelCheckAuthorization */
  gboolean closed;        /* a prompt may have been; it's being asked whether there was one */
  gboolean interactive;
} Check;

static void
check_free (Check *check)
{
  g_clear_object (&check->connection);
  g_variant_unref (check->subject);
  g_variant_unref (check->details);
  g_free (check->action);
  g_free (check->cancellation_id);
  g_free (check);
}

/* GDBus stops waiting when its cancellable fires, but polkit would leave its prompt on the screen. */
static void
take_prompt_away (Check *check)
{
  g_dbus_connection_call (check->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CancelCheckAuthorization",
                          g_variant_new ("(s)", check->cancellation_id), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                          NULL, NULL, NULL);
}

static GError *
refusal_from_answer (Check *check, gboolean challenge, gboolean dismissed)
{
  if (dismissed || (check->closed && challenge))
    return ew_error_new (EW_ERROR, EW_ERROR_CANCELLED, "The password prompt was closed. Nothing was changed.");
  if (!challenge)
    return ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                         "This computer's policy doesn't let you do that. Ask its administrator, or use sudo.");
  if (check->interactive)
    return ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                         "This needs an administrator's password, and none was given. If nothing asked for it, "
                         "start a polkit agent in this session, or use sudo.");
  return ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                       "This needs an administrator's password, and this program doesn't ask for it. Use sudo.");
}

/* It's the computer's own choice to have no polkit on the bus; everything else that goes wrong deserves a line in the
   journal. */
static GError *
refusal_from_failure (const GError *failure)
{
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return ew_error_new (EW_ERROR, EW_ERROR_CANCELLED, "The caller disconnected. Nothing was changed.");
  if (g_error_matches (failure, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      || g_error_matches (failure, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    return ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                         "Only root may do this, because this computer has no polkit. Use sudo.");
  g_warning ("polkit couldn't decide: %s", failure->message);
  return ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                       "polkit couldn't decide whether you may do that, so only root may. Use sudo.");
}

static void ask_polkit (GTask *task, gboolean interactive);

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &failure);
  const gchar *dismissed = NULL;
  gboolean authorized, challenge;

  if (answer == NULL)
    {
      if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        take_prompt_away (check);
      g_task_return_error (task, refusal_from_failure (failure));
      return;
    }
  g_variant_get (answer, "((bb@a{ss}))", &authorized, &challenge, &details);
  g_variant_lookup (details, "polkit.dismissed", "&s", &dismissed);
  if (authorized)
    g_task_return_boolean (task, TRUE);
  else if (check->interactive && !challenge && dismissed == NULL && !check->closed)
    {
      /* Cancel in an agent that doesn't tell so, a wrong password, and a policy that says no look alike. Without a
         prompt polkit says whether a password would do. */
      check->closed = TRUE;
      ask_polkit (g_steal_pointer (&task), FALSE);
    }
  else
    g_task_return_error (task, refusal_from_answer (check, challenge, dismissed != NULL && *dismissed != '\0'));
}

/* Takes task. */
static void
ask_polkit (GTask *task, gboolean interactive)
{
  Check *check = g_task_get_task_data (task);

  g_dbus_connection_call (
    check->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization",
    g_variant_new ("((s@a{sv})s@a{ss}us)", "system-bus-name", check->subject, check->action, check->details,
                   interactive ? POLKIT_ALLOW_USER_INTERACTION : 0u, check->cancellation_id),
    G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, g_task_get_cancellable (task), on_answer, task);
}

void
ew_authority_check_async (GDBusConnection *connection, const gchar *sender, const gchar *action, GVariant *details,
                          gboolean interactive, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  static guint64 serial;
  GTask *task = g_task_new (connection, cancellable, callback, user_data);
  Check *check = g_new0 (Check, 1);
  GVariantBuilder subject;

  g_task_set_source_tag (task, ew_authority_check_async);
  g_task_set_check_cancellable (task, FALSE); /* on_answer words it itself */
  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (sender));
  check->connection = g_object_ref (connection);
  check->subject = g_variant_ref_sink (g_variant_builder_end (&subject));
  check->details = g_variant_ref (details);
  check->action = g_strdup (action);
  check->cancellation_id = g_strdup_printf ("edgeway-%" G_GUINT64_FORMAT, ++serial);
  check->interactive = interactive;
  g_task_set_task_data (task, check, (GDestroyNotify)check_free);
  ask_polkit (task, interactive);
}

gboolean
ew_authority_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
