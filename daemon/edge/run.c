/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/run.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/api/api.h"
#include "edge/default-names.h"
#include "edge/exit/exit.h"
#include "edge/exit/netlink.h"
#include "edge/identity.h"
#include "edge/masque/masque.h"
#include "edge/names.h"
#include "edge/packages/packages.h"
#include "edge/privileges.h"
#include "edge/publish/publish.h"
#include "edge/services/services.h"
#include "edge/verbs.h"
#include "engine/tun.h"
#include "version/version.h"

/* The regular work is done so long after something happened, and at rest each minute: reserved timestamps are used up,
   and the clock may have been set. */
#define TICK_SECONDS 5
#define REST_SECONDS 60
#define THOROUGH_US (6 * G_TIME_SPAN_HOUR)
#define FIRST_KEY_SECONDS 3600
#define WAIT_SECONDS 2 /* between two looks at a port that another program has */

typedef struct
{
  const EwEdgeOptions *options;
  GMainLoop *loop;
  gchar *listen, *public_endpoint;
  EwServer *server;
  EwStore *store;
  EwIdentity *identity;
  EwMesh *mesh;
  EwEdgeNames *names;
  EwFeed *feed;
  EwServices *services;
  EwLauncher *launcher;
  EwPublish *publish;
  EwApiViewers *viewers;
  EwApi *api;
  EwPackages *packages;
  EwMasque *masque;
  guint tick_source, listener;
  gint64 tick_us;     /* when it comes, monotonic */
  gint64 thorough_us; /* the last thorough sweep */
  gboolean sweeping;  /* one is under way */
  gboolean sweep_failed;
  gboolean patient; /* an earlier start made the mesh: what blocks this one may be temporary */
  gboolean again;   /* it ends so that its supervisor starts it again */
} Edge;

/* The mesh. */

/* The first start makes the store before the keys: keys without a store are what is left of a mesh, not the beginning
 * of one. */
static gboolean
check_complete (const gchar *state_dir, const gchar *store, GError **error)
{
  g_autofree gchar *key = g_build_filename (state_dir, "wireguard.key", NULL);
  if (g_file_test (store, G_FILE_TEST_EXISTS) || !g_file_test (key, G_FILE_TEST_EXISTS))
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
               "%s is missing, but a mesh's keys are beside it. Restore it from a backup or, to make a new mesh, move "
               "everything out of %s.",
               store, state_dir);
  return FALSE;
}

