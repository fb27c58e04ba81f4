/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files and the state folder. Errors are of G_IO_ERROR, so that callers can tell NOT_FOUND from the rest.
 */
#include "common/util.h"
#include "common/error.h"
#include "common/phrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail_read (GError **error, int saved_errno, const gchar *path)
{
  ew_set_error (error, G_IO_ERROR, (gint)g_io_error_from_errno (saved_errno), "Can't read %s: %s.", path,
                g_strerror (saved_errno));
  return FALSE;
}

static gboolean
fail_write (GError **error, int saved_errno, const gchar *path)
{
  ew_set_error (error, G_IO_ERROR, (gint)g_io_error_from_errno (saved_errno), "Can't write %s: %s.", path,
                g_strerror (saved_errno));
  return FALSE;
}

static gboolean
fail_folder (GError **error, int saved_errno, const gchar *path)
{
  ew_set_error (error, G_IO_ERROR, (gint)g_io_error_from_errno (saved_errno), "Can't use the folder %s: %s.", path,
                g_strerror (saved_errno));
  return FALSE;
}

static gboolean
write_all (int fd, const gchar *data, gsize length)
{
  while (length > 0)
    {
      ssize_t n = write (fd, data, length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      length -= (gsize)n;
    }
  return TRUE;
}

/* A renamed file is only there after a power cut once its folder is on the disk, too. */
static gboolean
sync_folder (const gchar *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  /* EINVAL: a file system that has nothing to sync there (fsync(2)) */
  gboolean ok = fsync (fd) == 0 || errno == EINVAL;
  int saved_errno = errno;
  close (fd);
  errno = saved_errno;
  return ok;
}

gboolean
ew_file_write_atomic (const gchar *path, const gchar *data, gssize length, guint mode, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *name = g_path_get_basename (path);
  g_autofree gchar *temporary = g_strdup_printf ("%s/.%s.XXXXXX", folder, name);
  int fd = mkostemp (temporary, O_CLOEXEC); /* 0600 */
  if (fd < 0)
    return fail_write (error, errno, path);
  gboolean ok
    = write_all (fd, data, length < 0 ? strlen (data) : (gsize)length) && fchmod (fd, mode) == 0 && fsync (fd) == 0;
  int saved_errno = errno;
  if (close (fd) < 0 && ok)
    {
      ok = FALSE;
      saved_errno = errno;
    }
  if (ok && rename (temporary, path) < 0)
    {
      ok = FALSE;
      saved_errno = errno;
    }
  if (!ok)
    {
      unlink (temporary);
      return fail_write (error, saved_errno, path);
    }
  return sync_folder (folder) || fail_folder (error, errno, folder);
}

/* Up to size bytes, fewer at the end of the file; -1 with errno. */
static gssize
read_up_to (int fd, gchar *buffer, gsize size)
{
  gsize filled = 0;
  while (filled < size)
    {
      ssize_t n = read (fd, buffer + filled, size - filled);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      filled += (gsize)n;
    }
  return (gssize)filled;
}

gboolean
ew_file_read (const gchar *path, gsize max, gchar **data, gsize *length, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    return fail_read (error, errno, path);
  /* One allocation, never moved: what is read may be a key. Pages not filled cost nothing. */
  gchar *buffer = g_malloc (max + 1);
  gssize n = read_up_to (fd, buffer, max + 1);
  int saved_errno = errno;
  close (fd);
  if (n < 0 || (gsize)n > max)
    {
      ew_zero (buffer, n < 0 ? 0 : (gsize)n);
      g_free (buffer);
      if (n < 0)
        return fail_read (error, saved_errno, path);
      ew_set_error (error, EW_ERROR, EW_ERROR_TOO_LARGE, "%s is larger than %u bytes, which it never should be.", path,
                    (guint)max);
      return FALSE;
    }
  buffer[n] = '\0';
  *data = buffer;
  if (length != NULL)
    *length = (gsize)n;
  return TRUE;
}

gchar *
ew_file_spare (const gchar *path)
{
  g_autofree gchar *canonical = g_canonicalize_filename (path, NULL);
  g_autofree gchar *name = g_path_get_basename (canonical);
  g_autofree gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, canonical, -1);
  return g_strdup_printf ("/run/edgeway/%s.%.16s", name, sum);
}

static gboolean
folder_is_empty (const gchar *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  return folder != NULL && g_dir_read_name (folder) == NULL;
}

/* An empty folder that Edgeway owns is made private; one with files in it may be a user's home or /tmp and is left
 * unchanged.
 */
static gboolean
check_folder (int fd, const gchar *path, GError **error)
{
  struct stat st;
  if (fstat (fd, &st) < 0)
    return fail_read (error, errno, path);
  if (st.st_uid != geteuid ())
    {
      ew_set_error (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s belongs to user %u, but this program runs as user %u. Change its owner, or name another folder.", path,
        (guint)st.st_uid, (guint)geteuid ());
      return FALSE;
    }
  if ((st.st_mode & 07777) == 0700)
    return TRUE;
  if ((st.st_mode & S_ISVTX) == 0 && folder_is_empty (path))
    return fchmod (fd, 0700) == 0 || fail_folder (error, errno, path);
  g_autofree gchar *mode = g_strdup_printf ("%04o", (guint)(st.st_mode & 07777));
  ew_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                "%s is open to others (mode %s), and keys are kept in it. Run `chmod 0700 %s`, or name another folder.",
                path, mode, path);
  return FALSE;
}

gboolean
ew_state_dir_prepare (const gchar *path, GError **error)
{
  g_autofree gchar *canonical = g_canonicalize_filename (path, NULL); /* without a trailing slash */
  g_autofree gchar *parent = g_path_get_dirname (canonical);
  if (g_mkdir_with_parents (parent, 0755) < 0)
    return fail_folder (error, errno, parent);
  if (mkdir (canonical, 0700) < 0 && errno != EEXIST)
    return fail_folder (error, errno, canonical);
  int fd = open (canonical, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail_folder (error, errno, canonical);
  gboolean ok = check_folder (fd, canonical, error);
  close (fd);
  return ok;
}
