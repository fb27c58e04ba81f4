/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/checks.h"
#include "common/phrase.h"
#include "common/util.h"

void
ew_checks_add (JsonArray *checks, const gchar *check, EwCheckResult result, const gchar *fix, const gchar *format, ...)
{
  JsonObject *object = json_object_new ();
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  g_autofree gchar *message = ew_text_end_sentence (text);
  json_object_set_string_member (object, "check", check);
  if (result == EW_CHECK_GOOD || result == EW_CHECK_BAD)
    json_object_set_boolean_member (object, "ok", result == EW_CHECK_GOOD);
  else
    json_object_set_null_member (object, "ok");
  json_object_set_boolean_member (object, "warning", result == EW_CHECK_WARNING);
  json_object_set_string_member (object, "message", message);
  ew_phrase_add_member (object, "message_phrase", text);
  if (result == EW_CHECK_GOOD || fix == NULL)
    fix = "";
  json_object_set_string_member (object, "fix", fix);
  ew_phrase_add_member (object, "fix_phrase", fix);
  json_object_set_boolean_member (object, "fixable", FALSE);
  json_object_set_boolean_member (object, "fixed", FALSE);
  json_array_add_object_element (checks, object);
}

static void
mark_last (JsonArray *checks, const gchar *member)
{
  guint length = json_array_get_length (checks);

  g_return_if_fail (length > 0);
  json_object_set_boolean_member (json_array_get_object_element (checks, length - 1), member, TRUE);
}

void
ew_checks_mark_fixable (JsonArray *checks)
{
  mark_last (checks, "fixable");
}

void
ew_checks_mark_fixed (JsonArray *checks)
{
  mark_last (checks, "fixed");
}

EwCheckResult
ew_check_result (JsonObject *check)
{
  JsonNode *ok = check != NULL ? json_object_get_member (check, "ok") : NULL;

  if (ok != NULL && JSON_NODE_HOLDS_VALUE (ok) && json_node_get_value_type (ok) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (ok) ? EW_CHECK_GOOD : EW_CHECK_BAD;
  return ew_json_bool (check, "warning", FALSE) ? EW_CHECK_WARNING : EW_CHECK_UNKNOWN;
}

EwCheckResult
ew_checks_find (JsonArray *checks, const gchar *check)
{
  gboolean found[EW_CHECK_UNKNOWN + 1] = { FALSE };

  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *object = json_array_get_object_element (checks, i);
      if (g_strcmp0 (ew_json_string (object, "check"), check) == 0)
        found[ew_check_result (object)] = TRUE;
    }
  if (found[EW_CHECK_BAD])
    return EW_CHECK_BAD;
  if (found[EW_CHECK_WARNING])
    return EW_CHECK_WARNING;
  return found[EW_CHECK_GOOD] ? EW_CHECK_GOOD : EW_CHECK_UNKNOWN;
}
