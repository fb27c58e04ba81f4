/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/servfail.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/stand-in.h"

#define DNS_PORT 53
#define TTL 5 /* seconds: once the tunnel works, the name is looked up again */

/* The question alone, with "I failed" around it. NULL: query isn't a question. (ldns_pkt_free) */
static ldns_pkt *
make_failure (const uint8_t *query, size_t length)
{
  ldns_pkt *packet = NULL;

  if (ldns_wire2pkt (&packet, query, length) != LDNS_STATUS_OK)
    return NULL;
  if (ldns_pkt_qr (packet) || ldns_pkt_qdcount (packet) != 1)
    {
      ldns_pkt_free (packet);
      return NULL;
    }
  ldns_rr_list_deep_free (ldns_pkt_answer (packet));
  ldns_rr_list_deep_free (ldns_pkt_authority (packet));
  ldns_rr_list_deep_free (ldns_pkt_additional (packet));
  ldns_pkt_set_answer (packet, ldns_rr_list_new ());
  ldns_pkt_set_authority (packet, ldns_rr_list_new ());
  ldns_pkt_set_additional (packet, ldns_rr_list_new ());
  ldns_pkt_set_ancount (packet, 0);
  ldns_pkt_set_nscount (packet, 0);
  ldns_pkt_set_arcount (packet, 0);
  ldns_pkt_set_qr (packet, true);
  ldns_pkt_set_aa (packet, false);
  ldns_pkt_set_tc (packet, false);
  ldns_pkt_set_ra (packet, true);
  ldns_pkt_set_ad (packet, false);
  ldns_pkt_set_rcode (packet, LDNS_RCODE_SERVFAIL);
  return packet;
}

static bool
asks_for (ldns_rr *question, const EwStandInName *known)
{
  char *text = ldns_rdf2str (ldns_rr_owner (question));
  size_t length = text != NULL ? strlen (text) : 0;

  if (length > 0 && text[length - 1] == '.')
    text[--length] = '\0';
  bool same = length > 0 && strcasecmp (text, known->name) == 0;
  free (text);
  return same;
}

static void
add_address (ldns_pkt *packet, const ldns_rr *question, const EwIp *ip)
{
  ldns_rr *record = ldns_rr_new ();

  ldns_rr_set_owner (record, ldns_rdf_clone (ldns_rr_owner (question)));
  ldns_rr_set_type (record, ldns_rr_get_type (question));
  ldns_rr_set_class (record, LDNS_RR_CLASS_IN);
  ldns_rr_set_ttl (record, TTL);
  ldns_rr_push_rdf (record, ldns_rdf_new_frm_data (ip->family == EW_FAMILY_V4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA,
                                                   ew_ip_size (ip), ip->bytes));
  if (!ldns_pkt_push_rr (packet, LDNS_SECTION_ANSWER, record))
    ldns_rr_free (record);
}

/* The failure becomes an answer where the name is known. */
static void
answer_known (ldns_pkt *failure, const EwStandInName *known)
{
  ldns_rr *question = ldns_rr_list_rr (ldns_pkt_question (failure), 0);

  if (known->name[0] == '\0' || ldns_rr_get_class (question) != LDNS_RR_CLASS_IN || !asks_for (question, known))
    return;
  ldns_pkt_set_rcode (failure, LDNS_RCODE_NOERROR);
  for (unsigned i = 0; i < known->n_addresses; i++)
    if (ldns_rr_get_type (question)
        == (known->addresses[i].family == EW_FAMILY_V4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA))
      add_address (failure, question, &known->addresses[i]);
}

static size_t
answer_udp (uint8_t *packet, size_t len, size_t room, const EwStandInName *known, const uint8_t *query, size_t length)
{
  ldns_pkt *failure = make_failure (query, length);
  uint8_t *wire = NULL;
  size_t size = 0, result = 0;

  if (failure == NULL)
    return 0;
  answer_known (failure, known);
  if (ldns_pkt2wire (&wire, failure, &size) == LDNS_STATUS_OK)
    result = ew_stand_in_answer_udp (packet, len, room, wire, size);
  LDNS_FREE (wire);
  ldns_pkt_free (failure);
  return result;
}

size_t
ew_servfail_answer (uint8_t *packet, size_t len, size_t room, const EwStandInName *known)
{
  const uint8_t *query;
  size_t length;

  if (ew_stand_in_read_udp (packet, len, DNS_PORT, &query, &length))
    return answer_udp (packet, len, room, known, query, length);
  return ew_stand_in_reset_tcp (packet, len, DNS_PORT);
}
