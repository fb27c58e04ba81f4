/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services: what the store keeps, what is refused, what node documents say of them, how they end with their nodes, and
 * what the switch is told as targets come and go.
 */
#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edge/services/services.h"
#include "fixture.h"
#include "null-switch.h"
#include "waiting.h"

#define TARGETS(...) ((const gchar *const[]){ __VA_ARGS__, NULL })

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
  gchar *nas, *nas2, *office; /* IDs; office is the gateway of 10.77.0.0/16 */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, "frankfurt");
  fixture->nas = fixture_join (fixture->mesh, "nas");
  fixture->nas2 = fixture_join (fixture->mesh, "nas2");
  fixture->office = fixture_join_as (fixture->mesh, "admin", "office");
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.77.0.0/16", fixture->office, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ew_mesh_close (fixture->mesh);
  ew_store_close (fixture->store);
  g_free (fixture->nas);
  g_free (fixture->nas2);
  g_free (fixture->office);
}

static void
reopen (Fixture *fixture)
{
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_open (fixture->store, NULL);
}

static gboolean
is_stored (Fixture *fixture, const gchar *key)
{
  g_autoptr (EwStoreEntry) entry = ew_store_get (fixture->store, key, NULL);
  return entry != NULL;
}

static EwService *
add (Fixture *fixture, const gchar *name, const gchar *const *targets, const gchar *const *ports)
{
  const EwServiceRequest request = { .name = name, .targets = targets, .ports = ports };
  g_autoptr (GError) error = NULL;
  EwService *service = fixture_add_service (fixture->mesh, &request, &error);
  g_assert_no_error (error);
  return service;
}

static void
assert_refused (Fixture *fixture, const EwServiceRequest *request, gint code, const gchar *contains)
{
  g_autoptr (GError) error = NULL;
  gint64 revision = ew_store_get_revision (fixture->store);
  g_assert_null (fixture_add_service (fixture->mesh, request, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, EW_ERROR, code);
  g_assert_nonnull (strstr (error->message, contains));
  g_assert_cmpint (ew_store_get_revision (fixture->store), ==, revision);
}

static gchar *
address (const EwService *service, guint i)
{
  gchar text[EW_IP_STRLEN];
  ew_ip_format (&service->addresses[i], text);
  return g_strdup (text);
}

static gchar *
document (Fixture *fixture, const gchar *id)
{
  g_autoptr (JsonObject) object = ew_mesh_document_node (fixture->mesh, ew_mesh_get_node (fixture->mesh, id));
  return ew_json_to_string (object, FALSE);
}

/* The mesh. */

static void
test_added (Fixture *fixture, gconstpointer unused)
{
  const EwService *service = add (fixture, "Ha.mesh.internal", TARGETS ("nas:8123"), TARGETS ("80"));
  g_autofree gchar *id = g_strdup (service->id);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *v4 = address (service, 0), *v6 = address (service, 1);
      g_assert_cmpstr (service->name, ==, "ha");
      g_assert_cmpstr (v4, ==, "100.111.0.1");
      g_assert_true (g_str_has_suffix (v6, ":ffff::1"));
      g_assert_cmpuint (service->ports->len, ==, 1);
      g_assert_cmpuint (g_array_index (service->ports, EwServicePort, 0).from, ==, 80);
      g_assert_cmpuint (((EwServiceTarget *)service->targets->pdata[0])->port, ==, 8123);
      g_assert_true (ew_mesh_find_service (fixture->mesh, "HA.mesh.internal.", NULL) == service);
      g_assert_true (ew_mesh_find_service (fixture->mesh, v6, NULL) == service);
      g_assert_true (ew_mesh_find_service (fixture->mesh, id, NULL) == service);
      reopen (fixture);
      service = ew_mesh_find_service (fixture->mesh, "ha", NULL);
      g_assert_nonnull (service);
    }
  const EwService *next = add (fixture, "web", TARGETS ("nas:80"), NULL);
  g_autofree gchar *v4 = address (next, 0);
  g_assert_cmpstr (v4, ==, "100.111.0.2");
  g_assert_true (fixture_remove_service (fixture->mesh, id, NULL));
  g_assert_false (is_stored (fixture, "/names/ha"));
  g_assert_false (is_stored (fixture, "/addresses/100.111.0.1"));
  g_assert_null (ew_mesh_find_service (fixture->mesh, "ha", NULL));
  g_assert_false (fixture_remove_service (fixture->mesh, id, NULL));
}

