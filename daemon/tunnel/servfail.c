/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/servfail.h"

#include <ldns/ldns.h>

#include "proto/stand-in.h"

#define DNS_PORT 53

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

static size_t
answer_udp (uint8_t *packet, size_t len, const uint8_t *query, size_t length)
{
  ldns_pkt *failure = make_failure (query, length);
  uint8_t *wire = NULL;
  size_t size = 0, result = 0;

  if (failure == NULL)
    return 0;
  if (ldns_pkt2wire (&wire, failure, &size) == LDNS_STATUS_OK)
    result = ew_stand_in_answer_udp (packet, len, wire, size);
  LDNS_FREE (wire);
  ldns_pkt_free (failure);
  return result;
}

size_t
ew_servfail_answer (uint8_t *packet, size_t len)
{
  const uint8_t *query;
  size_t length;

  if (ew_stand_in_read_udp (packet, len, DNS_PORT, &query, &length))
    return answer_udp (packet, len, query, length);
  return ew_stand_in_reset_tcp (packet, len, DNS_PORT);
}
