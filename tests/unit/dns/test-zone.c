/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's names without sockets: what is answered to which bytes.
 */
#include <string.h>
#include "edge/dns/answer.h"

#define SUFFIX "home.internal"
#define NOW_US G_GINT64_CONSTANT (1000000)

typedef struct
{
  EwDnsZone *zone;
  guint8 query[EW_DNS_QUERY_MAX], answer[EW_DNS_OWN_ANSWER_MAX];
  gsize query_len, answer_len;
  ldns_pkt *packet; /* the answer as ldns reads it */
} Fixture;

static EwIp
ip (const gchar *text)
{
  EwIp result = { 0 };
  if (text)
    g_assert_true (ew_ip_parse (text, &result));
  return result;
}

static void
set_host (EwDnsZone *zone, const gchar *id, const gchar *names, const gchar *v4, const gchar *v6)
{
  g_auto (GStrv) list = g_strsplit (names, ",", -1);
  const EwDnsHostSpec spec = { id, (const gchar *const *)list, { ip (v4), ip (v6) } };
  ew_dns_zone_set_host (zone, &spec);
}

static EwDnsZone *
make_zone (void)
{
  EwPrefix ranges[2];
  g_assert_true (ew_prefix_parse ("100.96.0.0/12", &ranges[0], NULL)
                 && ew_prefix_parse ("fd12:3456:789a::/48", &ranges[1], NULL));
  EwDnsZone *zone = ew_dns_zone_new (SUFFIX, ranges, 7);
  g_assert_nonnull (zone);
  set_host (zone, "", "edge,fra", "100.96.0.1", "fd12:3456:789a:1::1");
  set_host (zone, "n1", "nas,files", "100.96.1.1", "fd12:3456:789a:1::101");
  set_host (zone, "n2", "old-printer", "100.111.255.254", NULL);
  return zone;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->zone = make_zone ();
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  ldns_pkt_free (self->packet);
  ew_dns_zone_free (self->zone);
}

/* Sends the bytes in query. */
static EwDnsVerdict
send_bytes (Fixture *self, gboolean tcp)
{
  EwDnsQuery query;
  g_autofree guint8 *exact = g_memdup2 (self->query, self->query_len);
  g_clear_pointer (&self->packet, ldns_pkt_free);
  EwDnsVerdict verdict
    = ew_dns_answer (self->zone, exact, self->query_len, tcp, &query, self->answer, &self->answer_len);
  if (verdict == EW_DNS_VERDICT_DROP)
    return verdict;
  g_assert_cmpint (ldns_wire2pkt (&self->packet, self->answer, self->answer_len), ==, LDNS_STATUS_OK);
  g_assert_true (ldns_pkt_qr (self->packet));
  g_assert_cmpuint (ldns_pkt_id (self->packet), ==, ldns_read_uint16 (self->query));
  return verdict;
}

