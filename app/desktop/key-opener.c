/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/key-opener.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

#include "access/access.h"
#include "access/dialog.h"
#include "common/enrollment-key.h"
#include "common/util.h"
#include "model/text.h"

#define NAME_MAX_CHARS 60 /* of a file's name */
#define SHOWN_MAX 4096    /* bytes; a key in a link that is percent-encoded all over has 3 KiB */

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
  if (self->refusal != NULL && gtk_widget_get_root (self->refusal) != NULL)
    {
      gtk_window_present (GTK_WINDOW (gtk_widget_get_root (self->refusal)));
      return;
    }
  const gchar *mesh = ew_daemon_get_mesh (self->daemon);
  g_autofree gchar *heading
    = g_strdup_printf (_ ("This Computer Is Already in %s"), *mesh != '\0' ? mesh : _ ("a Mesh"));
  GtkWidget *dialog
    = ew_dialog_new (heading, _ ("A computer can be in only one mesh, so the key wasn't used. To join with it, first "
                                 "choose Leave the Mesh in the main menu."));
  ew_dialog_add_response (dialog, "close", _ ("_Close"), ADW_RESPONSE_DEFAULT);
  g_set_weak_pointer (&self->refusal, dialog);
  ew_dialog_set_defaults (dialog, "close", "close");
  ew_dialog_present (dialog, self->parent, NULL);
}

static void
proceed (EwKeyOpener *self)
{
  if (self->waiting == NULL || ew_daemon_get_availability (self->daemon) != EW_AVAILABILITY_READY
      || ew_daemon_get_state (self->daemon) == EW_STATE_UNKNOWN)
    return;
  gchar *key = g_steal_pointer (&self->waiting);
  if (ew_daemon_get_state (self->daemon) == EW_STATE_NOT_ENROLLED
      || ew_daemon_get_state (self->daemon) == EW_STATE_REMOVED)
    g_signal_emit (self, signals[ACCEPTED], 0, key);
  else
    refuse (self);
  ew_free_secret (key);
}

/* A web page's link, or a program, may pass any number of any bytes: take the key in it, or enough to show what it
   was. */
static gchar *
take_given (const gchar *text)
{
  gchar *key = ew_enrollment_key_find (text, strnlen (text, EW_KEY_TEXT_MAX), NULL);

  return key != NULL ? key : g_utf8_make_valid (text, (gssize)strnlen (text, SHOWN_MAX));
}

void
ew_key_opener_open (EwKeyOpener *self, GtkWindow *parent, const gchar *key_or_link)
{
  g_set_weak_pointer (&self->parent, parent);
  ew_free_secret (self->waiting);
  self->waiting = take_given (key_or_link);
  proceed (self);
}

/* heading: what is wrong with the file, why: a sentence. */
static void
say_unusable (EwKeyOpener *self, const gchar *heading, const gchar *why)
{
  if (ew_access_raise ("unreadable"))
    return;
  GtkWidget *dialog = ew_dialog_new (heading, why);
  ew_dialog_add_response (dialog, "close", _ ("_Close"), ADW_RESPONSE_DEFAULT);
  ew_dialog_set_defaults (dialog, NULL, "close");
  ew_dialog_present (dialog, self->parent, "unreadable");
}

static void
take_text (EwKeyOpener *self, GFile *file, const gchar *text, gsize length)
{
  g_autofree gchar *path = g_file_get_basename (file), *shown = g_filename_display_name (path);
  g_autofree gchar *name = ew_text_clean (shown, NAME_MAX_CHARS), *heading = NULL;
  g_autoptr (GError) error = NULL;
  gchar *key;

  if (self->parent == NULL)
    return;
  key = ew_enrollment_key_find (text, length, &error);
  if (key != NULL)
    ew_key_opener_open (self, self->parent, key);
  else
    {
      heading = g_strdup_printf (_ ("%s Has No Usable Key"), name);
      say_unusable (self, heading, _ (error->message));
    }
  ew_free_secret (key);
}

typedef struct
{
  EwKeyOpener *self;
  GFile *file;
  gchar *text; /* EW_KEY_TEXT_MAX bytes */
} Reading;

static void
reading_free (Reading *reading)
{
  g_object_unref (reading->self);
  g_object_unref (reading->file);
  ew_zero (reading->text, EW_KEY_TEXT_MAX);
  g_free (reading->text);
  g_free (reading);
}

static void
on_file_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;
  EwKeyOpener *self = reading->self;
  g_autoptr (GError) error = NULL;
  gsize n = 0;

  if (g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &n, &error))
    take_text (self, reading->file, reading->text, n);
  else if (self->parent != NULL)
    say_unusable (self, _ ("The Key File Can't Be Read"), error->message);
  reading_free (reading);
}

/* A pipe, or a file on a server, may block for a long time. */
static void
on_file_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwKeyOpener) self = user_data;
  g_autoptr (GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, NULL);
  Reading *reading;

  if (stream == NULL)
    {
      if (self->parent != NULL)
        say_unusable (self, _ ("The Key File Can't Be Opened"), _ ("Check that it exists and that you may read it."));
      return;
    }
  reading = g_new (Reading, 1);
  *reading = (Reading){ g_steal_pointer (&self), g_object_ref (G_FILE (source)), g_malloc0 (EW_KEY_TEXT_MAX) };
  g_input_stream_read_all_async (G_INPUT_STREAM (stream), reading->text, EW_KEY_TEXT_MAX, G_PRIORITY_DEFAULT, NULL,
                                 on_file_read, reading);
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
    g_file_read_async (file, G_PRIORITY_DEFAULT, NULL, on_file_opened, g_object_ref (self));
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
  g_clear_pointer (&self->waiting, ew_free_secret);
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
