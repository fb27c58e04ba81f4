/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/error.h"
#include "sandbox/capabilities.h"

#define KEPT EW_CAPABILITY (CAP_NET_ADMIN)
#define LOCK_PAUSE_MS 100

gboolean
ew_privileges_check (GError **error)
{
  if (geteuid () != 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                   "edgewayd must run as root, and this is uid %u. Start it with sudo, or with its systemd unit.",
                   (guint)geteuid ());
      return FALSE;
    }
  if (!ew_capabilities_has (KEPT))
    {
      g_set_error_literal (
        error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
        "edgewayd needs the capability CAP_NET_ADMIN for its tunnel, and this container or unit withholds it. Start it "
        "with that capability (for example: docker run --cap-add NET_ADMIN --device /dev/net/tun).");
      return FALSE;
    }
  return TRUE;
}

gboolean
ew_privileges_drop (GError **error)
{
  ew_capabilities_limit_future (KEPT);
  (void)!setgroups (0, NULL);
  if (ew_capabilities_limit (KEPT) && ew_process_seal ())
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
               "edgewayd couldn't give up its other privileges: %s. It doesn't run with more than it needs. Check the "
               "limits of its container or unit.",
               g_strerror (errno));
  return FALSE;
}

/* A process that ends has no program to be seen any more (/proc/PID/exe) some moments before its files are closed, on a
   busy computer for half a second: whoever waited for its end may start the next one in them. */
static gboolean
lock_within (int fd, guint wait_ms)
{
  for (guint waited = 0; flock (fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_PAUSE_MS)
    {
      if (waited >= wait_ms)
        return FALSE;
      g_usleep (LOCK_PAUSE_MS * 1000);
    }
  return TRUE;
}

gboolean
ew_state_lock (const gchar *state_dir, guint wait_ms, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  /* Nothing is written to it: on a full or read-only disk the existing file is locked, or else the folder. */
  if (fd < 0 && (errno == EROFS || errno == ENOSPC || errno == EDQUOT))
    {
      fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      if (fd < 0)
        fd = open (state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
  if (fd < 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s couldn't be created: %s. Check that root may write to %s.",
                   path, g_strerror (errno), state_dir);
      return FALSE;
    }
  if (!lock_within (fd, wait_ms))
    {
      g_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "Another edgewayd already uses the state in %s. Stop it first, or give this one its own --state-dir.",
        state_dir);
      close (fd);
      return FALSE;
    }
  return TRUE; /* fd stays open on purpose: the lock lives as long as the process */
}
