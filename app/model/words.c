/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <math.h>

#include "clock.h"
#include "latency.h"

static gchar *
unknown (void)
{
  return g_strdup (_ ("Unknown"));
}

/* value in the largest of n units, each 1000 times the one before; a decimal below 10, unless it is 0. */
static gchar *
in_units (gdouble value, const gchar *const *units, guint n)
{
  g_autofree gchar *number = NULL;
  guint unit = 0;

  for (; value >= 999.5 && unit < n - 1; unit++)
    value /= 1000;
  number = g_strdup_printf (value < 9.95 && (gint64)(value * 10 + 0.5) % 10 != 0 ? "%.1f" : "%.0f", value);
  return g_strconcat (number, " ", _ (units[unit]), NULL);
}

gchar *
ew_words_bytes (gint64 bytes)
{
  static const gchar *const units[] = { N_ ("B"), N_ ("kB"), N_ ("MB"), N_ ("GB"), N_ ("TB"), N_ ("PB"), N_ ("EB") };

  return bytes < 0 ? unknown () : in_units ((gdouble)bytes, units, G_N_ELEMENTS (units));
}

gchar *
ew_words_rate (gdouble bytes_a_second)
{
  static const gchar *const units[] = { N_ ("kb/s"), N_ ("Mb/s"), N_ ("Gb/s"), N_ ("Tb/s") };

  if (!isfinite (bytes_a_second) || bytes_a_second < 0)
    return unknown ();
  return in_units (bytes_a_second * 8 / 1000, units, G_N_ELEMENTS (units));
}

static gboolean
is_whole (gdouble number)
{
  return fabs (number - round (number)) < 1e-6;
}

gchar *
ew_words_latency (gdouble ms)
{
  gint decimals;

  if (!isfinite (ms) || ms < 0)
    return unknown ();
  ms = ew_latency_round (ms);
  for (decimals = ew_latency_decimals (ms); decimals > 0 && is_whole (ms * pow (10, decimals - 1)); decimals--)
    ;
  /* Translators: a latency in milliseconds, with as many decimals as it needs: "12 ms", "5.3 ms", "0.42 ms" */
  return g_strdup_printf (_ ("%.*f ms"), decimals, ms);
}

gchar *
ew_words_sum_latency (gdouble ms)
{
  g_autofree gchar *latency = ew_words_latency (ms);

  return isfinite (ms) && ms >= 0 ? g_strdup_printf (_ ("≈ %s"), latency) : g_steal_pointer (&latency);
}

gchar *
ew_words_span (gint64 seconds)
{
  gint64 minutes = seconds / 60, hours = seconds / 3600, days = seconds / 86400;

  if (minutes < 1)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d second", "%d seconds", (gulong)MAX (seconds, 0)),
                            (gint)MAX (seconds, 0));
  if (hours < 1)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d minute", "%d minutes", (gulong)minutes), (gint)minutes);
  if (days < 1)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d hour", "%d hours", (gulong)hours), (gint)hours);
  days = MIN (days, G_MAXINT);
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d day", "%d days", (gulong)days), (gint)days);
}

gchar *
ew_words_countdown (gint64 seconds)
{
  gint left = (gint)CLAMP (seconds, 0, G_MAXINT);

  if (left >= 3600)
    return g_strdup_printf (_ ("%d:%02d:%02d"), left / 3600, left / 60 % 60, left % 60);
  return g_strdup_printf (_ ("%d:%02d"), left / 60, left % 60);
}

