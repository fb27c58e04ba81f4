/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/forward-message.h"

#include <string.h>

#define QUESTION_MAX 4096 /* a name, and options that aren't read */
#define ABSENT_TTL 10800  /* RFC 6303, 3 */

void
ew_dns_question_free (EwDnsQuestion *self)
{
  if (self == NULL)
    return;
  ldns_rr_free (self->record);
  g_free (self->name);
  g_free (self);
}

static gboolean
is_question (const ldns_pkt *packet)
{
  return !ldns_pkt_qr (packet) && ldns_pkt_get_opcode (packet) == LDNS_PACKET_QUERY && ldns_pkt_qdcount (packet) == 1
         && ldns_pkt_ancount (packet) == 0 && ldns_pkt_nscount (packet) == 0
         && ldns_rr_list_rr_count (ldns_pkt_question (packet)) == 1;
}

EwDnsQuestion *
ew_dns_question_parse (const guint8 *query, gsize len)
{
  ldns_pkt *packet = NULL;
  if (len > QUESTION_MAX || ldns_wire2pkt (&packet, query, len) != LDNS_STATUS_OK)
    return NULL;
  EwDnsQuestion *self = NULL;
  if (is_question (packet))
    {
      const ldns_rr *record = ldns_rr_list_rr (ldns_pkt_question (packet), 0);
      char *name = ldns_rdf2str (ldns_rr_owner (record));
      self = g_new0 (EwDnsQuestion, 1);
      self->record = ldns_rr_clone (record);
      self->name = g_strdup (name);
      self->type = (guint16)ldns_rr_get_type (record);
      self->id = ldns_pkt_id (packet);
      self->rd = ldns_pkt_rd (packet) != 0;
      self->cd = ldns_pkt_cd (packet) != 0;
      self->edns = ldns_pkt_edns (packet) != 0;
      self->dnssec_ok = ldns_pkt_edns_do (packet) != 0;
      free (name);
    }
  ldns_pkt_free (packet);
  if (self && (self->record == NULL || self->name == NULL || ldns_rr_get_class (self->record) != LDNS_RR_CLASS_IN))
    g_clear_pointer (&self, ew_dns_question_free);
  return self;
}

gboolean
ew_dns_question_is_meta (const EwDnsQuestion *self)
{
  return self->type == 0 || self->type == LDNS_RR_TYPE_OPT || (self->type >= 128 && self->type < LDNS_RR_TYPE_ANY);
}

/* Header, question and OPT as the asker's question wants them. */
static void
dress (const EwDnsQuestion *self, ldns_pkt *packet)
{
  ldns_pkt_set_id (packet, self->id);
  ldns_pkt_set_qr (packet, true);
  ldns_pkt_set_opcode (packet, LDNS_PACKET_QUERY);
  ldns_pkt_set_rd (packet, self->rd);
  ldns_pkt_set_ra (packet, true);
  ldns_pkt_set_tc (packet, false);
  ldns_pkt_set_ad (packet, false);
  ldns_pkt_set_cd (packet, self->cd);
  ldns_pkt_set_edns_do (packet, self->edns && self->dnssec_ok);
  ldns_pkt_set_edns_udp_size (packet, self->edns ? EW_DNS_UDP_SIZE : 0);
}

static GBytes *
to_bytes (const ldns_pkt *packet)
{
  uint8_t *wire = NULL;
  size_t len = 0;
  if (ldns_pkt2wire (&wire, packet, &len) != LDNS_STATUS_OK)
    return NULL;
  return g_bytes_new_with_free_func (wire, len, free, wire);
}

static gboolean
is_unwanted (const EwDnsQuestion *self, const ldns_rr *record)
{
  const ldns_rr_type type = ldns_rr_get_type (record);
  return !self->dnssec_ok && type != self->type && self->type != LDNS_RR_TYPE_ANY
         && (type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC || type == LDNS_RR_TYPE_NSEC3);
}

/* A message without records. */
static ldns_pkt *
make_empty (const EwDnsQuestion *self, ldns_pkt_rcode rcode)
{
  ldns_pkt *packet = ldns_pkt_new ();
  ldns_pkt_push_rr (packet, LDNS_SECTION_QUESTION, ldns_rr_clone (self->record));
  ldns_pkt_set_rcode (packet, (uint8_t)rcode);
  dress (self, packet);
  return packet;
}

static GBytes *
finish (ldns_pkt *packet)
{
  GBytes *bytes = to_bytes (packet);
  ldns_pkt_free (packet);
  return bytes;
}

