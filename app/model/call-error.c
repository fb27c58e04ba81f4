/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "call-error.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>

#include "text.h"
#include "translate.h"
#include "words.h"

#define PREFIX "org.edgeway.Error."
#define SENTENCE_MAX 600 /* characters */

G_DEFINE_QUARK (ew - call - error - quark, ew_call_error)

static const struct
{
  const gchar *name;
  EwCallError code;
} names[] = {
  { PREFIX "Cancelled", EW_CALL_ERROR_CANCELLED },
  { PREFIX "NotAuthorized", EW_CALL_ERROR_NOT_AUTHORIZED },
  { PREFIX "NotEnrolled", EW_CALL_ERROR_NOT_ENROLLED },
  { PREFIX "AlreadyEnrolled", EW_CALL_ERROR_ALREADY_ENROLLED },
  { PREFIX "KeyInvalid", EW_CALL_ERROR_KEY_INVALID },
  { PREFIX "KeyUsed", EW_CALL_ERROR_KEY_USED },
  { PREFIX "KeyExpired", EW_CALL_ERROR_KEY_EXPIRED },
  { PREFIX "PinMismatch", EW_CALL_ERROR_PIN_MISMATCH },
  { PREFIX "EdgeUnreachable", EW_CALL_ERROR_EDGE_UNREACHABLE },
  { PREFIX "NameTaken", EW_CALL_ERROR_NAME_TAKEN },
  { PREFIX "NameInvalid", EW_CALL_ERROR_NAME_INVALID },
  { PREFIX "NotFound", EW_CALL_ERROR_NOT_FOUND },
  { PREFIX "RouteInvalid", EW_CALL_ERROR_ROUTE_INVALID },
  { PREFIX "RouteOverlap", EW_CALL_ERROR_ROUTE_OVERLAP },
  { PREFIX "RouteRefused", EW_CALL_ERROR_ROUTE_REFUSED },
  { PREFIX "NotAdministrator", EW_CALL_ERROR_NOT_ADMINISTRATOR },
  { PREFIX "HostConflict", EW_CALL_ERROR_HOST_CONFLICT },
  { PREFIX "Removed", EW_CALL_ERROR_REMOVED },
  { PREFIX "InvalidArgument", EW_CALL_ERROR_INVALID_ARGUMENT },
  { PREFIX "TimedOut", EW_CALL_ERROR_TIMED_OUT },
  { PREFIX "NotConnected", EW_CALL_ERROR_NOT_CONNECTED },
  { PREFIX "ProxyPassword", EW_CALL_ERROR_PROXY_PASSWORD },
};

