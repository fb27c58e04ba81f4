/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/wizard-page.h"

#include <glib/gi18n.h>

#include "access/field.h"
#include "access/spinner.h"
#include "access/wrap-box.h"
#include "edgeway-config.h"

typedef struct
{
  GtkWidget *top, *content, *start, *end, *bar;
  GtkLabel *heading, *body, *error, *busy;
  GtkWidget *error_box, *busy_box;
  EwSpinner *spinner;
  GtkWidget *default_widget, *first_focus; /* of the page's own template */
  gchar *title;
  guint step, steps;
  gboolean can_go_back;
} EwWizardPagePrivate;

enum
{
  PROP_TITLE = 1,
  PROP_HEADING,
  PROP_BODY,
  PROP_STEP,
  PROP_STEPS,
  PROP_ERROR,
  PROP_BUSY,
  PROP_DEFAULT_WIDGET,
  PROP_FIRST_FOCUS,
  PROP_CAN_GO_BACK,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

static void ew_wizard_page_buildable_init (GtkBuildableIface *iface);
G_DEFINE_ABSTRACT_TYPE_WITH_CODE (EwWizardPage, ew_wizard_page, ADW_TYPE_BIN,
                                  G_ADD_PRIVATE (EwWizardPage)
                                    G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE, ew_wizard_page_buildable_init))
static GtkBuildableIface *parent_buildable;

#define PRIV(page) ((EwWizardPagePrivate *)ew_wizard_page_get_instance_private (page))

static void
ew_wizard_page_add_child (GtkBuildable *buildable, GtkBuilder *builder, GObject *child, const gchar *type)
{
  EwWizardPagePrivate *priv = PRIV (EW_WIZARD_PAGE (buildable));
  if (priv->content == NULL || !GTK_IS_WIDGET (child)) /* the page's own frame */
    parent_buildable->add_child (buildable, builder, child, type);
  else if (g_strcmp0 (type, "start") == 0 || g_strcmp0 (type, "end") == 0)
    {
      /* On a narrow screen, or with large text, two buttons are wider than the window: one stands below the other. */
      gtk_widget_set_parent (GTK_WIDGET (child), type[0] == 's' ? priv->start : priv->end);
      if (GTK_IS_BUTTON (child))
        ew_wrap_button (GTK_BUTTON (child));
      gtk_widget_set_visible (priv->bar, TRUE);
    }
  else if (g_strcmp0 (type, "top") == 0)
    {
      gtk_box_append (GTK_BOX (priv->top), GTK_WIDGET (child));
      gtk_widget_set_visible (priv->top, TRUE);
    }
  else
    gtk_box_append (GTK_BOX (priv->content), GTK_WIDGET (child));
}

static void
ew_wizard_page_buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = ew_wizard_page_add_child;
}

/* Properties. */

static void
set_label (GtkLabel *label, GtkWidget *shown, const gchar *text)
{
  gtk_label_set_label (label, text != NULL ? text : "");
  gtk_widget_set_visible (shown, text != NULL && *text != '\0');
}

void
ew_wizard_page_set_heading (EwWizardPage *self, const gchar *heading)
{
  EwWizardPagePrivate *priv = PRIV (self);
  set_label (priv->heading, GTK_WIDGET (priv->heading), heading);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HEADING]);
}

void
ew_wizard_page_set_body (EwWizardPage *self, const gchar *body)
{
  EwWizardPagePrivate *priv = PRIV (self);
  set_label (priv->body, GTK_WIDGET (priv->body), body);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BODY]);
}

void
ew_wizard_page_set_steps (EwWizardPage *self, guint step, guint steps)
{
  EwWizardPagePrivate *priv = PRIV (self);
  priv->step = step;
  priv->steps = steps;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STEP]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STEPS]);
}

void
ew_wizard_page_set_error (EwWizardPage *self, const gchar *error)
{
  EwWizardPagePrivate *priv = PRIV (self);
  set_label (priv->error, priv->error_box, error);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
}

/* A text field that becomes insensitive or hidden while it has the focus causes a warning (GTK 4.8). */
static void
take_focus_away (EwWizardPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  if (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self)))
    gtk_root_set_focus (root, NULL);
}

