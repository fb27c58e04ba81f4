/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * EwDaemon over a private bus: what it reports while a daemon is missing, refused, starting, running, killed and
 * started again.
 */
#include "edgeway-config.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "fake-service.h"
#include "model/daemon.h"
#include "model/full-name.h"

/* On a computer where Edgeway is installed, a service that does not answer is one that was stopped. */
static EwAvailability
missing_availability (void)
{
  return g_file_test (EW_DAEMON_PROGRAM, G_FILE_TEST_IS_EXECUTABLE) ? EW_AVAILABILITY_NOT_STARTING
                                                                    : EW_AVAILABILITY_NOT_INSTALLED;
}

static const gchar *program;

typedef struct
{
  GTestDBus *bus;
  Service service;
  EwDaemon *daemon;
  GHashTable *told; /* names of the properties notified */
} World;

static void
on_notify (GObject *object, GParamSpec *spec, gpointer told)
{
  g_hash_table_add (told, (gpointer)spec->name);
}

static void
watch (World *world, const gchar *address)
{
  world->daemon = ew_daemon_new (address);
  g_signal_connect (world->daemon, "notify", G_CALLBACK (on_notify), world->told);
}

static void
set_up (World *world, gconstpointer with_daemon)
{
  world->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  world->told = g_hash_table_new (g_str_hash, g_str_equal);
  g_test_dbus_up (world->bus);
  if (with_daemon == NULL)
    return;
  service_start (&world->service, g_test_dbus_get_bus_address (world->bus));
  watch (world, g_test_dbus_get_bus_address (world->bus));
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_READY);
}

static void
tear_down (World *world, gconstpointer unused)
{
  g_clear_object (&world->daemon);
  service_stop (&world->service);
  run_for (1); /* the cancelled call fails */
  g_test_dbus_down (world->bus);
  g_object_unref (world->bus);
  g_hash_table_unref (world->told);
}

static void
assert_empty (EwDaemon *daemon)
{
  g_assert_cmpint (ew_daemon_get_state (daemon), ==, EW_STATE_UNKNOWN);
  g_assert_cmpint (ew_daemon_get_mode (daemon), ==, EW_MODE_CONNECTOR);
  g_assert_cmpstr (ew_daemon_get_mesh (daemon), ==, "");
  g_assert_cmpstr (ew_daemon_get_node_name (daemon), ==, "");
  g_assert_null (ew_daemon_get_addresses (daemon)[0]);
  g_assert_cmpint (ew_daemon_get_since (daemon), ==, 0);
  g_assert_false (ew_daemon_get_administrator (daemon));
  g_assert_false (ew_daemon_get_trial (daemon));
  g_assert_false (ew_daemon_get_enrolled (daemon));
}

static void
test_properties (World *world, gconstpointer unused)
{
  EwDaemon *daemon = world->daemon;
  const gchar *const addresses[] = { "100.96.0.18", "fd00::18", NULL };

  g_assert_null (ew_daemon_get_unavailable_message (daemon));
  g_assert_cmpint (ew_daemon_get_state (daemon), ==, EW_STATE_CONNECTED);
  g_assert_cmpstr (ew_daemon_get_mesh (daemon), ==, "birchwood");
  g_assert_cmpstr (ew_daemon_get_edge_endpoint (daemon), ==, "edge.example.net:443");
  g_assert_cmpstrv (ew_daemon_get_addresses (daemon), addresses);
  g_assert_true (ew_daemon_get_administrator (daemon) && ew_daemon_get_trial (daemon)
                 && ew_daemon_get_enrolled (daemon));
  g_assert_cmpint (ew_daemon_get_since (daemon), ==, 1700000000000000);

  g_hash_table_remove_all (world->told);
  ew_daemon1_set_state (world->service.skeleton, "removed");
  ew_daemon1_set_mode (world->service.skeleton, "vpn");
  ew_daemon1_set_guard_until (world->service.skeleton, -5);
  ew_daemon1_set_message (world->service.skeleton, "the edge\n\xe2\x80\xae"
                                                   "forgot this computer");
  wait_until (ew_daemon_get_state (daemon) == EW_STATE_REMOVED);
  g_assert_cmpint (ew_daemon_get_mode (daemon), ==, EW_MODE_VPN);
  g_assert_cmpint (ew_daemon_get_guard_until (daemon), ==, 0);
  g_assert_cmpstr (ew_daemon_get_message (daemon), ==, "The edge forgot this computer.");
  g_assert_false (ew_daemon_get_enrolled (daemon));
  g_assert_true (g_hash_table_contains (world->told, "state") && g_hash_table_contains (world->told, "mode"));
  g_assert_true (g_hash_table_contains (world->told, "enrolled") && g_hash_table_contains (world->told, "message"));
  g_assert_false (g_hash_table_contains (world->told, "mesh") || g_hash_table_contains (world->told, "availability"));

  ew_daemon1_set_state (world->service.skeleton, "a-word-of-tomorrow");
  wait_until (ew_daemon_get_state (daemon) == EW_STATE_UNKNOWN);
}

