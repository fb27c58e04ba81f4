/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "columns.h"

#include <glib/gi18n.h>

#define GAP 12       /* px between columns */
#define LINE_GAP 2   /* px between lines under one another */
#define NAME_MIN 140 /* px the name keeps while others are dropped */

/* The widths. */

struct _EwColumnWidths
{
  GObject parent;
  GtkWidget *context;
  gint width[EW_COLUMN_N]; /* 0 where the part says itself */
  gboolean valid;
};

G_DEFINE_TYPE (EwColumnWidths, ew_column_widths, G_TYPE_OBJECT)

static void
ew_column_widths_class_init (EwColumnWidthsClass *class)
{
}

static void
ew_column_widths_init (EwColumnWidths *self)
{
}

EwColumnWidths *
ew_column_widths_new (GtkWidget *context)
{
  EwColumnWidths *self = g_object_new (EW_TYPE_COLUMN_WIDTHS, NULL);

  self->context = context;
  return self;
}

void
ew_column_widths_invalidate (EwColumnWidths *self)
{
  if (self != NULL)
    self->valid = FALSE;
}

static gint
text_width (PangoLayout *layout, const gchar *text)
{
  gint width;

  pango_layout_set_text (layout, text, -1);
  pango_layout_get_pixel_size (layout, &width, NULL);
  return width;
}

static const gint *
widths_get (EwColumnWidths *self)
{
  g_autoptr (PangoLayout) layout = NULL;
  gint icon = 22; /* the state's icon and its gap */

  if (self->valid)
    return self->width;
  layout = gtk_widget_create_pango_layout (self->context, NULL);
  self->width[EW_COLUMN_ADDRESS] = text_width (layout, "100.100.200.200");
  /* The longest usual states, for the width of their column. */
  self->width[EW_COLUMN_STATE] = text_width (layout, _ ("Offline for 59 minutes"));
  self->width[EW_COLUMN_STATE] = icon + MAX (self->width[EW_COLUMN_STATE], text_width (layout, _ ("Not joined yet")));
  /* The longest usual latency, for the width of its column; bold. */
  self->width[EW_COLUMN_LATENCY] = text_width (layout, _ ("888 ms to edge")) + 8;
  self->width[EW_COLUMN_RATE] = text_width (layout, "888.8 Mb/s");
  self->valid = TRUE;
  return self->width;
}

/* The layout. */

typedef enum
{
  MODE_STACKED, /* name, note, address, state · latency under one another */
  MODE_TWO,     /* name, note, address under one another; state; latency */
  MODE_NO_RATE,
  MODE_FULL,
} Mode;

struct _EwColumns
{
  GtkLayoutManager parent;
  EwColumnWidths *widths;
  GtkWidget *parts[EW_COLUMN_N];
};

G_DEFINE_TYPE (EwColumns, ew_columns, GTK_TYPE_LAYOUT_MANAGER)

static gint
natural (EwColumns *self, EwColumn column, GtkOrientation orientation, gint for_size)
{
  gint size = 0;

  gtk_widget_measure (self->parts[column], orientation, for_size, NULL, &size, NULL, NULL);
  return size;
}

/* What a column takes from the width: itself and the gap before it. */
static gint
column_width (EwColumns *self, EwColumn column)
{
  gint width = widths_get (self->widths)[column];

  return width > 0 ? width : natural (self, column, GTK_ORIENTATION_HORIZONTAL, -1);
}

static gint
column_span (EwColumns *self, EwColumn column)
{
  return GAP + column_width (self, column);
}

/* The parts that a mode needs besides the name. */
static gint
width_beside_name (EwColumns *self, Mode mode)
{
  gint width = column_width (self, EW_COLUMN_ICON) + GAP + column_span (self, EW_COLUMN_COPY);

  if (mode >= MODE_TWO)
    width += column_span (self, EW_COLUMN_STATE) + column_span (self, EW_COLUMN_LATENCY);
  if (mode >= MODE_NO_RATE)
    width += column_span (self, EW_COLUMN_ADDRESS);
  if (mode >= MODE_FULL)
    width += column_span (self, EW_COLUMN_RATE);
  return width;
}

