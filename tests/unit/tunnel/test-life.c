/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tunnel's life against an edge that does what a test wants (tunnel-world.h).
 */
#include "tunnel/domains.h"
#include "tunnel-world.h"
#include "account/describe.h"
#include "common/error.h"
#include "common/util.h"
#include "engine-testing.h"
#include "proto/packet.h"
#include <glib/gstdio.h>

#define HOST "ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; nft list ruleset"

/* A route other than type throw, which a gateway sets for its own subnets and which refers to the next table. */
static void
assert_route (const gchar *cidr, gboolean there)
{
  g_autofree gchar *command = g_strdup_printf ("ip route show table all type unicast %s", cidr);
  g_autofree gchar *out = shell (command);
  if ((*out != '\0') != there)
    g_error ("the route %s is %s: “%s”", cidr, there ? "missing" : "there", out);
}

static void
test_life (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *before = shell (HOST);
  wait_for (world, "state", "not-enrolled");
  enroll (world);
  wait_for (world, "mesh", "home");
  wait_for (world, "edge-name", "frankfurt");
  wait_for (world, "transport", "udp");
  assert_route ("100.96.0.0/12", TRUE);
  g_autofree gchar *during = shell (HOST);
  g_assert_cmpstr (before, !=, during);
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  wait_for (world, "state", "disconnected");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  spin (50);
  g_assert_cmpuint (atomic_load (&world->goodbyes), ==, 1);
  /* Remembered, in both directions. */
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "disconnected");
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  end_tunnel (world);
  g_autofree gchar *stopped = shell (HOST);
  g_assert_cmpstr (before, ==, stopped);
  new_tunnel (world);
  wait_for (world, "state", "connected");
}

/* The package was upgraded: the edge is told at the next connect, once; one that is too old changes nothing. */
static void
test_upgrade (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  g_assert_false (ew_describe_is_due (world->tunnel->keystore));
  g_assert_cmpstr (world->edge.last_method, !=, "PATCH");
  ew_describe_told (world->tunnel->keystore, "Linux", "0.0.9");
  fake_edge_answer (&world->edge, 405, "{\"schema\":1,\"error\":{\"code\":\"MethodNotAllowed\",\"message\":\"No.\"}}");
  for (guint round = 0; round < 2; round++)
    {
      g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
      g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
      wait_for (world, "state", "connected");
      while (g_strcmp0 (world->edge.last_method, "PATCH") != 0 || world->tunnel->describing)
        spin (10);
      wait_for (world, "state", "connected");
      g_assert_cmpint (ew_describe_is_due (world->tunnel->keystore), ==, round == 0);
      world->tunnel->describe_not_before = 0;
      g_clear_pointer (&world->edge.last_method, g_free);
      publish (world);
    }
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "connected");
  g_assert_false (world->tunnel->describing);
  g_assert_false (ew_describe_is_due (world->tunnel->keystore));
}

/* All of the document's routes are accepted by a careless user: forbidden ones still aren't used. */
static void
test_hostile_routes (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const hostile[]
    = { "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "10.55.0.0/16" };
  g_autofree gchar *lan
    = shell ("ip link add lan0 type veth peer name lan1; ip addr add 10.55.1.1/24 dev lan0; ip link set lan0 up");
  enroll (world);
  JsonArray *routes = json_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autoptr (GError) error = NULL;
      JsonObject *route = json_object_new ();
      EwPrefix prefix;
      g_assert_true (ew_prefix_parse (hostile[i], &prefix, NULL));
      json_object_set_string_member (route, "cidr", hostile[i]);
      json_object_set_string_member (route, "node", "evil");
      json_array_add_object_element (routes, route);
      if (i < 6)
        {
          g_assert_false (ew_tunnel_accept_route (world->tunnel, hostile[i], TRUE, &error));
          g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED);
        }
      ew_prefixes_set (world->tunnel->keystore->accepted, &prefix, TRUE);
    }
  JsonObject *good = json_object_new ();
  json_object_set_string_member (good, "cidr", "10.7.0.0/24");
  json_object_set_string_member (good, "node", "office-gw");
  json_array_add_object_element (routes, good);
  json_object_set_array_member (world->document, "routes", routes);
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  g_autofree gchar *before = shell ("ip route show table all");
  atomic_store (&world->revision, 43);
  ew_tunnel_probe (world->tunnel);
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (world->tunnel->document->revision.hash != 43 && g_get_monotonic_time () < end)
    spin (10);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 43);
  g_autofree gchar *after = shell ("ip route show table all");
  g_assert_cmpstr (before, ==, after);
  g_autoptr (GError) error = NULL;
  g_assert_false (ew_tunnel_accept_route (world->tunnel, "10.55.0.0/16", TRUE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED);
  /* An honest route is used once accepted and not before. */
  assert_route ("10.7.0.0/24", FALSE);
  g_assert_true (ew_tunnel_accept_route (world->tunnel, "10.7.0.0/24", TRUE, NULL));
  assert_route ("10.7.0.0/24", TRUE);
  g_assert_true (ew_tunnel_accept_route (world->tunnel, "10.7.0.0/24", FALSE, NULL));
  assert_route ("10.7.0.0/24", FALSE);
  g_autofree gchar *gone = shell ("ip link del lan0");
}

