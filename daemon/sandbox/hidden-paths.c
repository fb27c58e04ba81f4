/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/hidden-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifndef __GLIBC__ /* which has these in <sys/mount.h>; the two headers conflict */
#include <linux/mount.h>
#endif

/* Users 0 of the file system are this one in the mount; all others keep their IDs. (gid_t)-1 isn't a group. */
#define ID_MAP "0 4294967294 1\n1 1 4294967293\n"

typedef struct
{
  gchar *path;      /* without symbolic links */
  int fd;           /* O_PATH, opened before anything was hidden */
  gboolean shown;   /* what everybody may read of it is enough */
  gboolean mounted; /* it is in a mount below its folder of the root, which a mapped view of that leaves out */
} Kept;

static const gchar *const emptied[] = { "/var", "/tmp", "/home", "/root", "/srv", "/mnt", "/media" };

/* Where /etc cannot be mapped. */
static const gchar *const secrets[] = {
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/sudoers",
  "/etc/sudoers.d",
  "/etc/ssh",
  "/etc/ssl/private",
  "/etc/pki/tls/private",
  "/etc/letsencrypt",
  "/etc/wireguard",
  "/etc/openvpn",
  "/etc/ipsec.secrets",
  "/etc/ipsec.d/private",
  "/etc/swanctl",
  "/etc/ppp",
  "/etc/NetworkManager/system-connections",
  "/etc/wpa_supplicant",
  "/etc/krb5.keytab",
  "/etc/docker",
  "/etc/kubernetes",
};

/* In folders that are shown where /run cannot be mapped, or that are mounts of their own: passwords of networks, and
 * sockets of root's. */
static const gchar *const secrets_shown[] = {
  "/run/NetworkManager/system-connections",
  "/run/NetworkManager/private",
  "/run/NetworkManager/private-dhcp",
};

static void
kept_free (gpointer data)
{
  Kept *kept = data;

  close (kept->fd);
  g_free (kept->path);
  g_free (kept);
}

static gboolean
is_mounted_below (const gchar *path)
{
  for (const gchar *end = strchr (path + 1, '/'); end != NULL;)
    {
      g_autofree gchar *prefix = NULL;
      end = strchr (end + 1, '/');
      prefix = end != NULL ? g_strndup (path, (gsize)(end - path)) : g_strdup (path);
      if (ew_is_mount_point (prefix))
        return TRUE;
    }
  return FALSE;
}

static void
open_kept (GPtrArray *all, const gchar *path, gboolean shown)
{
  char *real = realpath (path, NULL);
  int fd = real != NULL ? open (real, O_PATH | O_CLOEXEC) : -1;

  if (fd >= 0)
    {
      Kept *kept = g_new (Kept, 1);
      kept->path = g_strdup (real);
      kept->fd = fd;
      kept->shown = shown;
      kept->mounted = is_mounted_below (real);
      g_ptr_array_add (all, kept);
    }
  free (real);
}

/* Containers mount single files over those of their image. */
static GPtrArray *
open_all_kept (const gchar *const *kept, const gchar *const *shown)
{
  static const gchar *const mounted[] = { "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts", "/etc/hostname" };
  GPtrArray *all = g_ptr_array_new_with_free_func (kept_free);

  for (; *kept != NULL; kept++)
    open_kept (all, *kept, FALSE);
  for (; *shown != NULL; shown++)
    open_kept (all, *shown, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (mounted); i++)
    if (ew_is_mount_point (mounted[i]))
      open_kept (all, mounted[i], FALSE);
  return all;
}

/* The beginning of the kernel's struct statx, which has 256 bytes: musl before 1.2.5 has no declaration of it, and where
   the C library has one, <linux/stat.h> can't be included. */
typedef struct
{
  guint32 mask, block_size;
  guint64 attributes;
  guint64 rest[30];
} StatxBeginning;

#define ATTRIBUTE_MOUNT_ROOT 0x2000u /* STATX_ATTR_MOUNT_ROOT */

