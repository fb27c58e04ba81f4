/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window around the pages: which page is shown, going back, and which page is asked before it closes.
 */
#include "enroll/wizard.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/toast.h"
#include "edgeway-config.h"
#include "enroll/join-page.h"
#include "enroll/mesh-page.h"
#include "enroll/phone-page.h"
#include "enroll/server-page.h"
#include "enroll/wizard-page.h"

struct _EwWizard
{
  AdwWindow parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  AdwToastOverlay *toasts;
  AdwWindowTitle *title;
  GtkWidget *back;
  GtkStack *stack;
  GPtrArray *pages;      /* of EwWizardPage, borrowed from the stack; the last one is shown */
  EwWizardPage *watched; /* whose properties the header follows, borrowed */
  gboolean leaving;      /* no page is asked any more */
};

G_DEFINE_FINAL_TYPE (EwWizard, ew_wizard, ADW_TYPE_WINDOW)

static EwWizardPage *
top_page (EwWizard *self)
{
  return self->pages->len > 0 ? g_ptr_array_index (self->pages, self->pages->len - 1) : NULL;
}

static gboolean
can_go_back (EwWizard *self)
{
  gboolean can = FALSE;
  if (self->pages->len > 1)
    g_object_get (top_page (self), "can-go-back", &can, NULL);
  return can;
}

/* GTK forgets a default widget that is hidden while a call runs: set it again when it shows. */
static void
follow_default (EwWizard *self, EwWizardPage *page)
{
  GtkWidget *widget = page != NULL ? ew_wizard_page_get_default_widget (page) : NULL;
  gboolean shows = widget != NULL && gtk_widget_get_visible (widget);

  gtk_window_set_default_widget (GTK_WINDOW (self), shows ? widget : NULL);
}

static void
update_header (EwWizard *self)
{
  EwWizardPage *page = top_page (self);
  g_autofree gchar *subtitle = page != NULL ? ew_wizard_page_get_subtitle (page) : NULL;
  const gchar *title = page != NULL ? ew_wizard_page_get_title (page) : NULL;
  gboolean can = can_go_back (self);

  adw_window_title_set_title (self->title, title != NULL ? title : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->title), title); /* with large text it is cut */
  adw_window_title_set_subtitle (self->title, subtitle != NULL ? subtitle : "");
  gtk_window_set_title (GTK_WINDOW (self), title != NULL ? title : "");
  follow_default (self, page);
  gtk_widget_set_visible (self->back, can);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "wizard.back", can);
}

/* Pages after the shown one were left: free them, and with them their secrets. */
static void
prune (EwWizard *self)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->stack)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (!g_ptr_array_find (self->pages, child, NULL))
      g_ptr_array_add (left, child);
  for (guint i = 0; i < left->len; i++)
    gtk_stack_remove (self->stack, g_ptr_array_index (left, i));
}

static void
on_transition (EwWizard *self)
{
  if (!gtk_stack_get_transition_running (self->stack))
    prune (self);
}

static void
show_top (EwWizard *self)
{
  EwWizardPage *page = top_page (self);
  if (self->watched != NULL)
    g_signal_handlers_disconnect_by_func (self->watched, update_header, self);
  self->watched = page;
  gtk_window_set_focus (GTK_WINDOW (self), NULL); /* a page that is left must not keep the focus */
  g_signal_connect_object (page, "notify", G_CALLBACK (update_header), self, G_CONNECT_SWAPPED);
  gtk_stack_set_visible_child (self->stack, GTK_WIDGET (page));
  update_header (self);
  ew_wizard_page_take_focus (page);
  on_transition (self);
}

void
ew_wizard_push (EwWizard *self, GtkWidget *page)
{
  gtk_stack_add_child (self->stack, page);
  g_ptr_array_add (self->pages, page);
  ew_access_tidy (GTK_WIDGET (self->stack));
  show_top (self);
}

void
ew_wizard_replace (EwWizard *self, GtkWidget *page)
{
  g_ptr_array_set_size (self->pages, 0);
  ew_wizard_push (self, page);
}

void
ew_wizard_leave (EwWizard *self, EwLeave how)
{
  if (how == EW_LEAVE_BACK && self->pages->len > 1)
    {
      g_ptr_array_set_size (self->pages, (gint)self->pages->len - 1);
      show_top (self);
      return;
    }
  self->leaving = TRUE;
  gtk_window_close (GTK_WINDOW (self));
}

void
ew_wizard_toast (EwWizard *self, const gchar *text)
{
  ew_toast_show (self->toasts, text);
}