static void
test_killed_and_back (World *world, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++)
    {
      service_stop (&world->service);
      wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NOT_STARTING);
      g_assert_nonnull (ew_daemon_get_unavailable_message (world->daemon));
      assert_empty (world->daemon);
      service_start (&world->service, g_test_dbus_get_bus_address (world->bus));
      wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_READY);
      g_assert_cmpstr (ew_daemon_get_mesh (world->daemon), ==, "birchwood");
    }
}

static void
test_started_late (World *world, gconstpointer unused)
{
  watch (world, g_test_dbus_get_bus_address (world->bus));
  g_assert_cmpint (ew_daemon_get_availability (world->daemon), ==, EW_AVAILABILITY_LOOKING);
  assert_empty (world->daemon);
  wait_until (ew_daemon_get_availability (world->daemon) == missing_availability ());
  service_start (&world->service, g_test_dbus_get_bus_address (world->bus));
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_READY);
}

static void
test_no_bus (World *world, gconstpointer unused)
{
  g_autofree gchar *directory = g_dir_make_tmp ("ewmodel.XXXXXX", NULL);
  g_autofree gchar *address = g_strdup_printf ("unix:path=%s/bus", directory);

  watch (world, address);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NO_BUS);
  assert_empty (world->daemon);
  g_hash_table_remove_all (world->told);
  ew_daemon_retry (world->daemon);
  g_assert_cmpint (ew_daemon_get_availability (world->daemon), ==, EW_AVAILABILITY_LOOKING);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NO_BUS);
  g_rmdir (directory);
}

/* Buses with rules and services of their own. */

typedef struct
{
  GSubprocess *process;
  gchar *directory, *address, *service;
} Bus;

/* Waits until the bus listens: that its socket exists is not enough. */
static gboolean
bus_answers (const Bus *self)
{
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_sync (
    self->address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);

  return connection != NULL && g_dbus_connection_close_sync (connection, NULL, NULL);
}

static void
bus_start (Bus *self, const gchar *exec, const gchar *policy)
{
  g_autofree gchar *config = NULL, *config_path = NULL, *service = NULL;

  self->directory = g_dir_make_tmp ("ewmodel.XXXXXX", NULL);
  self->address = g_strdup_printf ("unix:path=%s/bus", self->directory);
  self->service = g_build_filename (self->directory, "org.edgeway.Daemon1.service", NULL);
  config_path = g_build_filename (self->directory, "bus.conf", NULL);
  service = g_strdup_printf ("[D-BUS Service]\nName=org.edgeway.Daemon1\nExec=%s\n", exec != NULL ? exec : "");
  config = g_strdup_printf (
    "<busconfig><type>session</type><listen>%s</listen><servicedir>%s</servicedir>"
    "<policy context='default'><allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>"
    "%s</policy></busconfig>",
    self->address, self->directory, policy);
  g_assert_true (g_file_set_contents (config_path, config, -1, NULL));
  g_assert_true (exec == NULL || g_file_set_contents (self->service, service, -1, NULL));
  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, "dbus-daemon", "--nofork", "--config-file",
                                    config_path, NULL);
  g_assert_nonnull (self->process);
  wait_until (bus_answers (self));
}

