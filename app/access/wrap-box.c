/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "access/wrap-box.h"

struct _EwWrapBox
{
  GtkWidget parent_instance;
  gint spacing, row_spacing; /* px */
  gboolean fill, spread;
};

enum
{
  PROP_0,
  PROP_SPACING,
  PROP_ROW_SPACING,
  PROP_FILL,
  PROP_SPREAD,
};

G_DEFINE_FINAL_TYPE (EwWrapBox, ew_wrap_box, GTK_TYPE_WIDGET)

typedef struct
{
  GtkWidget *first;
  guint n, n_expanding;
  gint natural; /* px, with spacing */
} Row;

static GtkWidget *
next_visible (GtkWidget *child)
{
  while (child != NULL && !gtk_widget_should_layout (child))
    child = gtk_widget_get_next_sibling (child);
  return child;
}

static GtkWidget *
after (GtkWidget *child)
{
  return next_visible (gtk_widget_get_next_sibling (child));
}

static gint
natural_width (GtkWidget *child)
{
  gint natural;
  gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &natural, NULL, NULL);
  return natural;
}

/* Takes as many children from first on as fit into width, at least one. Returns the first of the next row. */
static GtkWidget *
take_row (EwWrapBox *self, GtkWidget *first, gint width, Row *row)
{
  GtkWidget *child;
  *row = (Row){ .first = first };
  for (child = first; child != NULL; child = after (child))
    {
      gint wanted = row->natural + (row->n > 0 ? self->spacing : 0) + natural_width (child);
      if (row->n > 0 && wanted > width)
        break;
      row->natural = wanted;
      row->n++;
      row->n_expanding += gtk_widget_compute_expand (child, GTK_ORIENTATION_HORIZONTAL) ? 1 : 0;
    }
  return child;
}

/* child's width in row. */
static gint
width_in_row (EwWrapBox *self, const Row *row, GtkWidget *child, gint width)
{
  gint natural = natural_width (child);
  gint left = MAX (0, width - row->natural);
  if (row->n == 1)
    return self->fill || natural > width ? width : natural;
  if (row->n_expanding > 0 && gtk_widget_compute_expand (child, GTK_ORIENTATION_HORIZONTAL))
    return natural + left / (gint)row->n_expanding;
  return natural;
}

static gint
row_height (EwWrapBox *self, const Row *row, gint width)
{
  gint height = 0;
  GtkWidget *child = row->first;
  for (guint i = 0; i < row->n; i++, child = after (child))
    {
      gint natural;
      gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, width_in_row (self, row, child, width), NULL, &natural, NULL,
                          NULL);
      height = MAX (height, natural);
    }
  return height;
}

static GtkSizeRequestMode
ew_wrap_box_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
measure_width (EwWrapBox *self, GtkWidget *widget, gint *minimum, gint *natural)
{
  for (GtkWidget *child = next_visible (gtk_widget_get_first_child (widget)); child != NULL; child = after (child))
    {
      gint child_minimum, child_natural;
      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &child_minimum, &child_natural, NULL, NULL);
      *natural += child_natural + (*natural > 0 ? self->spacing : 0);
      *minimum = MAX (*minimum, child_minimum);
    }
}

static void
ew_wrap_box_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                     gint *minimum_baseline, gint *natural_baseline)
{
  EwWrapBox *self = EW_WRAP_BOX (widget);
  *minimum = *natural = 0;
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      measure_width (self, widget, minimum, natural);
      return;
    }
  gint width = for_size < 0 ? G_MAXINT : for_size;
  GtkWidget *child = next_visible (gtk_widget_get_first_child (widget));
  while (child != NULL)
    {
      Row row;
      child = take_row (self, child, width, &row);
      *natural += (*natural > 0 ? self->row_spacing : 0) + row_height (self, &row, MIN (width, 1 << 20));
    }
  *minimum = *natural;
}

static void
allocate_row (EwWrapBox *self, GtkWidget *widget, const Row *row, gint width, gint y, gint height)
{
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  gint x = 0;
  GtkWidget *child = row->first;
  for (guint i = 0; i < row->n; i++, child = after (child))
    {
      gint child_width = width_in_row (self, row, child, width);
      if (self->spread && row->n > 1 && i == row->n - 1)
        x = MAX (x, width - child_width);
      GtkAllocation place = { rtl ? width - x - child_width : x, y, child_width, height };
      gtk_widget_size_allocate (child, &place, -1);
      x += child_width + self->spacing;
    }
}