static void
take_routes (World *world, gint64 revision, const gchar *offers, const gchar *routes)
{
  json_object_set_member (world->document, "offers", json_from_string (offers, NULL));
  json_object_set_member (world->document, "routes", json_from_string (routes, NULL));
  json_object_set_int_member (world->document, "revision", revision);
  /* As from the wire: the tunnel keeps what it takes, and compares the next one with it. */
  g_autofree gchar *text = ew_json_to_string (world->document, FALSE);
  g_autoptr (JsonObject) object = ew_json_parse_object (text, (gssize)strlen (text), 65536, NULL);
  g_assert_true (ew_tunnel_take_document (world->tunnel, object));
}

/* In which of the keystore's lists a route is: "a" accepted, "f" forwarded, "w" awaited, "r" refused. */
static void
assert_choice (World *world, const gchar *cidr, const gchar *expected)
{
  EwKeystore *keystore = world->tunnel->keystore;
  EwPrefix prefix;
  g_assert_true (ew_prefix_parse (cidr, &prefix, NULL));
  g_autofree gchar *found = g_strconcat (ew_prefixes_contain (keystore->accepted, &prefix) ? "a" : "",
                                         ew_prefixes_contain (keystore->forwarded, &prefix) ? "f" : "",
                                         ew_prefixes_contain (keystore->awaited, &prefix) ? "w" : "",
                                         ew_prefixes_contain (keystore->refused, &prefix) ? "r" : "", NULL);
  g_assert_cmpstr (found, ==, expected);
}

/* Accepted before it is offered: stored once, in force as the first offer defines it, and forgotten when it is
   refused. */
static void
test_awaited_routes (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  EwTunnel *tunnel = world->tunnel;
  static const gchar *const cidrs[] = { "10.31.0.0/24", "10.32.0.0/24", "10.33.0.0/24" };
  for (gsize i = 0; i < G_N_ELEMENTS (cidrs); i++)
    {
      g_assert_true (ew_tunnel_accept_route (tunnel, cidrs[i], TRUE, NULL));
      assert_choice (world, cidrs[i], "w");
      assert_route (cidrs[i], FALSE);
    }
  g_assert_true (ew_tunnel_accept_route (tunnel, cidrs[2], FALSE, NULL));
  assert_choice (world, cidrs[2], "");
  take_routes (world, 51, "[\"10.31.0.0/24\"]", "[{\"cidr\":\"10.32.0.0/24\",\"node\":\"office-gw\"}]");
  assert_choice (world, cidrs[0], "f");
  assert_choice (world, cidrs[1], "a");
  assert_route (cidrs[0], FALSE);
  assert_route (cidrs[1], TRUE);
  g_assert_cmpuint (tunnel->plan->forwards->len, ==, 1);
  /* Withdrawn, and then offered in the other direction: neither choice turns into the other. */
  take_routes (world, 52, "[\"10.32.0.0/24\"]", "[{\"cidr\":\"10.31.0.0/24\",\"node\":\"office-gw\"}]");
  assert_choice (world, cidrs[0], "f");
  assert_choice (world, cidrs[1], "a");
  assert_route (cidrs[0], FALSE);
  g_assert_cmpuint (tunnel->plan->forwards->len, ==, 0);
  take_routes (world, 53, "[]", "[]");
  g_assert_cmpuint (tunnel->plan->all->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpstr (((EwPlanRoute *)tunnel->plan->all->pdata[0])->state, ==, "accepted-not-offered");
      g_assert_true (ew_tunnel_accept_route (tunnel, cidrs[i], FALSE, NULL));
      assert_choice (world, cidrs[i], "");
    }
  g_assert_cmpuint (tunnel->plan->all->len, ==, 0);
}

