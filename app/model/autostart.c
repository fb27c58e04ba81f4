/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "autostart.h"

#include <edgeway-config.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#define ENTRY_NAME "org.edgeway.Edgeway.Tray.desktop"
/* TryExec: an entry that outlives the program does nothing. */
#define ENTRY                                                                                                          \
  "[Desktop Entry]\n"                                                                                                  \
  "Type=Application\n"                                                                                                 \
  "Name=Edgeway Tray Icon\n"                                                                                           \
  "Exec=edgeway-tray\n"                                                                                                \
  "TryExec=edgeway-tray\n"                                                                                             \
  "Icon=org.edgeway.Edgeway\n"                                                                                         \
  "Terminal=false\n"                                                                                                   \
  "NoDisplay=true\n"

static gchar *
entry_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "autostart", ENTRY_NAME, NULL);
}

gboolean
ew_autostart_get (void)
{
  g_autofree gchar *path = entry_path ();
  g_autoptr (GKeyFile) entry = g_key_file_new ();

  if (!g_key_file_load_from_file (entry, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  /* How desktops' own tools switch an entry off without removing it. */
  if (g_key_file_get_boolean (entry, G_KEY_FILE_DESKTOP_GROUP, G_KEY_FILE_DESKTOP_KEY_HIDDEN, NULL))
    return FALSE;
  return !g_key_file_has_key (entry, G_KEY_FILE_DESKTOP_GROUP, "X-GNOME-Autostart-enabled", NULL)
         || g_key_file_get_boolean (entry, G_KEY_FILE_DESKTOP_GROUP, "X-GNOME-Autostart-enabled", NULL);
}

gboolean
ew_autostart_set (gboolean on, GError **error)
{
  g_autofree gchar *path = entry_path ();
  g_autofree gchar *folder = g_path_get_dirname (path);

  if (on)
    {
      if (g_mkdir_with_parents (folder, 0700) == 0)
        return g_file_set_contents (path, ENTRY, -1, error);
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   _ ("The folder %s couldn't be created: %s. Create it, then choose this again."), folder,
                   g_strerror (errno));
      return FALSE;
    }
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               _ ("The file %s couldn't be removed: %s. Remove it to keep the tray icon from starting at login."), path,
               g_strerror (errno));
  return FALSE;
}

GFileMonitor *
ew_autostart_watch (void)
{
  g_autofree gchar *path = entry_path ();
  g_autoptr (GFile) file = g_file_new_for_path (path);

  return g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
}