static void
go_back (GtkWidget *widget, const gchar *action, GVariant *parameter)
{
  EwWizard *self = EW_WIZARD (widget);
  if (can_go_back (self) && ew_wizard_page_may_leave (top_page (self), EW_LEAVE_BACK))
    ew_wizard_leave (self, EW_LEAVE_BACK);
}

static gboolean
ew_wizard_close_request (GtkWindow *window)
{
  EwWizard *self = EW_WIZARD (window);
  EwWizardPage *page = top_page (self);
  if (!self->leaving && page != NULL && !ew_wizard_page_may_leave (page, EW_LEAVE_CLOSE))
    return GDK_EVENT_STOP;
  return GTK_WINDOW_CLASS (ew_wizard_parent_class)->close_request (window);
}

EwTopology *
ew_wizard_get_topology (EwWizard *self)
{
  return self->topology;
}

void
ew_wizard_set_key (EwWizard *self, const gchar *key_or_link)
{
  EwWizardPage *page = top_page (self);
  gboolean begun = page != NULL && ew_wizard_page_is_busy (page);

  if (!begun && !EW_IS_JOIN_PAGE (page))
    {
      ew_wizard_push (self, ew_join_page_new (self->daemon, 0));
      page = top_page (self);
    }
  if (begun || !ew_join_page_set_key (EW_JOIN_PAGE (page), key_or_link))
    ew_wizard_toast (self, _ ("Another key was opened and wasn't used"));
}

EwWizard *
ew_wizard_new (EwDaemon *daemon, EwTopology *topology, EwWizardStart start)
{
  EwWizard *self = g_object_new (EW_TYPE_WIZARD, NULL);
  g_set_object (&self->daemon, daemon);
  g_set_object (&self->topology, topology);
  switch (start)
    {
    case EW_WIZARD_JOIN:
      ew_wizard_push (self, ew_join_page_new (daemon, 0));
      break;
    case EW_WIZARD_NEW_MESH:
      ew_wizard_push (self, ew_mesh_page_new (daemon));
      break;
    case EW_WIZARD_ADD_SERVER:
      ew_wizard_push (self, ew_server_page_new (daemon, topology));
      break;
    case EW_WIZARD_ADD_PHONE:
      ew_wizard_push (self, ew_phone_page_new (daemon, topology));
      break;
    }
  return self;
}

static void
ew_wizard_dispose (GObject *object)
{
  EwWizard *self = EW_WIZARD (object);
  if (self->watched != NULL)
    g_signal_handlers_disconnect_by_func (self->watched, update_header, self);
  self->watched = NULL;
  g_ptr_array_set_size (self->pages, 0);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_wizard_parent_class)->dispose (object);
}

static void
ew_wizard_finalize (GObject *object)
{
  g_ptr_array_unref (EW_WIZARD (object)->pages);
  G_OBJECT_CLASS (ew_wizard_parent_class)->finalize (object);
}

static void
ew_wizard_class_init (EwWizardClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_wizard_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_wizard_finalize;
  GTK_WINDOW_CLASS (class)->close_request = ew_wizard_close_request;
  gtk_widget_class_install_action (widget_class, "wizard.back", NULL, go_back);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Left, GDK_ALT_MASK, "wizard.back", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Back, 0, "wizard.back", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/wizard.ui");
  gtk_widget_class_bind_template_child (widget_class, EwWizard, toasts);
  gtk_widget_class_bind_template_child (widget_class, EwWizard, title);
  gtk_widget_class_bind_template_child (widget_class, EwWizard, back);
  gtk_widget_class_bind_template_child (widget_class, EwWizard, stack);
  gtk_widget_class_bind_template_callback (widget_class, on_transition);
}

/* Scaled in height with the text size, up to the screen's height. */
static void
fit_height (EwWizard *self)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (self));
  g_autoptr (GdkMonitor) monitor = g_list_model_get_item (gdk_display_get_monitors (display), 0);
  GdkRectangle place = { 0 };
  gint width, height, dpi = 0;

  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  g_object_get (gtk_settings_get_for_display (display), "gtk-xft-dpi", &dpi, NULL);
  if (monitor == NULL || dpi <= 96 * PANGO_SCALE)
    return;
  gdk_monitor_get_geometry (monitor, &place);
  gtk_window_set_default_size (GTK_WINDOW (self), width,
                               MAX (height, MIN (height * dpi / (96 * PANGO_SCALE), place.height * 9 / 10)));
}

static void
ew_wizard_init (EwWizard *self)
{
  self->pages = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  fit_height (self);
}
