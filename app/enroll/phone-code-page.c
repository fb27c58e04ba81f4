/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `minute` updates how long the unused code works.
 */
#include "enroll/phone-code-page.h"

#include <glib/gi18n.h>

#include "access/saver.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "enroll/code.h"
#include "enroll/leaving.h"
#include "enroll/online-page.h"
#include "enroll/waiting.h"
#include "enroll/watch.h"
#include "model/words.h"
#include "wg-config/wg-config.h"

#define HOUR_S 3600
#define FEW_HOURS 48

struct _EwPhoneCodePage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  gchar *name, *config; /* config holds the private key: zeroed when dropped */
  gint64 expires_us;
  EwCode *code;
  EwWatch *watch;
  EwLeaving *leaving;
  guint minute;
  EwSaver *saver; /* NULL: not open */
  GtkPicture *picture;
  EwWaiting *waiting;
  GtkWidget *save;
  GtkLabel *public_networks;
};

G_DEFINE_FINAL_TYPE (EwPhoneCodePage, ew_phone_code_page, EW_TYPE_WIZARD_PAGE)

static void
wipe (EwPhoneCodePage *self)
{
  g_clear_pointer (&self->config, ew_free_secret);
  if (self->code != NULL)
    ew_code_wipe (self->code);
}

/* "23 h"; rounded down, so that the key stays valid for at least that long. */
static gchar *
time_left (EwPhoneCodePage *self)
{
  gint64 seconds = MAX ((self->expires_us - g_get_real_time ()) / G_USEC_PER_SEC, 0);
  if (seconds >= FEW_HOURS * HOUR_S)
    return g_strdup_printf (_ ("%d days"), (gint)(seconds / (24 * HOUR_S)));
  if (seconds >= HOUR_S)
    return g_strdup_printf (_ ("%d h"), (gint)(seconds / HOUR_S));
  return g_strdup_printf (_ ("%d min"), (gint)(seconds / 60));
}

static void
show_waiting (EwPhoneCodePage *self)
{
  g_autofree gchar *left = time_left (self), *title = NULL, *note = NULL;
  gboolean gone = ew_watch_get_state (self->watch) == EW_WATCH_GONE;

  if (gone)
    {
      title = g_strdup_printf (_ ("%s is no longer in the mesh"), self->name);
      note = g_strdup (_ ("The code expired, or the phone was removed. Go back to create a new one."));
    }
  else
    {
      title = g_strdup_printf (_ ("Waiting for %s…"), self->name);
      note = g_strdup_printf (_ ("If it isn't used, this code expires in %s."), left);
    }
  ew_waiting_show (self->waiting, !gone, title, note);
}

static void
on_watch (EwPhoneCodePage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  EwWatchState state = ew_watch_get_state (self->watch);
  gboolean over = state != EW_WATCH_UNSEEN && state != EW_WATCH_NOT_JOINED;

  show_waiting (self);
  ew_leaving_set_over (self->leaving, over);
  if (!over)
    return;
  wipe (self);
  gtk_widget_set_sensitive (self->save, FALSE);
  if (state != EW_WATCH_GONE && wizard != NULL)
    ew_wizard_replace (wizard,
                       ew_online_page_new (self->daemon, self->topology, ew_watch_get_node (self->watch), TRUE));
}

static gboolean
on_minute (gpointer user_data)
{
  show_waiting (user_data);
  return G_SOURCE_CONTINUE;
}

/* The file. */

static void
save_to (EwPhoneCodePage *self, GFile *file)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  g_autofree gchar *path = g_file_get_path (file), *problem = NULL;
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    problem = g_strdup (_ ("The configuration contains a private key. Save it to a folder on this computer."));
  else if (!ew_file_write_atomic (path, self->config, -1, 0600, &error))
    problem = g_strdup_printf (_ ("Can't write the file: %s"), error->message);
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), problem);
  if (problem == NULL && wizard != NULL)
    ew_wizard_toast (wizard, _ ("Saved. Only you can read it."));
}

static void
on_chosen (GFile *file, gpointer user_data)
{
  EwPhoneCodePage *self = user_data;

  if (file != NULL && self->config != NULL)
    save_to (self, file);
  g_clear_pointer (&self->saver, ew_saver_free);
}

static void
on_save (EwPhoneCodePage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  g_autofree gchar *file_name = ew_wg_config_file_name (ew_daemon_get_mesh (self->daemon));

  if (self->saver != NULL || self->config == NULL)
    return;
  self->saver = ew_saver_ask (GTK_WINDOW (wizard), _ ("Save the Configuration"), file_name, on_chosen, self);
}

