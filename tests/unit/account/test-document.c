/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The node document from an edge that cannot be trusted: each row spoils one field.
 */
#include "account/document.h"
#include "common/error.h"
#include "common/util.h"
#include "fake-edge.h"

static void
setup (FakeEdge *edge, gconstpointer data)
{
  fake_edge_init (edge);
}

static void
teardown (FakeEdge *edge, gconstpointer data)
{
  fake_edge_clear (edge);
}

static void
test_good (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = fake_edge_document (edge);
  g_autoptr (EwDocument) document = ew_document_parse (object, edge->ca_pem, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (document->revision.hash, ==, 42);
  g_assert_cmpstr (document->name, ==, "laptop");
  g_assert_cmpuint (document->addresses->len, ==, 2);
  g_assert_cmpint (g_array_index (document->addresses, EwIp, 0).family, ==, EW_FAMILY_V4);
  g_assert_cmpuint (document->edges->len, ==, 1);
  const EwDocumentEdge *first = document->edges->pdata[0];
  g_assert_cmpstr (first->endpoints[0], ==, "203.0.113.5:443");
  g_assert_cmpuint (document->offers->len, ==, 1);
  g_assert_cmpstr (((EwDocumentRoute *)document->routes->pdata[0])->node, ==, "office-gw");
  g_assert_true (document->exit);
}

static void
assert_bad (FakeEdge *edge, JsonObject *object, const gchar *what)
{
  g_autoptr (GError) error = NULL;
  EwDocument *document = ew_document_parse (object, edge->ca_pem, &error);
  if (document)
    g_error ("accepted: %s", what);
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
}

static void
test_bad_fields (FakeEdge *edge, gconstpointer data)
{
  const struct
  {
    const gchar *member, *json;
  } rows[] = {
    { "schema", "2" },
    { "schema", "\"1\"" },
    { "revision", "-1" },
    { "revision", "\"x\"" },
    { "mesh", "\"\"" },
    { "mesh", "\"Home\"" },
    { "mesh", "\"a/b\"" },
    { "mesh", "7" },
    { "suffix", "\"home..internal\"" },
    { "suffix", "\".\"" },
    { "suffix", "\"a b\"" },
    { "id", "\"../../etc\"" },
    { "id", "\"\"" },
    { "name", "\"-x\"" },
    { "name", "\"x\\ny\"" },
    { "kind", "\"edge\"" },
    { "role", "\"root\"" },
    { "mtu", "1279" },
    { "mtu", "65536" },
    { "mtu", "1420.5" },
    { "addresses", "[]" },
    { "addresses", "[\"8.8.8.8\"]" },
    { "addresses", "[\"100.96.1.1/32\"]" },
    { "addresses", "[\"100.96.1.1\",7]" },
    { "addresses", "\"100.96.1.1\"" },
    { "addresses", "[\"100.96.0.1\"]" }, /* the edge's own */
    { "addresses", "[\"100.96.1.1\",\"100.96.1.2\",\"100.96.1.3\",\"100.96.1.4\",\"100.96.1.5\"]" },
    { "ranges", "[]" },
    { "ranges", "[\"0.0.0.0/0\"]" },
    { "ranges", "[\"100.0.0.0/7\"]" },
    { "ranges", "[\"96.0.0.0/4\"]" },
    { "ranges", "[\"8.0.0.0/8\",\"100.96.0.0/12\",\"fd12:3456:789a::/48\"]" }, /* a piece of the internet */
    { "ranges", "[\"100.96.0.0/12\",\"100.96.0.0/16\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"100.96.0.1/12\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"100.96.0.0/12\",\"::/0\"]" },
    { "ranges", "[\"100.96.0.0/12\",\"2000::/3\"]" },
    { "ranges", "[\"127.0.0.0/8\"]" },
    /* Private where they begin, public after that. */
    { "ranges", "[\"192.0.0.0/8\",\"100.96.0.0/12\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"192.168.0.0/13\",\"100.96.0.0/12\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"198.51.100.0/22\",\"100.96.0.0/12\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"100.96.0.0/12\",\"2001::/16\",\"fd12:3456:789a::/48\"]" },
    { "ranges", "[\"100.96.0.0/12\",\"fc00::/6\"]" },
    { "service", "[]" },
    { "service", "[\"1.1.1.1\"]" },
    { "service", "[\"fd12:3456:789a::1\"]" }, /* no service address of the first address's family */
    { "offers", "[\"192.168.1.7/24\"]" },
    { "offers", "[\"x\"]" },
    { "offers", "null" },
    { "routes", "[\"10.7.0.0/24\"]" },
    { "routes", "[{\"cidr\":\"10.7.0.0/33\",\"node\":\"gw\"}]" },
    { "routes", "[{\"cidr\":\"10.7.0.0/24\"}]" },
    { "routes", "[{\"cidr\":\"10.7.0.0/24\",\"node\":\"a;b\"}]" },
    { "routes", "{}" },
    { "edges", "{}" },
    { "edges", "[]" },
    { "edges", "{\"list\":\"[]\",\"signature\":\"\"}" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (JsonObject) object = fake_edge_document (edge);
      json_object_set_member (object, rows[i].member, json_from_string (rows[i].json, NULL));
      g_autofree gchar *what = g_strdup_printf ("%s = %s", rows[i].member, rows[i].json);
      assert_bad (edge, object, what);
      json_object_remove_member (object, rows[i].member);
      assert_bad (edge, object, rows[i].member);
    }
}

/* Older edges send no domains. Invalid domains of a gateway are left out. */
static void
test_domains (FakeEdge *edge, gconstpointer data)
{
  static const gchar *const bad[]
    = { "{}", "null", "[7]", "[{}]", "[{\"domain\":\"a.example\"}]", "[{\"domain\":\"a.example\",\"node\":\"a b\"}]" };
  static const gchar good[]
    = "[{\"domain\":\"corp.example\",\"node\":\"gw\",\"resolver\":\"10.77.0.53\"},{\"domain\":\"com\",\"node\":\"gw\"},"
      "{\"domain\":\".\",\"node\":\"gw\"},{\"domain\":\"a.b\\nc\",\"node\":\"gw\"}]";
  g_autoptr (JsonObject) object = fake_edge_document (edge);
  g_autoptr (EwDocument) old = ew_document_parse (object, edge->ca_pem, NULL);
  g_assert_cmpuint (old->domains->len, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      json_object_set_member (object, "domains", json_from_string (bad[i], NULL));
      assert_bad (edge, object, bad[i]);
    }
  json_object_set_member (object, "domains", json_from_string (good, NULL));
  g_autoptr (EwDocument) document = ew_document_parse (object, edge->ca_pem, NULL);
  g_assert_cmpuint (document->domains->len, ==, 1);
  g_assert_cmpstr (((EwDocumentDomain *)document->domains->pdata[0])->domain, ==, "corp.example");
  g_assert_cmpstr (((EwDocumentDomain *)document->domains->pdata[0])->node, ==, "gw");
  const EwIp resolver = ew_ip_from_v4 (0x0a4d0035);
  g_assert_true (ew_ip_equal (&((EwDocumentDomain *)document->domains->pdata[0])->resolver, &resolver));
}

/* The list of edges: only the CA's signature counts. */
static void
test_edges (FakeEdge *edge, gconstpointer data)
{
  static const gchar good[]
    = "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\","
      "\"endpoints\":[\"a.example:443\"],\"api\":[\"https://a.example:443\"]}]";
  const gchar *const lists[] = {
    "",
    "[]",
    "{}",
    "[7]",
    "[{}]",
    "x",
    "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"short\",\"endpoints\":[\"1.2.3.4:1\"],\"api\":[\"https://"
    "1.2.3.4:1\"]}]",
    "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/"
    "Og0mOBr066SpjqqbTmo=\",\"endpoints\":[],\"api\":[\"https://1.2.3.4:1\"]}]",
    "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/"
    "Og0mOBr066SpjqqbTmo=\",\"endpoints\":[\"1.2.3.4\"],\"api\":[\"https://1.2.3.4:1\"]}]",
    "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/"
    "Og0mOBr066SpjqqbTmo=\",\"endpoints\":[\"1.2.3.4:1\"],\"api\":[\"http://1.2.3.4:1\"]}]",
    "[{\"id\":\"e1\",\"name\":\"a\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/"
    "Og0mOBr066SpjqqbTmo=\",\"endpoints\":[\"1.2.3.4:1\"],\"api\":[\"https://x@1.2.3.4:1/\"]}]",
  };
  g_autoptr (JsonObject) object = fake_edge_document (edge);
  fake_edge_sign (edge, object, good);
  g_autoptr (EwDocument) document = ew_document_parse (object, edge->ca_pem, NULL);
  g_assert_nonnull (document);
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      fake_edge_sign (edge, object, lists[i]);
      assert_bad (edge, object, lists[i]);
    }
  /* Signed, then altered. */
  fake_edge_sign (edge, object, good);
  g_autofree gchar *altered = g_strdup (good);
  memcpy (strstr (altered, "a.example"), "b", 1);
  json_object_set_string_member (ew_json_object (object, "edges"), "list", altered);
  assert_bad (edge, object, "altered list");
  /* Signed by another mesh. */
  FakeEdge other = { 0 };
  fake_edge_init (&other);
  fake_edge_sign (&other, object, good);
  assert_bad (edge, object, "another mesh's list");
  fake_edge_clear (&other);
}

/* Any one byte changed, anything cut short: refused or still whole, never a crash. */
static void
test_mutated (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (JsonObject) object = fake_edge_document (edge);
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  gsize length = strlen (text);
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree gchar *copy = g_strdup (text);
      copy[g_test_rand_int_range (0, (gint32)length)] = (gchar)g_test_rand_int_range (1, 256);
      gssize cut = i % 4 == 0 ? g_test_rand_int_range (0, (gint32)length) : (gssize)length;
      g_autoptr (JsonObject) mutated = ew_json_parse_object (copy, cut, 65536, NULL);
      g_autoptr (EwDocument) document = mutated ? ew_document_parse (mutated, edge->ca_pem, NULL) : NULL;
      for (guint j = 0; document && j < document->ranges->len; j++)
        g_assert_true (ew_ip_is_private (&g_array_index (document->ranges, EwPrefix, j).ip));
    }
}