static void
test_names (Fixture *fixture, gconstpointer unused)
{
  EwServiceRequest request = { .name = "ha", .targets = TARGETS ("nas:8123") };
  g_autoptr (Machine) machine = machine_new (fixture->mesh, "server", NULL, "ha");
  g_autoptr (GError) error = NULL;
  g_assert_nonnull (fixture_add_name (fixture->mesh, "media", fixture->nas, NULL));
  add (fixture, "ha", TARGETS ("nas:8123"), NULL);
  assert_refused (fixture, &request, EW_ERROR_NAME_TAKEN, "it's a service");
  request.name = "nas";
  assert_refused (fixture, &request, EW_ERROR_NAME_TAKEN, "nas");
  request.name = "media";
  assert_refused (fixture, &request, EW_ERROR_NAME_TAKEN, "additional name");
  request.name = "frankfurt";
  assert_refused (fixture, &request, EW_ERROR_NAME_TAKEN, "frankfurt");
  request.name = "edge";
  assert_refused (fixture, &request, EW_ERROR_NAME_TAKEN, "edge");
  request.name = "a.b";
  assert_refused (fixture, &request, EW_ERROR_NAME_INVALID, "letters");
  /* … and the other way round. */
  g_assert_null (machine_enroll (machine, fixture->mesh, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_clear_error (&error);
  g_assert_null (fixture_add_name (fixture->mesh, "ha", fixture->nas, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_clear_error (&error);
  g_assert_null (fixture_rename_node (fixture->mesh, fixture->nas, "ha", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_clear_error (&error);
  g_assert_false (fixture_remove_name (fixture->mesh, "ha", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
  g_assert_nonnull (strstr (error->message, "service remove ha"));
}

static void
test_targets (Fixture *fixture, gconstpointer unused)
{
  EwServiceRequest request = { .name = "ha", .targets = TARGETS ("nobody:80") };
  assert_refused (fixture, &request, EW_ERROR_NOT_FOUND, "nobody");
  request.targets = TARGETS ("nas/10.77.0.9:80");
  assert_refused (fixture, &request, EW_ERROR_ROUTE_INVALID, "No route through nas leads to 10.77.0.9");
  request.targets = TARGETS ("office/10.78.0.9:80");
  assert_refused (fixture, &request, EW_ERROR_ROUTE_INVALID, "10.78.0.9");
  request.targets = TARGETS ("nas:80", "nas:80");
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "twice");
  request.targets = TARGETS ("nas");
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "needs a port");
  request.targets = (const gchar *const[]){ NULL };
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "1 to 8 targets");
  request.targets = TARGETS ("nas:1", "nas:1", "nas:1", "nas:1", "nas:1", "nas:1", "nas:1", "nas:1", "nas:1");
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "1 to 8 targets");
  request = (EwServiceRequest){ .name = "ha", .targets = TARGETS ("nas:80"), .source = "nobody" };
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "source");
  g_assert_nonnull (fixture_add_route (fixture->mesh, "fd77::/64", fixture->office, NULL));
  request = (EwServiceRequest){ .name = "ha", .targets = TARGETS ("office/10.77.0.9:80", "office/[fd77::9]:80") };
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "only an IPv6 address");
  /* Only the family that all targets have is given out. */
  EwIp addresses[2];
  const EwService *service = add (fixture, "printer", TARGETS ("office/10.77.0.9:631", "nas:631"), NULL);
  g_assert_cmpuint (ew_mesh_service_addresses (service, addresses), ==, 1);
  g_assert_cmpuint (addresses[0].family, ==, EW_FAMILY_V4);
  g_assert_cmpuint (ew_mesh_service_addresses (add (fixture, "both", TARGETS ("nas:80"), NULL), addresses), ==, 2);
}

static void
test_addresses (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    const gchar *address, *contains;
    EwError code;
  } bad[] = {
    { "10.128.0.5/32", "isn't an address", EW_ERROR_INVALID_ARGUMENT },
    { "x", "isn't an address", EW_ERROR_INVALID_ARGUMENT },
    { "100.96.1.1", "nas's", EW_ERROR_ROUTE_OVERLAP },
    { "100.96.0.7", "edges'", EW_ERROR_ROUTE_INVALID },
    { "100.100.1.255", ".255", EW_ERROR_ROUTE_INVALID },
    { "8.8.8.8", "public", EW_ERROR_ROUTE_INVALID },
    { "127.0.0.1", "public", EW_ERROR_ROUTE_INVALID },
    { "10.77.3.4", "10.77.0.0/16", EW_ERROR_ROUTE_OVERLAP },
    { "100.111.0.1", "ha's", EW_ERROR_ROUTE_OVERLAP },
  };
  EwServiceRequest request = { .name = "x", .targets = TARGETS ("nas:80") };
  add (fixture, "ha", TARGETS ("nas:80"), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      request.addresses = TARGETS (bad[i].address);
      assert_refused (fixture, &request, bad[i].code, bad[i].contains);
    }
  request.addresses = TARGETS ("10.128.0.5", "10.128.0.6");
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "each once");
  /* Inside the mesh's range: no node needs to do anything. */
  g_autofree gchar *before = document (fixture, fixture->nas2);
  request.addresses = TARGETS ("100.100.1.7");
  request.name = "inside";
  g_assert_nonnull (fixture_add_service (fixture->mesh, &request, NULL));
  g_autofree gchar *same = document (fixture, fixture->nas2);
  g_assert_cmpstr (before, ==, same);
  g_autofree gchar *next = fixture_join (fixture->mesh, "next"); /* … and none gets it */
  g_assert_nonnull (next);
}