static gboolean
open_store (Edge *self, GError **error)
{
  g_autofree gchar *path = g_build_filename (self->options->state_dir, "store.db", NULL);
  g_autoptr (GError) cause = NULL;
  if (!check_complete (self->options->state_dir, path, error))
    return FALSE;
  self->store = ew_store_open (path, &cause);
  if (self->store)
    return TRUE;
  if (g_error_matches (cause, EW_STORE_ERROR, EW_STORE_ERROR_IN_USE))
    g_set_error (
      error, EW_ERROR, EW_ERROR_FAILED,
      "Another edgeway-edge already uses the state directory %s. Stop that one, or give this one another --state-dir.",
      self->options->state_dir);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* Whether this host has a route to the internet, of either family. */
static gboolean
is_online (void)
{
  g_autoptr (EwHostView) view = ew_exit_netlink_get_view (0, NULL);
  return view && (view->upstream[0] || view->upstream[1]);
}

/* Where the edge is reached: as its owner says or said; otherwise what this host's addresses suggest, unless that isn't
 * better than what they suggested before. */
static gboolean
choose_public (Edge *self, const gchar *stored, gboolean given, GError **error)
{
  const EwEdgeOptions *options = self->options;
  g_autoptr (GError) cause = NULL;
  if (options->public_endpoint || (stored && given))
    {
      self->public_endpoint = g_strdup (options->public_endpoint ? options->public_endpoint : stored);
      return TRUE;
    }
  g_autofree gchar *guessed = ew_edge_guess_public (options->listen_address, options->port, options->interface, &cause);
  gboolean keep = stored && ew_edge_keeps_public (stored, guessed, is_online ());
  self->public_endpoint = keep ? g_strdup (stored) : g_steal_pointer (&guessed);
  if (self->public_endpoint == NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return self->public_endpoint != NULL;
}

static gboolean
open_mesh (Edge *self, GError **error)
{
  gboolean given;
  g_autoptr (GError) cause = NULL;
  const EwEdgeOptions *options = self->options;
  g_autofree gchar *name = NULL, *stored_public = NULL, *default_mesh = NULL, *default_edge = NULL;
  if (!ew_mesh_peek (self->store, &name, &stored_public, &given, error)
      || !choose_public (self, stored_public, given, error))
    return FALSE;
  ew_edge_default_names (g_get_host_name (), self->public_endpoint, &default_mesh, &default_edge);
  self->identity = ew_identity_load (options->state_dir,
                                     options->mesh ? options->mesh
                                     : name        ? name
                                                   : default_mesh,
                                     options->edge_name ? options->edge_name : default_edge, name != NULL, error);
  if (self->identity == NULL)
    return FALSE;
  EwMeshSetup setup = {
    .mesh = options->mesh,
    .suffix = options->suffix,
    .ipv4 = options->ipv4,
    .ipv6 = options->ipv6,
    .edge_name = options->edge_name,
    .default_mesh = default_mesh,
    .default_edge = default_edge,
    .public_endpoint = self->public_endpoint,
    .mtu = options->mtu,
    .trial = options->trial,
    .ca_key_pem = self->identity->ca_key_pem,
    .ca_certificate_pem = self->identity->ca_certificate_pem,
  };
  memcpy (setup.public_key, self->identity->public_key, EW_KEY_SIZE);
  self->mesh = ew_mesh_open (self->store, &setup, error);
  if (self->mesh == NULL)
    return FALSE;
  /* Neither is worth a mesh that is down: a full disk is said once, and both are tried again. */
  if ((options->public_endpoint && !ew_mesh_keep_public (self->mesh, &cause))
      || !ew_mesh_sweep (self->mesh, TRUE, &cause))
    {
      g_warning ("%s Until then, packets are carried, but changes are refused.", cause->message);
      self->sweep_failed = TRUE;
    }
  return TRUE;
}

/* The switch and the API. */

/* Once a mesh has been made, the edge waits for its port, as no user may be watching; a supervisor that starts it again
 * does that for it. */
static gboolean
is_patient (Edge *self)
{
  g_autofree gchar *store = g_build_filename (self->options->state_dir, "store.db", NULL);
  return g_file_test (store, G_FILE_TEST_EXISTS) && !isatty (STDERR_FILENO);
}

static gboolean
wait_for_port (Edge *self, const gchar *what, gboolean *told)
{
  if (!self->patient || g_getenv ("NOTIFY_SOCKET"))
    return FALSE;
  if (!*told)
    g_warning ("%s The edge tries again every %d s.", what, WAIT_SECONDS);
  *told = TRUE;
  g_usleep (WAIT_SECONDS * G_USEC_PER_SEC);
  return TRUE;
}

static void
on_ports_bound (void *user, const gchar *interface)
{
  Edge *self = user;
  ew_edge_names_start (self->names, interface);
  ew_edge_privileges_ports_bound ();
}

static gboolean
start_feed (Edge *self, GError **error)
{
  const EwEdgeOptions *options = self->options;
  const EwRanges *ranges = ew_mesh_get_ranges (self->mesh);
  EwExitConfig exit = {
    .open_ports = (const guint16 *)(void *)options->open_ports->data,
    .n_open_ports = options->open_ports->len,
    .public_ports = (const guint16 *)(void *)options->public_ports->data,
    .n_public_ports = options->public_ports->len,
    .closed = (const EwPrefix *)(void *)options->exit_closed->data,
    .n_closed = options->exit_closed->len,
    .exit = options->exit,
  };
  EwSwitchConfig config = {
    .listen_address = options->listen_address,
    .listen_later = self->patient,
    .port = options->port,
    .interface = options->interface,
    .mtu = options->mtu,
    .ranges = { ranges->v4, ranges->v6 },
    .exit = &ew_exit_for_switch,
    .exit_data = &exit,
    .on_ports_bound = on_ports_bound,
    .ports_user = self,
    .streams = ew_masque_get_streams (self->masque),
  };
  g_autofree gchar *public_host = NULL;
  guint16 public_port;
  gboolean in_use, told = FALSE;
  g_autoptr (GError) cause = NULL;
  if (ew_host_port_parse (self->public_endpoint, &public_host, &public_port, NULL))
    exit.public_host = public_host;
  ew_mesh_ranges_service (ranges, config.service);
  memcpy (config.private_key, self->identity->private_key, EW_KEY_SIZE);
  self->names = ew_edge_names_new (self->mesh, options, error);
  if (self->names == NULL)
    return FALSE;
  do
    {
      g_clear_error (&cause);
      self->feed = ew_feed_new (self->mesh, &config, &cause);
      in_use = g_error_matches (cause, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
    }
  while (in_use && wait_for_port (self, cause->message, &told));
  ew_zero (config.private_key, EW_KEY_SIZE);
  if (self->feed)
    {
      ew_edge_names_set_switch (self->names, ew_feed_get_switch (self->feed));
      self->services = ew_services_new (self->mesh, self->feed);
      self->publish = ew_publish_new (self->mesh, self->services, self->launcher, options->state_dir);
      return TRUE;
    }
  if (in_use)
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                 "UDP port %u is in use by another program (another WireGuard?). Stop that one, or choose another port "
                 "with --listen [ADDR]:PORT.",
                 options->port);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* Where nodes are is where their calls come from, mostly. */
static void
know_nodes (Edge *self)
{
  for (EwNode *node = ew_mesh_next_node (self->mesh, NULL); node; node = ew_mesh_next_node (self->mesh, node->id))
    if (node->endpoint.kind == EW_ENDPOINT_UDP || node->endpoint.kind == EW_ENDPOINT_STREAM)
      ew_http_server_know (self->server, &node->endpoint.remote);
}

static gchar *
dup_names_limits (gpointer user_data)
{
  Edge *self = user_data;
  return ew_edge_names_dup_limits (self->names);
}

static JsonObject *
describe_install (gpointer user_data)
{
  Edge *self = user_data;
  return ew_packages_describe (self->packages);
}

static void
open_packages (Edge *self)
{
  g_auto (GStrv) folders = ew_edge_options_dup_package_folders (self->options);
  const EwPackagesSetup setup = {
    .enabled = self->options->install,
    .folders = (const gchar *const *)folders,
    .public_endpoint = ew_mesh_get_edge (self->mesh)->endpoints[0],
    .mesh = ew_mesh_get_name (self->mesh),
    .edge = ew_mesh_get_edge (self->mesh)->name,
    .ca_pem = self->identity->ca_certificate_pem,
    .bytes_per_s = (guint64)self->options->install_rate * 1000 * 1000 / 8,
  };
  self->packages = ew_packages_new (&setup);
}

static gboolean
start_api (Edge *self, GError **error)
{
  const EwRanges *ranges = ew_mesh_get_ranges (self->mesh);
  g_autofree gchar *path = g_build_filename (self->options->state_dir, "control.sock", NULL);
  g_autoptr (GError) cause = NULL;
  if (!ew_http_server_bind_control (self->server, path, &cause))
    {
      /* A read-only disk: the mesh comes first. */
      if (!ew_mesh_is_announced (self->mesh) || !g_error_matches (cause, EW_ERROR, EW_ERROR_STORE_FULL))
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return FALSE;
        }
      g_warning ("%s Until then, `edgeway-edge status` and the other commands don't work.", cause->message);
    }
  open_packages (self);
  ew_masque_set_endpoints (self->masque, (const gchar *const *)ew_mesh_get_edge (self->mesh)->endpoints);
  self->viewers = ew_api_viewers_new (self->mesh, self->feed, self->services);
  EwApiParts parts = { .mesh = self->mesh,
                       .feed = self->feed,
                       .services = self->services,
                       .publish = self->publish,
                       .viewers = self->viewers,
                       .listen = self->listen,
                       .build = ew_version_text (),
                       .dup_limits = dup_names_limits,
                       .limits_data = self,
                       .describe_install = describe_install,
                       .install_data = self };
  self->api = ew_api_new (&parts);
  ew_api_set_server (self->api, self->server);
  ew_http_server_set_mesh (self->server, &ranges->v4, &ranges->v6);
  ew_http_server_set_pass (self->server, ew_publish_pass, self->publish);
  know_nodes (self);
  ew_http_server_start (self->server, self->identity->certificate);
  return TRUE;
}

static void
on_request (gpointer user_data, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path,
            GHashTable *query, EwServerFault fault)
{
  Edge *self = user_data;
  if (!ew_masque_handle (self->masque, message, peer, path, fault)
      && !ew_packages_handle (self->packages, self->server, message, peer, path, fault))
    ew_api_handle (self->api, message, peer, path, query, fault);
}

/* The first key. */

/* systemd.exec(5), JOURNAL_STREAM: what stdout says would be kept and read by others. */
static gboolean
stdout_is_journal (void)
{
  const gchar *stream = g_getenv ("JOURNAL_STREAM");
  struct stat st;
  if (stream == NULL || fstat (STDOUT_FILENO, &st) < 0)
    return FALSE;
  g_autofree gchar *ours
    = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)st.st_dev, (guint64)st.st_ino);
  return g_str_equal (stream, ours);
}

