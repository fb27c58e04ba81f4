/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The forwarder against resolvers on loopback: what nodes are answered, and what the resolvers are asked.
 */
#include <glib/gstdio.h>
#include <string.h>
#include "common/util.h"
#include "edge/dns/forward-message.h"
#include "edge/dns/forward-private.h"
#include "edge/dns/forward.h"
#include "edge/dns/special.h"
#include "edge/dns/upstream.h"
#include "lib/fake-resolver.h"

/* The world: an owner's resolver, a gateway's, and the forwarder between them and the nodes. */

typedef struct
{
  FakeResolver *resolver, *gateway;
  EwDnsForwardConfig config;
  EwDnsForwardSettings *settings;
  EwDnsForward *forward;
  GMainContext *context;
} World;

typedef struct
{
  ldns_pkt *packet;
  gboolean done, dropped;
} Answer;

static void
add_domain (GArray *domains, const gchar *domain, guint16 port)
{
  g_autofree gchar *text = g_strdup_printf ("%s=127.0.0.1:%u", domain, port);
  g_autoptr (GError) error = NULL;
  ew_dns_domains_parse (text, domains, &error);
  g_assert_no_error (error);
}

static void
set_up (World *world)
{
  EwDnsResolver resolver;
  g_autofree gchar *text = NULL;
  bool host_bits;
  memset (world, 0, sizeof *world);
  world->context = g_main_context_new ();
  g_main_context_push_thread_default (world->context);
  world->resolver = fake_resolver_new (1);
  world->gateway = fake_resolver_new (2);
  text = g_strdup_printf ("127.0.0.1:%u", fake_resolver_get_port (world->resolver));
  g_assert_true (ew_dns_resolver_parse (text, &resolver));
  world->config.forward = TRUE;
  world->config.resolvers = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  world->config.domains = ew_dns_domains_new ();
  g_array_append_val (world->config.resolvers, resolver);
  g_assert_true (ew_ip_parse ("100.96.0.1", &world->config.service[0]));
  g_assert_true (ew_ip_parse ("fd00:1::1", &world->config.service[1]));
  g_assert_true (ew_prefix_parse ("100.96.0.0/12", &world->config.ranges[0], &host_bits));
  g_assert_true (ew_prefix_parse ("fd00:1::/48", &world->config.ranges[1], &host_bits));
}

static void
start (World *world)
{
  world->settings = ew_dns_forward_settings_new (&world->config);
  world->forward = ew_dns_forward_make (world->settings);
}

static void
tear_down (World *world)
{
  ew_dns_forward_free (world->forward);
  ew_dns_forward_settings_free (world->settings);
  fake_resolver_free (world->resolver);
  fake_resolver_free (world->gateway);
  g_array_unref (world->config.resolvers);
  g_array_unref (world->config.domains);
  while (g_main_context_iteration (world->context, FALSE))
    ;
  g_main_context_pop_thread_default (world->context);
  g_main_context_unref (world->context);
}

static void
on_answer (gpointer user_data, const guint8 *data, gsize len)
{
  Answer *answer = user_data;
  g_assert_false (answer->done);
  answer->done = TRUE;
  answer->dropped = data == NULL;
  if (data)
    g_assert_cmpint (ldns_wire2pkt (&answer->packet, data, len), ==, LDNS_STATUS_OK);
}

typedef enum
{
  PLAIN,
  EDNS,
  DNSSEC
} Kind;

static void
ask (World *world, const gchar *node, const gchar *name, ldns_rr_type type, Kind kind, Answer *answer)
{
  EwDnsAsker asker = { .port = 4000 };
  uint8_t *wire;
  size_t len;
  ldns_pkt *query = ldns_pkt_query_new (ldns_dname_new_frm_str (name), type, LDNS_RR_CLASS_IN, LDNS_RD);
  memset (answer, 0, sizeof *answer);
  g_strlcpy (asker.node, node, sizeof asker.node);
  ldns_pkt_set_id (query, 0x1234);
  if (kind != PLAIN)
    ldns_pkt_set_edns_udp_size (query, 1232);
  ldns_pkt_set_edns_do (query, kind == DNSSEC);
  g_assert_cmpint (ldns_pkt2wire (&wire, query, &len), ==, LDNS_STATUS_OK);
  ew_dns_forward_async (world->forward, &asker, wire, len, on_answer, answer);
  g_assert_false (answer->done);
  free (wire);
  ldns_pkt_free (query);
}

