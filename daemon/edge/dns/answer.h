/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a query's bytes to an answer's, wherever they came from. Pure.
 */
#pragma once

#include "edge/dns/zone.h"

G_BEGIN_DECLS

#define EW_DNS_OWN_ANSWER_MAX EW_DNS_UDP_MAX /* bytes; the zone's answers are never longer, not even via TCP */

typedef enum
{
  EW_DNS_VERDICT_DROP,   /* nothing is answered */
  EW_DNS_VERDICT_ANSWER, /* out has the answer */
  EW_DNS_VERDICT_FORWARD, /* the name isn't in the mesh's zones; out holds REFUSED, which is sent if there is no forwarder */
} EwDnsVerdict;

/* query is filled, and borrows wire. zone may be NULL: it is not known yet, and SERVFAIL is answered. out takes
 * EW_DNS_OWN_ANSWER_MAX bytes. */
EwDnsVerdict ew_dns_answer (EwDnsZone *zone, const guint8 *wire, gsize len, gboolean tcp, EwDnsQuery *query,
                            guint8 *out, gsize *out_len);

G_END_DECLS
