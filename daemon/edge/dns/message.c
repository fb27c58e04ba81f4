/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/message.h"

#include <string.h>

#define OPT_LENGTH 11 /* root, type, size, extended code and flags, no options: RFC 6891, 6.1.2 */
#define BADVERS 16    /* RFC 6891, 9 */
#define DNSSEC_OK 0x8000u

/* The OPT records that an answer can end with, indexed by the upper part of its code (0, 1) and by DO. */
static guint8 opts[2][2][OPT_LENGTH];

static void
make_opt (guint extended, gboolean dnssec_ok)
{
  ldns_pkt *packet = ldns_pkt_new ();
  guint8 *wire = NULL;
  size_t len = 0;

  ldns_pkt_set_edns_udp_size (packet, EW_DNS_UDP_MAX);
  ldns_pkt_set_edns_extended_rcode (packet, (guint8)extended);
  ldns_pkt_set_edns_do (packet, dnssec_ok);
  if (ldns_pkt2wire (&wire, packet, &len) != LDNS_STATUS_OK || len != LDNS_HEADER_SIZE + OPT_LENGTH)
    g_error ("ldns makes no OPT record");
  memcpy (opts[extended][dnssec_ok], wire + LDNS_HEADER_SIZE, OPT_LENGTH);
  LDNS_FREE (wire);
  ldns_pkt_free (packet);
}

static const guint8 *
get_opt (guint extended, gboolean dnssec_ok)
{
  static gsize made = 0;

  if (g_once_init_enter (&made))
    {
      for (guint i = 0; i < 4; i++)
        make_opt (i / 2, i % 2);
      g_once_init_leave (&made, 1);
    }
  return opts[MIN (extended, 1)][dnssec_ok != FALSE];
}

/* A question's name is the first in a message, so nothing comes before it that a pointer could refer to. */
static gboolean
read_question (EwDnsQuery *self, gsize len, gsize *pos)
{
  ldns_rdf *name = NULL;

  if (ldns_wire2dname (&name, self->wire, len, pos) != LDNS_STATUS_OK)
    return FALSE;
  gsize name_len = ldns_rdf_size (name);
  gboolean good
    = name_len <= EW_DNS_NAME_MAX && *pos == LDNS_HEADER_SIZE + name_len && *pos + 2 * sizeof (guint16) <= len;
  if (good)
    {
      ldns_dname2canonical (name);
      memcpy (self->name, ldns_rdf_data (name), name_len);
      self->name_len = (guint16)name_len;
      self->type = ldns_read_uint16 (self->wire + *pos);
      self->class = ldns_read_uint16 (self->wire + *pos + 2);
      self->question_len = (guint16)(name_len + 2 * sizeof (guint16));
      *pos += 2 * sizeof (guint16);
    }
  ldns_rdf_deep_free (name);
  return good;
}

/* One OPT record, owned by the root; its options aren't parsed here. */
static gboolean
read_opt (EwDnsQuery *self, const ldns_rr *rr, guint *version)
{
  guint32 flags = ldns_rr_ttl (rr);

  if (self->edns || ldns_rdf_size (ldns_rr_owner (rr)) != 1)
    return FALSE;
  self->edns = TRUE;
  self->size = CLAMP ((guint16)ldns_rr_get_class (rr), EW_DNS_UDP_MIN, EW_DNS_UDP_MAX);
  self->dnssec_ok = (flags & DNSSEC_OK) != 0;
  *version = flags >> 16 & 0xff;
  return TRUE;
}

/* TSIG and SIG(0) are for transfers and updates, which this server doesn't offer. RFC 8945, 5.2: a server that doesn't
 * understand them answers FORMERR. */
static gboolean
read_additional (EwDnsQuery *self, gsize len, gsize *pos, guint *version)
{
  guint n = LDNS_ARCOUNT (self->wire);
  gboolean good = TRUE;

  for (guint i = 0; i < n && good; i++)
    {
      ldns_rr *rr = NULL;

      if (ldns_wire2rr (&rr, self->wire, len, pos, LDNS_SECTION_ADDITIONAL) != LDNS_STATUS_OK)
        return FALSE;
      if (ldns_rr_get_type (rr) == LDNS_RR_TYPE_OPT)
        good = read_opt (self, rr, version);
      else
        good = ldns_rr_get_type (rr) != LDNS_RR_TYPE_TSIG;
      ldns_rr_free (rr);
    }
  return good;
}

static EwDnsCheck
refuse (guint *rcode, guint why)
{
  *rcode = why;
  return EW_DNS_CHECK_REFUSE;
}

