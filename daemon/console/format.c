/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "console/format.h"

#include "common/util.h"

#define LIST_MAX 1024

gchar *
ew_format_bytes (gint64 bytes)
{
  static const gchar *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
  gdouble value = (gdouble)MAX (bytes, 0);
  guint unit = 0;

  if (bytes < 1000)
    return g_strdup_printf ("%d B", (gint)MAX (bytes, 0));
  for (; value >= 999.5 && unit < G_N_ELEMENTS (units) - 1; unit++)
    value /= 1000;
  return g_strdup_printf (value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

gchar *
ew_format_ms (gdouble milliseconds)
{
  if (milliseconds < 0.995)
    return g_strdup_printf ("%.2f ms", MAX (milliseconds, 0.01));
  return g_strdup_printf (milliseconds < 9.95 ? "%.1f ms" : "%.0f ms", milliseconds);
}

gchar *
ew_format_problem (JsonObject *node)
{
  const gchar *code = ew_json_string (node, "problem");
  g_autofree gchar *behind = ew_format_span (ew_json_int (node, "clock_behind_seconds", 0));

  if (code == NULL)
    return NULL;
  if (g_str_equal (code, "two-machines"))
    return g_strdup ("two computers use its identity");
  if (g_str_equal (code, "clock-behind"))
    return g_strdup_printf ("its clock is %s behind", behind);
  if (g_str_equal (code, "restored"))
    return g_strdup ("was set back to an older state");
  return g_strdup ("has a problem that this version doesn't know");
}

gchar *
ew_format_span (gint64 seconds)
{
  if (seconds < 1)
    return g_strdup ("now");
  if (seconds < 100)
    return g_strdup_printf ("%d s", (gint)seconds);
  if (seconds < 100 * 60)
    return g_strdup_printf ("%d min", (gint)(seconds / 60));
  if (seconds < 48 * 3600)
    return g_strdup_printf ("%d h", (gint)(seconds / 3600));
  return g_strdup_printf ("%d days", (gint)MIN (seconds / 86400, G_MAXINT));
}

gchar *
ew_format_local_time (gint64 realtime_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (realtime_us / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  if (time == NULL)
    return g_strdup ("");
  if (g_date_time_get_year (time) == g_date_time_get_year (now)
      && g_date_time_get_day_of_year (time) == g_date_time_get_day_of_year (now))
    return g_date_time_format (time, "%H:%M:%S");
  return g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
}

gboolean
ew_format_get_number (JsonObject *object, const gchar *member, gdouble *value)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64 && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}

gchar *
ew_format_get_text (const EwTerminal *terminal, JsonObject *object, const gchar *member, const gchar *fallback)
{
  const gchar *text = object != NULL ? ew_json_string (object, member) : NULL;

  return ew_terminal_clean (terminal, text != NULL ? text : fallback);
}

gchar *
ew_format_get_list (const EwTerminal *terminal, JsonObject *object, const gchar *member, const gchar *separator)
{
  g_auto (GStrv) strings = object != NULL ? ew_json_strv (object, member, LIST_MAX) : NULL;
  g_autofree gchar *joined = strings != NULL ? g_strjoinv (separator, strings) : NULL;

  return ew_terminal_clean (terminal, joined);
}
