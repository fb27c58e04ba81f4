/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages of the forwarder: what a node asked, and answers to it. Wire format by ldns alone. Pure: bytes in, bytes
 * out.
 *
 * What is kept of a question and what of a resolver's answer:
 *
 *   ID, question   the asker's, in its own case (0x20)
 *   RD, CD         as asked. The resolver is never asked with CD, so it decides what is bogus (SERVFAIL)
 *   RA             1
 *   AA             0; 1 in what is answered here
 *   AD             0. The path to the resolver isn't secured, so its claim that an answer is authentic can't be trusted
 *                  (RFC 4035, 4.9.3). Validation is up to the asker: with DO the signatures come
 *   DO             as asked; without it RRSIG, NSEC and NSEC3 stay away unless they were asked for (RFC 4035, 3.2.1)
 *   EDNS           an OPT record where the question had one, with an extended error (RFC 8914) on failure
 */
#pragma once

#include <gio/gio.h>
#include <ldns/ldns.h>

G_BEGIN_DECLS

#define EW_DNS_UDP_SIZE 1232 /* what the forwarder says it accepts: DNS flag day 2020, no fragments */
#define EW_DNS_EXTRA_TEXT_MAX 160

typedef struct
{
  ldns_rr *record; /* name, type, class */
  gchar *name;     /* the name as text, in the asker's case, with the final dot */
  guint16 type;
  guint16 id;
  gboolean rd, cd, edns, dnssec_ok;
} EwDnsQuestion;

/* NULL: no question that could be answered. (transfer full) */
EwDnsQuestion *ew_dns_question_parse (const guint8 *query, gsize len);
void ew_dns_question_free (EwDnsQuestion *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwDnsQuestion, ew_dns_question_free)

/* Types that no answer can have: transfers, and those of the protocol itself (RFC 6895, 3.1). ANY is a question. */
gboolean ew_dns_question_is_meta (const EwDnsQuestion *self);

/* Each a whole message, (transfer full). */

/* What a resolver answered. NULL: it isn't a message, or one that fails without saying so. */
GBytes *ew_dns_reply_relay (const EwDnsQuestion *self, const guint8 *answer, gsize len);
/* extended: RFC 8914; text: a few English words for people, cut at EW_DNS_EXTRA_TEXT_MAX bytes. */
GBytes *ew_dns_reply_failure (const EwDnsQuestion *self, ldns_pkt_rcode rcode, ldns_edns_ede_code extended,
                              const gchar *text);
/* NXDOMAIN, or with exists NODATA, from a zone that is answered here. zone: without the final dot. */
GBytes *ew_dns_reply_absent (const EwDnsQuestion *self, const gchar *zone, gboolean exists);
/* Of localhost and the names below. */
GBytes *ew_dns_reply_localhost (const EwDnsQuestion *self);

G_END_DECLS