gboolean
ew_is_mount_point (const gchar *path)
{
  StatxBeginning info = { 0 };

  G_STATIC_ASSERT (sizeof info == 256);
  return syscall (SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &info) == 0
         && (info.attributes & ATTRIBUTE_MOUNT_ROOT);
}

/* Whether path is folder or below it. */
static gboolean
is_within (const gchar *path, const gchar *folder)
{
  gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static gboolean
is_folder (const gchar *path)
{
  struct stat info;

  return lstat (path, &info) == 0 && S_ISDIR (info.st_mode);
}

/* Mapped users. */

static gboolean
write_map (pid_t pid, const gchar *name)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/%s", (int)pid, name);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, ID_MAP, strlen (ID_MAP)) == (gssize)strlen (ID_MAP);

  if (fd >= 0)
    close (fd);
  return written;
}

/* The child lives until the descriptor of its user namespace is open: nothing ever runs in that. */
static void
hold_user_namespace (int ready, int end)
{
  char byte = unshare (CLONE_NEWUSER) == 0;

  if (write (ready, &byte, 1) == 1)
    (void)!read (end, &byte, 1);
  _exit (0);
}

static int
open_user_namespace (void)
{
  int ready[2], end[2], fd = -1;
  char byte = 0;
  pid_t child;

  if (pipe2 (ready, O_CLOEXEC) != 0)
    return -1;
  if (pipe2 (end, O_CLOEXEC) != 0)
    {
      close (ready[0]);
      close (ready[1]);
      return -1;
    }
  child = fork ();
  if (child == 0)
    {
      close (end[1]);
      hold_user_namespace (ready[1], end[0]);
    }
  close (ready[1]);
  if (child > 0 && read (ready[0], &byte, 1) == 1 && byte && write_map (child, "uid_map")
      && write_map (child, "gid_map"))
    {
      g_autofree gchar *path = g_strdup_printf ("/proc/%d/ns/user", (int)child);
      fd = open (path, O_RDONLY | O_CLOEXEC);
    }
  close (ready[0]);
  close (end[0]);
  close (end[1]);
  if (child > 0)
    waitpid (child, NULL, 0);
  return fd;
}

/* Whether path of the tree can be reached in its mapped view: there, what only root may enter is closed to this
   process, too. */
