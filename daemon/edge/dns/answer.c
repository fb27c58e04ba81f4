/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/answer.h"

EwDnsVerdict
ew_dns_answer (EwDnsZone *zone, const guint8 *wire, gsize len, gboolean tcp, EwDnsQuery *query, guint8 *out,
               gsize *out_len)
{
  EwDnsVerdict verdict = EW_DNS_VERDICT_ANSWER;
  EwDnsBody body = { 0 };

  switch (ew_dns_query_read (query, wire, len, &body.rcode))
    {
    case EW_DNS_CHECK_DROP:
      return EW_DNS_VERDICT_DROP;
    case EW_DNS_CHECK_REFUSE:
      break;
    case EW_DNS_CHECK_GOOD:
      if (zone == NULL)
        body.rcode = LDNS_RCODE_SERVFAIL;
      else if (!ew_dns_zone_answer (zone, query, &body))
        {
          /* What others asked before is private, so a query that doesn't ask for recursion isn't answered from the
             cache. */
          verdict = ew_dns_query_wants_recursion (query) ? EW_DNS_VERDICT_FORWARD : EW_DNS_VERDICT_ANSWER;
          body = (EwDnsBody){ .rcode = LDNS_RCODE_REFUSED };
        }
      break;
    }
  *out_len = ew_dns_answer_write (query, &body, out, tcp ? EW_DNS_OWN_ANSWER_MAX : query->size);
  return verdict;
}