/* The object. */

static gboolean
ew_phone_code_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwPhoneCodePage *self = EW_PHONE_CODE_PAGE (page);
  g_autofree gchar *left = time_left (self), *body = NULL;

  if (how == EW_LEAVE_BACK)
    body = g_strdup_printf (
      _ ("%s hasn't connected yet. Going back removes it from the mesh, and its code stops working."), self->name);
  else
    body
      = g_strdup_printf (_ ("%s hasn't connected yet. If you already scanned or saved the code, it works for another "
                            "%s. It won't be shown again."),
                         self->name, left);
  return ew_leaving_ask (self->leaving, how,
                         how == EW_LEAVE_BACK ? _ ("Remove This Phone?") : _ ("Keep the Code Valid?"), body,
                         _ ("_Remove Phone"), _ ("_Keep Valid"));
}

static void
show_public (EwPhoneCodePage *self, const gchar *const *networks)
{
  g_autofree gchar *list = g_strjoinv (", ", (GStrv)networks);
  g_autofree gchar *text
    = g_strdup_printf (_ ("These public networks also go through the mesh, because nodes offer them: %s"), list);

  gtk_label_set_text (self->public_networks, text);
  gtk_widget_set_visible (GTK_WIDGET (self->public_networks), *list != '\0');
}

static void
fill_in (EwPhoneCodePage *self)
{
  g_autofree gchar *heading = g_strdup_printf (_ ("Scan This With %s"), self->name);
  g_autofree gchar *description
    = g_strdup_printf (_ ("QR code with the WireGuard configuration of %s, to be scanned by its camera"), self->name);
  gint side = 4 * ew_code_get_modules (self->code);

  ew_wizard_page_set_heading (EW_WIZARD_PAGE (self), heading);
  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (self->code));
  gtk_picture_set_alternative_text (self->picture, description);
  gtk_widget_set_size_request (GTK_WIDGET (self->picture), MIN (side, 300), MIN (side, 300));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->picture), GTK_ACCESSIBLE_PROPERTY_LABEL, description, -1);
}

GtkWidget *
ew_phone_code_page_new (EwDaemon *daemon, EwTopology *topology, const EwNewNode *node, const gchar *config,
                        const gchar *const *public_networks)
{
  g_autoptr (EwCode) code = ew_code_new (config);
  EwPhoneCodePage *self;

  if (code == NULL)
    return NULL;
  self = g_object_new (EW_TYPE_PHONE_CODE_PAGE, NULL);
  self->code = g_steal_pointer (&code);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->name = g_strdup (node->name);
  self->config = g_strdup (config);
  self->expires_us = node->expires_us;
  self->leaving = ew_leaving_new (EW_WIZARD_PAGE (self), daemon, node->name, node->id != NULL ? node->id : node->name);
  self->watch = ew_watch_new (topology, node->name, node->id);
  g_signal_connect_object (self->watch, "changed", G_CALLBACK (on_watch), self, G_CONNECT_SWAPPED);
  self->minute = g_timeout_add_seconds (60, on_minute, self);
  fill_in (self);
  show_public (self, public_networks);
  on_watch (self);
  return GTK_WIDGET (self);
}

static void
ew_phone_code_page_dispose (GObject *object)
{
  EwPhoneCodePage *self = EW_PHONE_CODE_PAGE (object);
  g_clear_handle_id (&self->minute, g_source_remove);
  g_clear_pointer (&self->leaving, ew_leaving_free);
  g_clear_object (&self->watch);
  wipe (self);
  g_clear_object (&self->code);
  g_clear_pointer (&self->saver, ew_saver_free);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_pointer (&self->name, g_free);
  G_OBJECT_CLASS (ew_phone_code_page_parent_class)->dispose (object);
}

static void
ew_phone_code_page_class_init (EwPhoneCodePageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_phone_code_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_phone_code_page_may_leave;
  g_type_ensure (EW_TYPE_WAITING);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/phone-code-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwPhoneCodePage, picture);
  gtk_widget_class_bind_template_child (widget_class, EwPhoneCodePage, waiting);
  gtk_widget_class_bind_template_child (widget_class, EwPhoneCodePage, save);
  gtk_widget_class_bind_template_child (widget_class, EwPhoneCodePage, public_networks);
  gtk_widget_class_bind_template_callback (widget_class, on_save);
}

static void
ew_phone_code_page_init (EwPhoneCodePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
