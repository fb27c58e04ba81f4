/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A query as a node sends it, by UDP and by TCP: what is answered is a message that ldns can read, to that question. And
 * the same bytes as a forwarder's answer that is cut to fit.
 */
#include <string.h>
#include "edge/dns/answer.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static EwDnsZone *
make_zone (void)
{
  static const gchar *const edge_names[] = { "edge", NULL }, *const names[] = { "nas", "files", NULL };
  EwDnsHostSpec edge = { .id = "", .names = edge_names }, nas = { .id = "n1", .names = names };
  EwPrefix ranges[2];
  g_assert_true (ew_prefix_parse ("100.96.0.0/12", &ranges[0], NULL)
                 && ew_prefix_parse ("fd12:3456:789a::/48", &ranges[1], NULL));
  g_assert_true (ew_ip_parse ("100.96.0.1", &edge.addresses[0]) && ew_ip_parse ("100.96.1.1", &nas.addresses[0])
                 && ew_ip_parse ("fd12:3456:789a:1::101", &nas.addresses[1]));
  EwDnsZone *zone = ew_dns_zone_new ("home.internal", ranges, 1);
  ew_dns_zone_set_host (zone, &edge);
  ew_dns_zone_set_host (zone, &nas);
  return zone;
}

static void
check_answer (const guint8 *query, const guint8 *answer, gsize len)
{
  ldns_pkt *packet = NULL;
  g_assert_cmpint (ldns_wire2pkt (&packet, answer, len), ==, LDNS_STATUS_OK);
  g_assert_true (ldns_pkt_qr (packet) && !LDNS_QR_WIRE (query));
  g_assert_cmpuint (ldns_pkt_id (packet), ==, LDNS_ID_WIRE (query));
  g_assert_cmpuint (ldns_pkt_get_opcode (packet), ==, LDNS_OPCODE_WIRE (query));
  ldns_pkt_free (packet);
}

static void
cut_answer (const guint8 *data, size_t size)
{
  static const guint8 wire[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1"; /* its NUL is left out */
  guint8 cut[EW_DNS_UDP_MIN];
  EwDnsQuery query;
  guint rcode;
  g_assert_cmpint (ew_dns_query_read (&query, wire, sizeof wire - 1, &rcode), ==, EW_DNS_CHECK_GOOD);
  gsize len = ew_dns_answer_cut (&query, data, size, cut);
  if (len > 0)
    check_answer (wire, cut, len);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static EwDnsZone *zone = NULL;
  guint8 answer[EW_DNS_OWN_ANSWER_MAX];
  EwDnsQuery query;
  gsize len = 0;
  if (zone == NULL)
    zone = make_zone ();
  for (gint tcp = 0; tcp < 2; tcp++)
    if (size <= EW_DNS_QUERY_MAX && ew_dns_answer (zone, data, size, tcp, &query, answer, &len) != EW_DNS_VERDICT_DROP)
      {
        g_assert_cmpuint (len, <=, tcp ? EW_DNS_OWN_ANSWER_MAX : query.size);
        check_answer (data, answer, len);
      }
  cut_answer (data, size);
  return 0;
}