/* Outside: a route for all, which nothing may overlap. */
static void
test_outside (Fixture *fixture, gconstpointer unused)
{
  EwServiceRequest request = { .name = "plc", .targets = TARGETS ("nas:502"), .addresses = TARGETS ("10.128.0.5") };
  const EwRevision before = ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, fixture->nas2));
  g_autoptr (GError) error = NULL;
  const EwService *service = fixture_add_service (fixture->mesh, &request, NULL);
  g_assert_nonnull (service);
  g_autofree gchar *id = g_strdup (service->id), *text = document (fixture, fixture->nas2);
  g_assert_nonnull (strstr (text, "{\"cidr\":\"10.128.0.5/32\",\"node\":\"frankfurt\",\"service\":\"plc\"}"));
  g_assert_false (ew_revision_equal (
    before, ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, fixture->nas2))));
  g_assert_null (fixture_add_route (fixture->mesh, "10.128.0.0/24", fixture->nas, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_OVERLAP);
  g_assert_nonnull (strstr (error->message, "plc"));
  /* Given back, the documents are as they were. */
  const EwServiceRequest back = { .addresses = TARGETS ("100.111.9.9") };
  g_assert_nonnull (fixture_edit_service (fixture->mesh, id, &back, NULL));
  g_assert_true (ew_revision_equal (
    before, ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, fixture->nas2))));
  g_assert_false (is_stored (fixture, "/addresses/10.128.0.5"));
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.128.0.0/24", fixture->nas, NULL));
  for (guint i = 0; i < EW_MESH_SERVICES_OUTSIDE_MAX; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("s%u", i), *ip = g_strdup_printf ("10.9.0.%u", i + 1);
      request.name = name;
      request.addresses = TARGETS (ip);
      g_assert_nonnull (fixture_add_service (fixture->mesh, &request, NULL));
    }
  request.name = "more";
  request.addresses = TARGETS ("10.10.0.1");
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "64 services");
}

