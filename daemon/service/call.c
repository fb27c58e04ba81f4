/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/call.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "common/error.h"
#include "common/phrase.h"
#include "service/authority.h"
#include "service/prompt.h"

struct _EwCall
{
  /* borrowed */
  const EwMethod *method;
  EwTunnel *tunnel;
  const EwCallOwner *owner;
  /* owned */
  GDBusMethodInvocation *invocation; /* given away with the answer */
  GCancellable *cancellable;
  EwCaller caller;
  gboolean identified, authorizing;
  guint vanish_subscription;
};

static void
call_finish (EwCall *call)
{
  GDBusConnection *connection = ew_call_get_connection (call);

  call->owner->done (call, call->owner->user_data);
  if (call->vanish_subscription != 0)
    g_dbus_connection_signal_unsubscribe (connection, call->vanish_subscription);
  g_clear_object (&call->cancellable);
  g_free (call);
}

/* The invocation is kept alive past its answer: call_finish still asks it for its connection. */
#define ANSWER(call, statement)                                                                                        \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autoptr (GDBusMethodInvocation) keep = g_object_ref ((call)->invocation);                                        \
    (call)->owner->before_reply ((call)->owner->user_data);                                                            \
    statement;                                                                                                         \
    call_finish (call);                                                                                                \
  }                                                                                                                    \
  G_STMT_END

void
ew_call_return (EwCall *call, GVariant *value)
{
  ANSWER (call, g_dbus_method_invocation_return_value (call->invocation, value));
}

void
ew_call_return_fd (EwCall *call, gint fd)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new_from_array (&fd, 1);

  ANSWER (call,
          g_dbus_method_invocation_return_value_with_unix_fd_list (call->invocation, g_variant_new ("(h)", 0), list));
}

static gint
code_of (const GError *error)
{
  if (error->domain == EW_ERROR)
    return error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return EW_ERROR_CANCELLED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return EW_ERROR_TIMED_OUT;
  return EW_ERROR_FAILED;
}

void
ew_call_fail (EwCall *call, GError *error)
{
  g_autoptr (GError) owned = error;

  g_debug ("%s refused: %s", call->method->name, owned->message);
  ew_told_add (call->owner->told, g_dbus_method_invocation_get_sender (call->invocation), owned->message);
  ANSWER (call,
          g_dbus_method_invocation_return_error_literal (call->invocation, EW_ERROR, code_of (owned), owned->message));
}

void
ew_call_fail_literal (EwCall *call, gint code, const gchar *message)
{
  ew_call_fail (call, g_error_new_literal (EW_ERROR, code, message));
}

/* The journey. */

static void
handle (EwCall *call)
{
  if (g_cancellable_is_cancelled (call->cancellable))
    ew_call_fail_literal (call, EW_ERROR_CANCELLED, N_ ("The caller disconnected. Nothing was changed."));
  else
    call->method->handle (call, ew_call_get_parameters (call));
}

static void
on_authorized (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwCall *call = user_data;
  g_autoptr (GError) error = NULL;

  call->authorizing = FALSE;
  if (ew_authority_check_finish (result, &error))
    handle (call);
  else
    ew_call_fail (call, g_steal_pointer (&error));
}

static gboolean
has_too_many (EwCall *call)
{
  guint most = call->caller.uid == 0 ? EW_CALLS_OF_ROOT : EW_CALLS_PER_USER;

  return call->owner->count_for_uid (call->caller.uid, call->owner->user_data) > most;
}

static void
refuse_too_many (EwCall *call)
{
  ew_call_fail_literal (
    call, EW_ERROR_TOO_MANY_REQUESTS,
    N_ ("Too many of your requests are still open. Answer or close their prompts, then try again."));
}