void
ew_wizard_page_set_busy (EwWizardPage *self, const gchar *busy)
{
  EwWizardPagePrivate *priv = PRIV (self);
  if (busy != NULL)
    take_focus_away (self);
  set_label (priv->busy, priv->busy_box, busy);
  ew_spinner_set_spinning (priv->spinner, busy != NULL);
  gtk_widget_set_sensitive (priv->content, busy == NULL);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_BUSY, busy != NULL, -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
}

gboolean
ew_wizard_page_is_busy (EwWizardPage *self)
{
  return gtk_widget_get_visible (PRIV (self)->busy_box);
}

void
ew_wizard_page_set_can_go_back (EwWizardPage *self, gboolean can)
{
  EwWizardPagePrivate *priv = PRIV (self);
  if (priv->can_go_back == can)
    return;
  priv->can_go_back = can;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CAN_GO_BACK]);
}

const gchar *
ew_wizard_page_get_title (EwWizardPage *self)
{
  return PRIV (self)->title;
}

gchar *
ew_wizard_page_get_subtitle (EwWizardPage *self)
{
  EwWizardPagePrivate *priv = PRIV (self);
  return priv->steps > 0 ? g_strdup_printf (_ ("Step %u of %u"), priv->step, priv->steps) : NULL;
}

GtkWidget *
ew_wizard_page_get_default_widget (EwWizardPage *self)
{
  return PRIV (self)->default_widget;
}

void
ew_wizard_page_take_focus (EwWizardPage *self)
{
  EwWizardPagePrivate *priv = PRIV (self);
  if (priv->first_focus == NULL || !gtk_widget_grab_focus (priv->first_focus))
    gtk_widget_child_focus (GTK_WIDGET (self), GTK_DIR_TAB_FORWARD);
}

gboolean
ew_wizard_page_may_leave (EwWizardPage *self, EwLeave how)
{
  return EW_WIZARD_PAGE_GET_CLASS (self)->may_leave (self, how);
}

EwWizard *
ew_wizard_page_get_wizard (EwWizardPage *self)
{
  GtkWidget *wizard = gtk_widget_get_ancestor (GTK_WIDGET (self), EW_TYPE_WIZARD);
  return wizard != NULL ? EW_WIZARD (wizard) : NULL;
}

void
ew_wizard_page_show_call_error (EwWizardPage *self, const GError *error)
{
  gboolean nothing = error == NULL || g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED);
  ew_wizard_page_set_error (self, nothing ? NULL : error->message);
}

/* A sentence about a mistake would not be read below the visible part of the page. */
static gboolean
scroll_to_note (gpointer user_data)
{
  GtkWidget *note = user_data, *scroller = gtk_widget_get_ancestor (note, GTK_TYPE_SCROLLED_WINDOW), *child;
  GtkAdjustment *place;
  graphene_rect_t bounds;

  if (scroller == NULL || !gtk_widget_get_mapped (note))
    return G_SOURCE_REMOVE;
  place = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroller));
  child = gtk_widget_get_first_child (gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (scroller)));
  if (child != NULL && gtk_widget_compute_bounds (note, child, &bounds))
    gtk_adjustment_clamp_page (place, bounds.origin.y, bounds.origin.y + bounds.size.height);
  return G_SOURCE_REMOVE;
}

void
ew_wizard_set_field (GtkWidget *entry, GtkLabel *note, const gchar *problem, const gchar *hint)
{
  ew_field_set_problem (entry, note, problem, hint);
  if (problem != NULL && gtk_widget_get_mapped (GTK_WIDGET (note)))
    g_idle_add_full (G_PRIORITY_LOW, scroll_to_note, g_object_ref (note), g_object_unref);
}

/* The object. */

static gboolean
ew_wizard_page_real_may_leave (EwWizardPage *self, EwLeave how)
{
  return TRUE;
}

