/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/files.h"
#include "common/util.h"
#include "sandbox/hidden-paths.h"

#include <gio/gio.h>
#include <sys/stat.h>

#define NSSWITCH "/etc/nsswitch.conf"
#define RESOLV_CONF "/etc/resolv.conf"
#define LINKS_MAX 8 /* of links that lead to links */

struct EwNamesFiles
{
  gchar *texts[2];
  gsize lengths[2];
  GPtrArray *monitors; /* GFileMonitor */
  guint watching;      /* idle source: recreates the monitors */
  void (*changed) (gpointer user_data);
  gpointer user_data;
};

static void watch_all (EwNamesFiles *self);

static gboolean
on_watch_anew (gpointer user_data)
{
  EwNamesFiles *self = user_data;

  self->watching = 0;
  watch_all (self);
  return G_SOURCE_REMOVE;
}

static void
on_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer user_data)
{
  EwNamesFiles *self = user_data;

  if (self->watching == 0)
    self->watching = g_idle_add (on_watch_anew, self);
  self->changed (self->user_data);
}

/* GLib looks for a missing folder every few seconds, which would wake a computer that sleeps. */
static void
watch_file (EwNamesFiles *self, const gchar *path, GFileMonitorFlags flags)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  GFileMonitor *monitor
    = g_file_test (folder, G_FILE_TEST_IS_DIR) ? g_file_monitor_file (file, flags, NULL, &error) : NULL;

  if (monitor == NULL)
    {
      g_debug ("%s isn't watched: %s", path, error != NULL ? error->message : "its folder is missing");
      return;
    }
  g_file_monitor_set_rate_limit (monitor, 100);
  g_signal_connect (monitor, "changed", G_CALLBACK (on_changed), self);
  g_ptr_array_add (self->monitors, monitor);
}

/* A file that is mounted over another one, as in containers: a monitor on its folder doesn't see writes to it. */
static gboolean
is_mounted (const gchar *path)
{
  struct stat info;

  return lstat (path, &info) == 0 && S_ISREG (info.st_mode) && ew_is_mount_point (path);
}

static void
watch_links (EwNamesFiles *self, const gchar *path)
{
  g_autofree gchar *at = g_strdup (path);

  for (guint i = 0; i < LINKS_MAX && at != NULL; i++)
    {
      watch_file (self, at, G_FILE_MONITOR_WATCH_MOVES);
      if (is_mounted (at))
        watch_file (self, at, G_FILE_MONITOR_WATCH_HARD_LINKS);
      g_autofree gchar *target = g_file_read_link (at, NULL);
      g_autofree gchar *folder = g_path_get_dirname (at);
      g_free (at);
      at = target != NULL ? g_canonicalize_filename (target, folder) : NULL;
    }
}

static void
watch_all (EwNamesFiles *self)
{
  g_ptr_array_set_size (self->monitors, 0);
  watch_links (self, NSSWITCH);
  watch_links (self, RESOLV_CONF);
}

static void
free_monitor (gpointer monitor)
{
  g_signal_handlers_disconnect_matched (monitor, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, (gpointer)on_changed, NULL);
  g_file_monitor_cancel (monitor);
  g_object_unref (monitor);
}

EwNamesFiles *
ew_names_files_new (void (*changed) (gpointer user_data), gpointer user_data)
{
  EwNamesFiles *self = g_new0 (EwNamesFiles, 1);

  self->monitors = g_ptr_array_new_with_free_func (free_monitor);
  self->changed = changed;
  self->user_data = user_data;
  watch_all (self);
  return self;
}

void
ew_names_files_free (EwNamesFiles *self)
{
  g_clear_handle_id (&self->watching, g_source_remove);
  g_ptr_array_unref (self->monitors);
  for (guint i = 0; i < G_N_ELEMENTS (self->texts); i++)
    g_free (self->texts[i]);
  g_free (self);
}

static void
read_text (EwNamesFiles *self, guint i, const gchar *path)
{
  g_clear_pointer (&self->texts[i], g_free);
  self->lengths[i] = 0;
  (void)!ew_file_read (path, EW_NAMES_FILE_MAX, &self->texts[i], &self->lengths[i], NULL);
}

void
ew_names_files_read (EwNamesFiles *self, EwNamesFacts *facts)
{
  read_text (self, 0, NSSWITCH);
  read_text (self, 1, RESOLV_CONF);
  facts->nsswitch = self->texts[0];
  facts->nsswitch_length = self->lengths[0];
  facts->resolv_conf = self->texts[1];
  facts->resolv_conf_length = self->lengths[1];
}