static gboolean
print_first_key (Edge *self, GError **error)
{
  const EwKeyRequest request = { .kind = "admin", .maker = EW_MAKER_OWNER, .valid_seconds = FIRST_KEY_SECONDS };
  gchar *key = ew_mesh_make_key (self->mesh, &request, NULL, error);
  if (key == NULL)
    return FALSE;
  g_message ("the first administrator's enrollment key is on stdout. Within an hour, one computer can join with it: "
             "`sudo edgewayctl enroll`");
  gboolean printed = printf ("%s\n", key) > 0 && fflush (stdout) == 0;
  ew_free_secret (key);
  if (!printed)
    g_warning (
      "the first administrator's enrollment key couldn't be printed; make another with `sudo edgeway-edge admin-key`");
  return TRUE;
}

static gboolean
announce (Edge *self, GError **error)
{
  if (ew_mesh_is_announced (self->mesh))
    return TRUE;
  if (stdout_is_journal ())
    g_message ("the mesh has been made. To make its first administrator's enrollment key, run `sudo edgeway-edge "
               "admin-key` here");
  else if (!print_first_key (self, error))
    return FALSE;
  return ew_mesh_set_announced (self->mesh, error);
}

/* Life. */

static void
on_swept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Edge *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean swept = ew_mesh_work_finish (result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* at the end */
    return;
  if (!swept && !self->sweep_failed) /* once, not every 5 s */
    g_warning ("expired records couldn't be removed: %s", error->message);
  self->sweep_failed = !swept;
  self->sweeping = FALSE;
}

