/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/path-card.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

#include "model/words.h"
#include "node/node-icon.h"

struct _EwPathCard
{
  GtkWidget parent;
  GtkWidget *line;           /* all of a card of one line */
  GtkWidget *header, *stops; /* the parts of a whole one */
  gboolean has_stops;        /* there is a path */
  gboolean has_line;         /* its line says more than that there is one */
  gboolean is_line;          /* as it is shown */
  GtkLabel *line_title, *line_sum, *title, *sum;
  GtkLabel *near_name, *near_note, *near_ms;
  GtkLabel *edge_name;
  GtkWidget *far_leg, *far_stop;
  GtkLabel *far_ms, *far_name, *far_note;
  GtkImage *near_icon, *far_icon;
};

#define PADDING_X 16
#define PADDING_Y 12
#define PADDING_X_LINE 12
#define PADDING_Y_LINE 6
#define SPACING 8
/* px per size of text: narrower, and names are unreadable */
#define LEAST 240.0
#define LEAST_LINE 150.0
#define MOST 260.0    /* where there is less beside the ring */
#define NAME_LEAST 14 /* letters of a name that are always there */
#define NOTE_MOST 30  /* letters of a name and its address: where there are more the address goes */

G_DEFINE_FINAL_TYPE (EwPathCard, ew_path_card, GTK_TYPE_WIDGET)

static void
set_leg (GtkLabel *label, EwNode *node)
{
  gboolean known = node != NULL && ew_node_get_state (node) == EW_NODE_ONLINE && ew_node_get_rtt_ms (node) >= 0;
  g_autofree gchar *text = known          ? ew_words_latency (ew_node_get_rtt_ms (node))
                           : node != NULL ? ew_words_node_state (node)
                                          : g_strdup ("");
  const gchar *via = node != NULL ? ew_words_via (node) : NULL;
  g_autofree gchar *both = via != NULL ? g_strdup_printf (_ ("%s · %s"), text, via) : NULL;

  gtk_label_set_text (label, both != NULL ? both : text);
}

/* What is beside a name is shortened before the name. */
static void
set_name (GtkLabel *label, const gchar *name)
{
  gtk_label_set_text (label, name);
  gtk_label_set_width_chars (label, (gint)MIN (g_utf8_strlen (name, -1) * 3 / 4, NAME_LEAST));
}

static void
set_near (EwPathCard *self, EwNode *node)
{
  set_name (self->near_name, node != NULL ? ew_node_get_name (node) : _ ("This computer"));
  gtk_widget_set_visible (GTK_WIDGET (self->near_note), node != NULL);
  if (node != NULL)
    gtk_image_set_from_icon_name (self->near_icon, ew_node_icon_name (node));
  set_leg (self->near_ms, node);
}

static void
set_far (EwPathCard *self, EwNode *node)
{
  const gchar *address = node != NULL ? ew_node_get_address (node) : NULL;

  gtk_widget_set_visible (self->far_leg, node != NULL);
  gtk_widget_set_visible (self->far_stop, node != NULL);
  if (node == NULL)
    return;
  set_name (self->far_name, ew_node_get_name (node));
  gtk_label_set_text (self->far_note, address != NULL ? address : "");
  gtk_widget_set_visible (GTK_WIDGET (self->far_note),
                          address != NULL
                            && g_utf8_strlen (ew_node_get_name (node), -1) + (glong)strlen (address) <= NOTE_MOST);
  gtk_image_set_from_icon_name (self->far_icon, ew_node_icon_name (node));
  set_leg (self->far_ms, node);
}

/* Why no path leads to a node. */
static gchar *
no_path_words (EwNode *node)
{
  switch (ew_node_get_state (node))
    {
    case EW_NODE_NOT_JOINED:
      return g_strdup_printf (_ ("%s hasn't joined yet"), ew_node_get_name (node));
    case EW_NODE_AWAITING_APPROVAL:
      return g_strdup_printf (_ ("%s is awaiting approval"), ew_node_get_name (node));
    default:
      return g_strdup_printf (_ ("%s is offline"), ew_node_get_name (node));
    }
}

gboolean
ew_path_card_set (EwPathCard *self, EwNode *node, EwNode *this_computer, EwEdge *edge)
{
  const gchar *edge_name = edge != NULL ? ew_edge_get_name (edge) : _ ("Edge");
  gboolean is_up = this_computer != NULL && ew_node_get_state (this_computer) == EW_NODE_ONLINE;
  g_autofree gchar *title = NULL, *sum = NULL;
  gdouble ms = -1;

  self->has_stops = is_up && (node == NULL || ew_node_get_state (node) == EW_NODE_ONLINE);
  if (self->has_stops)
    ms = node != NULL ? ew_words_path_ms (node, this_computer) : ew_node_get_rtt_ms (this_computer);
  sum = ms < 0 ? g_strdup ("") : node != NULL ? ew_words_sum_latency (ms) : ew_words_latency (ms);
  title = self->has_stops || node == NULL
            ? g_strdup_printf (_ ("Path to %s"), node != NULL ? ew_node_get_name (node) : edge_name)
            : no_path_words (node);
  self->has_line = ms >= 0 || (is_up && !self->has_stops && ew_node_get_state (node) != EW_NODE_WAS_ONLINE);
  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->line_title, title);
  gtk_label_set_text (self->sum, sum);
  gtk_label_set_text (self->line_sum, sum);
  gtk_widget_set_visible (GTK_WIDGET (self->line_sum), *sum != '\0');
  set_near (self, this_computer);
  set_name (self->edge_name, edge_name);
  set_far (self, node);
  return self->has_stops || self->has_line;
}