static void
wait_for (World *world, Answer *answer)
{
  const gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  while (!answer->done && g_get_monotonic_time () < end)
    g_main_context_iteration (world->context, TRUE);
  g_assert_true (answer->done);
}

static void
clear (Answer *answer)
{
  ldns_pkt_free (answer->packet);
  memset (answer, 0, sizeof *answer);
}

/* What the answer says in one line: "NOERROR name addresses… flags… error=N". */
static gchar *
describe (const Answer *answer)
{
  GString *text = g_string_new (NULL);
  ldns_edns_option_list *options;
  if (answer->dropped)
    return g_string_free (g_string_assign (text, "dropped"), FALSE);
  char *rcode = ldns_pkt_rcode2str (ldns_pkt_get_rcode (answer->packet));
  g_string_append (text, rcode);
  free (rcode);
  for (size_t i = 0; i < ldns_pkt_ancount (answer->packet); i++)
    {
      const ldns_rr *record = ldns_rr_list_rr (ldns_pkt_answer (answer->packet), i);
      char *name = ldns_rdf2str (ldns_rr_owner (record));
      char *value
        = ldns_rr_get_type (record) == LDNS_RR_TYPE_RRSIG ? strdup ("sig") : ldns_rdf2str (ldns_rr_rdf (record, 0));
      g_string_append_printf (text, " %s=%s", name, value);
      free (name);
      free (value);
    }
  for (size_t i = 0; i < ldns_pkt_nscount (answer->packet); i++)
    {
      char *name = ldns_rdf2str (ldns_rr_owner (ldns_rr_list_rr (ldns_pkt_authority (answer->packet), i)));
      g_autofree gchar *lower = g_ascii_strdown (name, -1); /* compressed, it has the asker's case */
      g_string_append_printf (text, " soa=%s", lower);
      free (name);
    }
  g_string_append_printf (text, "%s%s%s", ldns_pkt_aa (answer->packet) ? " aa" : "",
                          ldns_pkt_ad (answer->packet) ? " ad" : "", ldns_pkt_edns (answer->packet) ? " opt" : "");
  options = ldns_pkt_edns_get_option_list (answer->packet);
  for (size_t i = 0; options && i < ldns_edns_option_list_get_count (options); i++)
    {
      const ldns_edns_option *option = ldns_edns_option_list_get_option (options, i);
      g_string_append_printf (text, " error=%u", ldns_edns_get_data (option)[1]);
    }
  g_assert_cmpuint (ldns_pkt_id (answer->packet), ==, 0x1234);
  g_assert_true (ldns_pkt_qr (answer->packet) && ldns_pkt_ra (answer->packet) && ldns_pkt_rd (answer->packet));
  g_assert_cmpuint (ldns_pkt_qdcount (answer->packet), ==, 1);
  return g_string_free (text, FALSE);
}

static void
check (World *world, const gchar *name, ldns_rr_type type, Kind kind, const gchar *expected)
{
  Answer answer;
  ask (world, "a", name, type, kind, &answer);
  wait_for (world, &answer);
  g_autofree gchar *text = describe (&answer);
  g_assert_cmpstr (text, ==, expected);
  if (answer.packet)
    {
      char *question = ldns_rdf2str (ldns_rr_owner (ldns_rr_list_rr (ldns_pkt_question (answer.packet), 0)));
      g_assert_cmpstr (question, ==, name);
      free (question);
    }
  clear (&answer);
}

/* The tests. */

