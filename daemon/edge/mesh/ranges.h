/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's address ranges. One IPv4 range (by default 100.96.0.0/12) and one IPv6 /48 (by default a ULA drawn at
 * random); a node's two addresses are the same place in both: the offset 0x0102 is 100.96.1.2 and fdXX:XXXX:XXXX:1::2.
 * The first 256 offsets are the edges', the first of them the service address on every edge; the last 65,536 are
 * services'.
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_RANGES_DEFAULT_IPV4 "100.96.0.0/12"
#define EW_RANGES_FIRST_OFFSET 257 /* the first node's: 100.96.1.1 */

typedef struct
{
  EwPrefix v4; /* /8 … /23 */
  EwPrefix v6; /* /48 */
} EwRanges;

/* NULL: the default, or drawn at random. EW_ERROR_INVALID_ARGUMENT names the rule that is broken. */
gboolean ew_mesh_ranges_make (const gchar *ipv4, const gchar *ipv6, EwRanges *out,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The service address: IPv4, IPv6. */
void ew_mesh_ranges_service (const EwRanges *ranges, EwIp out[2]);
/* How many offsets there are, the edges' included. */
guint32 ew_mesh_ranges_count (const EwRanges *ranges);
/* FALSE: this offset is never a node's (the edges', or an IPv4 address that ends in 0 or 255, which some software
 * treats as a network). */
gboolean ew_mesh_ranges_at (const EwRanges *ranges, guint32 offset, EwIp out[2]);

/* Services have the range's last /16, which no node gets addresses from where the range has four or more; in a smaller
 * one both have the same addresses, nodes from the beginning and services from the end. In IPv6 they have the /64
 * "ffff": 100.111.0.5 is fdXX:XXXX:XXXX:ffff::5. */
guint32 ew_mesh_ranges_count_services (const EwRanges *ranges);
/* The place with this number, 0 … count - 1. FALSE: it's never a service's. */
gboolean ew_mesh_ranges_service_at (const EwRanges *ranges, guint32 number, EwIp out[2]);
/* The edges' addresses, and those that some software takes for a network's: no node or service gets them. ip is inside the
 * ranges. */
gboolean ew_mesh_ranges_is_reserved (const EwRanges *ranges, const EwIp *ip);

G_END_DECLS
