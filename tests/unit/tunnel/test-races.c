/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every operation of the tunnel begun while every other is under way, in each order, from each stable state. The first
 * has no answer yet when the second begins: answers need the main loop, which has not run in between.
 *
 * What must hold once all is answered: a consistent state, no tunnel without a membership, agreement of the file,
 * memory and the host, and a membership that matches the two results.
 */
#include "tunnel-world.h"
#include "common/error.h"
#include "common/util.h"
#include "proto/link.h"
#include <glib/gstdio.h>
#include <unistd.h>

#define SETTLED_WITHIN (60 * G_USEC_PER_SEC)

typedef struct Begun Begun;

typedef struct
{
  const gchar *name;
  void (*begin) (World *world, Begun *begun);
  gboolean (*finish) (World *world, Begun *begun); /* NULL: done when begun */
  gboolean quiet;                                  /* neither brings the link up nor changes the membership */
} Operation;

struct Begun
{
  const Operation *operation;
  GAsyncResult *result;
  GError *error;
  gboolean done;
};

/* The operations. */

static void
begin_connect (World *world, Begun *begun)
{
  begun->done = ew_tunnel_connect (world->tunnel, &begun->error);
}

static void
begin_disconnect (World *world, Begun *begun)
{
  begun->done = ew_tunnel_disconnect (world->tunnel, &begun->error);
}

static void
begin_enroll (World *world, Begun *begun)
{
  ew_tunnel_enroll_async (world->tunnel, world->key, "laptop", NULL, keep, &begun->result);
}

static gboolean
finish_enroll (World *world, Begun *begun)
{
  return ew_tunnel_enroll_finish (world->tunnel, begun->result, &begun->error);
}

static void
begin_leave (World *world, Begun *begun)
{
  ew_tunnel_leave_async (world->tunnel, NULL, keep, &begun->result);
}

static gboolean
finish_leave (World *world, Begun *begun)
{
  gboolean told;
  return ew_tunnel_leave_finish (world->tunnel, begun->result, &told, &begun->error);
}

static void
begin_vpn (World *world, Begun *begun)
{
  ew_tunnel_set_mode_async (world->tunnel, "vpn", 0, TRUE, NULL, keep, &begun->result);
}

static void
begin_connector (World *world, Begun *begun)
{
  ew_tunnel_set_mode_async (world->tunnel, "connector", 0, TRUE, NULL, keep, &begun->result);
}

static gboolean
finish_mode (World *world, Begun *begun)
{
  return ew_tunnel_set_mode_finish (world->tunnel, begun->result, &begun->error);
}

static void
begin_confirm (World *world, Begun *begun)
{
  begun->done = ew_tunnel_confirm_mode (world->tunnel, &begun->error);
}

static void
begin_undo (World *world, Begun *begun)
{
  begun->done = ew_tunnel_undo_mode (world->tunnel, &begun->error);
}

/* The edge says through the tunnel that the document is old. */
static void
begin_notice (World *world, Begun *begun)
{
  EwHeard heard = { .kind = EW_HEARD_LINK, .message = { .type = EW_LINK_NOTICE, .revision.hash = 4711 } };
  world->tunnel->fetch_not_before = 0;
  ew_tunnel_heard (&heard, world->tunnel);
}

static void
begin_map (World *world, Begun *begun)
{
  gint fd = ew_tunnel_open_topology (world->tunnel, 0, &begun->error);
  begun->done = fd >= 0;
  if (fd >= 0)
    close (fd);
}

/* One that changes something, so that the document is fetched after it. */
static void
begin_request (World *world, Begun *begun)
{
  ew_tunnel_request_async (world->tunnel, "DELETE", "/v1/nodes/nas", NULL, NULL, keep, &begun->result);
}

static gboolean
finish_request (World *world, Begun *begun)
{
  g_autoptr (JsonObject) answer = ew_tunnel_request_finish (world->tunnel, begun->result, &begun->error);
  return answer != NULL;
}

static void
begin_ping_edge (World *world, Begun *begun)
{
  ew_tunnel_ping_async (world->tunnel, "", 100, NULL, keep, &begun->result);
}

static void
begin_ping_name (World *world, Begun *begun)
{
  ew_tunnel_ping_async (world->tunnel, "nas", 100, NULL, keep, &begun->result);
}

static void
begin_ping_address (World *world, Begun *begun)
{
  ew_tunnel_ping_async (world->tunnel, "100.96.1.9", 100, NULL, keep, &begun->result);
}

static gboolean
finish_ping (World *world, Begun *begun)
{
  g_autofree gchar *answer = ew_tunnel_ping_finish (world->tunnel, begun->result, &begun->error);
  return answer != NULL;
}