static void
test_answers (void)
{
  World world;
  set_up (&world);
  start (&world);
  check (&world, "a.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.example.=192.0.2.1");
  check (&world, "A.eXample.", LDNS_RR_TYPE_A, EDNS, "NOERROR A.eXample.=192.0.2.1 opt"); /* 0x20, from the cache */
  g_assert_cmpuint (fake_resolver_count (world.resolver, "a.example."), ==, 1);
  check (&world, "a.example.", LDNS_RR_TYPE_AAAA, PLAIN, "NOERROR soa=.");
  check (&world, "nx.example.", LDNS_RR_TYPE_A, EDNS, "NXDOMAIN soa=. opt");
  check (&world, "ad.example.", LDNS_RR_TYPE_A, DNSSEC, "NOERROR ad.example.=192.0.2.1 opt");
  check (&world, "signed.example.", LDNS_RR_TYPE_A, EDNS, "NOERROR signed.example.=192.0.2.1 opt");
  check (&world, "signed.example.", LDNS_RR_TYPE_A, DNSSEC,
         "NOERROR signed.example.=192.0.2.1 signed.example.=sig opt");
  check (&world, "trunc.example.", LDNS_RR_TYPE_A, EDNS, "NOERROR trunc.example.=192.0.2.1 opt");
  g_assert_cmpuint (fake_resolver_count (world.resolver, "trunc.example."), ==, 2);
  check (&world, "servfail.example.", LDNS_RR_TYPE_A, EDNS, "SERVFAIL opt error=23");
  check (&world, "servfail.example.", LDNS_RR_TYPE_A, PLAIN, "SERVFAIL");
  check (&world, "refused.example.", LDNS_RR_TYPE_A, EDNS, "SERVFAIL opt error=23");
  /* Rebinding. */
  check (&world, "mesh.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR");
  check (&world, "both.mesh.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR both.mesh.example.=192.0.2.1");
  check (&world, "a.example.", LDNS_RR_TYPE_AXFR, EDNS, "NOTIMPL opt error=21");
  /* A dot inside a label doesn't end it. */
  check (&world, "a\\.10.in-addr.arpa.", LDNS_RR_TYPE_PTR, PLAIN, "NOERROR soa=.");
  tear_down (&world);
}