static void
assert_domains (World *world, const gchar *expected)
{
  g_auto (GStrv) domains = ew_tunnel_get_domains (world->tunnel);
  g_autofree gchar *text = g_strjoinv (" ", domains);
  g_assert_cmpstr (text, ==, expected);
}

/* The edge answers a domain only if it was accepted here, and never one that this computer's path to the edge or the
 * mesh's own names depend on. */
static void
test_domains (World *world, gconstpointer data)
{
  static const gchar offered[] = "[{\"domain\":\"corp.example\",\"node\":\"gw\"},{\"domain\":\"co.uk\",\"node\":\"gw\"}"
                                 ",{\"domain\":\"lab.example\","
                                 "\"node\":\"laptop\"},{\"domain\":\"hosting.example\",\"node\":\"gw\"},{\"domain\":"
                                 "\"x.home.internal\",\"node\":\"gw\"}]";
  static const gchar *const never[] = { "co.uk", "x.home.internal", "internal", "com", ".", "x.onion" };
  if (skipped ())
    return;
  enroll (world);
  EwTunnel *tunnel = world->tunnel;
  g_assert_true (ew_tunnel_accept_domain (tunnel, "hosting.example", TRUE, NULL));
  json_object_set_member (world->document, "domains", json_from_string (offered, NULL));
  take_routes (world, 61, "[]", "[]");
  assert_domains (world, "hosting.example");
  g_assert_true (ew_tunnel_accept_domain (tunnel, "Corp.Example.", TRUE, NULL));
  g_assert_true (ew_tunnel_accept_domain (tunnel, "lab.example", TRUE, NULL)); /* its own: not the edge's to answer */
  assert_domains (world, "corp.example hosting.example");
  for (gsize i = 0; i < G_N_ELEMENTS (never); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_tunnel_accept_domain (tunnel, never[i], TRUE, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
    }
  g_assert_true (ew_tunnel_accept_domain (tunnel, "home.internal", TRUE, NULL)); /* the mesh's own suffix */
  /* The edge has moved below what was accepted: its name has to be found without it. */
  sign_edges (world, "\"127.0.0.1:5\",\"edge.hosting.example:443\"");
  take_routes (world, 62, "[]", "[]");
  assert_domains (world, "corp.example");
  JsonNode *list = json_from_string (offered, NULL);
  ew_tunnel_describe_domains (tunnel, json_node_get_array (list));
  static const gchar *const states[] = { "accepted", "blocked", "own", "blocked", "blocked" };
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    g_assert_cmpstr (ew_json_string (json_array_get_object_element (json_node_get_array (list), i), "state"), ==,
                     states[i]);
  json_node_unref (list);
  g_assert_true (ew_tunnel_accept_domain (tunnel, "corp.example", FALSE, NULL));
  assert_domains (world, "");
}

/* Documents that must not be believed: another node's, another range, edges that the CA did not sign; and invalid
 * answers. */
static void
test_hostile_documents (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  const gchar *const spoils[] = { "ranges", "id", "edges", "redirect", "garbage" };
  for (gsize i = 0; i < G_N_ELEMENTS (spoils); i++)
    {
      g_autoptr (JsonObject) document = fake_edge_document (&world->edge);
      json_object_set_member (document, "edges", json_node_copy (json_object_get_member (world->document, "edges")));
      json_object_set_int_member (document, "revision", 100 + (gint64)i);
      if (i == 0)
        json_object_set_member (document, "ranges",
                                json_from_string ("[\"100.96.0.0/12\",\"fd12:3456:789a::/48\",\"10.0.0.0/8\"]", NULL));
      else if (i == 1)
        json_object_set_string_member (document, "id", "another");
      else if (i == 2)
        json_object_set_string_member (ew_json_object (document, "edges"), "signature", "AAAA");
      g_autofree gchar *text = ew_json_to_string (document, FALSE);
      world->edge.location = i == 3 ? "https://127.0.0.1:1/v1/self" : NULL;
      fake_edge_answer (&world->edge, i == 3 ? 302 : 200, i == 4 ? "<html>" : text);
      guint before = world->edge.requests;
      world->tunnel->fetch_not_before = 0;
      ew_tunnel_refresh (world->tunnel);
      gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
      while (world->tunnel->fetching && g_get_monotonic_time () < end)
        spin (5);
      g_assert_cmpuint (world->edge.requests, ==, before + 1);
      g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 42);
      wait_for (world, "state", "connected");
    }
  world->edge.location = NULL;
  assert_route ("10.0.0.0/8", FALSE);
}