static void
on_identified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwCall *call = user_data;
  g_autoptr (GError) error = NULL;
  GDBusMessage *message = g_dbus_method_invocation_get_message (call->invocation);
  GDBusMessageFlags flags = g_dbus_message_get_flags (message);
  g_autoptr (GVariant) details = ew_prompt_dup_details (call->method->name, ew_call_get_parameters (call));
  gboolean known = ew_caller_identify_finish (result, &call->caller, &error);

  call->authorizing = FALSE;
  if (g_cancellable_is_cancelled (call->cancellable))
    {
      ew_call_fail_literal (call, EW_ERROR_CANCELLED, N_ ("The caller disconnected. Nothing was changed."));
      return;
    }
  if (!known)
    {
      ew_call_fail (call, g_steal_pointer (&error));
      return;
    }
  call->identified = TRUE;
  if (has_too_many (call))
    refuse_too_many (call);
  else if (call->caller.uid == 0)
    handle (call);
  else
    {
      call->authorizing = TRUE;
      ew_authority_check_async (ew_call_get_connection (call), g_dbus_method_invocation_get_sender (call->invocation),
                                call->method->action, details,
                                (flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0, call->cancellable,
                                on_authorized, call);
    }
}

static void
on_vanished (GDBusConnection *connection, const gchar *sender_name, const gchar *object_path,
             const gchar *interface_name, const gchar *signal_name, GVariant *parameters, gpointer user_data)
{
  const gchar *new_owner;

  g_variant_get (parameters, "(&s&s&s)", NULL, NULL, &new_owner);
  if (*new_owner == '\0')
    ew_call_cancel (user_data);
}

EwCall *
ew_call_new (GDBusMethodInvocation *invocation, const EwMethod *method, EwTunnel *tunnel, const EwCallOwner *owner)
{
  EwCall *call = g_new0 (EwCall, 1);
  const gchar *sender = g_dbus_method_invocation_get_sender (invocation);
  GDBusConnection *connection = g_dbus_method_invocation_get_connection (invocation);

  call->invocation = invocation;
  call->method = method;
  call->tunnel = tunnel;
  call->owner = owner;
  call->cancellable = g_cancellable_new ();
  if (sender == NULL)
    call->identified = TRUE; /* caller.uid is 0 */
  if (sender == NULL || method->action == NULL)
    return call;
  call->vanish_subscription = g_dbus_connection_signal_subscribe (
    connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus", sender,
    G_DBUS_SIGNAL_FLAGS_NONE, on_vanished, call, NULL);
  return call;
}

void
ew_call_start (EwCall *call)
{
  const gchar *sender = g_dbus_method_invocation_get_sender (call->invocation);

  if (sender == NULL && has_too_many (call))
    refuse_too_many (call);
  else if (sender == NULL || call->method->action == NULL)
    handle (call);
  else
    {
      call->authorizing = TRUE; /* a prompt that is still to come is cancelled, too */
      ew_caller_identify_async (ew_call_get_connection (call), sender, call->cancellable, on_identified, call);
    }
}

void
ew_call_cancel (EwCall *call)
{
  g_cancellable_cancel (call->cancellable);
}

gboolean
ew_call_is_prompting (EwCall *call, const gchar *sender, const gchar *method)
{
  return call->authorizing && g_str_equal (call->method->name, method)
         && g_strcmp0 (g_dbus_method_invocation_get_sender (call->invocation), sender) == 0;
}

void
ew_call_cancel_prompts (EwCall *call, const gchar *method)
{
  call->owner->cancel_prompts (ew_call_get_connection (call), g_dbus_method_invocation_get_sender (call->invocation),
                               method, call->owner->user_data);
}

gboolean
ew_call_was_told (EwCall *call, const gchar *sentence)
{
  return ew_told_has (call->owner->told, g_dbus_method_invocation_get_sender (call->invocation), sentence);
}

gboolean
ew_call_get_uid (EwCall *call, guint32 *uid)
{
  *uid = call->caller.uid;
  return call->identified;
}

GDBusConnection *
ew_call_get_connection (EwCall *call)
{
  return g_dbus_method_invocation_get_connection (call->invocation);
}

GVariant *
ew_call_get_parameters (EwCall *call)
{
  return g_dbus_method_invocation_get_parameters (call->invocation);
}

EwTunnel *
ew_call_get_tunnel (EwCall *call)
{
  return call->tunnel;
}

GCancellable *
ew_call_get_cancellable (EwCall *call)
{
  return call->cancellable;
}

const EwCaller *
ew_call_get_caller (EwCall *call)
{
  return &call->caller;
}

gboolean
ew_call_is_peer (EwCall *call)
{
  return g_dbus_method_invocation_get_sender (call->invocation) == NULL;
}
