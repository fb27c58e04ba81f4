/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list that a diagnosis consists of: an array of {"check", "ok", "warning", "message", "fix", "fixable", "fixed"}
 * objects.
 *
 *   result    "ok"    "warning"   shown as
 *   GOOD      true    false       ✓
 *   BAD       false   false       ✗   `edgewayctl diagnose` exits with 1
 *   WARNING   null    true        !   works, but is worth knowing
 *   UNKNOWN   null    false       ?   could not be checked, because of an earlier check
 *
 * A fix is what to do about that very check; "" where there is nothing to do. fixable: Edgeway can do it, and undo it.
 * fixed: it has, and the check is good because of it.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  EW_CHECK_BAD,
  EW_CHECK_GOOD,
  EW_CHECK_WARNING,
  EW_CHECK_UNKNOWN
} EwCheckResult;

/* message_phrase and fix_phrase are next to the two where they are known (common/phrase.h).
 *
 * check: a stable code in lower case. fix: a sentence or a command that can be pasted, NULL for none; left out of good
 * ones. format: a sentence. */
void ew_checks_add (JsonArray *checks, const gchar *check, EwCheckResult result, const gchar *fix, const gchar *format,
                    ...) G_GNUC_PRINTF (5, 6);
/* The one that was added last. */
void ew_checks_mark_fixable (JsonArray *checks);
void ew_checks_mark_fixed (JsonArray *checks);
/* The result of a check that was added under this code, the worst of several; UNKNOWN if no check has it. */
EwCheckResult ew_checks_find (JsonArray *checks, const gchar *check);
/* What a reader makes of one element of the array. */
EwCheckResult ew_check_result (JsonObject *check);

G_END_DECLS