static void
ew_wizard_page_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwWizardPagePrivate *priv = PRIV (EW_WIZARD_PAGE (object));
  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, priv->title);
      break;
    case PROP_HEADING:
      g_value_set_string (value, gtk_label_get_label (priv->heading));
      break;
    case PROP_BODY:
      g_value_set_string (value, gtk_label_get_label (priv->body));
      break;
    case PROP_STEP:
      g_value_set_uint (value, priv->step);
      break;
    case PROP_STEPS:
      g_value_set_uint (value, priv->steps);
      break;
    case PROP_ERROR:
      g_value_set_string (value, gtk_widget_get_visible (priv->error_box) ? gtk_label_get_label (priv->error) : NULL);
      break;
    case PROP_BUSY:
      g_value_set_string (value, gtk_widget_get_visible (priv->busy_box) ? gtk_label_get_label (priv->busy) : NULL);
      break;
    case PROP_DEFAULT_WIDGET:
      g_value_set_object (value, priv->default_widget);
      break;
    case PROP_FIRST_FOCUS:
      g_value_set_object (value, priv->first_focus);
      break;
    case PROP_CAN_GO_BACK:
      g_value_set_boolean (value, priv->can_go_back);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_wizard_page_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwWizardPage *self = EW_WIZARD_PAGE (object);
  EwWizardPagePrivate *priv = PRIV (self);
  switch (id)
    {
    case PROP_TITLE:
      g_free (priv->title);
      priv->title = g_value_dup_string (value);
      break;
    case PROP_HEADING:
      ew_wizard_page_set_heading (self, g_value_get_string (value));
      break;
    case PROP_BODY:
      ew_wizard_page_set_body (self, g_value_get_string (value));
      break;
    case PROP_STEP:
      priv->step = g_value_get_uint (value);
      break;
    case PROP_STEPS:
      priv->steps = g_value_get_uint (value);
      break;
    case PROP_ERROR:
      ew_wizard_page_set_error (self, g_value_get_string (value));
      break;
    case PROP_BUSY:
      ew_wizard_page_set_busy (self, g_value_get_string (value));
      break;
    case PROP_DEFAULT_WIDGET:
      priv->default_widget = g_value_get_object (value);
      break;
    case PROP_FIRST_FOCUS:
      priv->first_focus = g_value_get_object (value);
      break;
    case PROP_CAN_GO_BACK:
      ew_wizard_page_set_can_go_back (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_wizard_page_finalize (GObject *object)
{
  g_free (PRIV (EW_WIZARD_PAGE (object))->title);
  G_OBJECT_CLASS (ew_wizard_page_parent_class)->finalize (object);
}

static void
ew_wizard_page_class_init (EwWizardPageClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ew_wizard_page_get_property;
  object_class->set_property = ew_wizard_page_set_property;
  object_class->finalize = ew_wizard_page_finalize;
  class->may_leave = ew_wizard_page_real_may_leave;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_HEADING] = g_param_spec_string ("heading", NULL, NULL, NULL, flags);
  properties[PROP_BODY] = g_param_spec_string ("body", NULL, NULL, NULL, flags);
  properties[PROP_STEP] = g_param_spec_uint ("step", NULL, NULL, 0, 9, 0, flags);
  properties[PROP_STEPS] = g_param_spec_uint ("steps", NULL, NULL, 0, 9, 0, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  properties[PROP_BUSY] = g_param_spec_string ("busy", NULL, NULL, NULL, flags);
  properties[PROP_DEFAULT_WIDGET] = g_param_spec_object ("default-widget", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_FIRST_FOCUS] = g_param_spec_object ("first-focus", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_CAN_GO_BACK] = g_param_spec_boolean ("can-go-back", NULL, NULL, TRUE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (EW_TYPE_SPINNER);
  g_type_ensure (EW_TYPE_WRAP_BOX);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/wizard-page.ui");
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, top);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, content);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, start);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, end);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, bar);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, heading);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, body);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, error);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, error_box);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, busy);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, busy_box);
  gtk_widget_class_bind_template_child_private (widget_class, EwWizardPage, spinner);
}

static void
ew_wizard_page_init (EwWizardPage *self)
{
  PRIV (self)->can_go_back = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
}
