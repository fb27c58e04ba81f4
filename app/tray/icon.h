/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which icon shows the daemon's state in the panel. data/icons/symbolic has their pictures: the shape shows the state.
 */
#pragma once

#include "model/daemon.h"

G_BEGIN_DECLS

/* A name of the icon theme. Attention: something waits for a person (a guard that counts, an approval, a removal, a
   fault, a service that does not run). busy: a call runs that a person waits for. */
const gchar *ew_tray_icon_name (EwDaemon *daemon, gboolean busy);

G_END_DECLS
