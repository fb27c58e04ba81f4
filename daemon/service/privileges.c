/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/error.h"

/* glibc has no wrapper for capset(2); libcap would be a dependency for two calls. Version 3: two words of 32 bits. */
static gboolean
capabilities_get (struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
  return syscall (SYS_capget, &header, data) == 0;
}

static gboolean
capabilities_set (const struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
  return syscall (SYS_capset, &header, data) == 0;
}

gboolean
ew_privileges_check (GError **error)
{
  struct __user_cap_data_struct data[2] = { 0 };

  if (geteuid () != 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                   "edgewayd runs as root only, and this is uid %u: start it with sudo, or with its systemd unit",
                   (guint)geteuid ());
      return FALSE;
    }
  if (!capabilities_get (data) || !(data[0].permitted & (1u << CAP_NET_ADMIN)))
    {
      g_set_error_literal (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                           "edgewayd needs the capability CAP_NET_ADMIN to make its tunnel, and this container or unit "
                           "withholds it: start it with that capability (for example: docker run --cap-add NET_ADMIN "
                           "--device /dev/net/tun)");
      return FALSE;
    }
  return TRUE;
}

/* A container may withhold CAP_SETPCAP; then the bounding set stays as it is, and no_new_privs alone keeps an exec from
   regaining what the permitted set has lost. */
static void
drop_bounding_set (void)
{
  for (int capability = 0; prctl (PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if (capability != CAP_NET_ADMIN && prctl (PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
      {
        g_debug ("the bounding set stays as it is: %s", g_strerror (errno));
        return;
      }
}

gboolean
ew_privileges_drop (GError **error)
{
  struct __user_cap_data_struct only[2] = { 0 };

  drop_bounding_set ();
  prctl (PR_SET_DUMPABLE, 0, 0, 0,
         0); /* private keys are in memory: no core file, nothing for a tracer without rights */
  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  only[0].permitted = only[0].effective = 1u << CAP_NET_ADMIN;
  if (!capabilities_set (only) || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    {
      g_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "edgewayd could not give up its other privileges: %s. It does not run with more than it needs: check "
        "the limits of its container or unit",
        g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

gboolean
ew_state_lock (const gchar *state_dir, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  /* Nothing is written to it: on a full or read-only disk it is locked as it is, or the folder in its place. */
  if (fd < 0 && (errno == EROFS || errno == ENOSPC || errno == EDQUOT))
    {
      fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      if (fd < 0)
        fd = open (state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
  if (fd < 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s could not be made: %s. Check that root may write to %s", path,
                   g_strerror (errno), state_dir);
      return FALSE;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      g_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "another edgewayd already uses the state in %s: stop it first, or give this one a --state-dir of its "
        "own",
        state_dir);
      close (fd);
      return FALSE;
    }
  return TRUE; /* fd stays open on purpose: the lock lives as long as the process */
}
