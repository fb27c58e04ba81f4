/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where enrolled nodes have been seen within the last day: when the API is crowded, callers from there come first. An
 * address proves nothing, so nothing else follows from it.
 */
#pragma once

#include "proto/address.h"
#include <glib.h>

G_BEGIN_DECLS

#define EW_KNOWN_ADDRESSES_MAX 65536

typedef struct EwKnownAddresses EwKnownAddresses;

EwKnownAddresses *ew_http_known_addresses_new (void);
void ew_http_known_addresses_free (EwKnownAddresses *self);
/* IPv6 counts by /64. now_us: monotonic. */
void ew_http_known_addresses_add (EwKnownAddresses *self, const EwIp *ip, gint64 now_us);
gboolean ew_http_known_addresses_contain (EwKnownAddresses *self, const EwIp *ip, gint64 now_us);

G_END_DECLS
