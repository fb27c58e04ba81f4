/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calls of the API that change the mesh, over a store that takes its time: each is answered when its change is made, and
 * no other client waits for that. A real HTTP server on a control socket.
 */
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/api/api-private.h"
#include "edge/store/store-private.h"
#include "fixture.h"
#include "store-testing.h"
#include "null-switch.h"

#define SLOW_MS 30

typedef struct
{
  gchar *folder, *path;
  EwStore *store;
  EwMesh *mesh;
  EwFeed *feed;
  EwServices *services;
  EwApiViewers *viewers;
  EwApi *api;
  EwServer *server;
} Fixture;

/* A client with a credential, or every one while strangers is set, connects via TCP; else it is the owner on the
   control socket. */
static gboolean strangers;

static void
handle (gpointer api, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path, GHashTable *query,
        EwServerFault fault)
{
  EwServerPeer shown = *peer;
  shown.ip = ew_ip_from_v4 (1);
  shown.control
    = !strangers && !soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Authorization");
  ew_api_handle (api, message, &shown, path, query, fault);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  EwSwitchConfig config = { .port = 443 };
  fixture->folder = g_dir_make_tmp ("answers-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "control.sock", NULL);
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, NULL);
  fixture->feed = ew_feed_new (fixture->mesh, &config, NULL);
  fixture->services = ew_services_new (fixture->mesh, fixture->feed);
  fixture->viewers = ew_api_viewers_new (fixture->mesh, fixture->feed, fixture->services);
  const EwApiParts parts = { .mesh = fixture->mesh,
                             .feed = fixture->feed,
                             .services = fixture->services,
                             .viewers = fixture->viewers,
                             .listen = ":443" };
  fixture->api = ew_api_new (&parts);
  fixture->server = ew_http_server_new (handle, fixture->api);
  ew_api_set_server (fixture->api, fixture->server);
  g_assert_true (ew_http_server_bind_control (fixture->server, fixture->path, &error));
  g_assert_no_error (error);
  ew_http_server_start (fixture->server, NULL);
}

static void
close_all (Fixture *fixture)
{
  g_clear_pointer (&fixture->server, ew_http_server_free);
  g_clear_pointer (&fixture->viewers, ew_api_viewers_free);
  g_clear_pointer (&fixture->api, ew_api_free);
  g_clear_pointer (&fixture->services, ew_services_free);
  g_clear_pointer (&fixture->feed, ew_feed_free);
  g_clear_pointer (&fixture->mesh, ew_mesh_close);
  g_clear_pointer (&fixture->store, ew_store_close);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  close_all (fixture);
  fixture_settle ();
  strangers = FALSE;
  g_unlink (fixture->path);
  g_rmdir (fixture->folder);
  g_free (fixture->path);
  g_free (fixture->folder);
}

/* A client: sends a request, and reads until the server closes. */
typedef struct
{
  GSocketConnection *connection;
  GString *answer;
  gchar chunk[4096];
  gboolean done;
} Client;

static void
on_chunk (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Client *client = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  if (n <= 0)
    {
      client->done = TRUE;
      return;
    }
  g_string_append_len (client->answer, client->chunk, n);
  g_input_stream_read_async (G_INPUT_STREAM (source), client->chunk, sizeof client->chunk, 0, NULL, on_chunk, client);
}

/* credential: of a node, "ID.CREDENTIAL"; NULL: none */
static Client *
client_new_as (Fixture *fixture, const gchar *credential, const gchar *method, const gchar *path, const gchar *body)
{
  Client *client = g_new0 (Client, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (fixture->path);
  g_autoptr (GSocketClient) connector = g_socket_client_new ();
  g_autofree gchar *authorization
    = credential ? g_strdup_printf ("Authorization: Bearer %s\r\n", credential) : g_strdup ("");
  g_autofree gchar *request = g_strdup_printf ("%s %s HTTP/1.1\r\nHost: edge\r\n%sContent-Length: %zu\r\n\r\n%s",
                                               method, path, authorization, body ? strlen (body) : 0, body ? body : "");
  client->answer = g_string_new (NULL);
  client->connection = g_socket_client_connect (connector, G_SOCKET_CONNECTABLE (address), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (client->connection)), request,
                                            strlen (request), NULL, NULL, NULL));
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (client->connection)), client->chunk,
                             sizeof client->chunk, 0, NULL, on_chunk, client);
  return client;
}

static Client *
client_new (Fixture *fixture, const gchar *method, const gchar *path, const gchar *body)
{
  return client_new_as (fixture, NULL, method, path, body);
}

