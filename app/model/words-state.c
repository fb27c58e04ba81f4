/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>

gchar *
ew_words_plain (const gchar *sentence)
{
  g_auto (GStrv) parts = g_strsplit (sentence, "`", -1);
  guint n = g_strv_length (parts);
  GString *plain = g_string_new (n > 0 ? parts[0] : "");

  if (n % 2 == 0) /* one without its other half */
    {
      g_string_free (plain, TRUE);
      return g_strdup (sentence);
    }
  for (guint i = 1; i < n; i++)
    {
      if (i % 2 == 0)
        g_string_append (plain, parts[i]);
      else
        /* Translators: a command in a sentence: “modprobe tun” */
        g_string_append_printf (plain, _ ("“%s”"), parts[i]);
    }
  return g_string_free (plain, FALSE);
}

gchar *
ew_words_state (EwDaemon *daemon)
{
  switch (ew_daemon_get_state (daemon))
    {
    case EW_STATE_NOT_ENROLLED:
      return g_strdup (_ ("Not in a mesh"));
    case EW_STATE_DISCONNECTED:
      return g_strdup (_ ("Disconnected"));
    case EW_STATE_CONNECTING:
      return g_strdup (_ ("Connecting…"));
    case EW_STATE_CONNECTED:
      return g_strdup (_ ("Connected"));
    case EW_STATE_RECONNECTING:
      return g_strdup (_ ("Reconnecting…"));
    case EW_STATE_AWAITING_APPROVAL:
      return g_strdup (_ ("Awaiting approval"));
    case EW_STATE_REMOVED:
      return g_strdup (_ ("Removed from the mesh"));
    case EW_STATE_ERROR:
      return g_strdup (_ ("Something is wrong"));
    case EW_STATE_UNKNOWN:
    default:
      return g_strdup (ew_daemon_get_availability (daemon) == EW_AVAILABILITY_LOOKING ? _ ("Looking for the service…")
                                                                                      : _ ("Service not running"));
    }
}

/* "3 h 12 min": the two largest units, short. */
static gchar *
short_span (gint64 seconds)
{
  gint64 minutes = seconds / 60, hours = seconds / 3600, days = seconds / 86400;

  if (minutes < 1)
    return g_strdup_printf (_ ("%d s"), (gint)MAX (seconds, 0));
  if (hours < 1)
    return g_strdup_printf (_ ("%d min"), (gint)minutes);
  if (days < 1)
    return g_strdup_printf (_ ("%d h %d min"), (gint)hours, (gint)(minutes % 60));
  return g_strdup_printf (_ ("%d d %d h"), (gint)MIN (days, G_MAXINT), (gint)(hours % 24));
}

gchar *
ew_words_state_span (EwDaemon *daemon)
{
  const gchar *edge = ew_daemon_get_edge_name (daemon);
  EwState state = ew_daemon_get_state (daemon);
  gint64 since = ew_daemon_get_since (daemon);
  g_autofree gchar *span = short_span ((g_get_real_time () - since) / G_USEC_PER_SEC);

  if (since != 0
      && (state == EW_STATE_RECONNECTING || (state == EW_STATE_CONNECTING && *ew_daemon_get_reason (daemon) != '\0')))
    /* Translators: for how long this computer has been trying to connect: "Trying for 3 min" */
    return g_strdup_printf (_ ("Trying for %s"), span);
  if (state != EW_STATE_CONNECTED || since == 0)
    return g_strdup (edge);
  if (*edge == '\0')
    return g_steal_pointer (&span);
  /* Translators: the edge's name and for how long this computer is connected to it: "Frankfurt · 3 h 12 min" */
  return g_strdup_printf (_ ("%s · %s"), edge, span);
}

gchar *
ew_words_state_detail (EwDaemon *daemon)
{
  const gchar *message = ew_daemon_get_message (daemon), *unavailable = ew_daemon_get_unavailable_message (daemon);

  if (unavailable != NULL)
    return g_strdup (unavailable);
  return *message != '\0' ? g_strdup (message) : ew_words_state_span (daemon);
}

