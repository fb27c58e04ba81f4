/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/privileges.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/error.h"
#include "common/util.h"
#include "sandbox/capabilities.h"
#include "sandbox/hidden-paths.h"
#include "sandbox/landlock.h"
#include "sandbox/syscalls.h"

#define DEPTH 2 /* of folders in the state folder: publish/pages */
#define KEPT (EW_CAPABILITY (CAP_NET_ADMIN) | EW_CAPABILITY (CAP_NET_BIND_SERVICE))

static gboolean
fail (GError **error, const gchar *what, const gchar *path)
{
  gint code = errno;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "The edge couldn't %s%s: %s.", what, path ? path : "",
               g_strerror (code));
  return FALSE;
}

static gboolean hand_over_files (int folder, const struct passwd *user, guint depth);

/* A file that an earlier edge wrote as uid 0, or that root restored from a backup. By descriptor, and with one link
   only: the folder's owner can't turn it into another of root's files. A folder with all in it, depth levels deep. */
static gboolean
hand_over_file (int folder, const gchar *name, const struct passwd *user, guint depth)
{
  struct stat st;
  int fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return TRUE; /* a socket, a link, or not readable: the code that needs it will report that */
  gboolean known = fstat (fd, &st) == 0 && st.st_uid == 0;
  gboolean deeper = known && S_ISDIR (st.st_mode) && depth > 0;
  gboolean good = !deeper || hand_over_files (fd, user, depth - 1);
  if (deeper || (known && S_ISREG (st.st_mode) && st.st_nlink == 1))
    good = good && fchown (fd, user->pw_uid, user->pw_gid) == 0;
  close (fd);
  return good;
}

static gboolean
hand_over_files (int folder, const struct passwd *user, guint depth)
{
  DIR *dir = fdopendir (dup (folder));
  const struct dirent *entry;
  gboolean good = dir != NULL;
  while (good && (entry = readdir (dir)))
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      good = hand_over_file (folder, entry->d_name, user, depth);
  if (dir)
    closedir (dir);
  return good;
}

/* Whether a folder of root's may become the edge's: it is empty, or an edge's already. "--state-dir /root" must not. */
static gboolean
is_state_folder (int folder)
{
  DIR *dir = fdopendir (dup (folder));
  const struct dirent *entry;
  gboolean ours = FALSE, others = dir == NULL;
  while (dir && (entry = readdir (dir)))
    {
      ours |= g_str_equal (entry->d_name, "wireguard.key") || g_str_equal (entry->d_name, "ca.pem")
              || g_str_equal (entry->d_name, "store.db");
      others |= !g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, "..");
    }
  if (dir)
    {
      rewinddir (dir); /* the position is the descriptor's, and so shared */
      closedir (dir);
    }
  return ours || !others;
}

static gboolean
hand_over_state (const gchar *path, const struct passwd *user, GError **error)
{
  g_autofree gchar *canonical = g_canonicalize_filename (path, NULL);
  g_autofree gchar *parent = g_path_get_dirname (canonical);
  struct stat st;
  if (g_mkdir_with_parents (parent, 0755) < 0)
    return fail (error, "create the folder ", parent);
  if (mkdir (canonical, 0700) < 0 && errno != EEXIST)
    return fail (error, "create the folder ", canonical);
  int folder = open (canonical, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean good = folder >= 0 && fstat (folder, &st) == 0;
  if (good && st.st_uid == 0 && !is_state_folder (folder))
    {
      close (folder);
      g_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "%s contains other things than an edge's state, so it was left as it is. Choose another --state-dir.",
        canonical);
      return FALSE;
    }
  if (good && st.st_uid == 0)
    good = fchmod (folder, 0700) == 0 && hand_over_files (folder, user, DEPTH)
           && fchown (folder, user->pw_uid, user->pw_gid) == 0;
  else if (good && st.st_uid == user->pw_uid)
    good = hand_over_files (folder, user, DEPTH);
  if (!good)
    fail (error, "hand to its user " EW_EDGE_USER " the folder ", canonical);
  if (folder >= 0)
    close (folder);
  return good;
}