static void
ew_wrap_box_size_allocate (GtkWidget *widget, gint width, gint height, gint baseline)
{
  EwWrapBox *self = EW_WRAP_BOX (widget);
  GtkWidget *child = next_visible (gtk_widget_get_first_child (widget));
  gint y = 0;
  while (child != NULL)
    {
      Row row;
      child = take_row (self, child, width, &row);
      gint wanted = row_height (self, &row, width);
      /* The last row gets the remaining space: a single row is centered by its children's alignment. */
      allocate_row (self, widget, &row, width, y, child == NULL ? MAX (wanted, height - y) : wanted);
      y += wanted + self->row_spacing;
    }
}

static void
ew_wrap_box_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwWrapBox *self = EW_WRAP_BOX (object);
  if (id == PROP_FILL || id == PROP_SPREAD)
    g_value_set_boolean (value, id == PROP_FILL ? self->fill : self->spread);
  else
    g_value_set_int (value, id == PROP_SPACING ? self->spacing : self->row_spacing);
}

static void
ew_wrap_box_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwWrapBox *self = EW_WRAP_BOX (object);
  if (id == PROP_FILL)
    self->fill = g_value_get_boolean (value);
  else if (id == PROP_SPREAD)
    self->spread = g_value_get_boolean (value);
  else if (id == PROP_SPACING)
    self->spacing = g_value_get_int (value);
  else
    self->row_spacing = g_value_get_int (value);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
ew_wrap_box_dispose (GObject *object)
{
  GtkWidget *child;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (ew_wrap_box_parent_class)->dispose (object);
}

/* Tab goes from child to child: GTK would order them by their positions on the screen, where the smaller one of a row
   comes first. */
static gboolean
ew_wrap_box_focus (GtkWidget *widget, GtkDirectionType direction)
{
  GtkWidget *child = gtk_widget_get_focus_child (widget);
  gboolean forward = direction == GTK_DIR_TAB_FORWARD;

  if (!forward && direction != GTK_DIR_TAB_BACKWARD)
    return GTK_WIDGET_CLASS (ew_wrap_box_parent_class)->focus (widget, direction);
  if (child == NULL)
    child = forward ? gtk_widget_get_first_child (widget) : gtk_widget_get_last_child (widget);
  while (child != NULL && !gtk_widget_child_focus (child, direction))
    child = forward ? gtk_widget_get_next_sibling (child) : gtk_widget_get_prev_sibling (child);
  return child != NULL;
}

static void
ew_wrap_box_class_init (EwWrapBoxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  object_class->get_property = ew_wrap_box_get_property;
  object_class->set_property = ew_wrap_box_set_property;
  object_class->dispose = ew_wrap_box_dispose;
  widget_class->get_request_mode = ew_wrap_box_get_request_mode;
  widget_class->measure = ew_wrap_box_measure;
  widget_class->focus = ew_wrap_box_focus;
  widget_class->size_allocate = ew_wrap_box_size_allocate;
  g_object_class_install_property (object_class, PROP_SPACING,
                                   g_param_spec_int ("spacing", NULL, NULL, 0, G_MAXINT16, 0, flags));
  g_object_class_install_property (object_class, PROP_ROW_SPACING,
                                   g_param_spec_int ("row-spacing", NULL, NULL, 0, G_MAXINT16, 0, flags));
  g_object_class_install_property (object_class, PROP_FILL, g_param_spec_boolean ("fill", NULL, NULL, FALSE, flags));
  g_object_class_install_property (object_class, PROP_SPREAD,
                                   g_param_spec_boolean ("spread", NULL, NULL, FALSE, flags));
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
ew_wrap_box_init (EwWrapBox *self)
{
}

void
ew_wrap_button (GtkButton *button)
{
  GtkWidget *label = gtk_button_get_child (button);
  if (!GTK_IS_LABEL (label))
    return;
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_natural_wrap_mode (GTK_LABEL (label), GTK_NATURAL_WRAP_NONE);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
}
