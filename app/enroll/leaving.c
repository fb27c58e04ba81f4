/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/leaving.h"

#include <glib/gi18n.h>

#include "access/dialog.h"
#include "enroll/making.h"

/* Reference-counted: a running removal keeps it. */
struct EwLeaving
{
  EwWizardPage *page; /* borrowed; NULL: destroyed */
  EwDaemon *daemon;
  gchar *name, *id;
  gboolean over, kept, removing;
  EwLeave how;
  GtkWidget *question; /* NULL: none is open; weak */
};

static void
leaving_clear (gpointer data)
{
  EwLeaving *leaving = data;
  g_object_unref (leaving->daemon);
  g_free (leaving->name);
  g_free (leaving->id);
}

EwLeaving *
ew_leaving_new (EwWizardPage *page, EwDaemon *daemon, const gchar *name, const gchar *id)
{
  EwLeaving *leaving = g_rc_box_new0 (EwLeaving);
  leaving->page = page;
  leaving->daemon = g_object_ref (daemon);
  leaving->name = g_strdup (name);
  leaving->id = g_strdup (id);
  return leaving;
}

static void
take_question_away (EwLeaving *leaving)
{
  GtkWidget *question = leaving->question;
  g_clear_weak_pointer (&leaving->question);
  if (question == NULL)
    return;
  g_signal_handlers_disconnect_by_data (question, leaving);
  ew_dialog_dismiss (question);
}

void
ew_leaving_free (EwLeaving *leaving)
{
  take_question_away (leaving);
  leaving->page = NULL;
  g_rc_box_release_full (leaving, leaving_clear);
}

void
ew_leaving_set_over (EwLeaving *leaving, gboolean over)
{
  leaving->over = over;
  if (over)
    take_question_away (leaving);
}

/* The page may have been destroyed in the meantime: then the result has no place to be shown. */
static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwLeaving *leaving = user_data;
  g_autoptr (GError) error = NULL;
  gboolean removed = ew_unmake_finish (result, &error);
  EwWizard *wizard = leaving->page != NULL ? ew_wizard_page_get_wizard (leaving->page) : NULL;

  leaving->removing = FALSE;
  if (wizard != NULL)
    {
      ew_wizard_page_set_busy (leaving->page, NULL);
      if (removed)
        ew_wizard_leave (wizard, leaving->how);
      else
        ew_wizard_page_show_call_error (leaving->page, error);
    }
  g_rc_box_release_full (leaving, leaving_clear);
}

static void
remove_node (EwLeaving *leaving)
{
  g_autofree gchar *busy = g_strdup_printf (_ ("Removing %s…"), leaving->name);

  leaving->removing = TRUE;
  ew_wizard_page_set_error (leaving->page, NULL);
  ew_wizard_page_set_busy (leaving->page, busy);
  ew_unmake_async (leaving->daemon, leaving->id, on_removed, g_rc_box_acquire (leaving));
}

static gboolean
close_later (gpointer wizard)
{
  ew_wizard_leave (wizard, EW_LEAVE_CLOSE);
  return G_SOURCE_REMOVE;
}

/* Closing the wizard destroys the question, which libadwaita still needs after it has emitted the answer: close the
   wizard a little later. */
static void
on_response (GtkWidget *question, const gchar *response, EwLeaving *leaving)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (leaving->page);

  g_clear_weak_pointer (&leaving->question);
  if (g_str_equal (response, "remove"))
    remove_node (leaving);
  else if (g_str_equal (response, "keep"))
    leaving->kept = TRUE;
  if (leaving->kept && wizard != NULL)
    g_idle_add_full (G_PRIORITY_DEFAULT, close_later, g_object_ref (wizard), g_object_unref);
}

gboolean
ew_leaving_is_kept (EwLeaving *leaving)
{
  return leaving->kept;
}

gboolean
ew_leaving_ask (EwLeaving *leaving, EwLeave how, const gchar *heading, const gchar *body, const gchar *remove,
                const gchar *keep)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (leaving->page);
  GtkWidget *question;

  if (leaving->over || wizard == NULL)
    return TRUE;
  if (leaving->removing)
    return how == EW_LEAVE_CLOSE; /* the removal continues after the window has closed */
  if (leaving->question != NULL)
    return FALSE;
  leaving->how = how;
  question = ew_dialog_new (heading, body);
  g_set_weak_pointer (&leaving->question, question);
  ew_dialog_add_response (question, "cancel", _ ("_Stay Here"), ADW_RESPONSE_DEFAULT);
  ew_dialog_add_response (question, "remove", remove, ADW_RESPONSE_DESTRUCTIVE);
  if (how == EW_LEAVE_CLOSE)
    ew_dialog_add_response (question, "keep", keep, ADW_RESPONSE_SUGGESTED);
  ew_dialog_set_defaults (question, how == EW_LEAVE_CLOSE ? "keep" : "cancel", "cancel");
  g_signal_connect (question, "response", G_CALLBACK (on_response), leaving);
  ew_dialog_present (question, GTK_WINDOW (wizard), NULL);
  return FALSE;
}
