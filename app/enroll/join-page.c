/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/join-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "access/ellipsis.h"
#include "common/enrollment-key.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "enroll/checks.h"
#include "enroll/joined-page.h"
#include "enroll/joining.h"
#include "enroll/proxy-password.h"

struct _EwJoinPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  guint steps;
  gchar *key_text; /* what is sent; zeroed when dropped */
  EwEnrollmentKey *parsed;
  GCancellable *joining; /* while Enroll is under way */
  gboolean filling;      /* the change isn't made by the person */
  gboolean begun;        /* the person has entered something */
  AdwEntryRow *key, *name;
  GtkLabel *key_note, *name_note;
  GtkWidget *key_box, *facts, *another, *leave, *cancel, *join;
  AdwActionRow *mesh_row, *edge_row, *pin_row, *becomes_row;
};

G_DEFINE_FINAL_TYPE (EwJoinPage, ew_join_page, EW_TYPE_WIZARD_PAGE)

static void
forget_key (EwJoinPage *self)
{
  g_clear_pointer (&self->key_text, ew_free_secret);
  g_clear_pointer (&self->parsed, ew_enrollment_key_free);
}

/* A computer is in one mesh at a time. */
static void
update (EwJoinPage *self)
{
  if (self->daemon == NULL)
    return; /* not made yet */
  EwWizardPage *page = EW_WIZARD_PAGE (self);
  gboolean enrolled = ew_daemon_get_enrolled (self->daemon) && self->joining == NULL;
  gboolean known = self->parsed != NULL;
  const gchar *mesh = known ? self->parsed->mesh : NULL;
  g_autofree gchar *heading = NULL, *problem = ew_check_name (gtk_editable_get_text (GTK_EDITABLE (self->name)));

  if (enrolled)
    heading = g_strdup_printf (_ ("This Computer Is Already in %s"), ew_daemon_get_mesh (self->daemon));
  else
    heading = mesh != NULL ? g_strdup_printf (_ ("Join %s?"), mesh) : g_strdup (_ ("Join a Mesh"));
  ew_wizard_page_set_heading (page, heading);
  if (enrolled)
    ew_wizard_page_set_body (page,
                             _ ("A computer can be in only one mesh. To join another one, leave this one first."));
  else
    ew_wizard_page_set_body (page, known
                                     ? _ ("This is what the key contains. Nothing is sent until you choose Join.")
                                     : _ ("Paste the enrollment key or link that the mesh's administrator gave you. "
                                          "Nothing is sent yet."));
  gtk_widget_set_visible (self->key_box, !known && !enrolled);
  gtk_widget_set_visible (self->facts, known && !enrolled);
  gtk_widget_set_visible (self->another, known && !enrolled && self->joining == NULL);
  gtk_widget_set_visible (self->leave, enrolled);
  gtk_widget_set_visible (self->cancel, self->joining != NULL);
  gtk_widget_set_visible (self->join, !enrolled && self->joining == NULL);
  gtk_widget_set_sensitive (self->join, known && problem == NULL);
}

static void
show_facts (EwJoinPage *self)
{
  g_autofree gchar *hosts = ew_key_hosts (self->parsed), *pin = ew_pin_words (self->parsed->pin);

  gtk_widget_set_visible (GTK_WIDGET (self->mesh_row), self->parsed->mesh != NULL);
  adw_action_row_set_subtitle (self->mesh_row, self->parsed->mesh != NULL ? self->parsed->mesh : "");
  adw_action_row_set_subtitle (self->edge_row, hosts);
  adw_action_row_set_subtitle (self->pin_row, pin);
  adw_action_row_set_subtitle (self->becomes_row, ew_key_becomes (self->parsed));
}

/* No complaint while a word is still being typed. */
static gboolean
may_become_key (const gchar *text)
{
  return *text == '\0' || g_str_has_prefix ("ew1_", text) || g_str_has_prefix ("edgeway://enroll/ew1_", text);
}

