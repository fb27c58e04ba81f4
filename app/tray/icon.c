/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icon.h"

#include <edgeway-config.h>

#include "model/words.h"

const gchar *
ew_tray_icon_name (EwDaemon *daemon, gboolean busy)
{
  if (busy)
    return EW_APP_ID "-connecting-symbolic";
  if (ew_daemon_get_guard_until (daemon) != 0 || ew_daemon_get_lockdown_until (daemon) != 0
      || ew_words_lockdown_blocks (daemon))
    return EW_APP_ID "-attention-symbolic";
  switch (ew_daemon_get_state (daemon))
    {
    case EW_STATE_CONNECTED:
      return ew_daemon_get_mode (daemon) == EW_MODE_VPN ? EW_APP_ID "-vpn-symbolic" : EW_APP_ID "-connector-symbolic";
    case EW_STATE_CONNECTING:
    case EW_STATE_RECONNECTING:
      return EW_APP_ID "-connecting-symbolic";
    case EW_STATE_AWAITING_APPROVAL:
    case EW_STATE_REMOVED:
    case EW_STATE_ERROR:
      return EW_APP_ID "-attention-symbolic";
    case EW_STATE_NOT_ENROLLED:
    case EW_STATE_DISCONNECTED:
      return EW_APP_ID "-disconnected-symbolic";
    case EW_STATE_UNKNOWN:
    default:
      break;
    }
  /* A state that only a newer daemon knows is not a fault. */
  return ew_daemon_get_unavailable_message (daemon) != NULL ? EW_APP_ID "-attention-symbolic"
                                                            : EW_APP_ID "-disconnected-symbolic";
}
