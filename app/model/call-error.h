/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * D-Bus's errors of failed calls, and of a missing daemon, as EW_CALL_ERROR. For the model only.
 */
#pragma once

#include "daemon.h"

G_BEGIN_DECLS

/* Takes error, which came from GDBus; the result is in EW_CALL_ERROR. phrase: of its message (translate.h), NULL: none.
   version: the daemon's, "": unknown. */
GError *ew_call_error_from_dbus (GError *error, const gchar *phrase, const gchar *version);
/* What the daemon is asked for its phrase; NULL: not the daemon's own error. (transfer full) */
gchar *ew_call_error_dup_message (const GError *error);

/* Why a name could not be started or asked for its properties. */
EwAvailability ew_availability_from_dbus (const GError *error);
/* A sentence for each availability but LOOKING and READY: NULL there. */
const gchar *ew_availability_get_message (EwAvailability availability);

G_END_DECLS
