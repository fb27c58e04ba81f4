/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/side-panel.h"

#define WITH_SPLIT_VIEW ADW_CHECK_VERSION (1, 4, 0)

#if WITH_SPLIT_VIEW
typedef AdwOverlaySplitView Holder;
#define SHOWN "show-sidebar"
#define FOLDED "collapsed"
#else
typedef AdwFlap Holder;
#define SHOWN "reveal-flap"
#define FOLDED "folded"
#endif

struct _EwSidePanel
{
  GtkWidget parent_instance;
  Holder *holder;
  gint width;  /* of the panel, px */
  guint later; /* folds or unfolds after the allocation that found it to be necessary */
};

G_DEFINE_FINAL_TYPE (EwSidePanel, ew_side_panel, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_CONTENT,
  PROP_SHOWN,
  PROP_FOLDED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

gboolean
ew_side_panel_get_shown (EwSidePanel *self)
{
  gboolean shown;

  g_object_get (self->holder, SHOWN, &shown, NULL);
  return shown;
}

void
ew_side_panel_set_shown (EwSidePanel *self, gboolean shown)
{
  g_object_set (self->holder, SHOWN, shown, NULL);
}

gboolean
ew_side_panel_get_folded (EwSidePanel *self)
{
  gboolean folded;

  g_object_get (self->holder, FOLDED, &folded, NULL);
  return folded;
}

static void
on_shown (EwSidePanel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOWN]);
}

static void
on_folded (EwSidePanel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLDED]);
}

static void
ew_side_panel_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                       gint *minimum_baseline, gint *natural_baseline)
{
  EwSidePanel *self = EW_SIDE_PANEL (widget);

  gtk_widget_measure (GTK_WIDGET (self->holder), orientation, for_size, minimum, natural, NULL, NULL);
#if WITH_SPLIT_VIEW
  /* It folds where there is less room than both need. */
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      gtk_widget_measure (adw_overlay_split_view_get_content (self->holder), orientation, -1, minimum, NULL, NULL,
                          NULL);
      *minimum = MAX (*minimum, self->width);
      *natural = MAX (*minimum, *natural);
    }
#endif
}

#if WITH_SPLIT_VIEW

static gboolean
needs_folding (EwSidePanel *self)
{
  gint content;

  gtk_widget_measure (adw_overlay_split_view_get_content (self->holder), GTK_ORIENTATION_HORIZONTAL, -1, &content, NULL,
                      NULL, NULL);
  return gtk_widget_get_width (GTK_WIDGET (self)) < content + self->width;
}

static gboolean
fold_later (gpointer user_data)
{
  EwSidePanel *self = user_data;

  self->later = 0;
  adw_overlay_split_view_set_collapsed (self->holder, needs_folding (self));
  return G_SOURCE_REMOVE;
}

#endif

static void
ew_side_panel_size_allocate (GtkWidget *widget, gint width, gint height, gint baseline)
{
  EwSidePanel *self = EW_SIDE_PANEL (widget);
  gint least = 0;

#if WITH_SPLIT_VIEW
  /* Nothing may be rearranged within an allocation: until it folds, its end is cut off. */
  if (self->later == 0 && needs_folding (self) != adw_overlay_split_view_get_collapsed (self->holder))
    self->later = g_idle_add_full (G_PRIORITY_HIGH_IDLE, fold_later, self, NULL);
  gtk_widget_measure (GTK_WIDGET (self->holder), GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
#endif
  gtk_widget_allocate (GTK_WIDGET (self->holder), MAX (width, least), height, baseline, NULL);
}

static void
ew_side_panel_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwSidePanel *self = EW_SIDE_PANEL (object);

  switch (id)
    {
    case PROP_CONTENT:
      g_object_get_property (G_OBJECT (self->holder), "content", value);
      break;
    case PROP_SHOWN:
      g_value_set_boolean (value, ew_side_panel_get_shown (self));
      break;
    case PROP_FOLDED:
      g_value_set_boolean (value, ew_side_panel_get_folded (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_side_panel_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwSidePanel *self = EW_SIDE_PANEL (object);

  switch (id)
    {
    case PROP_CONTENT:
      g_object_set_property (G_OBJECT (self->holder), "content", value);
      break;
    case PROP_SHOWN:
      ew_side_panel_set_shown (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_side_panel_dispose (GObject *object)
{
  EwSidePanel *self = EW_SIDE_PANEL (object);

  g_clear_handle_id (&self->later, g_source_remove);
  if (self->holder != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->holder, self);
      gtk_widget_unparent (GTK_WIDGET (self->holder));
      self->holder = NULL;
    }
  G_OBJECT_CLASS (ew_side_panel_parent_class)->dispose (object);
}

static void
ew_side_panel_class_init (EwSidePanelClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = ew_side_panel_dispose;
  object_class->get_property = ew_side_panel_get_property;
  object_class->set_property = ew_side_panel_set_property;
  widget_class->measure = ew_side_panel_measure;
  widget_class->size_allocate = ew_side_panel_size_allocate;
  properties[PROP_CONTENT] = g_param_spec_object ("content", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_SHOWN] = g_param_spec_boolean ("shown", NULL, NULL, FALSE, flags);
  properties[PROP_FOLDED]
    = g_param_spec_boolean ("folded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static Holder *
make_holder (EwSidePanel *self)
{
#if WITH_SPLIT_VIEW
  return g_object_new (ADW_TYPE_OVERLAY_SPLIT_VIEW, "sidebar-position", GTK_PACK_END, "show-sidebar", FALSE,
                       "pin-sidebar", TRUE, NULL);
#else
  AdwFlap *flap = g_object_new (ADW_TYPE_FLAP, "flap-position", GTK_PACK_END, "reveal-flap", FALSE, "locked", TRUE,
                                "separator", gtk_separator_new (GTK_ORIENTATION_VERTICAL), NULL);

  /* What the content shows depends on its size, so all its ancestors are allocated again too. */
  g_signal_connect_swapped (flap, "notify::reveal-progress", G_CALLBACK (gtk_widget_queue_resize), flap);
  return flap;
#endif
}

static void
ew_side_panel_init (EwSidePanel *self)
{
  self->holder = make_holder (self);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_parent (GTK_WIDGET (self->holder), GTK_WIDGET (self));
  g_signal_connect_swapped (self->holder, "notify::" SHOWN, G_CALLBACK (on_shown), self);
  g_signal_connect_swapped (self->holder, "notify::" FOLDED, G_CALLBACK (on_folded), self);
}

void
ew_side_panel_set_panel (EwSidePanel *self, GtkWidget *panel, gint width)
{
  self->width = width;
  gtk_widget_set_size_request (panel, width, -1);
#if WITH_SPLIT_VIEW
  adw_overlay_split_view_set_sidebar_width_unit (self->holder, ADW_LENGTH_UNIT_PX);
  adw_overlay_split_view_set_min_sidebar_width (self->holder, width);
  adw_overlay_split_view_set_max_sidebar_width (self->holder, width);
  adw_overlay_split_view_set_sidebar (self->holder, panel);
#else
  adw_flap_set_flap (self->holder, panel);
#endif
}