static void
on_key_changed (EwJoinPage *self)
{
  const gchar *text = gtk_editable_get_text (GTK_EDITABLE (self->key));
  g_autoptr (GError) error = NULL;

  if (self->parsed != NULL || self->joining != NULL)
    return;
  self->begun = !self->filling && *text != '\0';
  if (!may_become_key (text))
    self->key_text = ew_enrollment_key_find (text, strlen (text), &error);
  if (self->key_text != NULL)
    self->parsed = ew_enrollment_key_parse (self->key_text, NULL);
  ew_wizard_set_field (GTK_WIDGET (self->key), self->key_note, error != NULL ? _ (error->message) : NULL,
                       _ ("It begins with ew1_, or with edgeway:// for a link."));
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  if (self->parsed != NULL)
    {
      gtk_editable_set_text (GTK_EDITABLE (self->key), "");
      show_facts (self);
    }
  update (self);
  if (self->parsed != NULL)
    gtk_widget_grab_focus (GTK_WIDGET (self->name));
}

static void
on_name_changed (EwJoinPage *self)
{
  g_autofree gchar *problem = ew_check_name (gtk_editable_get_text (GTK_EDITABLE (self->name)));

  self->begun = self->begun || !self->filling;
  ew_wizard_set_field (GTK_WIDGET (self->name), self->name_note, problem,
                       _ ("If the key was issued for a specific name, that name is used instead."));
  update (self);
}

static void
on_another (EwJoinPage *self)
{
  self->begun = FALSE;
  forget_key (self);
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  update (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->key));
}

static void
on_pasted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinPage) self = user_data;
  gchar *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);

  if (text != NULL && self->parsed == NULL)
    gtk_editable_set_text (GTK_EDITABLE (self->key), text);
  ew_free_secret (text);
}

static void
on_paste (EwJoinPage *self)
{
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (GTK_WIDGET (self)), NULL, on_pasted, g_object_ref (self));
}

/* Joining. */

static void
show_refusal (EwJoinPage *self, const GError *error)
{
  const gchar *name = gtk_editable_get_text (GTK_EDITABLE (self->name));
  g_autofree gchar *sentence = NULL;

  if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NAME_TAKEN))
    {
      sentence = g_strdup_printf (_ ("Another node is called %s."), name);
      ew_wizard_set_field (GTK_WIDGET (self->name), self->name_note, sentence, NULL);
      gtk_widget_grab_focus (GTK_WIDGET (self->name));
    }
  else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NAME_INVALID))
    ew_wizard_set_field (GTK_WIDGET (self->name), self->name_note, error->message, NULL);
  else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_KEY_EXPIRED))
    ew_wizard_page_set_error (EW_WIZARD_PAGE (self), _ ("This key expired. Ask for a new one."));
  else
    ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static void on_join (EwJoinPage *self);

/* What was typed leads on at once. */
static void
on_password_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinPage) self = user_data;
  g_autoptr (GError) error = NULL;

  if (ew_proxy_password_ask_finish (result, &error) && self->joining == NULL && self->parsed != NULL
      && ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) != NULL)
    on_join (self);
  else if (error != NULL)
    ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static void
ask_proxy_password (EwJoinPage *self)
{
  ew_proxy_password_ask_async (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), self->daemon, on_password_asked,
                               g_object_ref (self));
}

static void
on_joined (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinPage) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean left_again, joined = ew_join_finish (result, &left_again, &error);
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));

  g_clear_object (&self->joining);
  if (wizard == NULL)
    return; /* closed in the meantime */
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), NULL);
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), TRUE);
  if (joined)
    {
      ew_wizard_replace (wizard, ew_joined_page_new (self->daemon, ew_wizard_get_topology (wizard), self->steps));
      return;
    }
  update (self);
  if (left_again)
    ew_wizard_page_set_error (
      EW_WIZARD_PAGE (self), _ ("You cancelled after this computer had joined, so it left again. The key can't be used "
                                "again. Ask for a new one."));
  else
    show_refusal (self, error);
  if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_PROXY_PASSWORD))
    ask_proxy_password (self);
}