/* A notice that comes while its document is being fetched starts no second fetch, whose lack of news would delay the
 * next notice for 10 s. */
static void
test_notice_during_fetch (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  atomic_store (&world->revision, 0); /* no ANSWER that is still on its way asks for a fetch of its own */
  spin (200);
  guint before = world->edge.requests;
  EwHeard notice = { .kind = EW_HEARD_LINK, .message = { .type = EW_LINK_NOTICE, .revision = { 43 } } };
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  world->tunnel->fetch_not_before = 0;
  ew_tunnel_heard (&notice, world->tunnel);
  g_assert_true (world->tunnel->fetching);
  ew_tunnel_heard (&notice, world->tunnel);
  gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (world->tunnel->fetching && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 43);
  atomic_store (&world->revision, 43);
  spin (1500);
  g_assert_cmpuint (world->edge.requests, ==, before + 1);
  json_object_set_int_member (world->document, "revision", 7); /* smaller, and newer */
  publish (world);
  atomic_store (&world->revision, 7);
  notice.message.revision.hash = 7;
  ew_tunnel_heard (&notice, world->tunnel);
  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (world->tunnel->document->revision.hash != 7 && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 7);
}

/* What the edge says about this node's identity, via the API or an ANSWER, becomes the reason of the connected state,
 * and never brings up a tunnel that is down. */
static void
test_problem (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  atomic_store (&world->problem, EW_NODE_PROBLEM_CLOCK_BEHIND);
  json_object_set_string_member (world->document, "problem", "clock-behind");
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  atomic_store (&world->revision, 43);
  world->tunnel->fetch_not_before = 0;
  ew_tunnel_refresh (world->tunnel);
  wait_for (world, "reason", "clock-behind");
  wait_for (world, "state", "connected");
  g_assert_false (json_object_has_member (world->tunnel->keystore->document, "problem")); /* of this moment */
  atomic_store (&world->problem, EW_NODE_PROBLEM_NONE);
  gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (world->tunnel->problem != EW_NODE_PROBLEM_NONE && g_get_monotonic_time () < end)
    {
      ew_tunnel_probe (world->tunnel); /* the edge's ANSWER says none */
      spin (20);
    }
  wait_for (world, "reason", "");
  wait_for (world, "state", "connected");
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  wait_for (world, "state", "disconnected");
  ew_tunnel_heard_problem (world->tunnel, EW_NODE_PROBLEM_TWO_MACHINES);
  wait_for (world, "state", "disconnected");
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  wait_for (world, "reason", "");
}

/* A notice from before the last change may arrive after that change was fetched; the next change must not wait 10 s
 * because of it. */
static void
test_stale_notice (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  atomic_store (&world->revision, 0);
  spin (200);
  guint before = world->edge.requests;
  EwHeard notice = { .kind = EW_HEARD_LINK, .message = { .type = EW_LINK_NOTICE, .revision = { 41 } } };
  world->tunnel->fetch_not_before = 0;
  ew_tunnel_heard (&notice, world->tunnel);
  gint64 end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (world->tunnel->fetching && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->edge.requests, ==, before + 1);
  json_object_set_int_member (world->document, "revision", 44);
  publish (world);
  notice.message.revision.hash = 44;
  ew_tunnel_heard (&notice, world->tunnel);
  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (world->tunnel->document->revision.hash != 44 && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 44);
}

/* An edge that always says the document is old costs a request in 10 s in the end, not one a packet. */
static void
test_notice_storm (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  guint before = world->edge.requests;
  atomic_store (&world->revision, 4242);
  for (guint i = 0; i < 30; i++)
    {
      ew_tunnel_probe (world->tunnel);
      spin (100);
    }
  g_assert_cmpuint (world->edge.requests - before, >=, 1);
  g_assert_cmpuint (world->edge.requests - before, <=, 2);
}

/* How often the account's file has been written: each time it is another file. */
static guint
count_writes (World *world, ino_t *last)
{
  g_autofree gchar *path = g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
  GStatBuf info;
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  guint changed = info.st_ino != *last;
  *last = info.st_ino;
  return changed;
}