static void
client_free (Client *client)
{
  g_object_unref (client->connection);
  g_string_free (client->answer, TRUE);
  g_free (client);
}

static void
wait_for (Client *client)
{
  while (!client->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
assert_answer (Client *client, guint status, const gchar *text)
{
  g_autofree gchar *line = g_strdup_printf ("HTTP/1.1 %u ", status);
  wait_for (client);
  g_assert_true (g_str_has_prefix (client->answer->str, line));
  g_assert_nonnull (strstr (client->answer->str, text));
  client_free (client);
}

/* Each change is answered with its result, while the mesh's map is always answered at once. */
static void
test_changes (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "nas");
  guint blocking = ew_testing_count_blocking (fixture->store);
  ew_testing_delay_store (fixture->store, SLOW_MS);
  Client *clients[] = {
    client_new (fixture, "POST", "/v1/routes", "{\"cidr\":\"192.168.7.0/24\",\"node\":\"nas\"}"),
    client_new (fixture, "POST", "/v1/keys", "{\"kind\":\"server\",\"name\":\"printer\",\"valid_seconds\":3600}"),
    client_new (fixture, "POST", "/v1/routes", "{\"cidr\":\"192.168.7.0/25\",\"node\":\"printer\"}"),
    client_new (fixture, "PATCH", "/v1/nodes/nas", "{\"mtu\":1400}"),
    client_new (fixture, "PATCH", "/v1/nodes/nas", "{\"mtu\":1}"),
    client_new (fixture, "POST", "/v1/names", "{\"name\":\"files\",\"node\":\"nas\"}"),
    client_new (fixture, "DELETE", "/v1/routes/192.168.8.0%2F24", NULL),
  };
  Client *reader = client_new (fixture, "GET", "/v1/mesh", NULL);
  wait_for (reader);
  g_assert_false (clients[0]->done);
  assert_answer (reader, 200, "\"mesh\"");
  assert_answer (clients[0], 200, "192.168.7.0/24");
  assert_answer (clients[1], 200, "\"name\":\"printer\"");
  assert_answer (clients[2], 404, "NotFound"); /* it was asked before there was a printer */
  assert_answer (clients[3], 200, "\"mtu\":1400");
  assert_answer (clients[4], 400, "InvalidArgument");
  assert_answer (clients[5], 200, "files");
  assert_answer (clients[6], 404, "192.168.8.0/24");
  assert_answer (client_new (fixture, "PATCH", "/v1/nodes/nas", "{\"name\":\"printer\"}"), 409, "NameTaken");
  assert_answer (client_new (fixture, "DELETE", "/v1/nodes/nas", NULL), 200, "schema");
  g_assert_cmpuint (ew_testing_count_blocking (fixture->store), ==, blocking);
  g_assert_null (ew_mesh_get_node (fixture->mesh, id));
  g_assert_cmpuint (ew_mesh_get_routes (fixture->mesh)->len, ==, 0);
}

/* Removing an administrator also removes the nodes that wait with a key that it made: the answer is sent after they
   were removed too. */
static void
test_removal_takes_others_along (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *admin = fixture_join_as (fixture->mesh, "admin", "boss");
  for (guint i = 0; i < 45; i++) /* more than fit into one transaction */
    {
      g_autofree gchar *name = g_strdup_printf ("waiting%u", i);
      const EwKeyRequest request = { .kind = "device", .name = name, .maker = admin, .valid_seconds = 3600 };
      gchar *key = ew_mesh_make_key (fixture->mesh, &request, NULL, NULL);
      g_assert_nonnull (key);
      ew_free_secret (key);
    }
  guint blocking = ew_testing_count_blocking (fixture->store);
  assert_answer (client_new (fixture, "DELETE", "/v1/nodes/boss", NULL), 200, "schema");
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 0);
  g_assert_cmpuint (ew_testing_count_blocking (fixture->store), ==, blocking);
}

static void
test_revoked_key (Fixture *fixture, gconstpointer data)
{
  EwMadeKey made;
  const EwKeyRequest request = { .kind = "device", .name = "waiting", .maker = EW_MAKER_OWNER, .valid_seconds = 3600 };
  ew_free_secret (ew_mesh_make_key (fixture->mesh, &request, &made, NULL));
  g_autofree gchar *path = g_strconcat ("/v1/keys/", made.id, NULL);
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 1);
  Client *first = client_new (fixture, "DELETE", path, NULL), *second = client_new (fixture, "DELETE", path, NULL);
  assert_answer (first, 200, "schema");
  assert_answer (second, 404, "NotFound");
  g_assert_cmpuint (ew_mesh_count_nodes (fixture->mesh), ==, 0);
}

