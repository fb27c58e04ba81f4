/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What portal.c and portal-way.c share.
 */
#pragma once

#include "portal/probe.h"
#include "portal/setting.h"
#include "tunnel/tunnel-private.h"

G_BEGIN_DECLS

struct EwTunnelPortal
{
  /* portal.c */
  EwAlarm *alarm;
  gboolean is_due;      /* it's set for a suspicion */
  GCancellable *asking; /* NULL: nothing is being asked */
  guint step;           /* of the question that is being asked */
  EwPortalSetting setting;
  EwPortalPage *named; /* by the answer to the first question; NULL: nothing */
  EwPortalPage *page;  /* NULL: no portal is known */
  gint64 found;        /* boot time */
  guint fruitless;     /* times in a row that it wasn't one */
  gint64 not_before;   /* boot time: of the next question about a suspicion */

  /* portal-way.c */
  gint64 opened;           /* boot time: a person wanted to see the page; 0: nobody has */
  GCancellable *resolving; /* the page's host is being looked up; NULL: it isn't */
  gint64 until;            /* realtime µs: the way out is open; 0: it isn't */
  EwAlarm *close_alarm;
};

/* The page is being looked at: it's asked more often from now on. */
void ew_tunnel_portal_hurry (EwTunnel *self);
void ew_tunnel_portal_close_way (EwTunnel *self);

G_END_DECLS
