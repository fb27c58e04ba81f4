/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/presence.h"

gboolean
ew_switch_presence_has_departed (const EwPresence *presence)
{
  const guint64 goodbye = presence->goodbye_ns;

  if (goodbye == 0)
    return FALSE;
  return presence->last_handshake_ns <= goodbye && presence->last_probe_ns <= goodbye
         && presence->last_rx_ns <= goodbye + EW_PRESENCE_GOODBYE_NS;
}

gboolean
ew_switch_presence_is_online (const EwPresence *presence, guint64 now_ns)
{
  if (presence->last_rx_ns == 0 || ew_switch_presence_has_departed (presence))
    return FALSE;
  /* A packet may have come in after now_ns was read. */
  return presence->last_rx_ns >= now_ns || now_ns - presence->last_rx_ns <= EW_PRESENCE_ONLINE_NS;
}

guint64
ew_switch_presence_get_due (const EwPresence *presence, guint64 now_ns)
{
  const guint64 goodbye = presence->goodbye_ns;

  if (ew_switch_presence_is_online (presence, now_ns))
    return presence->last_rx_ns + EW_PRESENCE_ONLINE_NS + 1;
  return goodbye != 0 && now_ns <= goodbye + EW_PRESENCE_ONLINE_NS ? goodbye + EW_PRESENCE_ONLINE_NS + 1 : G_MAXUINT64;
}

gdouble
ew_switch_presence_get_rtt (guint64 rtt_ns, guint64 measured_ns, guint64 now_ns)
{
  if (measured_ns == 0 || (now_ns > measured_ns && now_ns - measured_ns > EW_PRESENCE_RTT_NS))
    return -1;
  return (gdouble)rtt_ns / 1e6;
}

void
ew_switch_notice_start (EwNotice *notice, guint64 now_ns)
{
  notice->due_ns = now_ns;
  notice->sent = 0;
}

void
ew_switch_notice_stop (EwNotice *notice)
{
  notice->due_ns = 0;
}

gboolean
ew_switch_notice_take (EwNotice *notice, guint64 now_ns)
{
  static const guint64 pauses[] = { 1, 2, 4 }; /* s */

  if (notice->due_ns == 0 || now_ns < notice->due_ns)
    return FALSE;
  notice->due_ns = notice->sent < G_N_ELEMENTS (pauses) ? now_ns + pauses[notice->sent] * EW_SECOND_NS : 0;
  notice->sent++;
  return TRUE;
}
