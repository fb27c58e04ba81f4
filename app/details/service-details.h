/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The details panel's page of a service: where callers reach it, and how each of its targets is doing. They are probed
 * when the page is opened, and on request.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Signal: "chosen" (GObject): the person wants to see that node. */
#define EW_TYPE_SERVICE_DETAILS (ew_service_details_get_type ())
G_DECLARE_FINAL_TYPE (EwServiceDetails, ew_service_details, EW, SERVICE_DETAILS, AdwBin)

void ew_service_details_set_model (EwServiceDetails *self, EwDaemon *daemon, EwTopology *topology); /* once */
void ew_service_details_set_service (EwServiceDetails *self, EwService *service);                   /* NULL: none */

G_END_DECLS
