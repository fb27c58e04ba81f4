/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/revert.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "names/names.h"
#include "net/host.h"
#include "net/lockdown.h"
#include "nss/names-socket.h"
#include "nss/nsswitch.h"
#include "service/bus.h"
#include "service/privileges.h"

#define LET_GO_US (15 * G_USEC_PER_SEC) /* at most every 10 s it looks at nftables (host/ruleset-watch.c) */
#define LET_GO_PAUSE_US 20000

static EwLockdown *
find_lockdown (const gchar *state_dir)
{
  g_autofree gchar *path = g_build_filename (state_dir, EW_LOCKDOWN_FILE, NULL);

  return ew_lockdown_new (path);
}

gboolean
ew_lockdown_load (const gchar *state_dir, GError **error)
{
  g_autoptr (EwLockdown) lockdown = find_lockdown (state_dir);

  return ew_privileges_check (error) && ew_lockdown_enforce (lockdown, error);
}

/* An edgewayd that runs follows. */
static gboolean
wait_let_go (const EwLockdown *lockdown, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + LET_GO_US;

  while (ew_lockdown_is_held (lockdown))
    {
      if (g_get_monotonic_time () >= deadline)
        {
          g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED,
                               "Lockdown is off, but an edgewayd that doesn't react still enforces it. End that one: "
                               "`sudo systemctl kill --signal=KILL edgewayd`.");
          return FALSE;
        }
      g_usleep (LET_GO_PAUSE_US);
    }
  return TRUE;
}

gboolean
ew_lockdown_open (const gchar *state_dir, GError **error)
{
  g_autoptr (EwLockdown) lockdown = find_lockdown (state_dir);

  if (!ew_privileges_check (error) || !ew_lockdown_set (lockdown, EW_LOCKDOWN_OFF, 0, error)
      || !wait_let_go (lockdown, error))
    return FALSE;
  g_print ("Lockdown is off.\n");
  return TRUE;
}

static gboolean
undo_ledger (const gchar *state_dir, gboolean *any, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "undo", NULL);
  g_autoptr (EwHost) host = NULL;
  g_autoptr (GError) local = NULL;

  host = ew_host_new (path, error);
  if (host == NULL)
    return FALSE;
  ew_names_register_undo (host);
  *any |= !ew_host_ledger_is_empty (host) || ew_host_get_lockdown (host) != EW_LOCKDOWN_OFF;
  if (!ew_host_set_lockdown (host, EW_LOCKDOWN_OFF, 0, NULL, error))
    return FALSE;
  if (ew_host_undo_all (host, &local))
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Not everything could be undone: %s",
               local != NULL ? local->message : "see above.");
  return FALSE;
}

/* A socket's file: TRUE if a process listens; a file left over from a program that has ended is removed. */
static gboolean
is_served (const gchar *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failure = 0;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  /* Another type of socket, or one with a full queue, is also in use. */
  if (fd < 0 || connect (fd, (struct sockaddr *)&address, sizeof address) != 0)
    failure = errno;
  if (fd >= 0)
    close (fd);
  if (failure == ECONNREFUSED)
    (void)unlink (path);
  return failure != ECONNREFUSED && failure != ENOENT;
}

/* A folder in which no edgewayd has ever worked gets no lock file either. */
static gboolean
was_used (const gchar *state_dir)
{
  g_autofree gchar *lock = g_build_filename (state_dir, "lock", NULL);
  g_autofree gchar *ledger = g_build_filename (state_dir, "undo", NULL);

  return g_file_test (lock, G_FILE_TEST_EXISTS) || g_file_test (ledger, G_FILE_TEST_EXISTS);
}

/* The two words and their socket serve one edgewayd, whatever its state folder: another one that runs keeps them. */
static gboolean
revert_names (gboolean *any, GError **error)
{
  if (is_served (EW_NAMES_FOLDER "/" EW_NAMES_SOCKET))
    return TRUE;
  (void)unlink (EW_NAMES_FOLDER "/" EW_NAMES_CONF);
  *any |= ew_nsswitch_has_words ();
  return ew_nsswitch_apply (FALSE, error);
}

gboolean
ew_revert (const gchar *state_dir, const gchar *interface, GError **error)
{
  g_autofree gchar *uapi = g_strdup_printf ("/run/wireguard/%s.sock", interface);
  g_autoptr (GError) words = NULL;
  gboolean any = FALSE, done = TRUE;

  if (!ew_privileges_check (error))
    return FALSE;
  if (was_used (state_dir))
    {
      if (!ew_state_lock (state_dir, 0, error))
        return FALSE; /* whose ledger this is, is at work */
      done = undo_ledger (state_dir, &any, error);
    }
  if (!revert_names (&any, &words))
    {
      if (done)
        g_propagate_error (error, g_steal_pointer (&words));
      return FALSE;
    }
  gboolean other = is_served (EW_BUS_PEER_DIR "/bus");
  (void)is_served (uapi);
  if (!done)
    return FALSE;
  if (any)
    g_print ("Every change that was noted in %s was undone.\n", state_dir);
  else
    g_print ("There was nothing to undo in %s.\n", state_dir);
  if (!ew_host_has_traces ())
    return TRUE;
  if (other)
    {
      g_print ("An edgewayd with another state folder runs and keeps what it has changed.\n");
      return TRUE;
    }
  g_set_error (
    error, EW_ERROR, EW_ERROR_FAILED,
    "There are still rules of an edgewayd that doesn't run any more: routing table %d, or nftables' tables "
    "\"edgeway\". They are noted in another state folder. Undo them with: edgewayd --revert --state-dir DIR, "
    "or restart this computer.",
    EW_HOST_TABLE);
  return FALSE;
}