/* What has expired; and at times, what is old. One that failed is tried again. */
static void
sweep (Edge *self)
{
  const gint64 now = g_get_monotonic_time ();
  const gboolean thorough = now >= self->thorough_us + THOROUGH_US;
  if (self->sweeping || (!thorough && !self->sweep_failed && ew_mesh_get_next_expiry (self->mesh) > g_get_real_time ()))
    return;
  self->sweeping = TRUE;
  if (thorough)
    self->thorough_us = now;
  ew_mesh_sweep_async (self->mesh, thorough, on_swept, self);
}

static void
start_again_with_tun (Edge *self)
{
  if (self->again || !g_getenv ("NOTIFY_SOCKET") || !ew_switch_could_have_tun (ew_feed_get_switch (self->feed)))
    return;
  g_message ("the TUN device can be used now: starting again with it");
  self->again = TRUE;
  g_main_loop_quit (self->loop);
}

static gboolean on_tick (gpointer user_data);

/* Moves the next tick towards the present, never away from it. */
static void
tick_within (Edge *self, guint seconds)
{
  const gint64 due = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  if (self->tick_source && self->tick_us <= due)
    return;
  g_clear_handle_id (&self->tick_source, g_source_remove);
  self->tick_us = due;
  self->tick_source = g_timeout_add_seconds (seconds, on_tick, self);
}

static gboolean
on_tick (gpointer user_data)
{
  Edge *self = user_data;
  self->tick_source = 0;
  guint wait = ew_feed_tick (self->feed);
  ew_edge_names_set_switch (self->names, ew_feed_get_switch (self->feed));
  start_again_with_tun (self);
  know_nodes (self);
  sweep (self);
  gint64 expiry = (ew_mesh_get_next_expiry (self->mesh) - g_get_real_time ()) / G_USEC_PER_SEC;
  if (ew_switch_awaits_tun (ew_feed_get_switch (self->feed)) || expiry < TICK_SECONDS)
    wait = TICK_SECONDS;
  tick_within (self, CLAMP (MIN (wait, expiry + 1), TICK_SECONDS, REST_SECONDS));
  return G_SOURCE_REMOVE;
}

static void
on_work (gpointer user_data)
{
  tick_within (user_data, TICK_SECONDS);
}

static void
on_node_changed (gpointer user_data, const gchar *id)
{
  on_work (user_data);
}

static const EwMeshListener mesh_listener
  = { .node_changed = on_node_changed, .node_removed = on_node_changed, .all_changed = on_work };

static gboolean
on_signal (gpointer user_data)
{
  Edge *self = user_data;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

/* A server has more callers than a shell's 1024 descriptors. */
static void
raise_file_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = MIN (limit.rlim_max, 65536);
  setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
bind_tcp (Edge *self, GError **error)
{
  const EwEdgeOptions *options = self->options;
  gboolean told = FALSE;
  for (;;)
    {
      g_autoptr (GError) cause = NULL;
      if (ew_http_server_bind_tcp (self->server, options->listen_address, options->port, self->patient, &cause))
        return TRUE;
      if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) && wait_for_port (self, cause->message, &told))
        continue;
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
}

