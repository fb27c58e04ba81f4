/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the mesh to the DNS server: tells it who has which name and address, and every change of that, at once.
 */
#pragma once

#include "edge/dns/server.h"
#include "edge/mesh/mesh.h"

G_BEGIN_DECLS

typedef struct EwDnsRecords EwDnsRecords;

/* Sends the zone with all nodes, and then what changes. Both outlive it. */
EwDnsRecords *ew_dns_records_new (EwMesh *mesh, EwDnsServer *server);
void ew_dns_records_free (EwDnsRecords *self);

G_END_DECLS
