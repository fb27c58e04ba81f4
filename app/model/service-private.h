/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the topology fills services from the JSON of other machines, of which nothing is trusted.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "service.h"

G_BEGIN_DECLS

EwService *ew_service_new (const gchar *id);
void ew_service_update (EwService *self, JsonObject *object);
/* How far this computer's clock is ahead of the edge's, in µs; for the following times. */
void ew_service_set_clock (EwService *self, gint64 ahead_us);
/* What is known of it is of this time, µs since the epoch; 0: of now. */
void ew_service_set_as_of (EwService *self, gint64 realtime_us);

G_END_DECLS