/* The header (one question, RD) and a question; the name is written as it is given. */
static void
make_query (Fixture *self, const gchar *name, guint type)
{
  static const guint8 header[] = { 0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
  ldns_rdf *rdf = ldns_dname_new_frm_str (name);
  gsize len = ldns_rdf_size (rdf);
  memcpy (self->query, header, sizeof header);
  memcpy (self->query + sizeof header, ldns_rdf_data (rdf), len);
  ldns_write_uint16 (self->query + sizeof header + len, (guint16)type);
  ldns_write_uint16 (self->query + sizeof header + len + 2, LDNS_RR_CLASS_IN);
  self->query_len = sizeof header + len + 4;
  ldns_rdf_deep_free (rdf);
}

static void
append (Fixture *self, const void *bytes, gsize len)
{
  memcpy (self->query + self->query_len, bytes, len);
  self->query_len += len;
}

static void
append_opt (Fixture *self, guint16 size, guint8 version, gboolean dnssec_ok)
{
  guint8 opt[11] = { 0, 0, 41, 0, 0, 0, version, dnssec_ok ? 0x80 : 0, 0, 0, 0 };
  ldns_write_uint16 (opt + 3, size);
  append (self, opt, sizeof opt);
  self->query[11]++;
}

static EwDnsVerdict
ask (Fixture *self, const gchar *name, guint type)
{
  make_query (self, name, type);
  return send_bytes (self, FALSE);
}

/* Asserts that the answer is one record, and that it is this text after name, TTL and class. */
static void
assert_record (Fixture *self, const gchar *name, guint type, const gchar *expected)
{
  g_assert_cmpint (ask (self, name, type), ==, EW_DNS_VERDICT_ANSWER);
  g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, LDNS_RCODE_NOERROR);
  g_assert_true (ldns_pkt_aa (self->packet) && ldns_pkt_rd (self->packet) && ldns_pkt_ra (self->packet));
  g_assert_cmpuint (ldns_pkt_ancount (self->packet), ==, 1);
  g_assert_cmpuint (ldns_pkt_nscount (self->packet), ==, 0);
  const ldns_rr *rr = ldns_rr_list_rr (ldns_pkt_answer (self->packet), 0);
  gchar *owner = ldns_rdf2str (ldns_rr_owner (rr)), *text = ldns_rdf2str (ldns_rr_rdf (rr, 0));
  g_assert_cmpstr (owner, ==, name); /* the asker's case */
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (ldns_rr_ttl (rr), ==, EW_DNS_TTL);
  free (owner);
  free (text);
}

/* No such name, or no such type, with the zone's SOA. */
static void
assert_denied (Fixture *self, const gchar *name, guint type, guint rcode, const gchar *apex)
{
  g_assert_cmpint (ask (self, name, type), ==, EW_DNS_VERDICT_ANSWER);
  g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, rcode);
  g_assert_true (ldns_pkt_aa (self->packet));
  g_assert_cmpuint (ldns_pkt_ancount (self->packet), ==, 0);
  g_assert_cmpuint (ldns_pkt_nscount (self->packet), ==, 1);
  const ldns_rr *rr = ldns_rr_list_rr (ldns_pkt_authority (self->packet), 0);
  gchar *owner = ldns_rdf2str (ldns_rr_owner (rr));
  g_assert_cmpint (ldns_rr_get_type (rr), ==, LDNS_RR_TYPE_SOA);
  g_assert_cmpstr (owner, ==, apex);
  g_assert_cmpuint (ldns_rr_ttl (rr), ==, EW_DNS_NEGATIVE_TTL);
  g_assert_cmpuint (ldns_rdf2native_int32 (ldns_rr_rdf (rr, 6)), ==, EW_DNS_NEGATIVE_TTL);
  free (owner);
}

static void
assert_rcode (Fixture *self, guint rcode)
{
  g_assert_cmpint (send_bytes (self, FALSE), ==, EW_DNS_VERDICT_ANSWER);
  g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, rcode);
}

#define NODATA LDNS_RCODE_NOERROR
#define NXDOMAIN LDNS_RCODE_NXDOMAIN