static gboolean
is_dbus (const GError *error, const gint *codes, guint n_codes)
{
  for (guint i = 0; i < n_codes; i++)
    if (g_error_matches (error, G_DBUS_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

static gboolean
is_gone (const GError *error)
{
  static const gint codes[] = { G_DBUS_ERROR_SERVICE_UNKNOWN, G_DBUS_ERROR_NAME_HAS_NO_OWNER, G_DBUS_ERROR_NO_REPLY,
                                G_DBUS_ERROR_DISCONNECTED, G_DBUS_ERROR_NO_SERVER };

  return is_dbus (error, codes, G_N_ELEMENTS (codes)) || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* NULL: its own message is for people. */
static GError *
explain (const GError *error, const gchar *name, const gchar *version)
{
  static const gint forbidden[] = { G_DBUS_ERROR_ACCESS_DENIED, G_DBUS_ERROR_AUTH_FAILED };
  static const gint older[]
    = { G_DBUS_ERROR_UNKNOWN_METHOD, G_DBUS_ERROR_UNKNOWN_INTERFACE, G_DBUS_ERROR_UNKNOWN_OBJECT };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED, _ ("This was cancelled."));
  if (is_gone (error))
    return g_error_new_literal (
      EW_CALL_ERROR, EW_CALL_ERROR_UNREACHABLE,
      _ ("The Edgeway service stopped before it answered. Try again once it is running; its log says why it stopped."));
  if (is_dbus (error, forbidden, G_N_ELEMENTS (forbidden))
      || g_strcmp0 (name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") == 0)
    return g_error_new_literal (
      EW_CALL_ERROR, EW_CALL_ERROR_NOT_AUTHORIZED,
      _ ("You aren't allowed to do this here. Ask an administrator of this computer, or use edgewayctl with sudo."));
  /* GDBus itself refuses an answer of an unexpected type. */
  if (is_dbus (error, older, G_N_ELEMENTS (older)) || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    {
      g_autofree gchar *sentence = ew_words_version_refusal (version);
      return g_error_new_literal (EW_CALL_ERROR, EW_CALL_ERROR_FAILED, sentence);
    }
  return NULL;
}

gchar *
ew_call_error_dup_message (const GError *error)
{
  g_autofree gchar *name = g_dbus_error_get_remote_error (error);
  g_autoptr (GError) copy = NULL;

  if (name == NULL || !g_str_has_prefix (name, PREFIX))
    return NULL;
  copy = g_error_copy (error);
  g_dbus_error_strip_remote_error (copy);
  return g_strdup (copy->message);
}

GError *
ew_call_error_from_dbus (GError *error, const gchar *phrase, const gchar *version)
{
  g_autoptr (GError) taken = error;
  g_autofree gchar *name = g_dbus_error_get_remote_error (error);
  g_autofree gchar *translated = NULL, *whole = NULL, *sentence = NULL;
  GError *explained = explain (error, name, version);
  EwCallError code = EW_CALL_ERROR_FAILED;

  if (explained != NULL)
    return explained;
  g_dbus_error_strip_remote_error (taken);
  if (g_error_matches (taken, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS))
    code = EW_CALL_ERROR_INVALID_ARGUMENT;
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (name, names[i].name))
      code = names[i].code;
  translated = ew_translate_sentence (taken->message, phrase);
  whole = ew_text_sentence (translated, SENTENCE_MAX);
  sentence = ew_words_plain (whole);
  if (*sentence == '\0' && code == EW_CALL_ERROR_NOT_AUTHORIZED)
    sentence = (g_free (sentence), g_strdup (_ ("You aren't allowed to do this here. Ask an administrator.")));
  else if (*sentence == '\0')
    sentence = (g_free (sentence), g_strdup (_ ("That didn't work, and the Edgeway service didn't say why.")));
  return g_error_new_literal (EW_CALL_ERROR, (gint)code, sentence);
}

EwAvailability
ew_availability_from_dbus (const GError *error)
{
  static const gint missing[]
    = { G_DBUS_ERROR_SERVICE_UNKNOWN, G_DBUS_ERROR_NAME_HAS_NO_OWNER, G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND };
  static const gint forbidden[] = { G_DBUS_ERROR_ACCESS_DENIED, G_DBUS_ERROR_AUTH_FAILED };
  g_autofree gchar *name = g_dbus_error_get_remote_error (error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return EW_AVAILABILITY_NO_BUS;
  if (is_dbus (error, missing, G_N_ELEMENTS (missing)) || g_strcmp0 (name, "org.freedesktop.systemd1.NoSuchUnit") == 0)
    return EW_AVAILABILITY_NOT_INSTALLED;
  if (is_dbus (error, forbidden, G_N_ELEMENTS (forbidden)))
    return EW_AVAILABILITY_NOT_ALLOWED;
  return EW_AVAILABILITY_NOT_STARTING;
}

const gchar *
ew_availability_get_message (EwAvailability availability)
{
  switch (availability)
    {
    case EW_AVAILABILITY_NO_BUS:
      return _ ("The D-Bus system bus isn't running on this computer. Start it, then try again.");
    case EW_AVAILABILITY_NOT_INSTALLED:
      return _ ("The Edgeway service isn't installed. Install it, then try again.");
    case EW_AVAILABILITY_NOT_STARTING:
      return _ ("The Edgeway service isn't running. Start it, or look in its log for the reason.");
    case EW_AVAILABILITY_NOT_ALLOWED:
      return _ ("The system bus doesn't let you talk to the Edgeway service. Ask an administrator of this computer.");
    case EW_AVAILABILITY_LOOKING:
    case EW_AVAILABILITY_READY:
    default:
      return NULL;
    }
}
