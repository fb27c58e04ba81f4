/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the edge says of this node and its mesh, believed or not, and how often it is asked (tunnel-world.h).
 */
#include "tunnel/domains.h"
#include "tunnel-world.h"
#include "common/error.h"
#include "common/util.h"
#include <glib/gstdio.h>

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

#define ADD(name, func) g_test_add ("/tunnel/documents/" name, World, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Warnings are what these tests provoke. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  own_network ();
  ADD ("hostile-routes", test_hostile_routes);
  ADD ("awaited-routes", test_awaited_routes);
  ADD ("domains", test_domains);
  ADD ("hostile-documents", test_hostile_documents);
  ADD ("notice-during-fetch", test_notice_during_fetch);
  ADD ("stale-notice", test_stale_notice);
  ADD ("problem", test_problem);
  ADD ("notice-storm", test_notice_storm);
  ADD ("document-storm", test_document_storm);
  ADD ("map-readers", test_map_readers);
  return g_test_run ();
}