static gboolean
become_user (const gchar *state_dir, GError **error)
{
  const struct passwd *user = getpwnam (EW_EDGE_USER);
  if (user == NULL || user->pw_uid == 0)
    return TRUE;
  if (!hand_over_state (state_dir, user, error))
    return FALSE;
  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups (0, NULL) != 0
      || setresgid (user->pw_gid, user->pw_gid, user->pw_gid) != 0
      || setresuid (user->pw_uid, user->pw_uid, user->pw_uid) != 0)
    return fail (error, "become the user " EW_EDGE_USER, NULL);
  /* On a read-only disk nothing can be written: the edge starts nevertheless (store/file.c). */
  if (access (state_dir, R_OK | X_OK) != 0 || (access (state_dir, W_OK) != 0 && errno != EROFS))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                   "The edge runs as the user " EW_EDGE_USER ", who can't use %s. Let that user into the folders above "
                   "it, make it that user's, or choose another --state-dir.",
                   state_dir);
      return FALSE;
    }
  return TRUE;
}

/* Uid 0 still, without a user of its own: then at least not the owner of what is root's. */
static gboolean
hide_from_root (const gchar *state_dir, const gchar *packages, GError **error)
{
  static const gchar *const shown[]
    = { "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/connman", "/run/nscd", NULL };
  static const gchar *const closed[] = { "/run/dbus", NULL }; /* the edge says nothing there */
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  g_ptr_array_add (kept, (gpointer)state_dir);
  if (packages)
    g_ptr_array_add (kept, (gpointer)packages);
  if (g_getenv ("NOTIFY_SOCKET"))
    g_ptr_array_add (kept, (gpointer)g_getenv ("NOTIFY_SOCKET"));
  g_ptr_array_add (kept, NULL);
  if (!ew_state_dir_prepare (state_dir, error)) /* kept is what is there */
    return FALSE;
  (void)ew_hidden_paths_enter ((const gchar *const *)kept->pdata, shown, closed, TRUE);
  return TRUE;
}

gboolean
ew_edge_privileges_narrow (const gchar *state_dir, const gchar *packages, GError **error)
{
  ew_capabilities_limit_future (KEPT);
  if (geteuid () == 0 && !become_user (state_dir, error))
    return FALSE;
  if (geteuid () == 0 && !hide_from_root (state_dir, packages, error))
    return FALSE;
  if (!ew_capabilities_limit (KEPT) || !ew_process_seal ())
    return fail (error, "give up its other privileges", NULL);
  return TRUE;
}

void
ew_edge_privileges_ports_bound (void)
{
  if (!ew_capabilities_limit (EW_CAPABILITY (CAP_NET_ADMIN)))
    g_warning ("CAP_NET_BIND_SERVICE couldn't be given up: %s", g_strerror (errno));
}

void
ew_edge_sandbox_enter (const gchar *state_dir, const gchar *packages)
{
  const EwReach own[] = {
    { state_dir, EW_REACH_WRITE },
    { "/etc", EW_REACH_READ }, /* names, TLS; what others may not read, this user may not either */
    { "/run", EW_REACH_READ }, /* resolv.conf is a link into it on most computers */
  };
  const EwReach handed_out[] = { { packages, EW_REACH_READ } };
  const EwReach temporary[] = { { g_get_tmp_dir (), EW_REACH_WRITE }, { "/dev/shm", EW_REACH_WRITE } };
  g_autoptr (GArray) reach = g_array_new (FALSE, FALSE, sizeof (EwReach));

  ew_reach_add_common (reach);
  g_array_append_vals (reach, own, G_N_ELEMENTS (own));
  if (packages)
    g_array_append_vals (reach, handed_out, G_N_ELEMENTS (handed_out));
  if (access (state_dir, W_OK) != 0 && errno == EROFS) /* the store is read from a copy */
    g_array_append_vals (reach, temporary, G_N_ELEMENTS (temporary));
  ew_landlock_enter ((const EwReach *)(void *)reach->data, reach->len, FALSE);
  ew_syscalls_narrow ();
}
