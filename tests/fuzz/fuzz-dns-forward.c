/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The forwarder's messages: the first byte is the question's length, the rest is a resolver's answer to it.
 */
#include <string.h>
#include "edge/dns/forward-message.h"
#include "edge/dns/special.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* Whatever was read, the result is a valid message with the asker's ID and question. */
static void
check (const EwDnsQuestion *question, GBytes *answer)
{
  gsize len;
  const guint8 *data;
  ldns_pkt *packet = NULL;
  if (answer == NULL)
    return;
  data = g_bytes_get_data (answer, &len);
  g_assert_cmpint (ldns_wire2pkt (&packet, data, len), ==, LDNS_STATUS_OK);
  g_assert_cmpuint (ldns_pkt_id (packet), ==, question->id);
  g_assert_true (ldns_pkt_qr (packet) && !ldns_pkt_ad (packet) && !ldns_pkt_tc (packet));
  g_assert_cmpint (ldns_pkt_edns (packet), ==, question->edns);
  g_assert_cmpint (ldns_rr_compare (ldns_rr_list_rr (ldns_pkt_question (packet), 0), question->record), ==, 0);
  ldns_pkt_free (packet);
  g_bytes_unref (answer);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const gsize asked = size > 0 ? MIN (data[0], size - 1) : 0;
  const gsize answered = size > 0 ? size - 1 - asked : 0;
  g_autofree guint8 *query = g_memdup2 (data + (size > 0), asked); /* so that a read beyond it is noticed */
  g_autofree guint8 *reply = g_memdup2 (data + size - answered, answered);
  g_autoptr (EwDnsQuestion) question = ew_dns_question_parse (query, asked);
  EwDnsKinds *kinds;
  const gchar *domain;
  if (question == NULL)
    return 0;
  check (question, ew_dns_reply_relay (question, reply, answered));
  check (question, ew_dns_reply_failure (question, LDNS_RCODE_SERVFAIL, LDNS_EDE_OTHER, "text"));
  check (question, ew_dns_reply_localhost (question));
  kinds = ew_dns_kinds_new ();
  if (ew_dns_kinds_find (kinds, question->name, &domain) == EW_DNS_KIND_ABSENT)
    check (question, ew_dns_reply_absent (question, domain, FALSE));
  ew_dns_question_is_meta (question);
  ew_dns_kinds_free (kinds);
  return 0;
}
