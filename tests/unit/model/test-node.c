/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of a node's JSON is believed, and how it is shown; rates.
 */
#include <string.h>

#include "model/node-private.h"
#include "model/rate.h"
#include "model/text.h"

static JsonObject *
parse (const gchar *text)
{
  g_autofree gchar *strict = g_strdelimit (g_strdup (text), "'", '"');
  g_autoptr (JsonNode) root = json_from_string (strict, NULL);

  g_assert_nonnull (root);
  return json_node_dup_object (root);
}

static void
count (gpointer unused, GParamSpec *spec, GHashTable *told)
{
  g_hash_table_add (told, (gpointer)spec->name);
}

static void
test_read (void)
{
  g_autoptr (JsonObject) object
    = parse ("{'id':'n1','name':'nas','kind':'server','role':'admin','plain':true,'state':'online','online':true,"
             "'addresses':['100.96.0.21','fd00::21'],'edge':'e1','rtt_ms':7.5,'last_seen':'2025-11-03T08:14:00Z',"
             "'last_handshake':'2025-11-03T08:13:22.5+01:00','rx_bytes':12,'tx_bytes':9000000000,"
             "'routes':['192.168.1.0/24'],'names':['files','-oProxyCommand=id','a;b','media'],'os':'Debian "
             "12','version':'0.1.0','problem':'two-machines','self':true,'new':{'x':[1]}}");
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (EwNode) node = ew_node_new ("n1");
  g_autofree gchar *edge = NULL;

  ew_node_update (node, object, 0);
  g_object_get (node, "edge-id", &edge, NULL);
  g_assert_cmpstr (edge, ==, "e1");
  g_assert_cmpstr (ew_node_get_name (node), ==, "nas");
  g_assert_cmpint (ew_node_get_kind (node), ==, EW_KIND_SERVER);
  g_assert_cmpint (ew_node_get_state (node), ==, EW_NODE_ONLINE);
  g_assert_cmpstr (ew_node_get_address (node), ==, "100.96.0.21");
  g_assert_cmpstr (ew_node_get_addresses (node)[1], ==, "fd00::21");
  g_assert_cmpstr (ew_node_get_routes (node)[0], ==, "192.168.1.0/24");
  g_assert_cmpuint (g_strv_length ((gchar **)ew_node_get_names (node)), ==, 2);
  g_assert_cmpstr (ew_node_get_names (node)[1], ==, "media");
  g_assert_true (ew_node_is_gateway (node) && ew_node_is_self (node) && ew_node_is_plain (node));
  g_assert_true (ew_node_is_administrator (node));
  g_assert_cmpstr (ew_node_get_os (node), ==, "Debian 12");
  g_assert_cmpstr (ew_node_get_problem (node), ==, "two-machines");
  g_assert_cmpfloat (ew_node_get_rtt_ms (node), ==, 7.5);
  g_assert_cmpint (ew_node_get_last_seen (node), ==, G_GINT64_CONSTANT (1762157640000000));
  g_assert_cmpint (ew_node_get_last_handshake (node), ==, G_GINT64_CONSTANT (1762154002500000));
  g_assert_cmpint (ew_node_get_rx_bytes (node), ==, 12);
  g_assert_cmpint (ew_node_get_tx_bytes (node), ==, G_GINT64_CONSTANT (9000000000));

  g_signal_connect (node, "notify", G_CALLBACK (count), told);
  ew_node_update (node, object, 0);
  g_assert_cmpuint (g_hash_table_size (told), ==, 0);
  json_object_set_string_member (object, "state", "offline");
  json_object_set_null_member (object, "rtt_ms");
  json_object_set_int_member (object, "rx_bytes", 99);
  ew_node_update (node, object, 0);
  g_assert_cmpuint (g_hash_table_size (told), ==, 1);
  g_assert_true (g_hash_table_contains (told, "state"));
  g_assert_cmpfloat (ew_node_get_rtt_ms (node), <, 0);
}

/* Invalid members are ignored. */
static void
test_hostile (void)
{
  static const gchar *const wrong[] = {
    "{}",
    "{'name':7,'kind':[],'state':{},'online':'yes','addresses':'100.96.0.1','routes':[1,null,{},'x','1.2.3.4/99'],"
    "'rtt_ms':-1,'last_seen':'yesterday','rx_bytes':-4,'tx_bytes':'many','os':1,'version':false,'self':1}",
    "{'name':'','kind':'toaster','state':'dancing',"
    "'addresses':[['::1'],'1.2.3','evil\\u202e','fe80::1%eth0','::1%x'],"
    "'routes':['fe80::%lo/64',{}],"
    "'rtt_ms':1e300,'last_seen':12,'rx_bytes':null,'tx_bytes':null,'os':'','problem':[3],'version':'\\u200b\\u202e'}",
    "{'name':'\\u202e\\u0000\\n','rtt_ms':'3','last_seen':'-0001-99-99T00:00:00Z','rx_bytes':[],'tx_bytes':{}}"
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (JsonObject) object = parse (wrong[i]);
      g_autoptr (EwNode) node = ew_node_new ("n1");
      ew_node_update (node, object, 0);
      g_assert_cmpstr (ew_node_get_name (node), ==, "n1");
      g_assert_cmpint (ew_node_get_kind (node), ==, EW_KIND_SERVER);
      g_assert_cmpint (ew_node_get_state (node), ==, EW_NODE_OFFLINE);
      g_assert_null (ew_node_get_address (node));
      g_assert_false (ew_node_is_gateway (node) || ew_node_is_self (node));
      g_assert_cmpfloat (ew_node_get_rtt_ms (node), <, 0);
      g_assert_cmpint (ew_node_get_last_seen (node), ==, 0);
      g_assert_cmpint (ew_node_get_rx_bytes (node), ==, -1);
      g_assert_cmpint (ew_node_get_tx_bytes (node), ==, -1);
      g_assert_null (ew_node_get_os (node));
      g_assert_null (ew_node_get_version (node));
      g_assert_null (ew_node_get_problem (node));
    }
}