static Mode
choose_mode (EwColumns *self, gint width)
{
  Mode mode = MODE_FULL;

  while (mode > MODE_STACKED && width_beside_name (self, mode) + NAME_MIN > width)
    mode--;
  return mode;
}

static gboolean
in_stack (Mode mode, EwColumn column)
{
  if (column == EW_COLUMN_NAME)
    return TRUE;
  return column == EW_COLUMN_ADDRESS ? mode <= MODE_TWO : column == EW_COLUMN_STATE && mode == MODE_STACKED;
}

static gboolean
is_shown (EwColumns *self, Mode mode, EwColumn column)
{
  if (!gtk_widget_get_visible (self->parts[column]))
    return FALSE;
  return column != EW_COLUMN_RATE || mode == MODE_FULL;
}

/* The latency moves below where the state leaves no room for it. */
static gboolean
has_own_line (EwColumns *self, Mode mode, gint width)
{
  gint latency = natural (self, EW_COLUMN_LATENCY, GTK_ORIENTATION_HORIZONTAL, -1);

  return mode == MODE_STACKED && latency > 0
         && natural (self, EW_COLUMN_STATE, GTK_ORIENTATION_HORIZONTAL, -1) + GAP + latency > width;
}

static gint
stack_height (EwColumns *self, Mode mode, gint width)
{
  gint height = -LINE_GAP;

  if (has_own_line (self, mode, width))
    height += LINE_GAP + natural (self, EW_COLUMN_LATENCY, GTK_ORIENTATION_VERTICAL, width);

  for (EwColumn column = 0; column < EW_COLUMN_N; column++)
    if (in_stack (mode, column) && is_shown (self, mode, column))
      height += LINE_GAP + natural (self, column, GTK_ORIENTATION_VERTICAL, width);
  return height;
}

static gint
measure_height (EwColumns *self, gint width)
{
  Mode mode = choose_mode (self, width);
  gint height = stack_height (self, mode, MAX (1, width - width_beside_name (self, mode)));

  for (EwColumn column = 0; column < EW_COLUMN_N; column++)
    if (!in_stack (mode, column) && is_shown (self, mode, column))
      height = MAX (height, natural (self, column, GTK_ORIENTATION_VERTICAL, -1));
  return height;
}

static void
ew_columns_measure (GtkLayoutManager *manager, GtkWidget *widget, GtkOrientation orientation, gint for_size,
                    gint *minimum, gint *nat, gint *minimum_baseline, gint *natural_baseline)
{
  EwColumns *self = EW_COLUMNS (manager);

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = width_beside_name (self, MODE_STACKED) + NAME_MIN;
      *nat = width_beside_name (self, MODE_FULL) + 2 * NAME_MIN;
    }
  else
    *minimum = *nat
      = measure_height (self, for_size < 0 ? width_beside_name (self, MODE_FULL) + 2 * NAME_MIN : for_size);
}

typedef struct
{
  EwColumns *self;
  Mode mode;
  gint width, height; /* of the whole */
  gboolean mirrored;
} Place;

static void
place (const Place *where, EwColumn column, gint x, gint y, gint width, gint height)
{
  GtkAllocation allocation = { where->mirrored ? where->width - x - width : x, y, width, height };

  gtk_widget_size_allocate (where->self->parts[column], &allocation, -1);
}

static void
place_centred (const Place *where, EwColumn column, gint x, gint width)
{
  gint height = natural (where->self, column, GTK_ORIENTATION_VERTICAL, width);

  place (where, column, x, (where->height - height) / 2, width, height);
}