static void
test_edited (Fixture *fixture, gconstpointer unused)
{
  const EwService *service = add (fixture, "ha", TARGETS ("nas:8123"), TARGETS ("80"));
  g_autofree gchar *id = g_strdup (service->id), *v4 = address (service, 0);
  g_autoptr (GError) error = NULL;
  EwServiceRequest request = { .targets = TARGETS ("nas2:9000", "nas:8123"), .spread = "spread", .check = "always" };
  service = fixture_edit_service (fixture->mesh, id, &request, &error);
  g_assert_no_error (error);
  g_autofree gchar *same = address (service, 0),
                   *label = ew_mesh_target_label (fixture->mesh, service->targets->pdata[0], 9000);
  g_assert_cmpstr (v4, ==, same);
  g_assert_cmpstr (label, ==, "nas2:9000");
  g_assert_cmpuint (g_array_index (service->ports, EwServicePort, 0).from, ==, 80);
  g_assert_true (service->spread && service->watched && !service->as_edge);
  /* What doesn't fit what stays is refused, and nothing has changed. */
  request = (EwServiceRequest){ .ports = TARGETS ("80:8123") };
  g_assert_null (fixture_edit_service (fixture->mesh, id, &request, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  request = (EwServiceRequest){ .name = "home" };
  service = fixture_edit_service (fixture->mesh, id, &request, NULL);
  g_assert_cmpstr (service->name, ==, "home");
  g_assert_false (is_stored (fixture, "/names/ha"));
  g_assert_true (is_stored (fixture, "/names/home"));
  g_assert_null (fixture_edit_service (fixture->mesh, "s0", &request, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
}

static void
test_nodes_end (Fixture *fixture, gconstpointer unused)
{
  add (fixture, "alone", TARGETS ("nas:80"), NULL);
  add (fixture, "two", TARGETS ("nas:80", "nas2:80"), NULL);
  add (fixture, "other", TARGETS ("nas2:80"), NULL);
  g_assert_nonnull (fixture_rename_node (fixture->mesh, fixture->nas, "storage", NULL));
  g_assert_nonnull (ew_mesh_find_service (fixture->mesh, "alone", NULL));
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->nas, NULL));
  g_assert_null (ew_mesh_find_service (fixture->mesh, "alone", NULL));
  g_assert_false (is_stored (fixture, "/names/alone"));
  const EwService *two = ew_mesh_find_service (fixture->mesh, "two", NULL);
  g_assert_cmpuint (two->targets->len, ==, 1);
  g_assert_true (ew_mesh_service_uses (two, fixture->nas2));
  g_assert_nonnull (ew_mesh_find_service (fixture->mesh, "other", NULL));
  /* The edge ended between the node's removal and the services': the next start goes on. */
  g_autofree gchar *key = g_strconcat ("/nodes/", fixture->nas2, NULL);
  fixture_write (fixture->store, key, NULL);
  reopen (fixture);
  g_assert_true (ew_mesh_sweep (fixture->mesh, TRUE, NULL));
  g_assert_cmpuint (ew_mesh_count_services (fixture->mesh), ==, 0);
}

static void
test_routes_end (Fixture *fixture, gconstpointer unused)
{
  const EwService *service = add (fixture, "printer", TARGETS ("office/10.77.0.9:631"), NULL);
  const EwServiceTarget *target = service->targets->pdata[0];
  EwIp ip;
  g_assert_true (ew_mesh_target_address (fixture->mesh, target, EW_FAMILY_V4, &ip));
  g_assert_false (ew_mesh_target_address (fixture->mesh, target, EW_FAMILY_V6, &ip));
  g_assert_true (fixture_remove_route (fixture->mesh, "10.77.0.0/16", NULL));
  g_assert_false (ew_mesh_target_address (fixture->mesh, target, EW_FAMILY_V4, &ip));
  /* Another's route to the same host is another host. */
  g_assert_nonnull (fixture_add_route (fixture->mesh, "10.77.0.0/16", fixture->nas, NULL));
  g_assert_false (ew_mesh_target_address (fixture->mesh, target, EW_FAMILY_V4, &ip));
}

static void
test_many (Fixture *fixture, gconstpointer unused)
{
  EwServiceRequest request = { .targets = TARGETS ("nas:80") };
  for (guint i = 0; i < EW_MESH_SERVICES_MAX; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("s-%u", i);
      request.name = name;
      g_assert_nonnull (fixture_add_service (fixture->mesh, &request, NULL));
    }
  request.name = "more";
  assert_refused (fixture, &request, EW_ERROR_INVALID_ARGUMENT, "1024 services");
}

/* A record that a newer version wrote, or a broken disk: it is left out, and everything else works. */
static void
test_damaged (Fixture *fixture, gconstpointer unused)
{
  static const gchar *const records[] = {
    "{}",
    "{\"id\":\"s1\",\"name\":\"x\",\"addresses\":[\"100.111.0.9\",\"fd00::1\"],\"ports\":[],\"targets\":[{\"node\":"
    "\"n1\"}]}",
    "{\"id\":\"s1\",\"name\":\"x\",\"addresses\":[\"100.111.0.9\"],\"ports\":[{\"protocol\":\"tcp\",\"from\":1,\"to\":"
    "1}],"
    "\"targets\":[{\"node\":\"n1\"}]}",
    "{\"id\":\"s1\",\"name\":\"x\",\"addresses\":[\"100.111.0.9\",\"fd00::1\"],\"ports\":[{\"protocol\":\"sctp\","
    "\"from\":1,"
    "\"to\":1}],\"targets\":[{\"node\":\"n1\"}]}",
  };
  add (fixture, "ha", TARGETS ("nas:80"), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (records); i++)
    {
      fixture_write (fixture->store, "/services/s1", records[i]);
      g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*s1 is damaged*");
      reopen (fixture);
      g_test_assert_expected_messages ();
      g_assert_cmpuint (ew_mesh_count_services (fixture->mesh), ==, 1);
    }
}

/* At work. */

typedef struct
{
  Fixture base;
  EwFeed *feed;
  EwServices *services;
} Working;

static void
set_up_working (Working *working, gconstpointer unused)
{
  EwSwitchConfig config = { .port = 443 };
  set_up (&working->base, NULL);
  working->feed = ew_feed_new (working->base.mesh, &config, NULL);
  working->services = ew_services_new (working->base.mesh, working->feed);
}

static void
tear_down_working (Working *working, gconstpointer unused)
{
  ew_services_free (working->services);
  ew_feed_free (working->feed);
  tear_down (&working->base, NULL);
}

static void
set_online (const gchar *id, gboolean online)
{
  const EwSwitchNodeStatus status = { .online = online, .last_seen_us = fixture_now_us };
  null_switch_set_status (id, &status);
  null_switch_say_online (id, online);
}

/* Until the switch has this table. */
static void
expect_table (const gchar *wanted)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  g_autofree gchar *table = null_switch_dup_services ();
  while (!g_str_equal (table, wanted) && g_get_monotonic_time () < end)
    {
      g_main_context_iteration (NULL, FALSE);
      g_free (table);
      table = null_switch_dup_services ();
    }
  g_assert_cmpstr (table, ==, wanted);
}

static void
test_table (Working *working, gconstpointer unused)
{
  Fixture *fixture = &working->base;
  expect_table ("");
  const EwService *service = add (fixture, "ha", TARGETS ("nas:8123"), TARGETS ("80"));
  g_autofree gchar *id = g_strdup (service->id);
  expect_table ("100.111.0.1 first caller tcp 80-80>0 100.96.1.1:8123+\n"); /* alone it's offered, whatever it's like */
  const EwServiceRequest request
    = { .targets = TARGETS ("nas"), .ports = TARGETS ("80:81", "7-9:17/udp"), .spread = "spread", .source = "edge" };
  g_assert_nonnull (fixture_edit_service (fixture->mesh, id, &request, NULL));
  expect_table ("100.111.0.1 spread edge tcp 80-80>81 udp 7-9>17 100.96.1.1:0+\n");
  g_assert_true (fixture_remove_node (fixture->mesh, fixture->nas, NULL));
  expect_table ("");
}

static void
test_failover (Working *working, gconstpointer unused)
{
  Fixture *fixture = &working->base;
  set_online (fixture->nas, TRUE);
  set_online (fixture->nas2, TRUE);
  null_switch_set_probe ("100.96.1.1 6 8123", EW_PROBE_ANSWERED);
  null_switch_set_probe ("100.96.1.2 6 8123", EW_PROBE_ANSWERED);
  const EwService *service = add (fixture, "ha", TARGETS ("nas:8123", "nas2:8123"), NULL);
  g_autofree gchar *id = g_strdup (service->id);
  expect_table ("100.111.0.1 first caller tcp 8123-8123>0 100.96.1.1:8123+ 100.96.1.2:8123+\n");
  null_switch_set_probe ("100.96.1.1 6 8123", EW_PROBE_REFUSED);
  expect_table ("100.111.0.1 first caller tcp 8123-8123>0 100.96.1.1:8123- 100.96.1.2:8123+\n");
  EwTargetStatus status;
  ew_services_get_target (working->services, ew_mesh_get_service (fixture->mesh, id), 0, &status);
  g_assert_cmpint (status.state, ==, EW_TARGET_REFUSES);
  g_assert_false (status.offered);
  set_online (fixture->nas2, FALSE); /* none is left: all are tried */
  expect_table ("100.111.0.1 first caller tcp 8123-8123>0 100.96.1.1:8123+ 100.96.1.2:8123+\n");
  set_online (fixture->nas2, TRUE);
  expect_table ("100.111.0.1 first caller tcp 8123-8123>0 100.96.1.1:8123- 100.96.1.2:8123+\n");
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer done)
{
  g_assert_true (ew_services_check_finish (result, NULL));
  *(gboolean *)done = TRUE;
}

static EwTargetState
check (Working *working, const gchar *name)
{
  const EwService *service = ew_mesh_find_service (working->base.mesh, name, NULL);
  EwTargetStatus status;
  gboolean done = FALSE;
  ew_services_check_async (working->services, service->id, on_checked, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  ew_services_get_target (working->services, service, 0, &status);
  return status.state;
}

static void
test_states (Working *working, gconstpointer unused)
{
  Fixture *fixture = &working->base;
  add (fixture, "ha", TARGETS ("nas:8123"), NULL);
  add (fixture, "printer", TARGETS ("office/10.77.0.9:631"), NULL);
  const EwServiceRequest udp = { .name = "dns", .targets = TARGETS ("nas:53"), .udp = TRUE };
  g_assert_nonnull (fixture_add_service (fixture->mesh, &udp, NULL));
  add (fixture, "all", TARGETS ("nas"), TARGETS ("all"));
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_OFFLINE);
  g_assert_cmpuint (null_switch_get_probed (), ==, 0); /* nobody is woken up */
  set_online (fixture->nas, TRUE);
  set_online (fixture->office, TRUE);
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_SILENT);
  null_switch_set_probe ("100.96.1.1 6 8123", EW_PROBE_REFUSED);
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_REFUSES);
  null_switch_set_probe ("100.96.1.1 6 8123", EW_PROBE_ANSWERED);
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_ANSWERS);
  null_switch_set_probe ("100.96.1.1 6 8123", EW_PROBE_WAITING);
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_ANSWERS); /* one packet may be lost */
  g_assert_cmpint (check (working, "ha"), ==, EW_TARGET_SILENT);
  null_switch_set_probe ("10.77.0.9 6 631", EW_PROBE_UNREACHABLE);
  g_assert_cmpint (check (working, "printer"), ==, EW_TARGET_UNREACHABLE);
  g_assert_cmpint (check (working, "dns"), ==, EW_TARGET_UNKNOWN); /* silence of UDP says nothing */
  null_switch_set_probe ("100.96.1.1 17 53", EW_PROBE_PINGED);
  g_assert_cmpint (check (working, "dns"), ==, EW_TARGET_REACHABLE);
  null_switch_set_probe ("100.96.1.1 1 0", EW_PROBE_PINGED);
  g_assert_cmpint (check (working, "all"), ==, EW_TARGET_REACHABLE);
  g_assert_true (fixture_remove_route (fixture->mesh, "10.77.0.0/16", NULL));
  g_assert_cmpint (check (working, "printer"), ==, EW_TARGET_NO_ROUTE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/services/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("added", test_added);
  ADD ("names", test_names);
  ADD ("targets", test_targets);
  ADD ("addresses", test_addresses);
  ADD ("outside", test_outside);
  ADD ("edited", test_edited);
  ADD ("nodes-end", test_nodes_end);
  ADD ("routes-end", test_routes_end);
  ADD ("many", test_many);
  ADD ("damaged", test_damaged);
#define ADD_WORKING(name, func) g_test_add ("/services/" name, Working, NULL, set_up_working, func, tear_down_working)
  ADD_WORKING ("table", test_table);
  ADD_WORKING ("failover", test_failover);
  ADD_WORKING ("states", test_states);
  return g_test_run ();
}
