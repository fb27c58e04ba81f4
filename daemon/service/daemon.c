/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/daemon.h"

#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <net/if.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/plain.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "nss/nsswitch.h"
#include "service/bus-guard.h"
#include "service/bus.h"
#include "service/privileges.h"
#include "service/revert.h"
#include "service/sandbox.h"
#include "service/service.h"
#include "version/version.h"

#define EXIT_USAGE 2
#define EXIT_NOT_AUTHORIZED 4
#define ENDING_MS 3000 /* for an edgewayd that is ending */

typedef struct
{
  gchar *state_dir;
  gchar *interface;
  gchar *bus;
  gchar *lockdown; /* "load" or "off" */
  gboolean revert, version;
  EwBusDoor doors[EW_BUS_GUARD_DOORS]; /* to --bus, and to the system bus */
} Options;

static void
options_clear (Options *options)
{
  g_free (options->state_dir);
  g_free (options->interface);
  g_free (options->bus);
  g_free (options->lockdown);
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    ew_bus_door_clear (&options->doors[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* dev_valid_name() in the kernel's net/core/dev.c. */
static gboolean
check_interface (const gchar *name, GError **error)
{
  gsize length = strlen (name);

  if (length > 0 && length < IFNAMSIZ && !g_str_equal (name, ".") && !g_str_equal (name, "..")
      && strpbrk (name, "/: \t\n\r\v\f%") == NULL)
    return TRUE;
  g_set_error (
    error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
    "--interface: The name of a network interface has 1 to %d characters, without '/', ':', '%%' or white space.",
    IFNAMSIZ - 1);
  return FALSE;
}

static gboolean
options_parse (Options *options, gint *argc, gchar ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
      "The folder of the keys and the state (default: " EW_STATE_DIR ")", "DIR" },
    { "interface", 0, 0, G_OPTION_ARG_STRING, &options->interface, "The tunnel's network interface (default: edgeway0)",
      "NAME" },
    { "bus", 0, 0, G_OPTION_ARG_STRING, &options->bus, "Serve on this message bus (default: the system bus)",
      "ADDRESS" },
    { "revert", 0, 0, G_OPTION_ARG_NONE, &options->revert,
      "Undo what an edgewayd that was killed has left changed on this computer, and exit", NULL },
    { "lockdown", 0, 0, G_OPTION_ARG_STRING, &options->lockdown,
      "Put lockdown's firewall rules in place if it is on, as at boot, or switch lockdown off, and exit", "load|off" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context,
                                "The Edgeway helper daemon: runs this computer's tunnel into its mesh and serves "
                                "org.edgeway.Daemon1.");
  g_option_context_set_description (
    context,
    "It runs as root; `edgewayctl` and the app talk to it. With EDGEWAY_DEBUG=1 in the environment, it logs more.\n");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "Unexpected argument \"%s\".", (*argv)[1]);
      return FALSE;
    }
  if (options->state_dir == NULL)
    options->state_dir = g_strdup (EW_STATE_DIR);
  if (options->interface == NULL)
    options->interface = g_strdup ("edgeway0");
  if (!g_path_is_absolute (options->state_dir))
    {
      g_autofree gchar *given = g_steal_pointer (&options->state_dir);
      options->state_dir = g_canonicalize_filename (given, NULL);
    }
  if (options->lockdown != NULL && !g_str_equal (options->lockdown, "load") && !g_str_equal (options->lockdown, "off"))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--lockdown: Use load or off.");
      return FALSE;
    }
  return check_interface (options->interface, error);
}

/* Landlock gives rights to folders that exist: the one for `wg`'s sockets (shared with every other WireGuard program,
   hence its usual mode) and edgewayd's, in which every program looks for names, are made before. */
static void
make_run_dirs (void)
{
  static const gchar *const folders[] = { EW_BUS_PEER_DIR, "/run/wireguard" };

  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    if (mkdir (folders[i], 0755) == 0)
      (void)!chmod (folders[i], 0755); /* whatever the umask */
    else if (errno != EEXIST)
      g_debug ("%s couldn't be created: %s.", folders[i], g_strerror (errno));
}

/* D-Bus specification, "System message bus". GDBus knows it too, but starts a thread, which would keep all privileges. */
#define SYSTEM_BUS "unix:path=/var/run/dbus/system_bus_socket"

/* From here on the variable and options->doors lead to the buses, if they can be reached now. */
static void
guard_buses (Options *options, const gchar *closed[EW_BUS_GUARD_DOORS + 1])
{
  const gchar *named = g_getenv ("DBUS_SYSTEM_BUS_ADDRESS");
  const gchar *addresses[EW_BUS_GUARD_DOORS] = { options->bus, named ? named : SYSTEM_BUS };
  gsize n = 0;

  ew_bus_guard_start (addresses, options->doors);
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    if (options->doors[i].hidden != NULL)
      closed[n++] = options->doors[i].hidden;
  if (options->doors[1].address != NULL)
    g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", options->doors[1].address, TRUE);
}

