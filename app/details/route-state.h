/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer does with the mesh's routes: the answer of the daemon's ListRoutes. No GTK.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EW_ROUTE_UNKNOWN, /* not listed, or a state of a newer daemon */
  EW_ROUTE_OFFERED,
  EW_ROUTE_ACCEPTED,
  EW_ROUTE_REFUSED,
  EW_ROUTE_FORWARDING,
  EW_ROUTE_UNACCEPTED_FORWARD,
  EW_ROUTE_BLOCKED,
} EwRouteState;

/* cidr's state in json; *reason: why it is blocked (transfer full), NULL: unknown. */
EwRouteState ew_route_state_find (const gchar *json, const gchar *cidr, gchar **reason);
/* As a sentence (transfer full); "" for unknown. */
gchar *ew_route_state_words (EwRouteState state, const gchar *reason);
/* Whether it can be chosen here, and whether it is. */
gboolean ew_route_state_has_switch (EwRouteState state);
gboolean ew_route_state_is_on (EwRouteState state);

G_END_DECLS