static void
bus_stop (Bus *self)
{
  g_autofree gchar *config = g_build_filename (self->directory, "bus.conf", NULL);
  g_autofree gchar *socket = g_build_filename (self->directory, "bus", NULL);

  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_unlink (self->service);
  g_unlink (config);
  g_unlink (socket);
  g_rmdir (self->directory);
  g_object_unref (self->process);
  g_free (self->service);
  g_free (self->address);
  g_free (self->directory);
}

/* A daemon that ends while it starts, one whose program is not there, and "Try Again" once it is repaired. */
static void
test_activation (World *world, gconstpointer unused)
{
  Bus bus = { 0 };
  g_autofree gchar *repaired
    = g_strdup_printf ("[D-BUS Service]\nName=org.edgeway.Daemon1\nExec=%s --serve\n", program);
  g_autoptr (GDBusConnection) asker = NULL;
  g_autoptr (GError) error = NULL;

  bus_start (&bus, "/bin/false", "");
  watch (world, bus.address);
  wait_until (ew_daemon_get_availability (world->daemon) != EW_AVAILABILITY_LOOKING);
  g_assert_cmpint (ew_daemon_get_availability (world->daemon), ==, EW_AVAILABILITY_NOT_STARTING);
  g_assert_true (g_file_set_contents (bus.service, repaired, -1, NULL));
  asker = g_dbus_connection_new_for_address_sync (
    bus.address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
    NULL, &error);
  g_assert_no_error (error);
  g_variant_unref (g_dbus_connection_call_sync (asker, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                "org.freedesktop.DBus", "ReloadConfig", NULL, NULL,
                                                G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL));
  ew_daemon_retry (world->daemon);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_READY);
  g_assert_cmpstr (ew_daemon_get_node_name (world->daemon), ==, "thinkpad");
  bus_stop (&bus);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NO_BUS);
  assert_empty (world->daemon);
}

static void
test_not_allowed (World *world, gconstpointer unused)
{
  Bus bus = { 0 };

  bus_start (&bus, NULL, "<deny send_destination='org.edgeway.Daemon1'/>");
  service_start (&world->service, bus.address);
  watch (world, bus.address);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NOT_ALLOWED);
  g_assert_nonnull (ew_daemon_get_unavailable_message (world->daemon));
  assert_empty (world->daemon);
  service_stop (&world->service);
  bus_stop (&bus);
}

/* Calls. */

typedef struct
{
  gboolean done;
  GVariant *value;
  GError *error;
} Answer;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->value = ew_daemon_call_finish (EW_DAEMON (source), result, &answer->error);
  answer->done = TRUE;
}

static void
ping (World *world, const gchar *target, GCancellable *cancellable, Answer *answer)
{
  g_clear_pointer (&answer->value, g_variant_unref);
  g_clear_error (&answer->error);
  answer->done = FALSE;
  ew_daemon_call_async (world->daemon, "Ping", g_variant_new ("(su)", target, 1000), cancellable, on_answer, answer);
}

static void
test_call (World *world, gconstpointer unused)
{
  Answer answer = { 0 };

  ping (world, "fine", NULL, &answer);
  wait_until (answer.done);
  g_assert_no_error (answer.error);
  g_assert_cmpstr (g_variant_get_type_string (answer.value), ==, "(s)");
  g_variant_unref (answer.value);
}