/* Everything up to the first thread. */
static gboolean
prepare (Options *options, GError **error)
{
  const gchar *closed[EW_BUS_GUARD_DOORS + 1] = { NULL };
  EwSandboxConfig sandbox = { .state_dir = options->state_dir, .closed = closed };

  umask (0077);
  if (!ew_privileges_check (error) || !ew_state_dir_prepare (options->state_dir, error)
      || !ew_state_lock (options->state_dir, ENDING_MS, error))
    return FALSE;
  make_run_dirs ();
  if (!ew_nsswitch_start_keeper ())
    g_debug ("nsswitch.conf has no keeper: %s", g_strerror (errno));
  guard_buses (options, closed);
  sandbox.bus = options->doors[0].address ? NULL : options->bus;
  return ew_sandbox_enter (&sandbox, error);
}

static gboolean
on_signal (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

typedef struct
{
  GMainLoop *loop;
  gboolean unguarded;
} Life;

/* Whoever started edgewayd starts it again, with a new one. */
static void
on_guard_end (gpointer user_data)
{
  Life *life = user_data;

  life->unguarded = TRUE;
  g_main_loop_quit (life->loop);
}

static void
on_state (EwTunnel *tunnel, GParamSpec *property, gpointer user_data)
{
  g_autofree gchar *state = NULL, *message = NULL, *status = NULL;

  g_object_get (tunnel, "state", &state, "message", &message, NULL);
  status = message != NULL && *message != '\0' ? g_strdup_printf ("STATUS=%s: %s", state, message)
                                               : g_strdup_printf ("STATUS=%s", state);
  ew_notify (status);
}

/* edgewayd owns the name before the tunnel touches the computer: a second edgewayd never gets that far. */
static gboolean
run (const Options *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (EwTunnel) tunnel = ew_tunnel_new (options->state_dir, options->interface, error);
  g_autoptr (EwService) service = tunnel != NULL ? ew_service_new (tunnel) : NULL;
  const gchar *address = options->doors[0].address ? options->doors[0].address : options->bus;
  g_autoptr (EwBus) bus = service != NULL ? ew_bus_open (service, address, options->bus, error) : NULL;
  Life life = { loop, FALSE };

  if (bus == NULL)
    return FALSE;
  g_unix_signal_add_full (G_PRIORITY_HIGH, SIGTERM, on_signal, loop, NULL);
  g_unix_signal_add_full (G_PRIORITY_HIGH, SIGINT, on_signal, loop, NULL);
  g_message ("%s: %s, state in %s", ew_version_text (), ew_bus_get_description (bus), options->state_dir);
  g_signal_connect (tunnel, "notify::state", G_CALLBACK (on_state), NULL);
  ew_bus_guard_watch (on_guard_end, &life);
  ew_tunnel_start (tunnel);
  ew_notify ("READY=1");
  on_state (tunnel, NULL, NULL);

  g_main_loop_run (loop);

  ew_notify ("STOPPING=1");
  ew_tunnel_stop (tunnel);
  if (life.unguarded)
    g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED,
                         "Its process on the message bus (edgeway-bus) has ended. Restart edgewayd.");
  return !life.unguarded;
}

static gboolean
carry_out (Options *options, GError **error)
{
  if (options->lockdown != NULL)
    return g_str_equal (options->lockdown, "load") ? ew_lockdown_load (options->state_dir, error)
                                                   : ew_lockdown_open (options->state_dir, error);
  if (options->revert)
    return ew_revert (options->state_dir, options->interface, error);
  return prepare (options, error) && run (options, error);
}

gint
ew_daemon_main (gint argc, gchar **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_CTYPE, ""); /* the terminal's characters and no more: sentences and figures are the same everywhere */
  ew_plain_init ();
  g_set_prgname ("edgewayd");
  if (!options_parse (&options, &argc, &argv, &error))
    {
      g_printerr ("edgewayd: %s See `edgewayd --help`.\n", error->message);
      return EXIT_USAGE;
    }
  if (options.version)
    {
      g_print ("edgewayd %s\n", ew_version_text ());
      return 0;
    }
  ew_log_init ("edgewayd");
  ew_memory_init ();
  if (carry_out (&options, &error))
    return 0;
  g_printerr ("edgewayd: %s\n", error->message);
  return g_error_matches (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED) ? EXIT_NOT_AUTHORIZED : 1;
}
