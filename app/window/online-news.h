/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tells that nodes came online: those of one moment in one toast, none that went offline in the meantime. What is known
 * only because this computer itself has connected again isn't news.
 *
 * Timer: `moment` collects from the first node on.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_ONLINE_NEWS (ew_online_news_get_type ())
G_DECLARE_FINAL_TYPE (EwOnlineNews, ew_online_news, EW, ONLINE_NEWS, GObject)

/* overlay is borrowed and outlives it. */
EwOnlineNews *ew_online_news_new (EwDaemon *daemon, EwTopology *topology, AdwToastOverlay *overlay);

G_END_DECLS