static void
test_call_errors (World *world, gconstpointer unused)
{
  static const struct
  {
    const gchar *name;
    EwCallError code;
    gboolean ours; /* the sentence */
  } cases[] = {
    { "org.edgeway.Error.Failed", EW_CALL_ERROR_FAILED, FALSE },
    { "org.edgeway.Error.OfTomorrow", EW_CALL_ERROR_FAILED, FALSE },
    { "org.edgeway.Error.Cancelled", EW_CALL_ERROR_CANCELLED, FALSE },
    { "org.edgeway.Error.NotAuthorized", EW_CALL_ERROR_NOT_AUTHORIZED, FALSE },
    { "org.edgeway.Error.NotEnrolled", EW_CALL_ERROR_NOT_ENROLLED, FALSE },
    { "org.edgeway.Error.AlreadyEnrolled", EW_CALL_ERROR_ALREADY_ENROLLED, FALSE },
    { "org.edgeway.Error.KeyInvalid", EW_CALL_ERROR_KEY_INVALID, FALSE },
    { "org.edgeway.Error.KeyUsed", EW_CALL_ERROR_KEY_USED, FALSE },
    { "org.edgeway.Error.KeyExpired", EW_CALL_ERROR_KEY_EXPIRED, FALSE },
    { "org.edgeway.Error.PinMismatch", EW_CALL_ERROR_PIN_MISMATCH, FALSE },
    { "org.edgeway.Error.EdgeUnreachable", EW_CALL_ERROR_EDGE_UNREACHABLE, FALSE },
    { "org.edgeway.Error.NameTaken", EW_CALL_ERROR_NAME_TAKEN, FALSE },
    { "org.edgeway.Error.NameInvalid", EW_CALL_ERROR_NAME_INVALID, FALSE },
    { "org.edgeway.Error.NotFound", EW_CALL_ERROR_NOT_FOUND, FALSE },
    { "org.edgeway.Error.RouteInvalid", EW_CALL_ERROR_ROUTE_INVALID, FALSE },
    { "org.edgeway.Error.RouteOverlap", EW_CALL_ERROR_ROUTE_OVERLAP, FALSE },
    { "org.edgeway.Error.RouteRefused", EW_CALL_ERROR_ROUTE_REFUSED, FALSE },
    { "org.edgeway.Error.NotAdministrator", EW_CALL_ERROR_NOT_ADMINISTRATOR, FALSE },
    { "org.edgeway.Error.HostConflict", EW_CALL_ERROR_HOST_CONFLICT, FALSE },
    { "org.edgeway.Error.Removed", EW_CALL_ERROR_REMOVED, FALSE },
    { "org.edgeway.Error.InvalidArgument", EW_CALL_ERROR_INVALID_ARGUMENT, FALSE },
    { "org.edgeway.Error.TimedOut", EW_CALL_ERROR_TIMED_OUT, FALSE },
    { "org.edgeway.Error.NotConnected", EW_CALL_ERROR_NOT_CONNECTED, FALSE },
    { "org.freedesktop.DBus.Error.InvalidArgs", EW_CALL_ERROR_INVALID_ARGUMENT, FALSE },
    { "org.freedesktop.DBus.Error.AccessDenied", EW_CALL_ERROR_NOT_AUTHORIZED, TRUE },
    { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EW_CALL_ERROR_NOT_AUTHORIZED, TRUE },
    { "org.freedesktop.DBus.Error.UnknownMethod", EW_CALL_ERROR_FAILED, TRUE },
    { "org.freedesktop.DBus.Error.ServiceUnknown", EW_CALL_ERROR_UNREACHABLE, TRUE },
    { "org.freedesktop.DBus.Error.NoReply", EW_CALL_ERROR_UNREACHABLE, TRUE },
  };
  Answer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *sentence = g_strdup_printf ("The sentence of %s.", cases[i].name);
      ping (world, cases[i].name, NULL, &answer);
      wait_until (answer.done);
      g_test_message ("%s", cases[i].name);
      g_assert_error (answer.error, EW_CALL_ERROR, (gint)cases[i].code);
      if (cases[i].ours)
        g_assert_false (g_str_equal (answer.error->message, sentence));
      else
        g_assert_cmpstr (answer.error->message, ==, sentence);
      g_assert_null (strstr (answer.error->message, "GDBus"));
      g_assert_true (g_str_has_suffix (answer.error->message, "."));
    }
  g_clear_error (&answer.error);
}