static void
begin_diagnose (World *world, Begun *begun)
{
  ew_tunnel_diagnose_async (world->tunnel, NULL, keep, &begun->result);
}

static gboolean
finish_diagnose (World *world, Begun *begun)
{
  g_autofree gchar *answer = ew_tunnel_diagnose_finish (world->tunnel, begun->result, &begun->error);
  return answer != NULL;
}

static void
begin_routes (World *world, Begun *begun)
{
  ew_tunnel_list_routes_async (world->tunnel, NULL, keep, &begun->result);
}

static gboolean
finish_routes (World *world, Begun *begun)
{
  g_autofree gchar *answer = ew_tunnel_list_routes_finish (world->tunnel, begun->result, &begun->error);
  return answer != NULL;
}

static void
begin_accept (World *world, Begun *begun)
{
  begun->done = ew_tunnel_accept_route (world->tunnel, "10.7.0.0/24", TRUE, &begun->error);
}

/* The edge answers 410 from now on. */
static void
begin_removal (World *world, Begun *begun)
{
  fake_edge_answer (&world->edge, 410, "{\"schema\":1,\"error\":{\"code\":\"Removed\",\"message\":\"Removed.\"}}");
  ew_tunnel_request_async (world->tunnel, "GET", "/v1/nodes", NULL, NULL, keep, &begun->result);
}

static void
begin_network (World *world, Begun *begun)
{
  ew_tunnel_network_changed (world->tunnel);
}

static void
begin_resume (World *world, Begun *begun)
{
  world->tunnel->slept -= 60 * G_USEC_PER_SEC;
  ew_tunnel_network_changed (world->tunnel);
}

static void
begin_alarm (World *world, Begun *begun)
{
  ew_tunnel_event (world->tunnel, EW_LIVENESS_TICK);
}

static void
begin_status (World *world, Begun *begun)
{
  g_free (ew_tunnel_get_status (world->tunnel));
}

static const Operation operations[] = {
  { "connect", begin_connect, NULL, FALSE },
  { "disconnect", begin_disconnect, NULL, TRUE },
  { "enroll", begin_enroll, finish_enroll, FALSE },
  { "leave", begin_leave, finish_leave, FALSE },
  { "vpn", begin_vpn, finish_mode, FALSE },
  { "connector", begin_connector, finish_mode, TRUE },
  { "confirm", begin_confirm, NULL, TRUE },
  { "undo", begin_undo, NULL, TRUE },
  { "notice", begin_notice, NULL, TRUE },
  { "map", begin_map, NULL, TRUE },
  { "request", begin_request, finish_request, TRUE },
  { "ping-edge", begin_ping_edge, finish_ping, TRUE },
  { "ping-name", begin_ping_name, finish_ping, TRUE },
  { "ping-address", begin_ping_address, finish_ping, TRUE },
  { "diagnose", begin_diagnose, finish_diagnose, TRUE },
  { "routes", begin_routes, finish_routes, TRUE },
  { "accept", begin_accept, NULL, TRUE },
  { "removal", begin_removal, finish_request, FALSE },
  { "network", begin_network, NULL, TRUE },
  { "resume", begin_resume, NULL, TRUE },
  { "alarm", begin_alarm, NULL, TRUE },
  { "status", begin_status, NULL, TRUE },
};

/* States of rest. */

typedef enum
{
  CONNECTED,
  DISCONNECTED,
  NOT_ENROLLED,
  REMOVED,
} Rest;

static gchar *
account_path (World *world)
{
  return g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
}

/* Not enrolled, with keys that the edge's packet side knows. */
static void
start_afresh (World *world)
{
  g_autofree gchar *path = account_path (world);
  ew_tunnel_stop (world->tunnel);
  g_clear_object (&world->tunnel);
  g_unlink (path);
  ew_engine_remove_peer (world->engine, world->node_key);
  admit_node (world);
  new_tunnel (world);
}

/* Enrolled, and by keys that the edge's packet side knows. */
static gboolean
is_usable (World *world)
{
  EwTunnel *tunnel = world->tunnel;
  guint8 key[32];
  if (!tunnel->document || tunnel->keystore->removed)
    return FALSE;
  ew_key_public (tunnel->keystore->private_key, key);
  return memcmp (key, world->node_key, sizeof key) == 0;
}

