/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/saver.h"

#include <glib/gi18n.h>

struct EwSaver
{
  EwSaverChosen chosen;
  gpointer user_data;
#if GTK_CHECK_VERSION(4, 10, 0)
  GCancellable *cancellable;
#else
  GtkFileChooserNative *chooser;
#endif
};

#if GTK_CHECK_VERSION(4, 10, 0)

static void
on_chosen (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, &error);
  EwSaver *saver = user_data;

  if (!g_error_matches (error, GTK_DIALOG_ERROR, GTK_DIALOG_ERROR_CANCELLED)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* saver was freed */
    saver->chosen (file, saver->user_data);
}

EwSaver *
ew_saver_ask (GtkWindow *parent, const gchar *title, const gchar *file_name, EwSaverChosen chosen, gpointer user_data)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  EwSaver *saver = g_new0 (EwSaver, 1);

  *saver = (EwSaver){ .chosen = chosen, .user_data = user_data, .cancellable = g_cancellable_new () };
  gtk_file_dialog_set_title (dialog, title);
  gtk_file_dialog_set_accept_label (dialog, _ ("_Save"));
  gtk_file_dialog_set_initial_name (dialog, file_name);
  gtk_file_dialog_save (dialog, parent, saver->cancellable, on_chosen, saver);
  return saver;
}

void
ew_saver_free (EwSaver *saver)
{
  g_cancellable_cancel (saver->cancellable);
  g_object_unref (saver->cancellable);
  g_free (saver);
}

#else

static void
on_response (GtkNativeDialog *dialog, gint response, EwSaver *saver)
{
  g_autoptr (GFile) file
    = response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog)) : NULL;

  saver->chosen (file, saver->user_data);
}

EwSaver *
ew_saver_ask (GtkWindow *parent, const gchar *title, const gchar *file_name, EwSaverChosen chosen, gpointer user_data)
{
  EwSaver *saver = g_new0 (EwSaver, 1);

  *saver = (EwSaver){ .chosen = chosen, .user_data = user_data };
  saver->chooser
    = gtk_file_chooser_native_new (title, parent, GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (saver->chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (saver->chooser), file_name);
  g_signal_connect (saver->chooser, "response", G_CALLBACK (on_response), saver);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (saver->chooser));
  return saver;
}

void
ew_saver_free (EwSaver *saver)
{
  g_signal_handlers_disconnect_by_data (saver->chooser, saver);
  g_object_unref (saver->chooser);
  g_free (saver);
}

#endif
