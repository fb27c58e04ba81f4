/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "autostart.h"

#include <edgeway-config.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "background.h"
#include "recent-nodes.h"

#define PROGRAM "edgeway-tray"
#define ENTRY_NAME "org.edgeway.Edgeway.Tray.desktop"
#define ANSWER_KEY "tray-at-login"
/* TryExec: an entry that outlives the program does nothing. */
#define ENTRY                                                                                                          \
  "[Desktop Entry]\n"                                                                                                  \
  "Type=Application\n"                                                                                                 \
  "Name=Edgeway Tray Icon\n"                                                                                           \
  "Exec=" PROGRAM "\n"                                                                                                 \
  "TryExec=" PROGRAM "\n"                                                                                              \
  "Icon=org.edgeway.Edgeway\n"                                                                                         \
  "Terminal=false\n"                                                                                                   \
  "NoDisplay=true\n"

struct _EwAutostart
{
  GObject parent_instance;
  gboolean on, sandboxed;
  GFileMonitor *entry; /* outside a sandbox; NULL: changes can't be watched */
  GSettings *answers;  /* in a sandbox; NULL: the schema isn't installed */
};

G_DEFINE_FINAL_TYPE (EwAutostart, ew_autostart, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ON,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gchar *
entry_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "autostart", ENTRY_NAME, NULL);
}

static gboolean
read_entry (void)
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

static gboolean
write_entry (gboolean on, GError **error)
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

static void
become (EwAutostart *self, gboolean on)
{
  if (self->on == on)
    return;
  self->on = on;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ON]);
}

static void
on_entry_changed (EwAutostart *self)
{
  become (self, read_entry ());
}

static void
on_answer_changed (EwAutostart *self)
{
  become (self, g_settings_get_boolean (self->answers, ANSWER_KEY));
}

static void
on_decided (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwAutostart *self = g_task_get_source_object (task);
  gboolean wanted = GPOINTER_TO_INT (g_task_get_task_data (task)), given;
  g_autoptr (GError) error = NULL;

  if (!ew_background_request_finish (result, &given, &error))
    {
      g_debug ("autostart: %s", error->message);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
        g_task_return_new_error (
          task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
          _ ("This desktop doesn't start sandboxed programs at login. Add this to its startup programs: %s"),
          "flatpak run --command=" PROGRAM " " EW_APP_ID);
      else
        g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
                                 _ ("The desktop didn't change what starts at login. Try again."));
      return;
    }
  if (self->answers != NULL)
    g_settings_set_boolean (self->answers, ANSWER_KEY, given);
  become (self, given);
  if (given == wanted)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s",
                             _ ("The desktop doesn't let Edgeway start its tray icon at login. Allow it to run in the "
                                "background in the desktop's settings, then choose this again."));
}

void
ew_autostart_set_async (EwAutostart *self, gboolean on, GAsyncReadyCallback callback, gpointer user_data)
{
  static const gchar *const command[] = { PROGRAM, NULL };
  GTask *task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, ew_autostart_set_async);
  g_task_set_task_data (task, GINT_TO_POINTER (on), NULL);
  if (self->sandboxed)
    {
      ew_background_request_async (command, _ ("Show Edgeway's tray icon at login"), on, on_decided, task);
      return;
    }
  if (write_entry (on, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  on_entry_changed (self);
  g_object_unref (task);
}

gboolean
ew_autostart_set_finish (EwAutostart *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
ew_autostart_get (EwAutostart *self)
{
  return self->on;
}

gboolean
ew_autostart_is_sandboxed (void)
{
  return g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS);
}

static void
ew_autostart_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ON)
    g_value_set_boolean (value, EW_AUTOSTART (object)->on);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_autostart_dispose (GObject *object)
{
  EwAutostart *self = EW_AUTOSTART (object);

  g_clear_object (&self->entry);
  g_clear_object (&self->answers);
  G_OBJECT_CLASS (ew_autostart_parent_class)->dispose (object);
}

static void
ew_autostart_class_init (EwAutostartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ew_autostart_get_property;
  object_class->dispose = ew_autostart_dispose;
  properties[PROP_ON] = g_param_spec_boolean ("on", NULL, NULL, FALSE,
                                              G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ew_autostart_init (EwAutostart *self)
{
}

EwAutostart *
ew_autostart_new (gboolean sandboxed)
{
  EwAutostart *self = g_object_new (EW_TYPE_AUTOSTART, NULL);
  g_autofree gchar *path = entry_path ();
  g_autoptr (GFile) file = g_file_new_for_path (path);

  self->sandboxed = sandboxed;
  if (sandboxed)
    {
      self->answers = ew_settings_new ();
      self->on = self->answers != NULL && g_settings_get_boolean (self->answers, ANSWER_KEY);
      if (self->answers != NULL)
        g_signal_connect_object (self->answers, "changed::" ANSWER_KEY, G_CALLBACK (on_answer_changed), self,
                                 G_CONNECT_SWAPPED);
      return self;
    }
  self->on = read_entry ();
  self->entry = g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->entry != NULL)
    g_signal_connect_object (self->entry, "changed", G_CALLBACK (on_entry_changed), self, G_CONNECT_SWAPPED);
  return self;
}
