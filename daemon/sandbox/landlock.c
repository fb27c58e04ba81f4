/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers know ABI 1 only; what a newer kernel could forbid beyond this (device ioctls, ports) is left
 * alone. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* LANDLOCK_SCOPE_…, ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define ACCESS_READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define ACCESS_READ (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_OF_FILES (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define ACCESS_WRITE                                                                                                   \
  (ACCESS_READ | ACCESS_OF_FILES | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR                      \
   | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK                          \
   | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_ALL                                                                                                     \
  (ACCESS_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

static const guint64 rights[] = {
  [EW_REACH_READ] = ACCESS_READ,
  [EW_REACH_RUN] = ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE,
  [EW_REACH_WRITE_FILE] = ACCESS_READ | ACCESS_OF_FILES,
  [EW_REACH_WRITE] = ACCESS_WRITE,
};

/* struct landlock_ruleset_attr of ABI 6; an older kernel takes a shorter one. */
typedef struct
{
  guint64 handled_access_fs;
  guint64 handled_access_net;
  guint64 scoped;
} Ruleset;

void
ew_reach_add_common (GArray *reach)
{
  static const EwReach common[] = {
    { "/usr", EW_REACH_READ },
    { "/lib", EW_REACH_READ },
    { "/lib64", EW_REACH_READ },
    { "/proc", EW_REACH_READ },
    { "/sys", EW_REACH_READ },
    { "/dev/urandom", EW_REACH_READ },
    { "/dev/random", EW_REACH_READ },
    { "/dev/null", EW_REACH_WRITE_FILE },
    { "/dev/net/tun", EW_REACH_WRITE_FILE },
    { "/proc/sys/net", EW_REACH_WRITE_FILE },
  };

  g_array_append_vals (reach, common, G_N_ELEMENTS (common));
}

static void
add_rule (int ruleset, const EwReach *reach, guint64 handled)
{
  struct landlock_path_beneath_attr rule = { .allowed_access = rights[reach->access] & handled };
  struct stat info;

  rule.parent_fd = open (reach->path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0)
    return;
  /* Rights that only folders have are refused on a file. */
  if (fstat (rule.parent_fd, &info) == 0 && !S_ISDIR (info.st_mode))
    rule.allowed_access &= ACCESS_OF_FILES;
  if (syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    g_debug ("Landlock: no rule for %s: %s", reach->path, g_strerror (errno));
  close (rule.parent_fd);
}

gboolean
ew_landlock_enter (const EwReach *reach, gsize n_reach, gboolean abstract)
{
  Ruleset attributes = { .handled_access_fs = ACCESS_ALL };
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  gsize size = abi >= 6 ? sizeof attributes : sizeof attributes.handled_access_fs;
  const gchar *notify = g_getenv ("NOTIFY_SOCKET") != NULL ? g_getenv ("NOTIFY_SOCKET") : "";
  int ruleset;
  gboolean done;

  if (abi < 2)
    attributes.handled_access_fs &= ~LANDLOCK_ACCESS_FS_REFER;
  if (abi < 3)
    attributes.handled_access_fs &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
  /* sd_notify(3): a service manager's socket may be abstract, and is needed. */
  abstract |= g_str_has_prefix (notify, "@");
  attributes.scoped = SCOPE_SIGNAL | (abstract ? 0 : SCOPE_ABSTRACT_UNIX_SOCKET);
  ruleset = abi < 1 ? -1 : (int)syscall (SYS_landlock_create_ruleset, &attributes, size, 0);
  if (ruleset < 0)
    {
      g_debug ("no Landlock in this kernel: file access isn't narrowed");
      return FALSE;
    }
  for (gsize i = 0; i < n_reach; i++)
    add_rule (ruleset, &reach[i], attributes.handled_access_fs);
  done = syscall (SYS_landlock_restrict_self, ruleset, 0) == 0;
  g_debug (done ? "file access narrowed by Landlock (ABI %ld)" : "Landlock (ABI %ld) refused our rules", abi);
  close (ruleset);
  return done;
}