static void
on_join (EwJoinPage *self)
{
  const gchar *name = gtk_editable_get_text (GTK_EDITABLE (self->name));
  const gchar *mesh = self->parsed->mesh;
  g_autofree gchar *busy = mesh != NULL ? g_strdup_printf (_ ("Joining %s…"), mesh) : g_strdup (_ ("Joining…"));

  self->joining = g_cancellable_new ();
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), busy);
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), FALSE);
  update (self);
  gtk_widget_grab_focus (self->cancel);
  ew_join_async (self->daemon, self->key_text, name, self->joining, on_joined, g_object_ref (self));
}

static void
on_cancel (EwJoinPage *self)
{
  if (self->joining == NULL)
    return;
  g_cancellable_cancel (self->joining);
  gtk_widget_set_sensitive (self->cancel, FALSE);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), _ ("Cancelling… You can close this window."));
}

/* Closing the page while it joins cancels the call, and does not wait for the answer. */
static gboolean
ew_join_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwJoinPage *self = EW_JOIN_PAGE (page);
  if (self->joining != NULL)
    g_cancellable_cancel (self->joining);
  return TRUE;
}

/* Whether this is the key that the page shows. */
static gboolean
is_shown (EwJoinPage *self, const gchar *text)
{
  gchar *key = ew_enrollment_key_find (text, strlen (text), NULL);
  gboolean same = g_strcmp0 (key, self->key_text) == 0;

  ew_free_secret (key);
  return same;
}

gboolean
ew_join_page_set_key (EwJoinPage *self, const gchar *text)
{
  gboolean replaces = self->parsed != NULL;

  if (self->joining != NULL || self->begun)
    return FALSE;
  if (replaces && is_shown (self, text))
    return TRUE;
  forget_key (self);
  self->filling = TRUE;
  gtk_editable_set_text (GTK_EDITABLE (self->key), text);
  self->filling = FALSE;
  if (replaces && self->parsed != NULL)
    {
      ew_wizard_page_set_error (EW_WIZARD_PAGE (self),
                                _ ("Another link was opened, and this is its key. Check the mesh, the edge and the pin "
                                   "again."));
      /* Enter, meant for the previous key, does not join with this one. */
      gtk_widget_grab_focus (self->another);
    }
  return TRUE;
}

GtkWidget *
ew_join_page_new (EwDaemon *daemon, guint steps)
{
  EwJoinPage *self = g_object_new (EW_TYPE_JOIN_PAGE, NULL);
  g_set_object (&self->daemon, daemon);
  self->steps = steps;
  if (steps > 0)
    ew_wizard_page_set_steps (EW_WIZARD_PAGE (self), steps - 1, steps);
  g_signal_connect_object (daemon, "notify::enrolled", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::mesh", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  on_key_changed (self);
  on_name_changed (self);
  self->filling = FALSE;
  return GTK_WIDGET (self);
}

static void
ew_join_page_dispose (GObject *object)
{
  EwJoinPage *self = EW_JOIN_PAGE (object);
  forget_key (self);
  g_clear_object (&self->daemon);
  g_clear_object (&self->joining);
  G_OBJECT_CLASS (ew_join_page_parent_class)->dispose (object);
}

static void
ew_join_page_class_init (EwJoinPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_join_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_join_page_may_leave;
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/join-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, key);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, name);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, key_note);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, name_note);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, key_box);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, facts);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, another);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, leave);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, cancel);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, join);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, mesh_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, edge_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, pin_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinPage, becomes_row);
  gtk_widget_class_bind_template_callback (widget_class, on_key_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_name_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_another);
  gtk_widget_class_bind_template_callback (widget_class, on_paste);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_join);
}

static void
ew_join_page_init (EwJoinPage *self)
{
  g_autofree gchar *name = ew_name_of_computer (g_get_host_name ());
  self->filling = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->key));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->name));
  gtk_editable_set_text (GTK_EDITABLE (self->name), name);
}