/* An edge whose answer differs each time doesn't keep the disk busy; each answer applies at once. */
static void
test_document_storm (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  ino_t last = 0;
  guint writes = 0;
  count_writes (world, &last);
  for (guint i = 0; i < 12; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("laptop-%u", i);
      json_object_set_int_member (world->document, "revision", 5000 + i);
      if (i % 2 == 0)
        json_object_set_string_member (world->document, "name", name);
      g_assert_true (ew_tunnel_take_document (world->tunnel, world->document));
      writes += count_writes (world, &last);
      if (i % 2 == 0)
        wait_for (world, "node-name", name);
      g_autoptr (JsonObject) copy = json_object_new ();
      JsonObjectIter iter;
      const gchar *member;
      JsonNode *node;
      json_object_iter_init (&iter, world->document);
      while (json_object_iter_next (&iter, &member, &node))
        json_object_set_member (copy, member, json_node_copy (node));
      json_object_unref (world->document);
      world->document = g_steal_pointer (&copy);
    }
  g_assert_cmpuint (writes, <=, 1);
  /* The wish to be connected doesn't come from the edge, so it is stored at once, together with what waited. */
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_autoptr (EwKeystore) stored = ew_keystore_load (world->edge.dir, NULL);
  g_assert_cmpstr (ew_json_string (stored->document, "name"), ==, "laptop-10");
}

/* Programs of this computer that read the map share one stream, and one user can't use up the others' places. */
static void
test_map_readers (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  gint fds[8];
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < 4; i++)
    {
      fds[i] = ew_tunnel_open_topology (world->tunnel, 1000, &error);
      g_assert_no_error (error);
    }
  g_assert_cmpint (ew_tunnel_open_topology (world->tunnel, 1000, &error), ==, -1);
  g_assert_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS);
  g_clear_error (&error);
  for (guint i = 4; i < 8; i++)
    {
      fds[i] = ew_tunnel_open_topology (world->tunnel, i % 2 ? 1001 : 0, &error);
      g_assert_no_error (error);
    }
  close (fds[0]);
  spin (100);
  fds[0] = ew_tunnel_open_topology (world->tunnel, 1000, &error);
  g_assert_no_error (error);
  spin (500);
  g_assert_cmpuint (world->edge.viewers, ==, 1);
  for (guint i = 0; i < 8; i++)
    close (fds[i]);
  spin (200);
  g_assert_null (world->tunnel->topology);
}

static void
test_removed (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  fake_edge_answer (&world->edge, 410, "{\"schema\":1,\"error\":{\"code\":\"Removed\",\"message\":\"Removed.\"}}");
  atomic_store (&world->revision, 43);
  ew_tunnel_probe (world->tunnel);
  wait_for (world, "state", "removed");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  g_autoptr (GError) error = NULL;
  g_assert_false (ew_tunnel_connect (world->tunnel, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_REMOVED);
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "removed");
  /* A new key brings it back without leaving first. */
  g_free (world->key);
  world->key = fake_edge_key (&world->edge);
  end_tunnel (world);
  admit_node (world);
  new_tunnel (world);
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  enroll (world);
}

static void
test_second_endpoint (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *endpoints
    = g_strdup_printf ("\"192.0.2.1:9\",\"127.0.0.1:9\",\"127.0.0.1:%u\"", ew_engine_get_listen_port (world->engine));
  g_autofree gchar *used = g_strdup_printf ("127.0.0.1:%u", ew_engine_get_listen_port (world->engine));
  sign_edges (world, endpoints);
  publish (world);
  gint64 begun = g_get_monotonic_time ();
  enroll (world);
  wait_for (world, "edge-endpoint", used);
  /* The dead one costs a quarter of a second, not an endpoint's full timeout. */
  g_assert_cmpint (g_get_monotonic_time () - begun, <, EW_LIVENESS_NEXT_ENDPOINT);
}

static void
move_edge (World *world, const gchar *endpoints, gint revision)
{
  sign_edges (world, endpoints);
  json_object_set_int_member (world->document, "revision", revision);
  publish (world);
  atomic_store (&world->revision, (unsigned long)revision);
  ew_tunnel_probe (world->tunnel);
  const EwTunnel *tunnel = world->tunnel;
  for (guint i = 0; i < 4000; i++)
    if (tunnel->document->revision.hash == (guint64)revision && !tunnel->fetching && !tunnel->resolving)
      break;
    else
      spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, (guint64)revision);
}

/* The edge gives out an address that is wrong: a name that nobody has, or one where nothing answers. It's still found
   where it was, after a restart too, and what corrects it arrives. */