gchar *
ew_words_time (gint64 realtime_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (realtime_us / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  gboolean twelve = ew_clock_has_twelve_hours ();
  gchar *text = NULL;

  if (time == NULL || realtime_us <= 0)
    return unknown ();
  if (now != NULL && g_date_time_get_year (time) == g_date_time_get_year (now))
    /* Translators: a time of this year: "3 Nov, 8:14 AM" */
    text = twelve ? g_date_time_format (time, _ ("%-e %b, %-I:%M %p"))
                  /* Translators: a time of this year: "3 Nov, 08:14". See g_date_time_format. */
                  : g_date_time_format (time, _ ("%-e %b, %H:%M"));
  else
    /* Translators: a time of another year: "3 Nov 2024, 8:14 AM" */
    text = twelve ? g_date_time_format (time, _ ("%-e %b %Y, %-I:%M %p"))
                  /* Translators: a time of another year: "3 Nov 2024, 08:14" */
                  : g_date_time_format (time, _ ("%-e %b %Y, %H:%M"));
  return text != NULL ? text : unknown ();
}

/* "14:03", with the day where it isn't today. */
static gchar *
time_of_day (gint64 realtime_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (realtime_us / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  if (time == NULL || now == NULL || g_date_time_get_day_of_year (time) != g_date_time_get_day_of_year (now)
      || g_date_time_get_year (time) != g_date_time_get_year (now))
    return ew_words_time (realtime_us);
  /* Translators: a time of today: "14:03". See g_date_time_format. */
  return g_date_time_format (time, _ ("%H:%M"));
}

gchar *
ew_words_as_of (gint64 realtime_us, gboolean asked)
{
  g_autofree gchar *time = time_of_day (realtime_us);

  /* Translators: %s: "14:03" */
  return g_strdup_printf (asked ? _ ("No answer since %s") : _ ("As last seen at %s"), time);
}

const gchar *
ew_words_kind (EwNode *node)
{
  if (ew_node_is_gateway (node))
    return _ ("Gateway");
  return ew_node_get_kind (node) == EW_KIND_SERVER ? _ ("Server") : _ ("Device");
}

/* "2 days" since a node was seen; NULL: never, or just now. */
static gchar *
gone_for (EwNode *node)
{
  gint64 seen = ew_node_get_last_seen (node);
  gint64 seconds = (g_get_real_time () - seen) / G_USEC_PER_SEC;

  return seen > 0 && seconds > 0 ? ew_words_span (seconds) : NULL;
}

/* "14:03"; NULL: it is as it is now. */
static gchar *
as_of (EwNode *node)
{
  return ew_node_get_as_of (node) != 0 ? time_of_day (ew_node_get_as_of (node)) : NULL;
}

gchar *
ew_words_node_state (EwNode *node)
{
  g_autofree gchar *span = gone_for (node), *time = as_of (node);

  switch (ew_node_get_state (node))
    {
    case EW_NODE_ONLINE:
      return g_strdup (_ ("Online"));
    case EW_NODE_NOT_JOINED:
      return g_strdup (_ ("Not joined yet"));
    case EW_NODE_AWAITING_APPROVAL:
      return g_strdup (_ ("Awaiting approval"));
    case EW_NODE_WAS_ONLINE:
      /* Translators: %s: "14:03" */
      return g_strdup_printf (_ ("Online at %s"), time);
    case EW_NODE_OFFLINE:
    default:
      if (time != NULL)
        return g_strdup_printf (_ ("Offline at %s"), time);
      /* Translators: %s: "2 days" */
      return span != NULL ? g_strdup_printf (_ ("Offline for %s"), span) : g_strdup (_ ("Offline"));
    }
}

const gchar *
ew_words_problem (const gchar *code)
{
  if (code == NULL)
    return NULL;
  if (g_str_equal (code, "two-machines"))
    return _ ("Identity used twice");
  if (g_str_equal (code, "clock-behind"))
    return _ ("Its clock is behind");
  if (g_str_equal (code, "restored"))
    return _ ("Set back to an older state");
  return _ ("Unknown to this version");
}

const gchar *
ew_words_via (EwNode *node)
{
  /* Translators: how a node's packets reach the edge, after its latency or its state */
  return ew_node_is_https (node) ? _ ("via HTTPS") : NULL;
}

gdouble
ew_words_path_ms (EwNode *node, EwNode *self)
{
  gdouble far = ew_node_get_rtt_ms (node), near = self != NULL ? ew_node_get_rtt_ms (self) : -1;

  if (node == self || ew_node_is_self (node))
    return far;
  return ew_latency_sum (near, far);
}

static gchar *
spoken_state (EwNode *node)
{
  g_autofree gchar *span = gone_for (node), *time = as_of (node);

  switch (ew_node_get_state (node))
    {
    case EW_NODE_ONLINE:
      return g_strdup (_ ("online"));
    case EW_NODE_WAS_ONLINE:
      return g_strdup_printf (_ ("was online at %s"), time);
    case EW_NODE_NOT_JOINED:
      return g_strdup (_ ("not joined yet"));
    case EW_NODE_AWAITING_APPROVAL:
      return g_strdup (_ ("awaiting approval"));
    case EW_NODE_OFFLINE:
    default:
      if (time != NULL)
        return g_strdup_printf (_ ("was offline at %s"), time);
      return span != NULL ? g_strdup_printf (_ ("offline for %s"), span) : g_strdup (_ ("offline"));
    }
}

static gchar *
spoken_latency (EwNode *node, EwNode *self, EwEdge *edge)
{
  gdouble ms = ew_words_path_ms (node, self);
  g_autofree gchar *latency = ew_words_latency (ms);

  if (ms < 0 || ew_node_get_state (node) != EW_NODE_ONLINE)
    return NULL;
  if (edge == NULL)
    return g_steal_pointer (&latency);
  if (ew_node_is_self (node))
    return g_strdup_printf (_ ("%s to edge %s"), latency, ew_edge_get_name (edge));
  return g_strdup_printf (_ ("%s through edge %s"), latency, ew_edge_get_name (edge));
}

gchar *
ew_words_node_spoken (EwNode *node, EwNode *self, EwEdge *edge)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  gchar *latency = spoken_latency (node, self, edge);

  g_ptr_array_add (parts, g_strdup (ew_node_get_name (node)));
  if (ew_node_is_self (node))
    g_ptr_array_add (parts, g_strdup (_ ("this computer")));
  g_ptr_array_add (parts, spoken_state (node));
  if (ew_words_via (node) != NULL)
    g_ptr_array_add (parts, g_strdup (ew_words_via (node)));
  if (latency != NULL)
    g_ptr_array_add (parts, latency);
  g_ptr_array_add (parts, NULL);
  /* Translators: between the parts of "nas, online, 12 ms through edge Frankfurt" */
  return g_strjoinv (_ (", "), (gchar **)parts->pdata);
}

gchar *
ew_words_node_description (EwNode *node)
{
  const gchar *address = ew_node_get_address (node);
  g_autofree gchar *routes = g_strjoinv (_ (", "), (gchar **)ew_node_get_routes (node));
  g_autofree gchar *what
    = ew_node_is_gateway (node) ? g_strdup_printf (_ ("Gateway to %s"), routes) : g_strdup (ew_words_kind (node));

  if (address == NULL)
    return g_strdup_printf (_ ("%s. Press Enter for details."), what);
  return g_strdup_printf (_ ("%s, Mesh IP %s. Press Enter for details."), what, address);
}