static void
test_ids (void)
{
  g_autofree gchar *long_id = g_strnfill (65, 'a');
  g_autoptr (JsonObject) object = json_object_new ();

  g_assert_null (ew_node_id_of (object));
  json_object_set_int_member (object, "id", 5);
  g_assert_null (ew_node_id_of (object));
  json_object_set_string_member (object, "id", "");
  g_assert_null (ew_node_id_of (object));
  json_object_set_string_member (object, "id", "a b");
  g_assert_null (ew_node_id_of (object));
  json_object_set_string_member (object, "id", "näs");
  g_assert_null (ew_node_id_of (object));
  json_object_set_string_member (object, "id", long_id);
  g_assert_null (ew_node_id_of (object));
  json_object_set_string_member (object, "id", long_id + 1);
  g_assert_cmpstr (ew_node_id_of (object), ==, long_id + 1);
}

static void
test_clean (void)
{
  static const struct
  {
    const gchar *given, *clean;
  } cases[] = {
    { NULL, "" },
    { "nas", "nas" },
    { "  Büro ☕ Berlin ", "Büro ☕ Berlin" },
    { "a\nb\tc\x1b[31m", "a b c [31m" },
    { "safe\xe2\x80\xae"
      "gpj.exe",
      "safegpj.exe" },
    { "\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8b\xc2\xadz", "xz" },
    { "one\xe2\x80\xa8two", "one two" },
    { "bad\xff\xfe!", "bad\xef\xbf\xbd\xef\xbf\xbd!" },
    { "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81\xcc\x81" },
    { "\xee\x80\x80private", "private" },
    { "0123456789", "0123456789" },
    { "0123456789a", "012345678…" },
    { "éééééééééééé", "ééééééééé…" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *clean = ew_text_clean (cases[i].given, i < 10 ? 40 : 10);
      g_assert_cmpstr (clean, ==, cases[i].clean);
    }
}

static void
test_sentence (void)
{
  static const gchar *const cases[][2] = {
    { "the key expired: make a new one", "The key expired: make a new one." },
    { "Another node is called nas.", "Another node is called nas." },
    { "nas did not answer", "nas did not answer." },
    { "Is it on?", "Is it on?" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *sentence = ew_text_sentence (cases[i][0], 80);
      g_assert_cmpstr (sentence, ==, cases[i][1]);
    }
}

#define S G_USEC_PER_SEC

static void
test_rate (void)
{
  EwRate rate = { 0 };

  g_assert_cmpfloat (ew_rate_get (&rate, 0), ==, 0);
  ew_rate_add (&rate, 1000, 10 * S);
  g_assert_cmpfloat (ew_rate_get (&rate, 10 * S), ==, 0);
  for (gint64 i = 1; i <= 20; i++)
    ew_rate_add (&rate, 1000 + i * 500, (10 + i) * S);
  g_assert_cmpfloat (ew_rate_get (&rate, 30 * S), ==, 500);
  g_assert_cmpfloat (ew_rate_get (&rate, 32 * S), ==, 300); /* the rate sinks … */
  g_assert_cmpfloat (ew_rate_get (&rate, 35 * S), ==, 0);   /* … and is 0 after 5 s */
  ew_rate_add (&rate, 11000 + 4000, 100 * S);               /* after a rest: the mean of 5 s, not of 70 */
  g_assert_cmpfloat (ew_rate_get (&rate, 100 * S), ==, 800);
  ew_rate_add (&rate, 5, 101 * S); /* another counter */
  g_assert_cmpfloat (ew_rate_get (&rate, 101 * S), ==, 0);
  ew_rate_add (&rate, 105, 101 * S + 1); /* two of one moment are one reading */
  g_assert_cmpfloat (ew_rate_get (&rate, 102 * S), ==, 0);
}

/* Random readings: never below 0, never more than the largest step a second. */
static void
test_rate_random (void)
{
  EwRate rate = { 0 };
  gint64 now = 0, value = 0;

  for (guint i = 0; i < 20000; i++)
    {
      now += g_test_rand_int_range (0, 3 * S);
      value = g_test_rand_int_range (0, 50) == 0 ? 0 : value + g_test_rand_int_range (0, 1000);
      ew_rate_add (&rate, value, now);
      gdouble mean = ew_rate_get (&rate, now + g_test_rand_int_range (0, 6 * S));
      g_assert_cmpfloat (mean, >=, 0);
      g_assert_cmpfloat (mean, <=, 1000.0 * EW_RATE_READINGS);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/node/read", test_read);
  g_test_add_func ("/model/node/hostile", test_hostile);
  g_test_add_func ("/model/node/ids", test_ids);
  g_test_add_func ("/model/text/clean", test_clean);
  g_test_add_func ("/model/text/sentence", test_sentence);
  g_test_add_func ("/model/rate", test_rate);
  g_test_add_func ("/model/rate/random", test_rate_random);
  return g_test_run ();
}
