/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether targets answer. The edge itself calls them through the mesh (edge/switch/probe.h): a TCP port by the first
 * packet of a connection, which it then resets; a UDP port by an empty packet and a ping; all ports by a ping alone.
 * Services with several targets, and those that are to be watched, every EW_HEALTH_INTERVAL_S; others when asked. A
 * node that is offline isn't called, so nobody wakes up for it.
 *
 *   refused, unreachable   it counts at once
 *   silence                at the second time in a row
 *   an answer              at once
 */
#pragma once

#include "edge/services/services.h"

G_BEGIN_DECLS

#define EW_HEALTH_INTERVAL_S 10
#define EW_HEALTH_TIMEOUT_MS 2000 /* of a probe, which is repeated once in that time */

typedef struct EwHealth EwHealth;

/* changed: a probe has changed what a target of the service is like. Borrows both. */
EwHealth *ew_services_health_new (EwMesh *mesh, EwFeed *feed, void (*changed) (gpointer user_data, const gchar *id),
                                  gpointer user_data);
void ew_services_health_free (EwHealth *self);
/* The service is new, changed or gone. What is known of targets that it still has is kept. */
void ew_services_health_update (EwHealth *self, const gchar *id);
/* What the last probes said of it: UNKNOWN, ANSWERS … UNREACHABLE. */
EwTargetState ew_services_health_get (EwHealth *self, const gchar *id, guint index, gint64 *since_us);
/* Probes all of its targets that are online; done is called once, later: also where there are none. */
void ew_services_health_check (EwHealth *self, const gchar *id, void (*done) (gpointer data), gpointer data);

G_END_DECLS