static void
test_special (void)
{
  static const gchar *const absent[][2] = {
    { "1.2.3.10.in-addr.arpa.", "10.in-addr.arpa." },
    { "1.0.16.172.in-addr.arpa.", "16.172.in-addr.arpa." },
    { "1.0.31.172.in-addr.arpa.", "31.172.in-addr.arpa." },
    { "1.0.168.192.in-addr.arpa.", "168.192.in-addr.arpa." },
    { "7.0.127.100.in-addr.arpa.", "127.100.in-addr.arpa." },
    { "1.0.254.169.in-addr.arpa.", "254.169.in-addr.arpa." },
    { "1.D.F.ip6.arpa.", "d.f.ip6.arpa." },
    { "1.0.8.e.f.ip6.arpa.", "8.e.f.ip6.arpa." },
    { "Printer.Local.", "local." },
    { "x.onion.", "onion." },
    { "home.arpa.", "home.arpa." },
    { "a.test.", "test." },
    { "other.internal.", "internal." },
    { "a.alt.", "alt." },
    { "a.invalid.", "invalid." },
  };
  static const gchar *const foreign[] = { "1.0.32.172.in-addr.arpa.",
                                          "1.0.63.100.in-addr.arpa.",
                                          "1.0.128.100.in-addr.arpa.",
                                          "8.8.8.8.in-addr.arpa.",
                                          "notlocal.",
                                          "a.contest.",
                                          "local.example.",
                                          "f.ip6.arpa.",
                                          "arpa.",
                                          "." };
  World world;
  set_up (&world);
  start (&world);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    {
      g_autofree gchar *expected = g_strdup_printf ("NXDOMAIN soa=%s aa", absent[i][1]);
      check (&world, absent[i][0], LDNS_RR_TYPE_PTR, PLAIN, expected);
    }
  check (&world, "localhost.", LDNS_RR_TYPE_A, PLAIN, "NOERROR localhost.=127.0.0.1 aa");
  check (&world, "x.LocalHost.", LDNS_RR_TYPE_AAAA, EDNS, "NOERROR x.LocalHost.=::1 aa opt");
  check (&world, "localhost.", LDNS_RR_TYPE_MX, PLAIN, "NOERROR soa=localhost. aa");
  check (&world, "_dns.resolver.arpa.", LDNS_RR_TYPE_SVCB, PLAIN, "NOERROR soa=resolver.arpa. aa");
  g_assert_cmpuint (fake_resolver_count (world.resolver, NULL), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    check (&world, foreign[i], LDNS_RR_TYPE_PTR, PLAIN, "NOERROR soa=.");
  g_assert_cmpuint (fake_resolver_count (world.resolver, NULL), ==, G_N_ELEMENTS (foreign));
  tear_down (&world);
}

/* Domains with resolvers of their own, set while it runs. */
static void
test_domains (void)
{
  g_autoptr (GArray) gateways = ew_dns_domains_new ();
  World world;
  set_up (&world);
  add_domain (world.config.domains, "10.in-addr.arpa", fake_resolver_get_port (world.gateway));
  add_domain (world.config.domains, "lab.test", fake_resolver_get_port (world.gateway));
  start (&world);
  check (&world, "1.0.0.10.in-addr.arpa.", LDNS_RR_TYPE_PTR, PLAIN, "NOERROR");
  check (&world, "a.lab.test.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.lab.test.=192.0.2.2");
  check (&world, "b.test.", LDNS_RR_TYPE_A, PLAIN, "NXDOMAIN soa=test. aa");
  check (&world, "mesh.lab.test.", LDNS_RR_TYPE_A, PLAIN, "NOERROR mesh.lab.test.=100.96.0.7"); /* the owner's
                                                                                                   setting */
  check (&world, "a.corp.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.corp.example.=192.0.2.1");
  add_domain (gateways, "corp.example", fake_resolver_get_port (world.gateway));
  ew_dns_forward_settings_set_gateways (world.settings, gateways);
  check (&world, "a.corp.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.corp.example.=192.0.2.2");
  check (&world, "corp.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR corp.example.=192.0.2.2");
  check (&world, "acorp.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR acorp.example.=192.0.2.1");
  g_array_set_size (gateways, 0);
  ew_dns_forward_settings_set_gateways (world.settings, gateways);
  check (&world, "a.corp.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.corp.example.=192.0.2.1");
  tear_down (&world);
}

static void
test_refusals (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-XXXXXX", NULL);
  g_autofree gchar *file = g_build_filename (folder, "resolv.conf", NULL);
  g_autoptr (GError) error = NULL;
  World world;
  set_up (&world);
  world.config.forward = FALSE;
  start (&world);
  check (&world, "a.example.", LDNS_RR_TYPE_A, EDNS, "REFUSED opt error=18");
  tear_down (&world);

  set_up (&world);
  world.config.host_file = file;
  g_array_set_size (world.config.resolvers, 0);
  start (&world);
  check (&world, "a.example.", LDNS_RR_TYPE_A, EDNS, "SERVFAIL opt error=14"); /* no file */
  ew_dns_forward_free (world.forward);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*this edge itself*");
  g_assert_true (g_file_set_contents (file, "nameserver 100.96.0.1\nnameserver fd00:1::1\n", -1, NULL));
  world.forward = ew_dns_forward_make (world.settings);
  check (&world, "a.example.", LDNS_RR_TYPE_A, EDNS, "SERVFAIL opt error=14"); /* itself */
  g_test_assert_expected_messages ();
  g_assert_true (ew_dns_resolvers_parse ("9.9.9.9;100.96.0.1", world.config.resolvers, NULL));
  g_assert_false (ew_dns_forward_check (&world.config, &error));
  g_assert_nonnull (strstr (error->message, "100.96.0.1"));
  tear_down (&world);
  g_unlink (file);
  g_rmdir (folder);
}

/* A silent resolver: the wait is bounded, reported, and shorter the next time; it ends once the resolver answers. */
static void
test_silence (void)
{
  Answer first, second, third;
  World world;
  g_autoptr (GArray) gateways = ew_dns_domains_new ();
  const EwDnsDomain unreached = { .domain = g_strdup ("corp.example") };
  set_up (&world);
  start (&world);
  g_array_append_val (gateways, unreached);
  ew_dns_forward_settings_set_gateways (world.settings, gateways);
  fake_resolver_set_mute (world.resolver, TRUE);
  ask (&world, "a", "one.example.", LDNS_RR_TYPE_A, EDNS, &first);
  ask (&world, "b", "two.example.", LDNS_RR_TYPE_A, PLAIN, &second);
  ask (&world, "a", "a.corp.example.", LDNS_RR_TYPE_A, EDNS, &third); /* of a gateway that can't be asked */
  wait_for (&world, &first);
  wait_for (&world, &second);
  wait_for (&world, &third);
  g_autofree gchar *three = describe (&third);
  g_assert_cmpstr (three, ==, "SERVFAIL opt error=22");
  g_assert_cmpuint (fake_resolver_count (world.resolver, "a.corp.example."), ==, 0);
  clear (&third);
  g_autofree gchar *one = describe (&first), *two = describe (&second);
  g_assert_cmpstr (one, ==, "SERVFAIL opt error=22");
  g_assert_cmpstr (two, ==, "SERVFAIL");
  clear (&first);
  clear (&second);
  check (&world, "three.example.", LDNS_RR_TYPE_A, EDNS, "SERVFAIL opt error=22");
  fake_resolver_set_mute (world.resolver, FALSE);
  check (&world, "four.example.", LDNS_RR_TYPE_A, EDNS, "NOERROR four.example.=192.0.2.1 opt");
  tear_down (&world);
}

/* What a node may ask: so much at once, then so much a second, and another one as much again. */
static void
test_rate (void)
{
  const gint64 step = G_TIME_SPAN_SECOND / EW_DNS_ASKER_RATE;
  const EwDnsAsker first = { .node = "first" }, second = { .node = "second" };
  gint64 now = G_TIME_SPAN_DAY;
  EwDnsAskers askers;

  ew_dns_askers_init (&askers);
  for (guint i = 0; i < EW_DNS_ASKER_BURST; i++)
    g_assert_nonnull (ew_dns_askers_take (&askers, &first, now));
  g_assert_null (ew_dns_askers_take (&askers, &first, now));
  g_assert_nonnull (ew_dns_askers_take (&askers, &second, now));
  for (guint i = 0; i < 3; i++)
    {
      now += step;
      g_assert_nonnull (ew_dns_askers_take (&askers, &first, now));
      g_assert_null (ew_dns_askers_take (&askers, &first, now));
    }
  ew_dns_askers_clear (&askers);
}

/* While a node asks without end for names that get no answer, the others' questions are answered. A silent gateway
   delays no other. Stopping is immediate. */
static void
test_bounds (void)
{
  g_autofree Answer *answers = g_new0 (Answer, EW_DNS_ASKER_BURST + 50);
  guint open = 0, refused = 0;
  g_autoptr (GArray) gateways = ew_dns_domains_new ();
  World world;
  set_up (&world);
  start (&world);
  add_domain (gateways, "hang.corp.example", fake_resolver_get_port (world.gateway));
  ew_dns_forward_settings_set_gateways (world.settings, gateways);
  for (guint i = 0; i < EW_DNS_ASKER_BURST + 50; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("n%u.hang.%s", i, i % 2 ? "example." : "corp.example.");
      ask (&world, "flood", name, LDNS_RR_TYPE_A, EDNS, &answers[i]);
    }
  check (&world, "a.example.", LDNS_RR_TYPE_A, PLAIN, "NOERROR a.example.=192.0.2.1");
  for (guint i = 0; i < EW_DNS_ASKER_BURST + 50; i++)
    if (!answers[i].done)
      open++;
    else
      {
        g_autofree gchar *text = describe (&answers[i]);
        if (!g_str_equal (text, "dropped")) /* by test_rate()'s rule, where this computer is fast */
          {
            g_assert_cmpstr (text, ==, "SERVFAIL opt error=0");
            refused++;
          }
      }
  g_assert_cmpuint (open, ==, EW_DNS_ASKER_OPEN);
  g_assert_cmpuint (refused, >=, EW_DNS_ASKER_BURST - EW_DNS_ASKER_OPEN);
  ew_dns_forward_free (g_steal_pointer (&world.forward));
  for (guint i = 0; i < EW_DNS_ASKER_BURST + 50; i++)
    {
      g_assert_true (answers[i].done);
      clear (&answers[i]);
    }
  tear_down (&world);
}

/* A thousand questions are open when it stops. */
static void
test_end (void)
{
  g_autofree Answer *answers = g_new0 (Answer, 1000);
  guint dropped = 0;
  World world;
  set_up (&world);
  start (&world);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree gchar *node = g_strdup_printf ("node%u", i / 10);
      g_autofree gchar *name = g_strdup_printf ("n%u.hang.example.", i);
      ask (&world, node, name, LDNS_RR_TYPE_A, PLAIN, &answers[i]);
    }
  while (fake_resolver_count (world.resolver, NULL) < 100)
    g_main_context_iteration (world.context, FALSE);
  gint64 before = g_get_monotonic_time ();
  ew_dns_forward_free (g_steal_pointer (&world.forward));
  g_assert_cmpint (g_get_monotonic_time () - before, <, 5 * G_TIME_SPAN_SECOND); /* promised: 1 s */
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_true (answers[i].done);
      dropped += answers[i].dropped;
      clear (&answers[i]);
    }
  g_assert_cmpuint (dropped, ==, 1000);
  tear_down (&world);
}