static void
test_urls (void)
{
  const gchar *const good[] = { "https://a.example:443", "https://192.0.2.1:1", "https://[2001:db8::1]:443" };
  const gchar *const bad[] = { "",
                               "http://a.example:443",
                               "https://a.example",
                               "https://a.example:443/",
                               "https://u@a.example:443",
                               "https://a.example:443?x",
                               "https://a.example:0",
                               "https://a.example:65536",
                               "https://:443",
                               "https://a b:443" };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_api_url_check (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_api_url_check (bad[i]));
  g_assert_false (ew_api_url_check (NULL));
}

/* An unknown field is stored with the rest: it must not make a file that cannot be read again. */
static void
test_storable (FakeEdge *edge, gconstpointer data)
{
  g_autofree gchar *deletes = g_strnfill (20000, '\177'); /* one byte in an answer, six when written */
  g_autofree gchar *deep = g_strconcat ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", NULL);
  g_autofree gchar *grown = g_strdup_printf ("\"%s\"", deletes);
  const gchar *const bad[] = { deep, grown, "1e999" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (JsonObject) object = fake_edge_document (edge);
      g_autofree gchar *whole = g_strdup_printf ("{\"x\":%s}", bad[i]);
      g_autoptr (JsonObject) other = ew_json_parse_object (whole, (gssize)strlen (whole), 65536, NULL);
      g_assert_nonnull (other); /* an answer may be this large */
      json_object_set_member (object, "x", json_object_dup_member (other, "x"));
      assert_bad (edge, object, bad[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/account/document/good", FakeEdge, NULL, setup, test_good, teardown);
  g_test_add ("/account/document/bad-fields", FakeEdge, NULL, setup, test_bad_fields, teardown);
  g_test_add ("/account/document/domains", FakeEdge, NULL, setup, test_domains, teardown);
  g_test_add ("/account/document/edges", FakeEdge, NULL, setup, test_edges, teardown);
  g_test_add ("/account/document/mutated", FakeEdge, NULL, setup, test_mutated, teardown);
  g_test_add ("/account/document/storable", FakeEdge, NULL, setup, test_storable, teardown);
  g_test_add_func ("/account/document/urls", test_urls);
  return g_test_run ();
}
