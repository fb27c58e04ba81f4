/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every tunnel needs on this computer.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The network may be changed: CAP_NET_ADMIN. */
gboolean ew_essentials_may_administer (void);
/* Interfaces can be made: 0, else the errno of opening /dev/net/tun. */
gint ew_essentials_open_tun (void);
/* All of them; FALSE: EW_ERROR_FAILED, a sentence that says what is missing. Asked before an enrollment key is used. */
gboolean ew_essentials_check (GError **error);

G_END_DECLS