/* The name and what is below it. The latency follows the state on its line, or is below it. */
static void
place_stack (const Place *where, gint x, gint width)
{
  EwColumns *self = where->self;
  gint y = (where->height - stack_height (self, where->mode, width)) / 2;

  for (EwColumn column = 0; column < EW_COLUMN_N; column++)
    {
      gint height, own;
      if (!in_stack (where->mode, column) || !is_shown (self, where->mode, column))
        continue;
      height = natural (self, column, GTK_ORIENTATION_VERTICAL, width);
      own = MIN (width, natural (self, column, GTK_ORIENTATION_HORIZONTAL, -1));
      place (where, column, x, y, column == EW_COLUMN_STATE ? own : width, height);
      y += height + LINE_GAP;
      if (column != EW_COLUMN_STATE)
        continue;
      if (has_own_line (self, where->mode, width))
        place (where, EW_COLUMN_LATENCY, x, y, width,
               natural (self, EW_COLUMN_LATENCY, GTK_ORIENTATION_VERTICAL, width));
      else if (width - own - GAP > 0)
        place (where, EW_COLUMN_LATENCY, x + own + GAP, y - height - LINE_GAP, width - own - GAP, height);
      else
        gtk_widget_set_child_visible (self->parts[EW_COLUMN_LATENCY], FALSE);
    }
}

static void
ew_columns_allocate (GtkLayoutManager *manager, GtkWidget *widget, gint width, gint height, gint baseline)
{
  static const EwColumn after_name[] = { EW_COLUMN_ADDRESS, EW_COLUMN_STATE, EW_COLUMN_LATENCY, EW_COLUMN_RATE };
  EwColumns *self = EW_COLUMNS (manager);
  Place where
    = { self, choose_mode (self, width), width, height, gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL };
  gint icon = column_width (self, EW_COLUMN_ICON), copy = column_width (self, EW_COLUMN_COPY);
  gint name = MAX (1, width - width_beside_name (self, where.mode)), x = icon + GAP + name;

  for (EwColumn column = 0; column < EW_COLUMN_N; column++)
    gtk_widget_set_child_visible (self->parts[column], is_shown (self, where.mode, column));
  place_centred (&where, EW_COLUMN_ICON, 0, icon);
  place_stack (&where, icon + GAP, name);
  for (gsize i = 0; i < G_N_ELEMENTS (after_name); i++)
    {
      EwColumn column = after_name[i];
      if (in_stack (where.mode, column) || (where.mode == MODE_STACKED && column == EW_COLUMN_LATENCY)
          || (column == EW_COLUMN_RATE && where.mode != MODE_FULL))
        continue;
      place_centred (&where, column, x + GAP, column_width (self, column));
      x += column_span (self, column);
    }
  place_centred (&where, EW_COLUMN_COPY, width - copy, copy);
}

static GtkSizeRequestMode
ew_columns_get_request_mode (GtkLayoutManager *manager, GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
ew_columns_finalize (GObject *object)
{
  g_clear_object (&EW_COLUMNS (object)->widths);
  G_OBJECT_CLASS (ew_columns_parent_class)->finalize (object);
}

static void
ew_columns_class_init (EwColumnsClass *class)
{
  GtkLayoutManagerClass *manager_class = GTK_LAYOUT_MANAGER_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = ew_columns_finalize;
  manager_class->get_request_mode = ew_columns_get_request_mode;
  manager_class->measure = ew_columns_measure;
  manager_class->allocate = ew_columns_allocate;
}

static void
ew_columns_init (EwColumns *self)
{
}

GtkLayoutManager *
ew_columns_new (EwColumnWidths *widths, GtkWidget *const *parts)
{
  EwColumns *self = g_object_new (EW_TYPE_COLUMNS, NULL);

  self->widths = g_object_ref (widths);
  for (guint i = 0; i < EW_COLUMN_N; i++)
    self->parts[i] = parts[i];
  return GTK_LAYOUT_MANAGER (self);
}
