/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person can do where the service isn't found. Pure: no widgets.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How this app came here, which is how the service can follow. */
typedef enum
{
  EW_ORIGIN_CLONE,   /* built and installed by app/run, or run from a build folder */
  EW_ORIGIN_PACKAGE, /* of the system */
  EW_ORIGIN_SANDBOX, /* a Flatpak: the system around it can't be looked at */
} EwOrigin;

EwOrigin ew_service_origin (void);
/* The host's os-release as text, from inside a sandbox too; "": unknown. (transfer full) */
gchar *ew_service_read_os_release (EwOrigin origin);
/* The commands that bring the service, a line each. "": none is known for that system, whose os_release it is. (transfer full) */
gchar *ew_service_commands (EwOrigin origin, const gchar *os_release);
/* What shows a whole mesh on this computer, in Edgeway's folder; NULL: there is no such folder. */
const gchar *ew_service_demo (EwOrigin origin);

G_END_DECLS
