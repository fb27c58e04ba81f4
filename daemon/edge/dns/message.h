/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A query's bytes as fields, and the frame of an answer: header, question, OPT record (RFC 1035 4.1, RFC 6891). Names and
 * records are read and written by ldns; what is copied here are whole pieces that ldns has checked or made. Pure.
 */
#pragma once

#include <glib.h>
#include <ldns/ldns.h>

G_BEGIN_DECLS

#define EW_DNS_QUERY_MAX 4096 /* bytes; a real one has some hundred at most */
#define EW_DNS_NAME_MAX 255   /* bytes on the wire, the root's zero included: RFC 1035, 2.3.4 */
#define EW_DNS_UDP_MIN 512    /* what everybody takes: RFC 1035, 2.3.4 */
#define EW_DNS_UDP_MAX 1232   /* and never more via UDP: no fragments, DNS flag day 2020 */
#define EW_DNS_LABELS_MAX 128

typedef struct
{
  const guint8 *wire; /* borrowed: as long as the query's bytes */
  guint16 type, class;
  guint16 question_len; /* bytes of name, type and class; 0: it could not be read */
  gboolean edns, dnssec_ok;
  guint16 size;                 /* of an answer via UDP that the asker accepts; EW_DNS_UDP_MIN … EW_DNS_UDP_MAX */
  guint8 name[EW_DNS_NAME_MAX]; /* lower case, as on the wire */
  guint16 name_len;
} EwDnsQuery;

typedef enum
{
  EW_DNS_CHECK_GOOD,
  EW_DNS_CHECK_DROP,  /* no query: answering could make two servers talk forever */
  EW_DNS_CHECK_REFUSE /* answer with *rcode alone */
} EwDnsCheck;

/* Reads a query of len bytes. *rcode (set with EW_DNS_CHECK_REFUSE): FORMERR, NOTIMP, REFUSED, or 16 for BADVERS. */
EwDnsCheck ew_dns_query_read (EwDnsQuery *self, const guint8 *wire, gsize len, guint *rcode);
gboolean ew_dns_query_wants_recursion (const EwDnsQuery *self);

/* What is between the question and the OPT record: records of ldns' making, and how many of each section. */
typedef struct
{
  const guint8 *records;
  gsize len;
  guint16 answers, authorities;
  guint rcode; /* extended: up to 4095 */
  gboolean authoritative;
} EwDnsBody;

/* Writes an answer of at most limit bytes; where body does not fit, it is left out and TC is set. limit is at least
 * EW_DNS_UDP_MIN. Returns its length. */
gsize ew_dns_answer_write (const EwDnsQuery *query, const EwDnsBody *body, guint8 *out, gsize limit);
/* Truncates a forwarder's answer for UDP: its header with TC, the question and the OPT record. out has room for
 * EW_DNS_UDP_MIN bytes. Returns the length; 0: answer doesn't answer this query. */
gsize ew_dns_answer_cut (const EwDnsQuery *query, const guint8 *answer, gsize len, guint8 *out);

G_END_DECLS