static void
wait_until_waiting (Fixture *fixture, guint n)
{
  while (g_hash_table_size (fixture->api->waiting) < n)
    g_main_context_iteration (NULL, TRUE);
}

/* Joins, and returns how it shows its credential. (transfer full) */
static gchar *
join_boss (Fixture *fixture, gchar **id)
{
  g_autoptr (Machine) boss = machine_new (fixture->mesh, "admin", NULL, "boss");
  *id = g_strdup (machine_enroll (boss, fixture->mesh, NULL)->id);
  g_autofree gchar *credential = ew_base64url_encode (boss->credential, sizeof boss->credential);
  return g_strconcat (*id, ".", credential, NULL);
}

/* A request that an administrator queues after its own removal isn't run; one queued after another change is. */
static void
test_removed_administrator (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "nas"), *boss_id = NULL;
  g_autofree gchar *boss = join_boss (fixture, &boss_id);
  ew_testing_delay_store (fixture->store, SLOW_MS);
  assert_answer (client_new_as (fixture, boss, "PATCH", "/v1/nodes/nas", "{\"mtu\":1399}"), 200, "1399");
  assert_answer (client_new_as (fixture, boss, "PATCH", "/v1/nodes/boss", "{\"name\":\"chief\"}"), 200, "chief");
  Client *removal = client_new_as (fixture, boss, "DELETE", "/v1/nodes/chief", NULL);
  wait_until_waiting (fixture, 1);
  Client *clients[] = {
    client_new_as (fixture, boss, "PATCH", "/v1/nodes/nas", "{\"mtu\":1400}"),
    client_new_as (fixture, boss, "POST", "/v1/routes", "{\"cidr\":\"192.168.7.0/24\",\"node\":\"nas\"}"),
    client_new_as (fixture, boss, "DELETE", "/v1/nodes/nas", NULL),
    client_new_as (fixture, boss, "POST", "/v1/names", "{\"name\":\"files\",\"node\":\"nas\"}"),
  };
  wait_until_waiting (fixture, 1 + G_N_ELEMENTS (clients));
  g_assert_false (removal->done);
  assert_answer (removal, 200, "schema");
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    assert_answer (clients[i], ew_error_get_http_status (EW_ERROR_REMOVED), "\"Removed\"");
  g_assert_cmpuint (ew_mesh_get_node (fixture->mesh, id)->mtu, ==, 1399);
  /* A client with an unknown credential doesn't make the edge wait either. */
  g_autofree gchar *unknown = g_strdup (boss);
  unknown[strlen (unknown) - 5] = unknown[strlen (unknown) - 5] == 'A' ? 'B' : 'A';
  guint blocking = ew_testing_count_blocking (fixture->store);
  assert_answer (client_new_as (fixture, boss, "GET", "/v1/self", NULL), ew_error_get_http_status (EW_ERROR_REMOVED),
                 "\"Removed\"");
  assert_answer (client_new_as (fixture, unknown, "GET", "/v1/self", NULL), 401, "NotAuthenticated");
  g_assert_cmpuint (ew_testing_count_blocking (fixture->store), ==, blocking);
  g_assert_cmpuint (ew_mesh_get_routes (fixture->mesh)->len, ==, 0);
}

/* The other edge makes a member of it, or another computer takes its place, while its change waits for its turn. */
static void
test_former_administrator (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "nas"), *boss_id = NULL;
  g_autofree gchar *boss = join_boss (fixture, &boss_id);
  g_autofree gchar *key = g_strconcat ("/nodes/", boss_id, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (EwNode) node = fixture_copy_node (ew_mesh_get_node (fixture->mesh, boss_id));
      ew_testing_delay_store (fixture->store, SLOW_MS);
      Client *client = client_new_as (fixture, boss, "PATCH", "/v1/nodes/nas", "{\"mtu\":1400}");
      wait_until_waiting (fixture, 1);
      g_free (node->role);
      node->role = g_strdup (i == 0 ? "member" : "admin");
      node->credential_hash[0] ^= i == 1;
      g_autoptr (JsonObject) object = ew_mesh_node_to_json (node);
      g_autofree gchar *text = ew_json_to_string (object, FALSE);
      fixture_write (fixture->store, key, text);
      if (i == 0)
        assert_answer (client, 403, "NotAdministrator");
      else
        assert_answer (client, ew_error_get_http_status (EW_ERROR_REMOVED), "Another computer");
      node->credential_hash[0] ^= i == 1;
      g_free (node->role);
      node->role = g_strdup ("admin");
      g_autoptr (JsonObject) former = ew_mesh_node_to_json (node);
      g_autofree gchar *former_text = ew_json_to_string (former, FALSE);
      fixture_write (fixture->store, key, former_text);
      ew_testing_delay_store (fixture->store, 0);
      fixture_settle ();
    }
  g_assert_cmpuint (ew_mesh_get_node (fixture->mesh, id)->mtu, ==, 0);
  assert_answer (client_new_as (fixture, boss, "PATCH", "/v1/nodes/nas", "{\"mtu\":1400}"), 200, "1400");
}