static void
come_to_rest (World *world, Rest rest)
{
  g_autoptr (GError) removed = g_error_new (EW_ERROR, EW_ERROR_REMOVED, "Removed.");
  publish (world);
  /* This is quicker than enrolling again. */
  if (world->tunnel->keystore->removed)
    {
      world->tunnel->keystore->removed = FALSE;
      g_assert_true (ew_keystore_save (world->tunnel->keystore, NULL));
      ew_tunnel_rest (world->tunnel);
    }
  if (rest == NOT_ENROLLED ? world->tunnel->keystore->id != NULL : !is_usable (world))
    start_afresh (world);
  if (rest == NOT_ENROLLED)
    return;
  if (!is_usable (world))
    enroll (world);
  g_assert_true (set_mode (world, "connector", FALSE, NULL));
  if (rest == CONNECTED)
    {
      g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
      wait_for (world, "state", "connected");
    }
  else
    g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  if (rest == REMOVED)
    ew_tunnel_was_removed (world->tunnel, removed);
}

/* What must hold. */

static gboolean
is_settled (World *world, const Begun *first, const Begun *second)
{
  EwTunnel *tunnel = world->tunnel;
  return (first->result || !first->operation->finish) && (second->result || !second->operation->finish)
         && !tunnel->leaving && !tunnel->enrolling && !tunnel->fetching && !tunnel->pings
         && g_queue_is_empty (&tunnel->mode_tasks);
}

static void
settle (World *world, const Begun *first, const Begun *second)
{
  gint64 end = g_get_monotonic_time () + SETTLED_WITHIN;
  while (!is_settled (world, first, second) && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE) ? (void)0 : g_usleep (500);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (is_settled (world, first, second));
}

/* The one on disk is the one in memory. */
static void
check_file (World *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwKeystore) stored = ew_keystore_load (world->edge.dir, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (stored->id, ==, world->tunnel->keystore->id);
  if (stored->id)
    g_assert_cmpmem (stored->private_key, 32, world->tunnel->keystore->private_key, 32);
  g_assert_cmpint (stored->removed, ==, world->tunnel->keystore->removed);
}

static void
check_state (World *world)
{
  EwTunnel *tunnel = world->tunnel;
  gboolean up = tunnel->engine != NULL, enrolled = tunnel->keystore->id != NULL;
  gboolean shows_up = tunnel->state == EW_STATE_CONNECTING || tunnel->state == EW_STATE_CONNECTED
                      || tunnel->state == EW_STATE_RECONNECTING;
  g_assert_cmpint (tunnel->state, !=, EW_STATE_ERROR);
  g_assert_cmpint (tunnel->state == EW_STATE_NOT_ENROLLED, ==, !enrolled);
  g_assert_cmpint (tunnel->document != NULL, ==, enrolled);
  g_assert_cmpint (tunnel->client != NULL, ==, enrolled);
  g_assert_cmpint (tunnel->state == EW_STATE_REMOVED, ==, tunnel->keystore->removed);
  g_assert_cmpint (shows_up, ==, up);
  g_assert_cmpint (if_nametoindex (world->interface) != 0, ==, up);
  g_assert_true (!up || (enrolled && !tunnel->keystore->removed));
  g_assert_true (up || ew_host_ledger_is_empty (tunnel->host));
  g_assert_true (up || !tunnel->vpn_active);
  g_assert_true (enrolled || (!tunnel->keystore->wish_connected && !tunnel->guard.vpn && tunnel->topology == NULL));
}

static gboolean
succeeded (const Begun *begun, void (*begin) (World *, Begun *))
{
  return begun->operation->begin == begin && begun->done;
}

/* Leaving and enrolling report their result. */
static void
check_membership (World *world, Rest rest, const Begun *first, const Begun *second)
{
  gboolean left = succeeded (first, begin_leave) || succeeded (second, begin_leave);
  gboolean joined = succeeded (first, begin_enroll) || succeeded (second, begin_enroll);
  gboolean enrolled = world->tunnel->keystore->id != NULL;
  /* One of the two is refused as busy, except after a removal, when no edge is left to tell. */
  g_assert_true (!left || !joined || (rest == REMOVED && succeeded (first, begin_leave)));
  g_assert_cmpint (enrolled, ==, joined || (rest != NOT_ENROLLED && !left));
}

static void
begin (World *world, Begun *begun, const Operation *operation)
{
  begun->operation = operation;
  operation->begin (world, begun);
  g_assert_true (operation->finish || !begun->error || begun->error->domain == EW_ERROR);
}

static void
finish (World *world, Begun *begun)
{
  if (begun->operation->finish)
    begun->done = begun->operation->finish (world, begun);
  if (begun->error)
    {
      g_assert_cmpuint (begun->error->domain, ==, EW_ERROR);
      g_assert_cmpstr (begun->error->message, !=, "");
      g_assert_false (begun->done);
    }
  g_clear_object (&begun->result);
}

