/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/spinner.h"

#include "access/colour.h"

#include <adwaita.h>
#include <math.h>

#define SIDE 16 /* px, where nothing else is asked for */
#define STEP_MS 70
#define STEPS 16         /* in one turn */
#define ARC (1.5 * G_PI) /* of 2 π */

struct _EwSpinner
{
  GtkWidget parent_instance;
  gboolean spinning;
  guint step, clock;
};

G_DEFINE_FINAL_TYPE (EwSpinner, ew_spinner, GTK_TYPE_WIDGET)

enum
{
  PROP_SPINNING = 1,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
on_step (gpointer user_data)
{
  EwSpinner *self = user_data;
  self->step = (self->step + 1) % STEPS;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_CONTINUE;
}

static void
follow (EwSpinner *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  gboolean turns = self->spinning && gtk_widget_get_mapped (widget) && adw_get_enable_animations (widget);
  if (!turns)
    g_clear_handle_id (&self->clock, g_source_remove);
  else if (self->clock == 0)
    self->clock = g_timeout_add_full (G_PRIORITY_LOW, STEP_MS, on_step, self, NULL);
  gtk_widget_queue_draw (widget);
}

static void
ew_spinner_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                    gint *minimum_baseline, gint *natural_baseline)
{
  *minimum = *natural = SIDE;
}

static void
ew_spinner_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwSpinner *self = EW_SPINNER (widget);
  gfloat width = (gfloat)gtk_widget_get_width (widget), height = (gfloat)gtk_widget_get_height (widget);
  gdouble side = MIN (width, height), line = side / 8, from = 2 * G_PI * self->step / STEPS;
  GdkRGBA colour;
  if (!self->spinning)
    return;
  ew_colour_get (widget, &colour);
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));
  gdk_cairo_set_source_rgba (cr, &colour);
  cairo_set_line_width (cr, line);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_arc (cr, width / 2, height / 2, (side - line) / 2, from, from + ARC);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
ew_spinner_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_spinner_parent_class)->map (widget);
  follow (EW_SPINNER (widget));
}

static void
ew_spinner_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_spinner_parent_class)->unmap (widget);
  follow (EW_SPINNER (widget));
}

static void
ew_spinner_system_setting_changed (GtkWidget *widget, GtkSystemSetting setting)
{
  GTK_WIDGET_CLASS (ew_spinner_parent_class)->system_setting_changed (widget, setting);
  follow (EW_SPINNER (widget));
}

static void
ew_spinner_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_SPINNING)
    g_value_set_boolean (value, EW_SPINNER (object)->spinning);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_spinner_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_SPINNING)
    ew_spinner_set_spinning (EW_SPINNER (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_spinner_dispose (GObject *object)
{
  g_clear_handle_id (&EW_SPINNER (object)->clock, g_source_remove);
  G_OBJECT_CLASS (ew_spinner_parent_class)->dispose (object);
}

static void
ew_spinner_class_init (EwSpinnerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  object_class->get_property = ew_spinner_get_property;
  object_class->set_property = ew_spinner_set_property;
  object_class->dispose = ew_spinner_dispose;
  properties[PROP_SPINNING] = g_param_spec_boolean (
    "spinning", NULL, NULL, FALSE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  widget_class->measure = ew_spinner_measure;
  widget_class->snapshot = ew_spinner_snapshot;
  widget_class->map = ew_spinner_map;
  widget_class->unmap = ew_spinner_unmap;
  widget_class->system_setting_changed = ew_spinner_system_setting_changed;
  /* A label says what is being waited for. */
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ew_spinner_init (EwSpinner *self)
{
}

GtkWidget *
ew_spinner_new (void)
{
  return g_object_new (EW_TYPE_SPINNER, NULL);
}

void
ew_spinner_set_spinning (EwSpinner *self, gboolean spinning)
{
  g_return_if_fail (EW_IS_SPINNER (self));
  spinning = !!spinning;
  if (self->spinning == spinning)
    return;
  self->spinning = spinning;
  follow (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SPINNING]);
}