/* A sentence says which of the two must be updated: both while everything works, and when the service doesn't know a
   call. */
static void
test_versions (World *world, gconstpointer unused)
{
  static const struct
  {
    const gchar *version;
    const gchar *gap, *refusal; /* what the sentences contain; NULL: no sentence */
  } cases[] = {
    { EW_VERSION, NULL, "has another version" },
    { EW_VERSION "+git20261130.1200.abcdef0", NULL, "has another version" },
    { "", NULL, "has another version" },
    { "of tomorrow", NULL, "has another version" },
    { "0.0.9", "Update the package edgewayd.", "is older than this app" },
    { "0.99.0", "Update the app, then close it and open it again.", "is newer than this app" },
    { "1.0", "Update the app, then close it and open it again.", "is newer than this app" },
    { "99999999999999999999.99999999999999999999", "Update the app, then close it and open it again.",
      "is newer than this app" },
  };
  Answer answer = { 0 };

  g_assert_null (ew_daemon_dup_problem (world->daemon));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *gap = NULL;
      g_test_message ("%s", cases[i].version);
      g_hash_table_remove_all (world->told);
      ew_daemon1_set_version (world->service.skeleton, cases[i].version);
      wait_until (g_str_equal (ew_daemon_get_version (world->daemon), cases[i].version));
      if (i > 0)
        g_assert_true (g_hash_table_contains (world->told, "problems"));
      gap = ew_daemon_dup_problem (world->daemon);
      g_assert_cmpint (gap != NULL, ==, cases[i].gap != NULL);
      g_assert_true (gap == NULL || strstr (gap, cases[i].gap) != NULL);
      ping (world, "org.freedesktop.DBus.Error.UnknownMethod", NULL, &answer);
      wait_until (answer.done);
      g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_FAILED);
      g_assert_nonnull (strstr (answer.error->message, cases[i].refusal));
      ping (world, "other-type", NULL, &answer);
      wait_until (answer.done);
      g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_FAILED);
      g_assert_nonnull (strstr (answer.error->message, cases[i].refusal));
    }
  g_clear_error (&answer.error);
}

static void
test_call_cancelled (World *world, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Answer answer = { 0 };

  ping (world, "hold", cancellable, &answer);
  wait_until (world->service.held == 1);
  g_assert_false (answer.done);
  g_cancellable_cancel (cancellable);
  wait_until (answer.done);
  g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED);
  g_clear_error (&answer.error);
}

static void
test_call_daemon_dies (World *world, gconstpointer unused)
{
  Answer answer = { 0 };

  ping (world, "hold", NULL, &answer);
  wait_until (world->service.held == 1);
  service_stop (&world->service);
  wait_until (answer.done);
  g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_UNREACHABLE);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_NOT_STARTING);
  ping (world, "fine", NULL, &answer);
  wait_until (answer.done);
  g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_UNREACHABLE);
  g_assert_cmpstr (answer.error->message, ==, ew_daemon_get_unavailable_message (world->daemon));
  g_clear_error (&answer.error);
}

/* The object may be freed at any time. */
static void
test_gone_while_looking (World *world, gconstpointer unused)
{
  Answer answer = { 0 };

  watch (world, g_test_dbus_get_bus_address (world->bus));
  ping (world, "fine", NULL, &answer);
  wait_until (answer.done);
  g_assert_error (answer.error, EW_CALL_ERROR, EW_CALL_ERROR_UNREACHABLE);
  g_clear_error (&answer.error);
  for (guint i = 0; i < 20; i++)
    {
      g_clear_object (&world->daemon);
      watch (world, g_test_dbus_get_bus_address (world->bus));
      run_for (i);
    }
  g_clear_object (&world->daemon);
  run_for (50);
}