static void
test_names (Fixture *self, gconstpointer data)
{
  assert_record (self, "nas.home.internal.", LDNS_RR_TYPE_A, "100.96.1.1");
  assert_record (self, "nas.home.internal.", LDNS_RR_TYPE_AAAA, "fd12:3456:789a:1::101");
  assert_record (self, "files.home.internal.", LDNS_RR_TYPE_A, "100.96.1.1");
  assert_record (self, "edge.home.internal.", LDNS_RR_TYPE_A, "100.96.0.1");
  assert_record (self, "fra.home.internal.", LDNS_RR_TYPE_AAAA, "fd12:3456:789a:1::1");
  assert_record (self, "home.internal.", LDNS_RR_TYPE_NS, "edge.home.internal.");
  assert_record (self, "home.internal.", LDNS_RR_TYPE_SOA, "edge.home.internal.");
  assert_record (self, "nAs.HOME.inTERnal.", LDNS_RR_TYPE_A, "100.96.1.1");
  assert_record (self, "1.1.96.100.IN-addr.ARPA.", LDNS_RR_TYPE_PTR, "nas.home.internal.");
  assert_record (self, "254.255.111.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, "old-printer.home.internal.");
  assert_record (self, "1.0.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, "edge.home.internal.");
  assert_record (self, "1.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.", LDNS_RR_TYPE_PTR,
                 "nas.home.internal.");
  assert_record (self, "101.100.in-addr.arpa.", LDNS_RR_TYPE_NS, "edge.home.internal.");
}

static void
test_denials (Fixture *self, gconstpointer data)
{
  const gchar *apex = "home.internal.", *apex4 = "96.100.in-addr.arpa.", *apex6 = "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.";
  assert_denied (self, "old-printer.home.internal.", LDNS_RR_TYPE_AAAA, NODATA, apex);
  assert_denied (self, "nas.home.internal.", LDNS_RR_TYPE_MX, NODATA, apex);
  assert_denied (self, "nas.home.internal.", 65, NODATA, apex); /* HTTPS, which browsers ask for first */
  assert_denied (self, "nas.home.internal.", LDNS_RR_TYPE_PTR, NODATA, apex);
  assert_denied (self, "home.internal.", LDNS_RR_TYPE_A, NODATA, apex);
  assert_denied (self, "home.internal.", LDNS_RR_TYPE_DS, NODATA, apex);
  assert_denied (self, "printer.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, apex);
  assert_denied (self, "old-printer.home.internal.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, apex);
  assert_denied (self, "www.nas.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, apex);
  assert_denied (self, "nas\\.home.internal.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, apex);
  assert_denied (self, "2.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, apex4);
  assert_denied (self, "x.1.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, apex4);
  /* An empty non-terminal: only names below it exist. */
  assert_denied (self, "1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NODATA, apex4);
  assert_denied (self, "2.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, apex4);
  assert_denied (self, "1.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.", LDNS_RR_TYPE_PTR, NODATA, apex6);
  assert_denied (self, "2.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, apex6);
  assert_denied (self, "96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NODATA, apex4);
}

static void
test_foreign_names (Fixture *self, gconstpointer data)
{
  static const gchar *const foreign[] = { "example.org.",
                                          "internal.",
                                          ".",
                                          "nas.",
                                          "xhome.internal.",
                                          "home.internal.example.",
                                          "nas.home.internal2.",
                                          "arpa.",
                                          "in-addr.arpa.",
                                          "100.in-addr.arpa.",
                                          "1.1.112.100.in-addr.arpa.",
                                          "9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.",
                                          "b.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa." };
  for (gsize i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_assert_cmpint (ask (self, foreign[i], LDNS_RR_TYPE_A), ==, EW_DNS_VERDICT_FORWARD);
      g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, LDNS_RCODE_REFUSED);
      g_assert_false (ldns_pkt_aa (self->packet));
      self->query[2] = 0; /* no RD: other clients' cached answers must not be visible */
      g_assert_cmpint (send_bytes (self, FALSE), ==, EW_DNS_VERDICT_ANSWER);
      g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, LDNS_RCODE_REFUSED);
    }
}

static void
test_any (Fixture *self, gconstpointer data)
{
  assert_record (self, "nas.home.internal.", LDNS_RR_TYPE_ANY, "100.96.1.1");
  assert_record (self, "1.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_ANY, "nas.home.internal.");
  assert_record (self, "home.internal.", LDNS_RR_TYPE_ANY, "edge.home.internal.");
  assert_denied (self, "nase.home.internal.", LDNS_RR_TYPE_ANY, NXDOMAIN, "home.internal.");
}

static guint32
get_serial (Fixture *self)
{
  g_assert_cmpint (ask (self, "nosuch.home.internal.", LDNS_RR_TYPE_A), ==, EW_DNS_VERDICT_ANSWER);
  return ldns_rdf2native_int32 (ldns_rr_rdf (ldns_rr_list_rr (ldns_pkt_authority (self->packet), 0), 2));
}

static void
test_changes (Fixture *self, gconstpointer data)
{
  guint32 serial = get_serial (self);
  assert_record (self, "1.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, "nas.home.internal.");
  set_host (self->zone, "n1", "box,files", "100.96.1.1", NULL);
  g_assert_cmpuint (get_serial (self), >, serial);
  assert_record (self, "box.home.internal.", LDNS_RR_TYPE_A, "100.96.1.1");
  assert_record (self, "files.home.internal.", LDNS_RR_TYPE_A, "100.96.1.1");
  assert_denied (self, "files.home.internal.", LDNS_RR_TYPE_AAAA, NODATA, "home.internal.");
  assert_denied (self, "nas.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, "home.internal.");
  assert_record (self, "1.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, "box.home.internal.");
  /* A node takes another one's name before that one has its new name, and then another node's address. */
  set_host (self->zone, "n2", "box", "100.96.1.2", NULL);
  assert_record (self, "box.home.internal.", LDNS_RR_TYPE_A, "100.96.1.2");
  set_host (self->zone, "n1", "nas", "100.96.1.1", NULL);
  assert_record (self, "box.home.internal.", LDNS_RR_TYPE_A, "100.96.1.2");
  assert_denied (self, "254.255.111.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, "111.100.in-addr.arpa.");
  /* The edge's names can't be taken by a node, whichever comes first. */
  set_host (self->zone, "n3", "edge", "100.96.1.3", NULL);
  assert_record (self, "edge.home.internal.", LDNS_RR_TYPE_A, "100.96.0.1");
  set_host (self->zone, "n4", "later", "100.96.1.4", NULL);
  set_host (self->zone, "", "edge,later", "100.96.0.1", NULL);
  assert_record (self, "later.home.internal.", LDNS_RR_TYPE_A, "100.96.0.1");
  for (guint i = 1; i <= 4; i++)
    {
      g_autofree gchar *id = g_strdup_printf ("n%u", i);
      ew_dns_zone_remove_host (self->zone, id);
      ew_dns_zone_remove_host (self->zone, id);
    }
  assert_denied (self, "box.home.internal.", LDNS_RR_TYPE_A, NXDOMAIN, "home.internal.");
  assert_denied (self, "1.1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, "96.100.in-addr.arpa.");
  assert_denied (self, "1.96.100.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, "96.100.in-addr.arpa.");
}

static void
test_edns (Fixture *self, gconstpointer data)
{
  static const guint8 options[] = { 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
  for (guint i = 0; i < 2; i++)
    {
      make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
      append_opt (self, 4096, 0, i);
      assert_rcode (self, LDNS_RCODE_NOERROR);
      g_assert_true (ldns_pkt_edns (self->packet));
      g_assert_cmpuint (ldns_pkt_edns_do (self->packet), ==, i);
      g_assert_cmpuint (ldns_pkt_edns_udp_size (self->packet), ==, EW_DNS_UDP_MAX);
      g_assert_cmpuint (ldns_pkt_ancount (self->packet), ==, 1);
    }
  make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
  append_opt (self, 1232, 1, FALSE);
  assert_rcode (self, 0);
  g_assert_cmpuint (ldns_pkt_edns_extended_rcode (self->packet), ==, 1); /* 16: BADVERS */
  g_assert_cmpuint (ldns_pkt_edns_version (self->packet), ==, 0);
  g_assert_cmpuint (ldns_pkt_ancount (self->packet), ==, 0);
  make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
  append (self, options, sizeof options); /* a cookie, which a server need not support */
  self->query[11] = 1;
  assert_rcode (self, LDNS_RCODE_NOERROR);
  g_assert_cmpuint (ldns_pkt_ancount (self->packet), ==, 1);
  make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
  append_opt (self, 1232, 0, FALSE);
  append_opt (self, 1232, 0, FALSE);
  assert_rcode (self, LDNS_RCODE_FORMERR);
}

/* A long suffix makes answers that are larger than UDP's 512 bytes. */
static void
test_truncation (Fixture *self, gconstpointer data)
{
  g_autofree gchar *label = g_strnfill (61, 'a'), *suffix = g_strconcat (label, ".", label, ".", label, NULL);
  g_autofree gchar *name = g_strconcat ("none.", suffix, ".", NULL);
  const EwPrefix none[2] = { 0 };
  ew_dns_zone_free (self->zone);
  self->zone = ew_dns_zone_new (suffix, none, 1);
  g_assert_cmpint (ask (self, name, LDNS_RR_TYPE_A), ==, EW_DNS_VERDICT_ANSWER);
  g_assert_cmpuint (self->answer_len, <=, EW_DNS_UDP_MIN);
  g_assert_true (ldns_pkt_tc (self->packet));
  g_assert_cmpuint (ldns_pkt_nscount (self->packet), ==, 0);
  g_assert_cmpint (send_bytes (self, TRUE), ==, EW_DNS_VERDICT_ANSWER);
  g_assert_false (ldns_pkt_tc (self->packet));
  g_assert_cmpuint (ldns_pkt_nscount (self->packet), ==, 1);
  gsize full = self->answer_len + 11; /* … and the OPT record */
  for (guint16 size = 1; size < 5000; size += 499)
    {
      make_query (self, name, LDNS_RR_TYPE_A);
      append_opt (self, size, 0, FALSE);
      assert_rcode (self, NXDOMAIN);
      g_assert_cmpuint (self->answer_len, <=, CLAMP (size, EW_DNS_UDP_MIN, EW_DNS_UDP_MAX));
      g_assert_cmpuint (ldns_pkt_tc (self->packet), ==, MIN (size, EW_DNS_UDP_MAX) < full);
    }
}

/* A forwarder's answer that is too large for UDP. */
static void
test_cut (Fixture *self, gconstpointer data)
{
  guint8 large[2000] = { 0xab, 0xcd, 0x84, 3 }, out[EW_DNS_UDP_MIN];
  EwDnsQuery query;
  guint rcode;
  make_query (self, "example.org.", LDNS_RR_TYPE_TXT);
  append_opt (self, 512, 0, FALSE);
  g_assert_cmpint (ew_dns_query_read (&query, self->query, self->query_len, &rcode), ==, EW_DNS_CHECK_GOOD);
  gsize len = ew_dns_answer_cut (&query, large, sizeof large, out);
  g_assert_cmpint (ldns_wire2pkt (&self->packet, out, len), ==, LDNS_STATUS_OK);
  g_assert_true (ldns_pkt_tc (self->packet) && ldns_pkt_aa (self->packet) && ldns_pkt_edns (self->packet));
  g_assert_cmpint (ldns_pkt_get_rcode (self->packet), ==, LDNS_RCODE_NXDOMAIN);
  g_assert_cmpuint (ldns_pkt_qdcount (self->packet), ==, 1);
  large[0] ^= 1; /* another ID */
  g_assert_cmpuint (ew_dns_answer_cut (&query, large, sizeof large, out), ==, 0);
  g_assert_cmpuint (ew_dns_answer_cut (&query, large, 11, out), ==, 0);
}

static void
test_refusals (Fixture *self, gconstpointer data)
{
  static const guint not_implemented[] = { 0, 41, 128, 200, 249, 253, 254 };
  for (guint opcode = 1; opcode < 16; opcode++)
    {
      make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
      self->query[2] = (guint8)(opcode << 3);
      assert_rcode (self, LDNS_RCODE_NOTIMPL);
      g_assert_cmpuint (self->answer_len, <=, self->query_len);
      g_assert_cmpint (ldns_pkt_get_opcode (self->packet), ==, opcode);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (not_implemented); i++)
    {
      make_query (self, "nas.home.internal.", not_implemented[i]);
      assert_rcode (self, LDNS_RCODE_NOTIMPL);
    }
  make_query (self, "home.internal.", LDNS_RR_TYPE_AXFR);
  assert_rcode (self, LDNS_RCODE_REFUSED);
  for (guint class = 0; class < 256; class ++)
    {
      make_query (self, "version.bind.", LDNS_RR_TYPE_TXT);
      self->query[self->query_len - 1] = (guint8) class;
      if (class != LDNS_RR_CLASS_IN)
        assert_rcode (self, LDNS_RCODE_REFUSED);
    }
}

static void
test_malformed (Fixture *self, gconstpointer data)
{
  static const guint8 loops[][6] = { { 0xc0, 12, 0, 1, 0, 1 },     /* to itself */
                                     { 0xc0, 14, 0xc0, 12, 0, 1 }, /* to each other */
                                     { 0xc0, 0, 0, 1, 0, 1 },      /* into the header */
                                     { 1, 'a', 0xc0, 12, 0, 1 },   /* to where it began: it would never end */
                                     { 0xff, 0xff, 0, 1, 0, 1 },   { 0x80, 1, 0, 1, 0, 1 }, /* not a label type */
                                     { 63, 'a', 0, 1, 0, 1 } };
  for (gsize i = 0; i < G_N_ELEMENTS (loops); i++)
    {
      make_query (self, ".", LDNS_RR_TYPE_A);
      self->query_len = LDNS_HEADER_SIZE;
      append (self, loops[i], sizeof loops[i]);
      assert_rcode (self, LDNS_RCODE_FORMERR);
      g_assert_cmpuint (self->answer_len, ==, LDNS_HEADER_SIZE);
    }
  /* A name of 256 bytes. */
  make_query (self, ".", LDNS_RR_TYPE_A);
  self->query_len = LDNS_HEADER_SIZE;
  for (guint i = 0; i < 127; i++)
    append (self, "\1a", 2);
  append (self, "\1a\0\0\1\0\1", 7);
  assert_rcode (self, LDNS_RCODE_FORMERR);
  for (guint count = 0; count < 4; count++) /* of each section */
    {
      make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
      self->query[5 + 2 * count]++;
      append_opt (self, 1232, 0, FALSE);
      assert_rcode (self, LDNS_RCODE_FORMERR);
    }
  make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
  self->query[5] = 0;
  assert_rcode (self, LDNS_RCODE_FORMERR);
  make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
  append (self, "x", 1); /* garbage after it */
  assert_rcode (self, LDNS_RCODE_FORMERR);
}

/* Cut anywhere, and each byte replaced: dropped or answered, never longer than a real answer. */
static void
test_mutations (Fixture *self, gconstpointer data)
{
  for (guint cut = 0; cut < 48; cut++)
    {
      make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
      append_opt (self, 1232, 0, FALSE);
      self->query_len = MIN (self->query_len - 1, cut);
      if (cut < LDNS_HEADER_SIZE)
        g_assert_cmpint (send_bytes (self, FALSE), ==, EW_DNS_VERDICT_DROP);
      else
        assert_rcode (self, LDNS_RCODE_FORMERR);
    }
  for (guint at = 0; at < 46; at++)
    for (guint value = 0; value < 256; value++)
      {
        make_query (self, "nas.home.internal.", LDNS_RR_TYPE_A);
        append_opt (self, 1232, 0, FALSE);
        self->query[at] = (guint8)value;
        g_assert_cmpint (send_bytes (self, FALSE) == EW_DNS_VERDICT_DROP, ==, at == 2 && (value & 0x80) != 0);
        if ((self->query[2] & 0x80) == 0)
          g_assert_cmpuint (self->answer_len, <=, self->query_len + 128);
      }
}

static void
test_hosts (Fixture *self, gconstpointer data)
{
  const EwIp nas = ip ("100.96.1.1"), nas6 = ip ("fd12:3456:789a:1::101"), other = ip ("100.96.1.9");
  EwDnsHost *host = ew_dns_zone_find_host (self->zone, &nas);
  g_assert_cmpstr (ew_dns_host_get_id (host), ==, "n1");
  g_assert_true (ew_dns_zone_find_host (self->zone, &nas6) == host);
  g_assert_null (ew_dns_zone_find_host (self->zone, &other));
  g_assert_cmpstr (ew_dns_host_get_id (ew_dns_zone_get_edge (self->zone)), ==, "");
  for (guint i = 0; i < 10; i++)
    g_assert_true (ew_dns_host_take (host, NOW_US, 2000, 10));
  g_assert_false (ew_dns_host_take (host, NOW_US, 2000, 10));
  g_assert_false (ew_dns_host_take (host, NOW_US + 1999, 2000, 10));
  g_assert_true (ew_dns_host_take (host, NOW_US + 2000, 2000, 10));
  /* A rename leaves the account's data as it is; another address means another host. */
  ew_dns_host_ref (host);
  set_host (self->zone, "n1", "box", "100.96.1.1", "fd12:3456:789a:1::101");
  g_assert_true (ew_dns_zone_find_host (self->zone, &nas) == host && !ew_dns_host_is_gone (host));
  set_host (self->zone, "n1", "box", "100.96.1.9", NULL);
  g_assert_null (ew_dns_zone_find_host (self->zone, &nas));
  g_assert_true (ew_dns_host_is_gone (host));
  g_assert_false (ew_dns_host_take (ew_dns_zone_find_host (self->zone, &other), NOW_US + 2000, 2000, 10));
  ew_dns_host_unref (host);
}

/* Ranges that no octet or nibble ends, a suffix below .arpa, and one that isn't a valid name. */
static void
test_ranges (Fixture *self, gconstpointer data)
{
  EwPrefix ranges[2];
  g_assert_true (ew_prefix_parse ("10.20.30.0/23", &ranges[0], NULL)
                 && ew_prefix_parse ("fd00:0:0:8000::/49", &ranges[1], NULL));
  ew_dns_zone_free (self->zone);
  self->zone = ew_dns_zone_new ("home.arpa", ranges, 1);
  set_host (self->zone, "n1", "nas", "10.20.31.5", NULL);
  assert_record (self, "nas.home.arpa.", LDNS_RR_TYPE_A, "10.20.31.5");
  assert_record (self, "5.31.20.10.in-addr.arpa.", LDNS_RR_TYPE_PTR, "nas.home.arpa.");
  assert_denied (self, "5.30.20.10.in-addr.arpa.", LDNS_RR_TYPE_PTR, NXDOMAIN, "30.20.10.in-addr.arpa.");
  g_assert_cmpint (ask (self, "5.32.20.10.in-addr.arpa.", LDNS_RR_TYPE_PTR), ==, EW_DNS_VERDICT_FORWARD);
  g_assert_null (ew_dns_zone_new ("", ranges, 1));
  g_assert_null (ew_dns_zone_new ("a..b", ranges, 1));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const gchar *name;
    void (*func) (Fixture *, gconstpointer);
  } tests[] = { { "names", test_names },
                { "denials", test_denials },
                { "foreign-names", test_foreign_names },
                { "any", test_any },
                { "changes", test_changes },
                { "edns", test_edns },
                { "truncation", test_truncation },
                { "cut", test_cut },
                { "refusals", test_refusals },
                { "malformed", test_malformed },
                { "mutations", test_mutations },
                { "hosts", test_hosts },
                { "ranges", test_ranges } };
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree gchar *path = g_strconcat ("/dns/zone/", tests[i].name, NULL);
      g_test_add (path, Fixture, NULL, set_up, tests[i].func, tear_down);
    }
  return g_test_run ();
}