static gboolean
can_be_reached (int tree, const gchar *path)
{
  struct stat info;

  for (const gchar *slash = strchr (path, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      g_autofree gchar *parent = g_strndup (path, (gsize)(slash - path));
      if (fstatat (tree, parent, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return FALSE;
      if (info.st_uid == 0 && (info.st_mode & S_IXOTH) == 0)
        {
          errno = EACCES;
          return FALSE;
        }
    }
  return fstatat (tree, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether there is a place for all that is kept: what is mounted below the folder is not in the tree. */
static gboolean
has_places (int tree, const gchar *folder, GPtrArray *all)
{
  for (guint i = 0; i < all->len; i++)
    {
      const gchar *path = ((const Kept *)all->pdata[i])->path;
      if (is_within (path, folder) && path[strlen (folder)] == '/'
          && !can_be_reached (tree, path + strlen (folder) + 1))
        return FALSE;
    }
  return TRUE;
}

/* folder as it is, but not as its owner: what is in it later, too. What is mounted below is left out. By syscall(2): musl
   has no wrappers. */
static gboolean
map_folder (const gchar *folder, int users, GPtrArray *all)
{
  struct mount_attr attributes = {
    .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
    .userns_fd = (guint64)users,
  };
  int tree = users < 0 ? -1 : (int)syscall (SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  gboolean done = tree >= 0 && has_places (tree, folder, all)
                  && syscall (SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0
                  && syscall (SYS_move_mount, tree, "", AT_FDCWD, folder, MOVE_MOUNT_F_EMPTY_PATH) == 0;

  if (!done)
    g_debug ("%s can't be mapped: %s", folder, g_strerror (errno));
  if (tree >= 0)
    close (tree);
  return done;
}

/* Empty folders. Type names that mean nothing are passed nevertheless: valgrind looks at every string. */

static gboolean
empty_folder (const gchar *folder)
{
  return mount ("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") == 0;
}

static void
make_read_only (const gchar *folder)
{
  if (mount ("none", folder, "none", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    g_debug ("%s stays writable: %s", folder, g_strerror (errno));
}

/* A place for what is kept, in a folder that was emptied. */
static void
make_place (const Kept *kept)
{
  g_autofree gchar *parent = g_path_get_dirname (kept->path);
  struct stat info;

  g_mkdir_with_parents (parent, 0755);
  if (fstat (kept->fd, &info) == 0 && S_ISDIR (info.st_mode))
    (void)mkdir (kept->path, 0755);
  else
    {
      int fd = open (kept->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (fd >= 0)
        close (fd);
    }
}

static void
put_back (const gchar *folder, GPtrArray *all, gboolean emptied_it)
{
  for (guint i = 0; i < all->len; i++)
    {
      const Kept *kept = all->pdata[i];
      g_autofree gchar *source = g_strdup_printf ("/proc/self/fd/%d", kept->fd);

      if (!is_within (kept->path, folder) || (kept->shown && !kept->mounted && !emptied_it))
        continue;
      if (emptied_it)
        make_place (kept);
      if (mount (source, kept->path, "none", MS_BIND | MS_REC, NULL) != 0)
        g_debug ("%s can't be kept: %s", kept->path, g_strerror (errno));
    }
}

static void
hide_folder (const gchar *folder, GPtrArray *all)
{
  g_autofree gchar *run = g_build_filename (folder, "run", NULL), *target = NULL;

  if (!is_folder (folder))
    return;
  for (guint i = 0; i < all->len; i++)
    if (is_within (folder, ((const Kept *)all->pdata[i])->path))
      return;                            /* it is kept itself */
  target = g_file_read_link (run, NULL); /* /var/run, which is a link to /run and named by libraries */
  if (!empty_folder (folder))
    {
      g_debug ("%s can't be hidden: %s", folder, g_strerror (errno));
      return;
    }
  if (target != NULL)
    (void)!symlink ("/run", run);
  put_back (folder, all, TRUE);
  make_read_only (folder);
}

static void
hide_secrets (const gchar *const *paths, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      if (is_folder (paths[i]))
        {
          if (empty_folder (paths[i]))
            make_read_only (paths[i]);
        }
      else if (mount ("/dev/null", paths[i], "none", MS_BIND, NULL) == 0)
        make_read_only (paths[i]);
    }
}

EwHiddenPaths
ew_hidden_paths_enter (const gchar *const *kept, const gchar *const *shown, const gchar *const *closed,
                       gboolean can_map)
{
  EwHiddenPaths hidden = { FALSE, FALSE };
  g_autoptr (GPtrArray) all = NULL;
  int users;

  /* Without the second, what is mounted here would be mounted for everybody. */
  if (unshare (CLONE_NEWNS) != 0 || mount ("none", "/", "none", MS_REC | MS_SLAVE, NULL) != 0)
    {
      g_debug ("no mount namespace of our own: %s", g_strerror (errno));
      return hidden;
    }
  hidden.own = TRUE;
  all = open_all_kept (kept, shown);
  users = can_map ? open_user_namespace () : -1;
  hidden.etc_public = map_folder ("/etc", users, all);
  if (hidden.etc_public)
    put_back ("/etc", all, FALSE);
  else
    {
      hide_secrets (secrets, G_N_ELEMENTS (secrets));
      if (mount ("/etc", "/etc", "none", MS_BIND | MS_REC, NULL) == 0)
        make_read_only ("/etc"); /* what is mounted in it stays as it is */
    }
  if (map_folder ("/run", users, all))
    put_back ("/run", all, FALSE);
  else
    hide_folder ("/run", all);
  hide_secrets (secrets_shown, G_N_ELEMENTS (secrets_shown));
  for (gsize i = 0; i < G_N_ELEMENTS (emptied); i++)
    hide_folder (emptied[i], all);
  hide_secrets (closed, g_strv_length ((GStrv)closed));
  if (users >= 0)
    close (users);
  return hidden;
}