/* Pure parts. */

static void
test_lists (void)
{
  static const gchar *const good[][2] = {
    { "9.9.9.9", "9.9.9.9@53" },           { "9.9.9.9:5353", "9.9.9.9@5353" },
    { "2620:fe::fe", "2620:fe::fe@53" },   { "[2620:fe::fe]:853", "2620:fe::fe@853" },
    { "fe80::1%eth0", "fe80::1%eth0@53" }, { "127.0.0.53", "127.0.0.53@53" },
  };
  static const gchar *const bad[]
    = { "",      "0.0.0.0",  "::",           "ff02::1",    "dns.example", "9.9.9.9:0",   "9.9.9.9:x",
        "1.2.3", "fe80::1%", "9.9.9.9%eth0", "9.9.9.9@53", "[::1]",       "224.0.0.251", "fe80::1%a\"b" };
  gchar text[EW_DNS_RESOLVER_STRLEN];
  EwDnsResolver resolver;
  g_autoptr (GArray) resolvers = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (ew_dns_resolver_parse (good[i][0], &resolver));
      ew_dns_resolver_format (&resolver, text);
      g_assert_cmpstr (text, ==, good[i][1]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_dns_resolver_parse (bad[i], &resolver));
  g_assert_true (ew_dns_resolvers_parse (" 9.9.9.9; [::1]:53,8.8.8.8 ", resolvers, NULL));
  g_assert_cmpuint (resolvers->len, ==, 3);
  g_assert_false (ew_dns_resolvers_parse ("1.1.1.1;1.1.1.1;1.1.1.1;1.1.1.1;1.1.1.1;1.1.1.1", resolvers, NULL));
  g_autoptr (GArray) host = ew_dns_resolvers_from_resolv_conf (
    "# x\nnameserver 10.0.0.1\r\nnameserver\t 10.0.0.2 # y\nnameservers 1.1.1.1\n nameserver 1.1.1.1\n"
    "nameserver bad\nnameserver\nsearch a b\nnameserver ::1\nnameserver 10.0.0.4");
  g_assert_cmpuint (host->len, ==, 3);
  ew_dns_resolver_format (&g_array_index (host, EwDnsResolver, 2), text);
  g_assert_cmpstr (text, ==, "::1@53");
}