/* Places. */

typedef struct
{
  gint least, natural, height;
} Part;

static Part
measure_part (GtkWidget *widget)
{
  Part part;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &part.least, &part.natural, NULL, NULL);
  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, -1, NULL, &part.height, NULL, NULL);
  return part;
}

static Part
measure_card (EwPathCard *self, gboolean is_line)
{
  Part line = measure_part (self->line), header = measure_part (self->header), stops = measure_part (self->stops);

  if (is_line)
    return (Part){ line.least + 2 * PADDING_X_LINE, line.natural + 2 * PADDING_X_LINE,
                   line.height + 2 * PADDING_Y_LINE };
  return (Part){ MAX (header.least, stops.least) + 2 * PADDING_X, MAX (header.natural, stops.natural) + 2 * PADDING_X,
                 header.height + SPACING + stops.height + 2 * PADDING_Y };
}

guint
ew_path_card_get_shapes (EwPathCard *self, gdouble text, gdouble most, EwCardShape shapes[EW_PATH_CARD_SHAPES])
{
  guint n = 0;

  for (guint is_line = 0; is_line < 2; is_line++)
    if (is_line ? self->has_line : self->has_stops)
      {
        Part part = measure_card (self, is_line);
        gdouble least = MAX ((is_line ? LEAST_LINE : LEAST) * text, part.least);
        gdouble natural = part.natural;

        natural = MIN (natural, MAX (most, MOST * text));
        shapes[n++] = (EwCardShape){ natural, MIN (natural, least), part.height };
      }
  return n;
}

void
ew_path_card_set_shape (EwPathCard *self, guint shape)
{
  self->is_line = shape == 1 || !self->has_stops;
  gtk_widget_set_child_visible (self->line, self->is_line);
  gtk_widget_set_child_visible (self->header, !self->is_line);
  gtk_widget_set_child_visible (self->stops, !self->is_line);
}

static void
ew_path_card_measure (GtkWidget *widget, GtkOrientation orientation, gint for_size, gint *minimum, gint *natural,
                      gint *minimum_baseline, gint *natural_baseline)
{
  EwPathCard *self = EW_PATH_CARD (widget);
  Part part = measure_card (self, self->is_line);
  gboolean is_width = orientation == GTK_ORIENTATION_HORIZONTAL;

  *minimum = is_width ? part.least : part.height;
  *natural = is_width ? part.natural : part.height;
  *minimum_baseline = *natural_baseline = -1;
}

/* A name that is shortened has all of it as its tooltip. */
static void
set_tooltips (EwPathCard *self)
{
  GtkLabel *const labels[] = { self->line_title, self->title,    self->near_name, self->near_note,
                               self->edge_name,  self->far_name, self->far_note };

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      gboolean is_cut = pango_layout_is_ellipsized (gtk_label_get_layout (labels[i]));
      const gchar *text = is_cut ? gtk_label_get_text (labels[i]) : NULL;

      if (g_strcmp0 (text, gtk_widget_get_tooltip_text (GTK_WIDGET (labels[i]))) != 0)
        gtk_widget_set_tooltip_text (GTK_WIDGET (labels[i]), text);
    }
}

static void
ew_path_card_size_allocate (GtkWidget *widget, gint width, gint height, gint baseline)
{
  EwPathCard *self = EW_PATH_CARD (widget);
  gint header = measure_part (self->header).height, top = PADDING_Y + header + SPACING;

  gtk_widget_size_allocate (
    self->line,
    &(GtkAllocation){ PADDING_X_LINE, PADDING_Y_LINE, width - 2 * PADDING_X_LINE, height - 2 * PADDING_Y_LINE }, -1);
  if (self->is_line)
    {
      set_tooltips (self);
      return;
    }
  gtk_widget_size_allocate (self->header, &(GtkAllocation){ PADDING_X, PADDING_Y, width - 2 * PADDING_X, header }, -1);
  gtk_widget_size_allocate (self->stops,
                            &(GtkAllocation){ PADDING_X, top, width - 2 * PADDING_X, height - top - PADDING_Y }, -1);
  set_tooltips (self);
}

static void
ew_path_card_dispose (GObject *object)
{
  EwPathCard *self = EW_PATH_CARD (object);

  g_clear_pointer (&self->line, gtk_widget_unparent);
  g_clear_pointer (&self->header, gtk_widget_unparent);
  g_clear_pointer (&self->stops, gtk_widget_unparent);
  G_OBJECT_CLASS (ew_path_card_parent_class)->dispose (object);
}

static void
ew_path_card_class_init (EwPathCardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ew_path_card_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/map/path-card.ui");
  widget_class->measure = ew_path_card_measure;
  widget_class->size_allocate = ew_path_card_size_allocate;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, line);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, line_title);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, line_sum);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, header);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, stops);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, title);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, sum);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_note);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_ms);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, near_icon);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, edge_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_leg);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_stop);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_ms);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_name);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_note);
  gtk_widget_class_bind_template_child (widget_class, EwPathCard, far_icon);
}

static void
ew_path_card_init (EwPathCard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

EwPathCard *
ew_path_card_new (void)
{
  return g_object_new (EW_TYPE_PATH_CARD, NULL);
}
