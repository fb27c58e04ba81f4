/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/diagnose-clock.h"
#include "common/checks.h"
#include "common/phrase.h"
#include "common/util.h"

void
ew_tunnel_note_clock (EwClocks *clocks, JsonObject *answer)
{
  const gchar *now = answer ? ew_json_string (answer, "now") : NULL;
  const gint64 edge = now ? ew_time_parse (now) : 0;
  if (edge != 0)
    *clocks = (EwClocks){ .edge = edge, .here = g_get_real_time () };
}

/* "7 min", "3 h", "12 days" */
static gchar *
describe_span (gint64 seconds)
{
  if (seconds < 2 * 3600)
    return ew_phrase ("%d min", (int)(seconds / 60));
  if (seconds < 2 * 86400)
    return ew_phrase ("%d h", (int)(seconds / 3600));
  return ew_phrase ("%d days", (int)MIN (seconds / 86400, G_MAXINT));
}

void
ew_tunnel_diagnose_clock (const EwClocks *clocks, JsonArray *checks)
{
  const gchar *fix = N_ ("Set the one that is wrong, for example with `sudo timedatectl set-ntp true`.");
  const gint64 ahead = (clocks->here - clocks->edge) / G_USEC_PER_SEC;
  if (clocks->edge == 0)
    return;
  g_autofree gchar *span = describe_span (ABS (ahead));
  if (ABS (ahead) <= EW_CLOCK_TOLERANCE_S)
    ew_checks_add (checks, "clock", EW_CHECK_GOOD, NULL, "This computer's clock and the edge's agree.");
  else if (ahead < 0)
    ew_checks_add (checks, "clock", EW_CHECK_WARNING, fix,
                   "This computer's clock is %s behind the edge's. The tunnel works, but websites and logins may fail "
                   "on the one that is wrong.",
                   span);
  else
    ew_checks_add (checks, "clock", EW_CHECK_WARNING, fix,
                   "This computer's clock is %s ahead of the edge's. The tunnel works, but websites and logins may "
                   "fail on the one that is wrong.",
                   span);
}