static void
take_records (const EwDnsQuestion *self, ldns_pkt *packet, ldns_pkt_section section, const ldns_rr_list *records)
{
  for (size_t i = 0; i < ldns_rr_list_rr_count (records); i++)
    if (!is_unwanted (self, ldns_rr_list_rr (records, i)))
      ldns_pkt_push_rr (packet, section, ldns_rr_clone (ldns_rr_list_rr (records, i)));
}

/* A new message: of one that was read, ldns 1.8 keeps the OPT record, whatever it is told. */
GBytes *
ew_dns_reply_relay (const EwDnsQuestion *self, const guint8 *answer, gsize len)
{
  ldns_pkt *read = NULL;
  if (ldns_wire2pkt (&read, answer, len) != LDNS_STATUS_OK)
    return NULL;
  ldns_pkt *packet = make_empty (self, ldns_pkt_get_rcode (read));
  take_records (self, packet, LDNS_SECTION_ANSWER, ldns_pkt_answer (read));
  take_records (self, packet, LDNS_SECTION_AUTHORITY, ldns_pkt_authority (read));
  take_records (self, packet, LDNS_SECTION_ADDITIONAL, ldns_pkt_additional (read));
  ldns_pkt_free (read);
  return finish (packet);
}

static void
add_extended_error (ldns_pkt *packet, guint16 code, const gchar *text)
{
  guint8 data[2 + EW_DNS_EXTRA_TEXT_MAX];
  gsize length = strnlen (text, EW_DNS_EXTRA_TEXT_MAX);
  data[0] = (guint8)(code >> 8);
  data[1] = (guint8)code;
  memcpy (data + 2, text, length);
  ldns_edns_option *option = ldns_edns_new_from_data (LDNS_EDNS_EDE, 2 + length, data);
  ldns_edns_option_list *list = ldns_edns_option_list_new ();
  if (option && list && ldns_edns_option_list_push (list, option))
    ldns_pkt_set_edns_option_list (packet, list);
}

GBytes *
ew_dns_reply_failure (const EwDnsQuestion *self, ldns_pkt_rcode rcode, ldns_edns_ede_code extended, const gchar *text)
{
  ldns_pkt *packet = make_empty (self, rcode);
  if (self->edns)
    add_extended_error (packet, (guint16)extended, text);
  return finish (packet);
}

/* RFC 6303, 3: so that it is kept for a while. */
static void
add_soa (ldns_pkt *packet, const gchar *zone)
{
  g_autofree gchar *text
    = g_strdup_printf ("%s. %d IN SOA %s. nobody.invalid. 1 3600 1200 604800 %d", zone, ABSENT_TTL, zone, ABSENT_TTL);
  ldns_rr *soa = NULL;
  if (ldns_rr_new_frm_str (&soa, text, 0, NULL, NULL) == LDNS_STATUS_OK)
    ldns_pkt_push_rr (packet, LDNS_SECTION_AUTHORITY, soa);
}

GBytes *
ew_dns_reply_absent (const EwDnsQuestion *self, const gchar *zone, gboolean exists)
{
  ldns_pkt *packet = make_empty (self, exists ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN);
  ldns_pkt_set_aa (packet, true);
  add_soa (packet, zone);
  return finish (packet);
}

GBytes *
ew_dns_reply_localhost (const EwDnsQuestion *self)
{
  const gchar *address = self->type == LDNS_RR_TYPE_A ? "127.0.0.1" : self->type == LDNS_RR_TYPE_AAAA ? "::1" : NULL;
  ldns_rdf *value
    = address == NULL
        ? NULL
        : ldns_rdf_new_frm_str (self->type == LDNS_RR_TYPE_A ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, address);
  if (value == NULL)
    return ew_dns_reply_absent (self, "localhost", TRUE);
  ldns_pkt *packet = make_empty (self, LDNS_RCODE_NOERROR);
  ldns_rr *record = ldns_rr_new_frm_type ((ldns_rr_type)self->type);
  ldns_rr_set_owner (record, ldns_rdf_clone (ldns_rr_owner (self->record)));
  ldns_rr_set_ttl (record, ABSENT_TTL);
  ldns_rdf_deep_free (ldns_rr_set_rdf (record, value, 0));
  ldns_pkt_push_rr (packet, LDNS_SECTION_ANSWER, record);
  ldns_pkt_set_aa (packet, true);
  return finish (packet);
}