/* Published names need another program, which can't be started any more in the sandbox. Where this fails (a disk that
   can't be written), they say that they don't work. */
static void
start_launcher (Edge *self)
{
  g_autofree gchar *folder = g_build_filename (self->options->state_dir, EW_PUBLISH_FOLDER, NULL);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    self->launcher = ew_publish_launcher_new (folder);
}

/* In this order: what others may have (ports, the state) before anything is made, so that a refusal leaves nothing
 * half-done. */
static gboolean
start (Edge *self, GError **error)
{
  const EwEdgeOptions *options = self->options;
  raise_file_limit ();
  ew_tun_reserve (
    EW_SWITCH_DATA_THREADS_MAX); /* where nothing sets its mode (a container, no udev) only uid 0 can open the device */
  self->server = ew_http_server_new (on_request, self);
  self->masque = ew_masque_new (self->server);
  self->patient = is_patient (self);
  if (!bind_tcp (self, error) || !ew_edge_privileges_narrow (options->state_dir, options->packages, error)
      || !ew_state_dir_prepare (options->state_dir, error))
    return FALSE;
  start_launcher (self);
  ew_edge_sandbox_enter (options->state_dir, options->packages);
  return open_store (self, error) && open_mesh (self, error) && start_feed (self, error) && start_api (self, error)
         && announce (self, error);
}

static void
stop (Edge *self)
{
  g_clear_handle_id (&self->tick_source, g_source_remove);
  if (self->listener)
    ew_mesh_unlisten (self->mesh, self->listener);
  if (self->feed)
    ew_feed_set_work_func (self->feed, NULL, NULL);
  g_clear_pointer (&self->server, ew_http_server_free);
  g_clear_pointer (&self->viewers, ew_api_viewers_free);
  g_clear_pointer (&self->api, ew_api_free);
  g_clear_pointer (&self->packages, ew_packages_free);
  g_clear_pointer (&self->names, ew_edge_names_free);
  g_clear_pointer (&self->publish, ew_publish_free);
  g_clear_pointer (&self->services, ew_services_free);
  g_clear_pointer (&self->feed, ew_feed_free);
  g_clear_pointer (&self->masque, ew_masque_free);
  g_clear_pointer (&self->mesh, ew_mesh_close);
  g_clear_pointer (&self->store, ew_store_close);
  g_clear_pointer (&self->launcher, ew_publish_launcher_free);
  g_clear_pointer (&self->identity, ew_identity_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_free (self->listen);
  g_free (self->public_endpoint);
}

static void
serve (Edge *self)
{
  const gchar *limits = ew_switch_get_limits (ew_feed_get_switch (self->feed));
  static const gint signals[] = { SIGTERM, SIGINT, SIGHUP };
  guint sources[G_N_ELEMENTS (signals)];
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sources[i] = g_unix_signal_add (signals[i], on_signal, self);
  self->thorough_us = g_get_monotonic_time ();
  self->listener = ew_mesh_listen (self->mesh, &mesh_listener, self);
  ew_feed_set_work_func (self->feed, on_work, self);
  tick_within (self, TICK_SECONDS);
  g_message ("mesh %s, edge %s: listening on %s (UDP and TCP), reached at %s", ew_mesh_get_name (self->mesh),
             ew_mesh_get_edge (self->mesh)->name, self->listen, self->public_endpoint);
  if (limits)
    g_message ("limits: %s", limits);
  ew_notify ("READY=1");
  g_main_loop_run (self->loop);
  ew_notify ("STOPPING=1");
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_source_remove (sources[i]);
}

gint
ew_edge_run (const EwEdgeOptions *options)
{
  g_autoptr (GError) error = NULL;
  const gchar *address = options->listen_address;
  Edge self = { .options = options, .loop = g_main_loop_new (NULL, FALSE) };
  self.listen
    = g_strdup_printf (address && strchr (address, ':') ? "[%s]:%u" : "%s:%u", address ? address : "", options->port);
  ew_memory_init ();
  signal (SIGPIPE, SIG_IGN);
  umask (0077);
  if (start (&self, &error))
    serve (&self);
  stop (&self);
  if (error == NULL)
    return self.again ? EW_EXIT_FAILED : EW_EXIT_DONE;
  g_printerr ("edgeway-edge: %s\n", error->message);
  return g_error_matches (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED) ? EW_EXIT_NOT_AUTHORIZED : EW_EXIT_FAILED;
}