gchar *
ew_words_status_line (EwDaemon *daemon)
{
  if (ew_daemon_get_state (daemon) != EW_STATE_CONNECTED)
    return ew_words_state (daemon);
  if (ew_daemon_get_locked_down (daemon))
    return g_strdup (_ ("Connected · VPN · lockdown"));
  return g_strdup (ew_daemon_get_mode (daemon) == EW_MODE_VPN ? _ ("Connected · VPN")
                                                              : _ ("Connected · connector only"));
}

static gboolean
is_trying (EwDaemon *daemon)
{
  EwState state = ew_daemon_get_state (daemon);

  return state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;
}

gboolean
ew_words_wants_login (EwDaemon *daemon)
{
  return is_trying (daemon) && g_str_equal (ew_daemon_get_reason (daemon), "captive-portal");
}

gboolean
ew_words_wants_password (EwDaemon *daemon)
{
  return is_trying (daemon) && *ew_daemon_get_proxy_asks (daemon) != '\0';
}

/* On its first connection the default route comes only once the edge has answered. */
gboolean
ew_words_internet_is_off (EwDaemon *daemon)
{
  return ew_daemon_get_state (daemon) == EW_STATE_RECONNECTING && ew_daemon_get_mode (daemon) == EW_MODE_VPN
         && !g_str_equal (ew_daemon_get_reason (daemon), "no-network");
}

gchar *
ew_words_internet_off (EwDaemon *daemon)
{
  const gchar *edge = ew_daemon_get_edge_name (daemon);

  if (*edge == '\0')
    return g_strdup (_ ("Your internet is off until the edge answers."));
  /* Translators: %s is the name of an edge, such as Frankfurt */
  return g_strdup_printf (_ ("Your internet is off until %s answers."), edge);
}

/* Without a network there is nothing to block. */
gboolean
ew_words_lockdown_blocks (EwDaemon *daemon)
{
  EwState state = ew_daemon_get_state (daemon);

  return ew_daemon_get_locked_down (daemon) && state != EW_STATE_CONNECTED && state != EW_STATE_UNKNOWN
         && !g_str_equal (ew_daemon_get_reason (daemon), "no-network");
}

gchar *
ew_words_lockdown (EwDaemon *daemon)
{
  const gchar *edge = ew_daemon_get_edge_name (daemon);

  switch (ew_daemon_get_state (daemon))
    {
    case EW_STATE_CONNECTING:
    case EW_STATE_RECONNECTING:
      if (*edge == '\0')
        return g_strdup (_ ("Lockdown blocks all traffic until the edge answers."));
      /* Translators: %s is the name of an edge, such as Frankfurt */
      return g_strdup_printf (_ ("Lockdown blocks all traffic until %s answers."), edge);
    case EW_STATE_DISCONNECTED:
      return g_strdup (_ ("Lockdown blocks all traffic until this computer connects."));
    default:
      return g_strdup (_ ("Lockdown blocks all traffic because there is no tunnel."));
    }
}

const gchar *
ew_words_reason (EwDaemon *daemon)
{
  static const gchar *const reasons[][2] = {
    { "no-network", N_ ("No network connection") },
    { "edge-silent", N_ ("The edge doesn't answer") },
    { "edge-unreachable", N_ ("The edge can't be reached") },
    { "answers-lost", N_ ("The edge's answers get lost") },
    { "udp-blocked", N_ ("UDP doesn't get through") },
    { "pin-mismatch", N_ ("Another server answers in the edge's place") },
    { "tls-intercepted", N_ ("Something on this network reads encrypted traffic") },
    { "proxy-refused", N_ ("The proxy doesn't lead to the edge") },
    { "proxy-password", N_ ("The proxy wants a password") },
    { "captive-portal", N_ ("The network wants a login on its own page") },
  };
  const gchar *reason = ew_daemon_get_reason (daemon);

  for (gsize i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_str_equal (reason, reasons[i][0]))
      return _ (reasons[i][1]);
  return NULL;
}