static void
test_wrong_address (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const wrong[] = { "\"nowhere.invalid:443\"", "\"127.0.0.1:9\"" };
  g_autofree gchar *used = g_strdup_printf ("127.0.0.1:%u", ew_engine_get_listen_port (world->engine));
  g_autofree gchar *right = g_strdup_printf ("\"%s\"", used);
  enroll (world);
  for (gint i = 0; i < 2; i++)
    {
      move_edge (world, wrong[i], 50 + 2 * i);
      end_tunnel (world);
      new_tunnel (world);
      wait_for (world, "state", "connected");
      wait_for (world, "edge-endpoint", used);
      const GArray *candidates = world->tunnel->candidates;
      g_assert_cmpuint (candidates->len, ==, (guint)i + 1);
      g_assert_true (g_array_index (candidates, EwCandidate, i).remembered);
      move_edge (world, right, 51 + 2 * i);
      wait_for (world, "state", "connected");
      wait_for (world, "edge-endpoint", used);
      g_assert_cmpuint (world->tunnel->candidates->len, ==, 1);
      g_assert_false (g_array_index (world->tunnel->candidates, EwCandidate, 0).remembered);
    }
}

static void
test_vpn (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  gint64 until;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  g_autofree gchar *connector = shell (HOST);
  /* From the local desktop: settled by the first probe that returns. */
  g_assert_true (set_mode (world, "vpn", FALSE, &error));
  wait_for (world, "mode", "vpn");
  for (guint i = 0; i < 1000 && !world->tunnel->keystore->vpn; i++)
    spin (5);
  g_assert_true (world->tunnel->keystore->vpn);
  g_object_get (world->tunnel, "guard-until", &until, NULL);
  g_assert_cmpint (until, ==, 0);
  g_assert_true (set_mode (world, "connector", FALSE, &error));
  g_autofree gchar *back = shell (HOST);
  g_assert_cmpstr (connector, ==, back);
  /* From elsewhere: however many probes return, it counts. */
  g_assert_true (set_mode (world, "vpn", TRUE, &error));
  spin (200);
  g_object_get (world->tunnel, "guard-until", &until, NULL);
  g_assert_cmpint (until, >, g_get_real_time () + 30 * G_USEC_PER_SEC);
  g_assert_false (world->tunnel->keystore->vpn);
  g_assert_true (ew_tunnel_undo_mode (world->tunnel, NULL));
  g_autofree gchar *undone = shell (HOST);
  g_assert_cmpstr (connector, ==, undone);
  g_assert_false (ew_tunnel_undo_mode (world->tunnel, NULL));
  g_assert_false (ew_tunnel_confirm_mode (world->tunnel, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  /* Not confirmed when the tunnel goes down: reverted. */
  g_assert_true (set_mode (world, "vpn", TRUE, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  wait_for (world, "mode", "connector");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  /* Confirmed: kept over a restart. */
  g_assert_true (set_mode (world, "vpn", TRUE, NULL)); /* down: armed */
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  for (guint i = 0; i < 1000 && !world->tunnel->vpn_active; i++)
    spin (5);
  g_assert_true (ew_tunnel_confirm_mode (world->tunnel, &error));
  end_tunnel (world);
  g_autofree gchar *stopped = shell (HOST);
  g_assert_cmpstr (before, ==, stopped);
  new_tunnel (world);
  wait_for (world, "mode", "vpn");
  wait_for (world, "state", "connected");
  g_assert_true (world->tunnel->vpn_active);
}

/* With an edge that isn't an exit, VPN mode is refused with a sentence. With a tunnel that does not work, the mode
 * waits, and ends with it. */
static void
test_vpn_refused (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  json_object_set_boolean_member (world->document, "exit", FALSE);
  publish (world);
  enroll (world);
  g_assert_false (set_mode (world, "vpn", FALSE, &error));
  g_assert_nonnull (strstr (error->message, "internet"));
  g_clear_error (&error);
  g_assert_false (set_mode (world, "warp", FALSE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  world->tunnel->document->exit = TRUE;
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  atomic_store (&world->revision, 0);
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  ew_tunnel_set_mode_async (world->tunnel, "vpn", 0, FALSE, NULL, keep, &result);
  spin (300);
  g_assert_null (result);
  g_assert_false (world->tunnel->vpn_active);
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_false (ew_tunnel_set_mode_finish (world->tunnel, await (&result), &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_CONNECTED);
  wait_for (world, "mode", "connector");
}

/* Packets that the edge must not send never reach the host. */
static void
test_hostile_packets (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const to[] = { "100.96.1.2", "192.168.1.9", "127.0.0.1", "8.8.8.8", "255.255.255.255" };
  guint8 packet[64];
  EwEngineStats before, after;
  EwIp from, own;
  enroll (world);
  spin (100);
  ew_testing_get_engine_stats (world->tunnel->engine, &before);
  for (gsize i = 0; i < G_N_ELEMENTS (to); i++)
    {
      EwIp destination;
      g_assert_true (ew_ip_parse ("100.96.1.9", &from) && ew_ip_parse (to[i], &destination));
      size_t size = ew_packet_build_echo (packet, &from, &destination, 1, 1, (const uint8_t *)"12345678", 8);
      ew_engine_inject (world->engine, world->node_key, packet, size);
    }
  /* From outside the mesh, in connector-only mode. */
  g_assert_true (ew_ip_parse ("8.8.8.8", &from) && ew_ip_parse ("100.96.1.1", &own));
  size_t size = ew_packet_build_echo (packet, &from, &own, 1, 1, (const uint8_t *)"12345678", 8);
  ew_engine_inject (world->engine, world->node_key, packet, size);
  spin (200);
  ew_testing_get_engine_stats (world->tunnel->engine, &after);
  g_assert_cmpuint (after.tun_written, ==, before.tun_written);
  /* And one that it may. */
  g_assert_true (ew_ip_parse ("100.96.1.9", &from));
  size = ew_packet_build_echo (packet, &from, &own, 1, 1, (const uint8_t *)"12345678", 8);
  ew_engine_inject (world->engine, world->node_key, packet, size);
  spin (200);
  ew_testing_get_engine_stats (world->tunnel->engine, &after);
  g_assert_cmpuint (after.tun_written, ==, before.tun_written + 1);
}

static gchar *
ping (World *world, const gchar *target, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_tunnel_ping_async (world->tunnel, target, 500, NULL, keep, &result);
  return ew_tunnel_ping_finish (world->tunnel, await (&result), error);
}

static void
test_ping (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  g_assert_null (ping (world, "", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_ENROLLED);
  g_clear_error (&error);
  enroll (world);
  g_autofree gchar *near_text = ping (world, "", &error);
  g_assert_no_error (error);
  g_autoptr (JsonObject) near_answer = ew_json_parse_object (near_text, strlen (near_text), 4096, NULL);
  g_assert_cmpstr (ew_json_string (near_answer, "edge"), ==, "frankfurt");
  g_assert_true (json_object_get_null_member (near_answer, "far_ms"));
  g_assert_cmpfloat (json_object_get_double_member (near_answer, "total_ms"), >=, 0);
  /* Text that isn't a name is not looked up. */
  guint before = world->edge.requests;
  g_assert_null (ping (world, "nas/../x", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpuint (world->edge.requests, ==, before);
  fake_edge_answer (
    &world->edge, 200,
    "{\"schema\":1,\"id\":\"n2\",\"name\":\"nas\",\"addresses\":[\"8.8.8.8\",\"100.96.1.9\"],\"rtt_ms\":2.5}");
  g_autofree gchar *text = ping (world, "NAS.home.Internal.", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (world->edge.last_method, ==, "GET");
  g_autoptr (JsonObject) answer = ew_json_parse_object (text, strlen (text), 4096, NULL);
  g_assert_cmpstr (ew_json_string (answer, "address"), ==, "100.96.1.9"); /* never one outside the mesh */
  g_assert_cmpstr (ew_json_string (answer, "name"), ==, "nas");
  g_autofree gchar *edge_text = ping (world, "edge.home.internal", &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (edge_text, "\"100.96.0.1\""));
  g_assert_null (ping (world, "8.8.8.8", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  g_clear_error (&error);
  atomic_store (&world->revision, 0);
  g_assert_null (ping (world, "", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TIMED_OUT);
}

static void
test_leave (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean told = FALSE;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  ew_tunnel_leave_async (world->tunnel, NULL, keep, &result);
  g_assert_true (ew_tunnel_leave_finish (world->tunnel, await (&result), &told, &error));
  g_assert_true (told);
  g_assert_cmpstr (world->edge.last_method, ==, "DELETE");
  wait_for (world, "state", "not-enrolled");
  wait_for (world, "mesh", "");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  g_autofree gchar *file = g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  g_clear_object (&result);
  ew_tunnel_leave_async (world->tunnel, NULL, keep, &result);
  g_assert_false (ew_tunnel_leave_finish (world->tunnel, await (&result), &told, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_ENROLLED);
}

static void
test_broken_state (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *file = g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
  end_tunnel (world);
  g_assert_true (g_file_set_contents (file, "{\"half\":", -1, NULL));
  new_tunnel (world);
  wait_for (world, "state", "error");
  wait_for (world, "reason", "state-broken");
  g_autofree gchar *message = text_of (world, "message"), *contents = NULL;
  g_autofree gchar *phrase = text_of (world, "message-phrase"), *quoted = g_strdup_printf ("\"%s\"", file);
  g_assert_nonnull (strstr (message, file));
  g_assert_true (g_str_has_prefix (phrase, "[\"")); /* so that clients can translate it */
  g_assert_nonnull (strstr (phrase, "%s"));
  g_assert_nonnull (strstr (phrase, quoted));
  g_assert_false (ew_tunnel_connect (world->tunnel, NULL));
  g_assert_true (g_file_get_contents (file, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "{\"half\":");
  /* Moved away, as the sentence advises: it works without a restart. */
  g_unlink (file);
  admit_node (world);
  enroll (world);
}

extern void (*ew_host_step_hook) (const gchar *step); /* of daemon/net, whose own header has another EwPlan */
static World *stepped;
static gboolean loses_interface;
static guint steps_early, steps_late; /* how often the handshake was complete, and not begun, at on_step()'s step */

/* Called before the first change of the host; later changes don't count. */
static void
on_step (const gchar *step)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  EwPeerStatus status;
  if (!g_str_equal (step, "load the firewall") || stepped->tunnel->plan)
    return;
  steps_late += !stepped->tunnel->greeted;
  while (stepped->tunnel->greeted && ew_engine_get_peer (stepped->engine, stepped->node_key, &status)
         && !status.has_session && g_get_monotonic_time () < end)
    g_usleep (1000);
  steps_early += stepped->tunnel->greeted && status.has_session;
  if (loses_interface)
    {
      g_autofree gchar *command = g_strdup_printf ("ip link del %s", stepped->interface);
      g_autofree gchar *out = shell (command);
    }
}

/* The round trip to the edge takes place while the host is changed; not after a failure: the edge is told that this node
   isn't online after all, but not each time that it's tried again. */
static void
test_early_handshake (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GAsyncResult) result = NULL;
  stepped = world;
  loses_interface = TRUE;
  ew_host_step_hook = on_step;
  ew_tunnel_enroll_async (world->tunnel, world->key, "laptop", NULL, keep, &result);
  g_assert_true (ew_tunnel_enroll_finish (world->tunnel, await (&result), NULL));
  wait_for (world, "state", "error");
  g_assert_cmpuint (steps_early, ==, 1);
  g_assert_cmpuint (steps_late, ==, 0);
  g_assert_cmpuint (atomic_load (&world->probes), ==, 0);
  while (atomic_load (&world->goodbyes) == 0)
    spin (10);

  loses_interface = FALSE;
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  g_assert_cmpuint (steps_late, ==, 1);
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  g_assert_cmpuint (steps_early, ==, 2);
  ew_host_step_hook = NULL;
}

#define ADD(name, func) g_test_add ("/tunnel/life/" name, World, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Warnings are what these tests provoke. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  own_network ();
  ADD ("life", test_life);
  ADD ("early-handshake", test_early_handshake);
  ADD ("upgrade", test_upgrade);
  ADD ("hostile-routes", test_hostile_routes);
  ADD ("awaited-routes", test_awaited_routes);
  ADD ("domains", test_domains);
  ADD ("hostile-documents", test_hostile_documents);
  ADD ("hostile-packets", test_hostile_packets);
  ADD ("notice-during-fetch", test_notice_during_fetch);
  ADD ("stale-notice", test_stale_notice);
  ADD ("problem", test_problem);
  ADD ("notice-storm", test_notice_storm);
  ADD ("document-storm", test_document_storm);
  ADD ("map-readers", test_map_readers);
  ADD ("removed", test_removed);
  ADD ("second-endpoint", test_second_endpoint);
  ADD ("wrong-address", test_wrong_address);
  ADD ("vpn", test_vpn);
  ADD ("vpn-refused", test_vpn_refused);
  ADD ("ping", test_ping);
  ADD ("leave", test_leave);
  ADD ("broken-state", test_broken_state);
  return g_test_run ();
}