static void
test_domain_lists (void)
{
  static const gchar *const bad[] = { "corp.example",      "=10.0.0.1",     ".=10.0.0.1",          "a..b=10.0.0.1",
                                      "corp.example=corp", "a\"b=10.0.0.1", "corp.example=0.0.0.0" };
  g_autoptr (GArray) domains = ew_dns_domains_new ();
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_dns_domains_parse (bad[i], domains, NULL));
  g_assert_cmpuint (domains->len, <=, 1); /* the domain was valid there */
  g_array_set_size (domains, 0);
  g_assert_true (ew_dns_domains_parse ("Corp.Example.=10.0.0.1;corp.example=10.0.0.2 b.test=[::1]:54", domains, NULL));
  g_assert_cmpuint (domains->len, ==, 2);
  g_assert_cmpstr (g_array_index (domains, EwDnsDomain, 0).domain, ==, "corp.example");
  g_assert_cmpuint (g_array_index (domains, EwDnsDomain, 0).n_resolvers, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/forward/lists", test_lists);
  g_test_add_func ("/dns/forward/domain-lists", test_domain_lists);
  g_test_add_func ("/dns/forward/answers", test_answers);
  g_test_add_func ("/dns/forward/special", test_special);
  g_test_add_func ("/dns/forward/domains", test_domains);
  g_test_add_func ("/dns/forward/refusals", test_refusals);
  g_test_add_func ("/dns/forward/silence", test_silence);
  g_test_add_func ("/dns/forward/rate", test_rate);
  g_test_add_func ("/dns/forward/bounds", test_bounds);
  g_test_add_func ("/dns/forward/end", test_end);
  return g_test_run ();
}