static Client *
enroll (Fixture *fixture, const Machine *machine)
{
  g_autofree gchar *body
    = g_strdup_printf ("{\"secret\":\"%s\",\"name\":\"%s\",\"public_key\":\"%s\",\"credential_hash\":\"%s\"}",
                       machine->secret, machine->name, machine->public_key, machine->credential_hash);
  return client_new (fixture, "POST", "/v1/enroll", body);
}

/* However many guesses arrive at once, at most 20 are checked; a computer with a valid key is never delayed by others
   with keys at the same address, or by an earlier request. */
static void
test_many_enrollments (Fixture *fixture, gconstpointer data)
{
  enum
  {
    MANY = 30
  };
  Client *clients[MANY];
  g_autoptr (GPtrArray) machines = g_ptr_array_new_with_free_func ((GDestroyNotify)machine_free);
  guint refused = 0;
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("m%u", i);
      g_ptr_array_add (machines, machine_new (fixture->mesh, "server", NULL, name));
    }
  strangers = TRUE;
  ew_testing_delay_store (fixture->store, 1);
  for (guint i = 0; i < MANY; i++)
    clients[i] = enroll (fixture, machines->pdata[i]);
  for (guint i = 0; i < MANY; i++)
    assert_answer (clients[i], 200, "\"addresses\"");
  for (guint i = 0; i < MANY; i++) /* a lost reply: asked of the store, as the key isn't open any more */
    assert_answer (enroll (fixture, machines->pdata[i]), 200, "\"addresses\"");
  for (guint i = 0; i < MANY; i++)
    {
      guint8 secret[EW_ENROLLMENT_SECRET_SIZE];
      Machine *machine = machines->pdata[i];
      ew_random (secret, sizeof secret);
      g_free (machine->secret);
      machine->secret = ew_base64url_encode (secret, sizeof secret);
      clients[i] = enroll (fixture, machine);
    }
  for (guint i = 0; i < MANY; i++)
    {
      wait_for (clients[i]);
      gboolean unlooked = strstr (clients[i]->answer->str, "TooManyRequests") != NULL;
      g_assert_true (unlooked || strstr (clients[i]->answer->str, "KeyInvalid"));
      refused += unlooked;
      client_free (clients[i]);
    }
  g_assert_cmpuint (refused, ==, MANY - 20);
}

/* If the client hangs up, the change is still made, and no answer is sent. */
static void
test_hung_up (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "nas");
  ew_testing_delay_store (fixture->store, SLOW_MS);
  Client *client = client_new (fixture, "PATCH", "/v1/nodes/nas", "{\"name\":\"printer\"}");
  while (g_hash_table_size (fixture->api->waiting) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_io_stream_close (G_IO_STREAM (client->connection), NULL, NULL);
  while (g_hash_table_size (fixture->api->waiting) > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (ew_mesh_get_node (fixture->mesh, id)->name, ==, "printer");
  wait_for (client);
  client_free (client);
  assert_answer (client_new (fixture, "GET", "/v1/mesh", NULL), 200, "\"mesh\"");
}

/* The edge ends while calls wait. */
static void
test_closed (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "nas");
  ew_testing_delay_store (fixture->store, SLOW_MS);
  Client *clients[] = { client_new (fixture, "PATCH", "/v1/nodes/nas", "{\"name\":\"printer\"}"),
                        client_new (fixture, "DELETE", "/v1/nodes/nas", NULL) };
  while (g_hash_table_size (fixture->api->waiting) < G_N_ELEMENTS (clients))
    g_main_context_iteration (NULL, TRUE);
  close_all (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      wait_for (clients[i]);
      g_assert_cmpstr (clients[i]->answer->str, ==, "");
      client_free (clients[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/edge/answers/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("changes", test_changes);
  ADD ("removal-takes-others-along", test_removal_takes_others_along);
  ADD ("revoked-key", test_revoked_key);
  ADD ("removed-administrator", test_removed_administrator);
  ADD ("former-administrator", test_former_administrator);
  ADD ("many-enrollments", test_many_enrollments);
  ADD ("hung-up", test_hung_up);
  ADD ("closed", test_closed);
  return g_test_run ();
}
