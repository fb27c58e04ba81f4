/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers know ABI 1 to 3; what a newer kernel could forbid beyond that (device ioctls, ports) we leave
 * alone. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define ACCESS_FILE_READ LANDLOCK_ACCESS_FS_READ_FILE
#define ACCESS_FILE_WRITE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define ACCESS_READ (ACCESS_FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                                                   \
  (ACCESS_READ | ACCESS_FILE_WRITE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR                    \
   | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK                          \
   | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_ALL                                                                                                     \
  (ACCESS_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

/* /run is read whole: resolv.conf is a link into it on most machines, to a file that changes its inode. */
static const struct
{
  const gchar *path;
  guint64 access;
} paths[] = {
  { "/usr", ACCESS_READ },
  { "/lib", ACCESS_READ },
  { "/lib64", ACCESS_READ },
  { "/etc", ACCESS_READ },
  { "/proc", ACCESS_READ },
  { "/sys", ACCESS_READ },
  { "/run", ACCESS_READ },
  { "/var/lib/dbus", ACCESS_READ },
  { "/dev/urandom", ACCESS_READ },
  { "/dev/random", ACCESS_READ },
  { "/dev/null", ACCESS_FILE_WRITE },
  { "/dev/net/tun", ACCESS_FILE_WRITE },
  { "/run/edgeway", ACCESS_WRITE },
  { "/run/wireguard", ACCESS_WRITE },
  { "/var/run/wireguard", ACCESS_WRITE },
  { "/proc/sys/net", ACCESS_READ | ACCESS_FILE_WRITE },
};

static void
allow (int ruleset, const gchar *path, guint64 access, guint64 handled)
{
  struct landlock_path_beneath_attr rule = { .allowed_access = access & handled };
  struct stat info;

  rule.parent_fd = open (path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0)
    return;
  /* Rights that only folders have are refused on a file. */
  if (fstat (rule.parent_fd, &info) == 0 && !S_ISDIR (info.st_mode))
    rule.allowed_access &= ACCESS_FILE_WRITE;
  if (syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    g_debug ("Landlock: no rule for %s: %s", path, g_strerror (errno));
  close (rule.parent_fd);
}

gboolean
ew_sandbox_enter (const gchar *state_dir)
{
  struct landlock_ruleset_attr attributes = { .handled_access_fs = ACCESS_ALL };
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  int ruleset;
  gboolean done;

  if (abi < 2)
    attributes.handled_access_fs &= ~LANDLOCK_ACCESS_FS_REFER;
  if (abi < 3)
    attributes.handled_access_fs &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
  ruleset = abi < 1 ? -1 : (int)syscall (SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset < 0)
    {
      g_debug ("no Landlock in this kernel: file access is not narrowed");
      return FALSE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    allow (ruleset, paths[i].path, paths[i].access, attributes.handled_access_fs);
  allow (ruleset, state_dir, ACCESS_WRITE, attributes.handled_access_fs);
  done = syscall (SYS_landlock_restrict_self, ruleset, 0) == 0;
  g_debug (done ? "file access narrowed by Landlock (ABI %ld)" : "Landlock (ABI %ld) refused our rules", abi);
  close (ruleset);
  return done;
}
