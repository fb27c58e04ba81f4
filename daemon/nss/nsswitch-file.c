/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/nsswitch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sandbox/hidden-paths.h"

#define TRIES 4 /* another program writes it at the same time */
#define SPARE_TRIES 100
#define SPARE_WAIT_US 10000

/* The file as it was read. */
typedef struct
{
  gchar *path; /* without links */
  int fd, folder;
  gchar *base, *spare; /* names in the folder */
  struct stat info;
  gchar *text;
  gsize length;
} File;

static void
file_clear (File *file)
{
  if (file->fd >= 0)
    close (file->fd);
  if (file->folder >= 0)
    close (file->folder);
  g_free (file->path);
  g_free (file->base);
  g_free (file->spare);
  g_free (file->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (File, file_clear)

/* The path without links, as long as it stays in the folder of the link or below it. NULL: *result says why. */
static gchar *
find_target (const gchar *path, EwNsswitchResult *result)
{
  g_autofree gchar *parent = g_path_get_dirname (path);
  char *folder = realpath (parent, NULL), *real = realpath (path, NULL);
  gchar *target = NULL;

  *result = errno == ENOENT ? EW_NSSWITCH_NO_FILE : EW_NSSWITCH_FAILED;
  if (real != NULL && folder != NULL)
    {
      gsize length = strlen (folder);
      *result = EW_NSSWITCH_ELSEWHERE;
      if (strncmp (real, folder, length) == 0 && (real[length] == '/' || g_str_equal (folder, "/")))
        target = g_strdup (real);
    }
  free (folder);
  free (real);
  return target;
}

static gboolean
read_all (File *file)
{
  file->text = g_malloc (EW_NSSWITCH_MAX + 1);
  while (file->length <= EW_NSSWITCH_MAX)
    {
      gssize got = read (file->fd, file->text + file->length, EW_NSSWITCH_MAX + 1 - file->length);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return FALSE;
      if (got == 0)
        return TRUE;
      file->length += (gsize)got;
    }
  return TRUE; /* too long: ew_nsswitch_edit() says so */
}

static gboolean
open_file (File *file, const gchar *path, EwNsswitchResult *result)
{
  file->fd = file->folder = -1;
  file->path = find_target (path, result);
  if (file->path == NULL)
    return FALSE;
  g_autofree gchar *folder = g_path_get_dirname (file->path);
  file->base = g_path_get_basename (file->path);
  file->spare = g_strdup_printf (".%s.edgeway", file->base);
  file->folder = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  file->fd = openat (file->folder, file->base, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  *result = EW_NSSWITCH_FAILED;
  if (file->folder < 0 || file->fd < 0 || fstat (file->fd, &file->info) != 0)
    return FALSE;
  *result = EW_NSSWITCH_STRANGE;
  if (!S_ISREG (file->info.st_mode) || file->info.st_uid != geteuid ())
    return FALSE;
  *result = EW_NSSWITCH_FAILED;
  return read_all (file);
}

static gboolean
write_all (int fd, const gchar *text, gsize length)
{
  while (length > 0)
    {
      gssize done = write (fd, text, length);
      if (done < 0 && errno != EINTR)
        return FALSE;
      if (done > 0)
        {
          text += done;
          length -= (gsize)done;
        }
    }
  return TRUE;
}

/* It hasn't been changed since it was read. */
static gboolean
is_unchanged (const File *file)
{
  struct stat now;

  return fstatat (file->folder, file->base, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == file->info.st_ino
         && now.st_dev == file->info.st_dev && now.st_size == file->info.st_size
         && memcmp (&now.st_mtim, &file->info.st_mtim, sizeof now.st_mtim) == 0
         && memcmp (&now.st_ctim, &file->info.st_ctim, sizeof now.st_ctim) == 0;
}

/* ---- the spare file: locked while a process works on it; the keeper of an edgewayd that was killed may be at work
   while the next one starts. Only root can lock it, because only root can open it. */

static gboolean
spare_is (const File *file, int fd)
{
  struct stat named, opened;

  return fstatat (file->folder, file->spare, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat (fd, &opened) == 0
         && named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

/* Removes one that is left of a run that was killed. */
static void
remove_litter (const File *file)
{
  int fd = openat (file->folder, file->spare, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd < 0 && (errno == ELOOP || errno == ENXIO))
    (void)unlinkat (file->folder, file->spare, 0); /* a link or a socket isn't a work file */
  if (fd < 0)
    return;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0 && spare_is (file, fd))
    (void)unlinkat (file->folder, file->spare, 0);
  close (fd);
}

/* -1: errno. */
static int
make_spare (const File *file)
{
  for (guint i = 0; i < SPARE_TRIES; i++)
    {
      int fd = openat (file->folder, file->spare, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0 && spare_is (file, fd))
        return fd;
      if (fd >= 0)
        close (fd); /* another program took it for a leftover */
      else if (errno != EEXIST)
        return -1;
      else
        {
          remove_litter (file);
          if (i > 0)
            g_usleep (SPARE_WAIT_US);
        }
    }
  errno = EBUSY;
  return -1;
}

/* Its access list and its label, as far as the file system has them. Not security.ima and the like, which are about the
   text. A label that may not be given is the folder's default then. */
static gboolean
copy_attributes (const File *file, int fd)
{
  guint8 value[4096];
  gssize size = fgetxattr (file->fd, "security.selinux", value, sizeof value);

  if (size > 0)
    (void)!fsetxattr (fd, "security.selinux", value, (gsize)size, 0);
  size = fgetxattr (file->fd, "system.posix_acl_access", value, sizeof value);
  return size > 0 ? fsetxattr (fd, "system.posix_acl_access", value, (gsize)size, 0) == 0
                  : size == 0 || errno == ENODATA || errno == EOPNOTSUPP;
}

/* Written beside it and synced, then renamed over it. Returns EW_NSSWITCH_SAME where another program was faster. */
static EwNsswitchResult
replace_file (const File *file, const gchar *text)
{
  EwNsswitchResult result = EW_NSSWITCH_FAILED;
  int fd, saved;

  fd = make_spare (file);
  if (fd < 0)
    return EW_NSSWITCH_FAILED;
  if (write_all (fd, text, strlen (text))
      && (file->info.st_gid == getegid () || fchown (fd, (uid_t)-1, file->info.st_gid) == 0)
      && fchmod (fd, file->info.st_mode & 07777) == 0 && copy_attributes (file, fd) && fsync (fd) == 0)
    {
      if (!is_unchanged (file))
        result = EW_NSSWITCH_SAME;
      else if (renameat (file->folder, file->spare, file->folder, file->base) == 0)
        result = EW_NSSWITCH_CHANGED;
    }
  saved = errno;
  if (result == EW_NSSWITCH_CHANGED)
    (void)fsync (file->folder);
  else
    (void)unlinkat (file->folder, file->spare, 0);
  close (fd);
  errno = saved;
  return result;
}

/* A mount can't be replaced. One call writes all of it, with line ends over what is left of a longer one, so that a
   reader finds no half lines of the old text; then those go. */
static EwNsswitchResult
overwrite_file (const File *file, const gchar *text)
{
  const gsize length = strlen (text);
  g_autoptr (GString) padded = g_string_new (text);
  int fd = openat (file->folder, file->base, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  gboolean done;
  int saved;

  if (fd < 0)
    return EW_NSSWITCH_FAILED;
  while (padded->len < file->length)
    g_string_append_c (padded, '\n');
  done = write_all (fd, padded->str, padded->len) && ftruncate (fd, (off_t)length) == 0 && fsync (fd) == 0;
  saved = errno;
  close (fd);
  errno = saved;
  return done ? EW_NSSWITCH_CHANGED : EW_NSSWITCH_FAILED;
}

EwNsswitchResult
ew_nsswitch_edit_file (const gchar *path, gboolean add)
{
  for (guint i = 0; i < TRIES; i++)
    {
      g_auto (File) file = { 0 };
      EwNsswitchResult result;

      if (!open_file (&file, path, &result))
        return result;
      g_autofree gchar *text = ew_nsswitch_edit (file.text, file.length, add, &result);
      if (text == NULL)
        {
          remove_litter (&file);
          return result;
        }
      result = ew_is_mount_point (file.path) ? overwrite_file (&file, text) : replace_file (&file, text);
      if (result != EW_NSSWITCH_SAME)
        return result;
    }
  errno = EBUSY;
  return EW_NSSWITCH_FAILED;
}

/* What an edit of the file as it is would come to. */
static EwNsswitchResult
try_edit (gboolean add)
{
  g_autofree gchar *text = NULL;
  gsize length = 0;
  EwNsswitchResult result = EW_NSSWITCH_NO_FILE;

  if (g_file_get_contents (EW_NSSWITCH_PATH, &text, &length, NULL))
    g_free (ew_nsswitch_edit (text, length, add, &result));
  return result;
}

gboolean
ew_nsswitch_is_installed (void)
{
  return try_edit (TRUE) == EW_NSSWITCH_SAME;
}

gboolean
ew_nsswitch_has_words (void)
{
  return try_edit (FALSE) == EW_NSSWITCH_CHANGED;
}