static void
run_pair (World *world, Rest rest, const Operation *one, const Operation *other)
{
  Begun first = { 0 }, second = { 0 };
  g_test_message ("%s, then %s", one->name, other->name);
  come_to_rest (world, rest);
  begin (world, &first, one);
  begin (world, &second, other);
  settle (world, &first, &second);
  finish (world, &first);
  finish (world, &second);
  check_state (world);
  check_file (world);
  check_membership (world, rest, &first, &second);
  g_clear_error (&first.error);
  g_clear_error (&second.error);
}

/* Each pair waits for a tunnel to come up: the most of them are split into tests that run side by side. */
#define PARTS 4
#define PART(rest, part) ((rest) | (part) << 8)

/* Without a link, two calls that don't use it can't interfere. */
static void
test_pairs (World *world, gconstpointer data)
{
  Rest rest = (Rest)(GPOINTER_TO_INT (data) & 0xff);
  gsize part = (gsize)GPOINTER_TO_INT (data) >> 8;
  if (skipped ())
    return;
  for (gsize i = part; i < G_N_ELEMENTS (operations); i += rest == CONNECTED ? PARTS : 1)
    for (gsize j = 0; j < G_N_ELEMENTS (operations); j++)
      if (rest == CONNECTED || !operations[i].quiet || !operations[j].quiet)
        run_pair (world, rest, &operations[i], &operations[j]);
}

/* An edge that never answers. By the time leave has begun there are no keys and no tunnel; requests in the meantime are
 * refused, and leaving completes. */
static void
test_leave_silent_edge (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  static const gchar *const may = "connect vpn connector confirm undo map request ping-edge routes accept enroll leave";
  Begun leave = { 0 };
  g_autofree gchar *path = account_path (world);
  g_auto (GStrv) refused = g_strsplit (may, " ", -1);
  enroll (world);
  world->edge.hold = TRUE;
  world->tunnel->leave_seconds = 1;
  begin (world, &leave, &operations[3]);
  g_assert_null (world->tunnel->engine);
  g_assert_cmpuint (if_nametoindex (world->interface), ==, 0);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  wait_for (world, "state", "not-enrolled");
  wait_for (world, "reason", "leaving");
  while (!world->edge.held)
    g_main_context_iteration (NULL, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      Begun begun = { 0 };
      begin (world, &begun, &operations[i]);
      if (operations[i].finish)
        await (&begun.result);
      finish (world, &begun);
      if (g_strv_contains ((const gchar *const *)refused, operations[i].name))
        {
          g_assert_error (begun.error, EW_ERROR, EW_ERROR_FAILED);
          g_assert_nonnull (strstr (begun.error->message, "leaving"));
        }
      g_clear_error (&begun.error);
      g_assert_null (world->tunnel->engine);
      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    }
  gboolean told = TRUE;
  g_assert_true (ew_tunnel_leave_finish (world->tunnel, await (&leave.result), &told, NULL));
  g_assert_false (told);
  g_clear_object (&leave.result);
  wait_for (world, "reason", "");
  world->edge.hold = FALSE;
}

/* A folder from which files can't be removed: everything stays as it was. */
static void
test_leave_fails (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  Begun leave = { 0 };
  g_autofree gchar *path = account_path (world), *aside = g_strconcat (path, ".aside", NULL),
                   *inside = g_build_filename (path, "inside", NULL);
  enroll (world);
  g_assert_cmpint (g_rename (path, aside), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (inside, 0700), ==, 0);
  begin (world, &leave, &operations[3]);
  await (&leave.result);
  finish (world, &leave);
  g_assert_error (leave.error, EW_ERROR, EW_ERROR_FAILED);
  g_clear_error (&leave.error);
  g_assert_cmpint (g_rmdir (inside), ==, 0);
  g_assert_cmpint (g_rmdir (path), ==, 0);
  g_assert_cmpint (g_rename (aside, path), ==, 0);
  wait_for (world, "state", "connected");
  check_state (world);
  check_file (world);
}

#define ADD(name, func, data) g_test_add ("/tunnel/races/" name, World, GINT_TO_POINTER (data), setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Warnings are what these tests provoke. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  own_network ();
  ADD ("leave-silent-edge", test_leave_silent_edge, 0);
  ADD ("leave-fails", test_leave_fails, 0);
  ADD ("not-enrolled", test_pairs, NOT_ENROLLED);
  ADD ("removed", test_pairs, REMOVED);
  ADD ("disconnected", test_pairs, DISCONNECTED);
  ADD ("connected/0", test_pairs, PART (CONNECTED, 0));
  ADD ("connected/1", test_pairs, PART (CONNECTED, 1));
  ADD ("connected/2", test_pairs, PART (CONNECTED, 2));
  ADD ("connected/3", test_pairs, PART (CONNECTED, 3));
  return g_test_run ();
}