EwDnsCheck
ew_dns_query_read (EwDnsQuery *self, const guint8 *wire, gsize len, guint *rcode)
{
  gsize pos = LDNS_HEADER_SIZE;
  guint version = 0;

  self->wire = wire;
  self->question_len = self->name_len = 0;
  self->edns = self->dnssec_ok = FALSE;
  self->size = EW_DNS_UDP_MIN;
  if (len < LDNS_HEADER_SIZE || LDNS_QR_WIRE (wire))
    return EW_DNS_CHECK_DROP;
  if (LDNS_OPCODE_WIRE (wire) != LDNS_PACKET_QUERY)
    return refuse (rcode, LDNS_RCODE_NOTIMPL);
  if (LDNS_QDCOUNT (wire) != 1 || !read_question (self, len, &pos))
    return refuse (rcode, LDNS_RCODE_FORMERR);
  if (self->type == LDNS_RR_TYPE_AXFR || self->type == LDNS_RR_TYPE_IXFR)
    return refuse (rcode, LDNS_RCODE_REFUSED);
  if (LDNS_ANCOUNT (wire) != 0 || LDNS_NSCOUNT (wire) != 0 || !read_additional (self, len, &pos, &version)
      || pos != len)
    return refuse (rcode, LDNS_RCODE_FORMERR);
  if (version != 0)
    return refuse (rcode, BADVERS);
  if (self->class != LDNS_RR_CLASS_IN)
    return refuse (rcode, LDNS_RCODE_REFUSED);
  /* Type 0 and the meta types, except ANY (RFC 6895, 3.1). */
  if (self->type == 0 || self->type == LDNS_RR_TYPE_OPT || (self->type >= 128 && self->type < LDNS_RR_TYPE_ANY))
    return refuse (rcode, LDNS_RCODE_NOTIMPL);
  return EW_DNS_CHECK_GOOD;
}

gboolean
ew_dns_query_wants_recursion (const EwDnsQuery *self)
{
  return LDNS_RD_WIRE (self->wire) != 0;
}

static void
write_header (const EwDnsQuery *query, const EwDnsBody *body, guint8 *out)
{
  memset (out, 0, LDNS_HEADER_SIZE);
  LDNS_ID_SET (out, LDNS_ID_WIRE (query->wire));
  LDNS_QR_SET (out);
  LDNS_OPCODE_SET (out, LDNS_OPCODE_WIRE (query->wire));
  LDNS_RA_SET (out);
  LDNS_RCODE_SET (out, body->rcode & LDNS_RCODE_MASK);
  if (body->authoritative)
    LDNS_AA_SET (out);
  if (LDNS_RD_WIRE (query->wire))
    LDNS_RD_SET (out);
  if (LDNS_CD_WIRE (query->wire))
    LDNS_CD_SET (out);
  ldns_write_uint16 (out + LDNS_QDCOUNT_OFF, query->question_len > 0);
  ldns_write_uint16 (out + LDNS_ARCOUNT_OFF, query->edns != FALSE);
}

gsize
ew_dns_answer_write (const EwDnsQuery *query, const EwDnsBody *body, guint8 *out, gsize limit)
{
  gsize used = LDNS_HEADER_SIZE + query->question_len, opt_len = query->edns ? OPT_LENGTH : 0;

  write_header (query, body, out);
  memcpy (out + LDNS_HEADER_SIZE, query->wire + LDNS_HEADER_SIZE, query->question_len);
  if (used + body->len + opt_len > limit)
    LDNS_TC_SET (out);
  else if (body->len > 0)
    {
      ldns_write_uint16 (out + LDNS_ANCOUNT_OFF, body->answers);
      ldns_write_uint16 (out + LDNS_NSCOUNT_OFF, body->authorities);
      memcpy (out + used, body->records, body->len);
      used += body->len;
    }
  if (query->edns)
    memcpy (out + used, get_opt (body->rcode >> 4, query->dnssec_ok), OPT_LENGTH);
  return used + opt_len;
}

gsize
ew_dns_answer_cut (const EwDnsQuery *query, const guint8 *answer, gsize len, guint8 *out)
{
  const EwDnsBody none = { 0 };

  if (len < LDNS_HEADER_SIZE || !LDNS_QR_WIRE (answer) || LDNS_ID_WIRE (answer) != LDNS_ID_WIRE (query->wire))
    return 0;
  gsize used = ew_dns_answer_write (query, &none, out, EW_DNS_UDP_MIN);
  LDNS_TC_SET (out);
  LDNS_RCODE_SET (out, LDNS_RCODE_WIRE (answer));
  if (LDNS_AA_WIRE (answer))
    LDNS_AA_SET (out);
  return used;
}