/* What the bus of test_activation starts: ends with the bus. */
/* Text for pasting into a shell contains only valid DNS names, whatever the edge sends. */
static void
test_full_names (World *world, gconstpointer unused)
{
  static const gchar *const bad_names[] = { "", "-oProxyCommand=id", "a b", "a;id", "nas.x", "$(id)", "Nas" };
  static const gchar *const bad_suffixes[] = { "", ".", "home..internal", "home.internal;id", "-x.internal", "a b" };
  Service *service = &world->service;
  EwDaemon *daemon = world->daemon;

  ew_daemon1_set_suffix (service->skeleton, "home.internal");
  ew_daemon1_set_names (service->skeleton, "ok");
  wait_until (g_str_equal (ew_daemon_get_names (daemon), "ok"));
  g_autofree gchar *full = ew_full_name (daemon, "nas"), *good = ew_reachable_name (daemon, "nas", "100.96.0.21");
  g_assert_cmpstr (full, ==, "nas.home.internal");
  g_assert_cmpstr (good, ==, "nas.home.internal");
  g_assert_null (ew_names_trouble (daemon));
  for (gsize i = 0; i < G_N_ELEMENTS (bad_names); i++)
    {
      g_autofree gchar *target = ew_reachable_name (daemon, bad_names[i], "100.96.0.21");
      g_assert_cmpstr (target, ==, "100.96.0.21");
    }
  ew_daemon1_set_names_message (service->skeleton, "The edge doesn't answer names.");
  ew_daemon1_set_names (service->skeleton, "edge-without-names");
  wait_until (ew_names_trouble (daemon) != NULL);
  g_autofree gchar *address = ew_reachable_name (daemon, "nas", "100.96.0.21");
  g_assert_cmpstr (address, ==, "100.96.0.21");
  g_assert_false (ew_names_fail (daemon)); /* not caused by this computer */
  g_hash_table_remove_all (world->told);
  ew_daemon1_set_names (service->skeleton, "suffix-taken");
  wait_until (ew_names_fail (daemon) && g_hash_table_contains (world->told, "problems"));
  g_autofree gchar *problem = ew_daemon_dup_problem (daemon);
  g_assert_cmpstr (problem, ==, "The edge doesn't answer names.");
  for (gsize i = 0; i < G_N_ELEMENTS (bad_suffixes); i++)
    {
      ew_daemon1_set_suffix (service->skeleton, bad_suffixes[i]);
      wait_until (g_str_equal (ew_daemon_get_suffix (daemon), bad_suffixes[i]));
      g_assert_null (ew_full_name (daemon, "nas"));
    }
}

static void
serve (void)
{
  Service service = { 0 };

  service_start (&service, g_getenv ("DBUS_STARTER_ADDRESS"));
  while (!g_dbus_connection_is_closed (service.connection))
    g_main_context_iteration (NULL, TRUE);
}

#define add(path, with_daemon, test)                                                                                   \
  g_test_add ("/model/daemon/" path, World, GINT_TO_POINTER (with_daemon), set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);

  if (argc > 1 && g_str_equal (argv[1], "--serve"))
    {
      serve ();
      return 0;
    }
  program = self;
  g_test_init (&argc, &argv, NULL);
  add ("properties", TRUE, test_properties);
  add ("full-names", TRUE, test_full_names);
  add ("killed-and-back", TRUE, test_killed_and_back);
  add ("started-late", FALSE, test_started_late);
  add ("no-bus", FALSE, test_no_bus);
  add ("activation", FALSE, test_activation);
  add ("not-allowed", FALSE, test_not_allowed);
  add ("call", TRUE, test_call);
  add ("call/errors", TRUE, test_call_errors);
  add ("versions", TRUE, test_versions);
  add ("call/cancelled", TRUE, test_call_cancelled);
  add ("call/daemon-dies", TRUE, test_call_daemon_dies);
  add ("gone-while-looking", FALSE, test_gone_while_looking);
  return g_test_run ();
}
