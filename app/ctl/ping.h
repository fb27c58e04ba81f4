/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What pings of nodes and of services share: counting answers, and the pause between two.
 */
#pragma once

#include "ctl.h"

G_BEGIN_DECLS

typedef struct
{
  gint sent, came_back;
  gdouble least, most, sum; /* ms */
  gboolean interrupted;     /* Ctrl-C: the summary still comes */
} EwPingTally;

void ew_ping_count (EwPingTally *tally, gdouble ms); /* an answer */
void ew_ping_pause (EwPingTally *tally);             /* a second, or until it is interrupted */
/* Prints it; the exit code. */
gint ew_ping_summarize (const EwPingTally *tally);

/* Connects to a service's port, count times, as a caller does, and says which target answers. service: as ShowService
   answers, probed just now. The exit code. */
gint ew_ping_service (EwCtl *ctl, JsonObject *service, gint count);

G_END_DECLS
