/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/key-opener.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "access/access.h"

/* A key is at most 1 KiB, a link little more; with room for a newline and a comment. */
#define FILE_MAX_BYTES 4096

struct _EwKeyOpener
{
  GObject parent_instance;
  EwDaemon *daemon;
  GtkWindow *parent;  /* weak */
  GtkWidget *refusal; /* weak; NULL: none is shown */
  gchar *waiting;     /* the key that waits for the daemon; NULL: none */
};

G_DEFINE_FINAL_TYPE (EwKeyOpener, ew_key_opener, G_TYPE_OBJECT)

enum
{
  ACCEPTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
refuse (EwKeyOpener *self)
{
  if (self->refusal != NULL)
    {
      gtk_window_present (GTK_WINDOW (self->refusal));
      return;
    }
  const gchar *mesh = ew_daemon_get_mesh (self->daemon);
  g_autofree gchar *heading
    = g_strdup_printf (_ ("This Computer Is Already in %s"), *mesh != '\0' ? mesh : _ ("a Mesh"));
  GtkWidget *dialog
    = adw_message_dialog_new (self->parent, heading,
                              _ ("A computer is in one mesh at a time, so the key was not used. To join with it, leave "
                                 "the mesh first: Leave the Mesh in the menu, or edgewayctl leave."));
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  g_set_weak_pointer (&self->refusal, dialog);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "close");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  ew_access_present (GTK_WINDOW (dialog));
}

static void
proceed (EwKeyOpener *self)
{
  if (self->waiting == NULL || ew_daemon_get_availability (self->daemon) != EW_AVAILABILITY_READY
      || ew_daemon_get_state (self->daemon) == EW_STATE_UNKNOWN)
    return;
  g_autofree gchar *key = g_steal_pointer (&self->waiting);
  if (ew_daemon_get_state (self->daemon) == EW_STATE_NOT_ENROLLED)
    g_signal_emit (self, signals[ACCEPTED], 0, key);
  else
    refuse (self);
}

void
ew_key_opener_open (EwKeyOpener *self, GtkWindow *parent, const gchar *key_or_link)
{
  g_set_weak_pointer (&self->parent, parent);
  g_free (self->waiting);
  self->waiting = g_strdup (key_or_link);
  g_strstrip (self->waiting);
  proceed (self);
}

static void
say_unreadable (EwKeyOpener *self, GFile *file, const gchar *why)
{
  g_autofree gchar *name = g_file_get_basename (file);
  g_autofree gchar *body = g_strdup_printf (_ ("%s was to hold an enrollment key: %s"), name, why);
  GtkWidget *dialog = adw_message_dialog_new (self->parent, _ ("The Key File Can't Be Read"), body);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  ew_access_present (GTK_WINDOW (dialog));
}

static void
file_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwKeyOpener) self = user_data;
  g_autoptr (GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_malloc0 (FILE_MAX_BYTES + 1);
  gsize n = 0;
  if (self->parent == NULL)
    return;
  /* Small and local: read here, now that it is open. */
  if (stream == NULL)
    say_unreadable (self, G_FILE (source), _ ("it can't be opened. Is it there, and may you read it?"));
  else if (!g_input_stream_read_all (G_INPUT_STREAM (stream), text, FILE_MAX_BYTES + 1, &n, NULL, &error))
    say_unreadable (self, G_FILE (source), error->message);
  else if (n > FILE_MAX_BYTES || !g_utf8_validate (text, -1, NULL))
    say_unreadable (self, G_FILE (source), _ ("it is something else. A key is one line that begins with ew1_."));
  else
    ew_key_opener_open (self, self->parent, text);
}

void
ew_key_opener_open_file (EwKeyOpener *self, GtkWindow *parent, GFile *file)
{
  g_autofree gchar *uri = g_file_get_uri (file);
  g_autofree gchar *name = g_file_get_basename (file);
  g_set_weak_pointer (&self->parent, parent);
  if (g_str_has_prefix (uri, "edgeway:"))
    ew_key_opener_open (self, parent, uri);
  else if (name != NULL && g_str_has_prefix (name, "ew1_"))
    ew_key_opener_open (self, parent, name); /* a key given in a link's place */
  else
    g_file_read_async (file, G_PRIORITY_DEFAULT, NULL, file_read, g_object_ref (self));
}

static void
ew_key_opener_dispose (GObject *object)
{
  EwKeyOpener *self = EW_KEY_OPENER (object);
  g_clear_weak_pointer (&self->parent);
  g_clear_weak_pointer (&self->refusal);
  if (self->daemon != NULL)
    g_signal_handlers_disconnect_by_data (self->daemon, self);
  g_clear_object (&self->daemon);
  g_clear_pointer (&self->waiting, g_free);
  G_OBJECT_CLASS (ew_key_opener_parent_class)->dispose (object);
}

static void
ew_key_opener_class_init (EwKeyOpenerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_key_opener_dispose;
  signals[ACCEPTED] = g_signal_new ("accepted", EW_TYPE_KEY_OPENER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                    1, G_TYPE_STRING);
}

static void
ew_key_opener_init (EwKeyOpener *self)
{
}

EwKeyOpener *
ew_key_opener_new (EwDaemon *daemon)
{
  EwKeyOpener *self = g_object_new (EW_TYPE_KEY_OPENER, NULL);
  self->daemon = g_object_ref (daemon);
  g_signal_connect_swapped (daemon, "notify::availability", G_CALLBACK (proceed), self);
  g_signal_connect_swapped (daemon, "notify::state", G_CALLBACK (proceed), self);
  return self;
}
