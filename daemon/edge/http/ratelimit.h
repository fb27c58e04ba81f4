/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Token buckets by source address: an IPv4 address or an IPv6 /64. Bounded in memory whatever is sent.
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

typedef struct EwRateLimit EwRateLimit;

/* burst at once, then one more every refill_us; at most max addresses are remembered. */
EwRateLimit *ew_http_rate_limit_new (guint burst, gint64 refill_us, guint max);
void ew_http_rate_limit_free (EwRateLimit *self);
/* Whether ip has anything left; takes nothing. *wait_us (may be NULL): until it has. now_us: monotonic. */
gboolean ew_http_rate_limit_check (EwRateLimit *self, const EwIp *ip, gint64 now_us, gint64 *wait_us);
void ew_http_rate_limit_take (EwRateLimit *self, const EwIp *ip, gint64 now_us);
/* What was taken is given back. */
void ew_http_rate_limit_give (EwRateLimit *self, const EwIp *ip);

G_END_DECLS
