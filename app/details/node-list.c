/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-list.h"

#include <edgeway-config.h>
#include <adwaita.h>
#include <glib/gi18n.h>

#include "columns.h"
#include "model/ticker.h"
#include "node-cell.h"
#include "node-rows.h"
#include "node/node-menu.h"

struct _EwNodeList
{
  GtkWidget parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNodeRows *rows;
  GtkSingleSelection *selection;
  EwColumnWidths *widths;
  GHashTable *cells; /* those that exist, unowned */
  GObject *selected;
  gchar *search;
  guint clock, tick, frames;
  gboolean following; /* the selection is being set from outside */
  GtkWidget *stack, *view, *nothing, *menu;
};

enum
{
  PROP_SELECTED = 1,
  PROP_SEARCH,
  N_PROPS,
};
static GParamSpec *properties[N_PROPS];

enum
{
  ACTIVATED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EwNodeList, ew_node_list, GTK_TYPE_WIDGET)

/* The selection. */

static void
set_selected (EwNodeList *self, GObject *object)
{
  if (g_set_object (&self->selected, object))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

/* The list view can't scroll before it has laid out its new rows, which is done in the next frame. */
static gboolean
on_tick (GtkWidget *view, GdkFrameClock *clock, gpointer user_data)
{
  EwNodeList *self = user_data;
  guint position;

  if (--self->frames > 0)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  position = ew_node_rows_find (self->rows, self->selected);
  if (position != G_MAXUINT)
    gtk_widget_activate_action (view, "list.scroll-to-item", "u", position);
  return G_SOURCE_REMOVE;
}

static void
stop_scrolling (EwNodeList *self)
{
  if (self->tick != 0)
    gtk_widget_remove_tick_callback (self->view, self->tick);
  self->tick = 0;
}

/* Marks the selected row, if it is shown, and brings it into sight. */
static void
follow_selected (EwNodeList *self, gboolean scroll)
{
  guint position = ew_node_rows_find (self->rows, self->selected);

  self->following = TRUE;
  gtk_single_selection_set_selected (self->selection, position == G_MAXUINT ? GTK_INVALID_LIST_POSITION : position);
  self->following = FALSE;
  if (!scroll || position == G_MAXUINT || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->frames = 2;
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (self->view, on_tick, self, NULL);
}

static void
on_selected_item (EwNodeList *self)
{
  EwNodeRow *row = gtk_single_selection_get_selected_item (self->selection);

  if (self->following)
    return;
  if (row != NULL)
    set_selected (self, ew_node_row_get_object (row));
  else if (ew_node_rows_find (self->rows, self->selected) != G_MAXUINT)
    set_selected (self, NULL);
}

static void
show_page (EwNodeList *self)
{
  gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->rows)) == 0 && self->search[0] != '\0';
  g_autofree gchar *escaped = NULL, *sentence = NULL;

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), empty ? "nothing" : "list");
  if (!empty)
    return;
  escaped = g_markup_escape_text (self->search, -1);
  sentence = g_strdup_printf (_ ("No name, address, route, target or system contains “%s”."), escaped);
  adw_status_page_set_description (ADW_STATUS_PAGE (self->nothing), sentence);
}

static void
on_rows_changed (EwNodeList *self)
{
  if (self->selected != NULL && !ew_node_rows_knows (self->rows, self->selected))
    set_selected (self, NULL); /* it was removed from the mesh */
  follow_selected (self, FALSE);
  show_page (self);
}

static void
on_activate (EwNodeList *self, guint position)
{
  g_autoptr (EwNodeRow) row = g_list_model_get_item (G_LIST_MODEL (self->rows), position);

  if (row != NULL)
    g_signal_emit (self, signals[ACTIVATED], 0, ew_node_row_get_object (row));
}

/* The rows. */

/* The factory's "teardown" comes when the item may have lost its cell already. */
static void
on_cell_destroyed (EwNodeList *self, GtkWidget *cell)
{
  g_hash_table_remove (self->cells, cell);
}

static void
on_setup (EwNodeList *self, GtkListItem *item)
{
  GtkWidget *cell = ew_node_cell_new (self->topology, self->widths);

  gtk_list_item_set_child (item, cell);
  g_hash_table_add (self->cells, cell);
  g_signal_connect_object (cell, "destroy", G_CALLBACK (on_cell_destroyed), self, G_CONNECT_SWAPPED);
}

static void
on_bind (EwNodeList *self, GtkListItem *item)
{
  ew_node_cell_set_row (EW_NODE_CELL (gtk_list_item_get_child (item)), gtk_list_item_get_item (item));
}

static void
on_unbind (EwNodeList *self, GtkListItem *item)
{
  ew_node_cell_set_row (EW_NODE_CELL (gtk_list_item_get_child (item)), NULL);
}

static void
refresh_cells (EwNodeList *self)
{
  GHashTableIter iter;
  gpointer cell;

  g_hash_table_iter_init (&iter, self->cells);
  while (g_hash_table_iter_next (&iter, &cell, NULL))
    if (gtk_widget_get_mapped (cell))
      ew_node_cell_refresh (cell);
}

static void
on_clock (gpointer user_data)
{
  refresh_cells (user_data);
}

/* The menu. */

static EwNodeCell *
cell_at (EwNodeList *self, gdouble x, gdouble y)
{
  GtkWidget *widget = gtk_widget_pick (GTK_WIDGET (self), x, y, GTK_PICK_DEFAULT);
  GtkWidget *cell = widget != NULL ? gtk_widget_get_ancestor (widget, EW_TYPE_NODE_CELL) : NULL;

  return cell != NULL ? EW_NODE_CELL (cell) : NULL;
}

static EwNodeCell *
cell_in_focus (EwNodeList *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *cell;

  if (focus == NULL || !gtk_widget_is_ancestor (focus, GTK_WIDGET (self)))
    return NULL;
  cell = gtk_widget_get_ancestor (focus, EW_TYPE_NODE_CELL);
  if (cell == NULL) /* the list item around it */
    cell = gtk_widget_get_first_child (focus);
  return cell != NULL && EW_IS_NODE_CELL (cell) ? EW_NODE_CELL (cell) : NULL;
}

static gboolean
open_menu (EwNodeList *self, EwNodeCell *cell, const GdkRectangle *at)
{
  EwNodeRow *row = cell != NULL ? ew_node_cell_get_row (cell) : NULL;
  EwNode *node = row != NULL ? ew_node_row_get_node (row) : NULL;
  g_autoptr (GMenuModel) model = NULL;

  if (row == NULL)
    return FALSE;
  set_selected (self, ew_node_row_get_object (row));
  follow_selected (self, FALSE);
  if (EW_IS_SERVICE (ew_node_row_get_object (row)))
    model = ew_service_menu_new (EW_SERVICE (ew_node_row_get_object (row)), self->daemon);
  else
    model = node != NULL ? ew_node_menu_new (node, self->daemon, FALSE)
                         : ew_edge_menu_new (EW_EDGE (ew_node_row_get_object (row)));
  gtk_popover_menu_set_menu_model (GTK_POPOVER_MENU (self->menu), model);
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu), at);
  gtk_popover_popup (GTK_POPOVER (self->menu));
  return TRUE;
}

static void
on_pressed (EwNodeList *self, gint n_press, gdouble x, gdouble y, GtkGesture *gesture)
{
  const GdkRectangle at = { (gint)x, (gint)y, 1, 1 };

  if (open_menu (self, cell_at (self, x, y), &at))
    gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
on_long_pressed (EwNodeList *self, gdouble x, gdouble y, GtkGesture *gesture)
{
  on_pressed (self, 1, x, y, gesture);
}

static gboolean
on_menu_key (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  EwNodeList *self = EW_NODE_LIST (widget);
  EwNodeCell *cell = cell_in_focus (self);
  graphene_rect_t bounds;
  GdkRectangle at;

  if (cell == NULL || !gtk_widget_compute_bounds (GTK_WIDGET (cell), widget, &bounds))
    return FALSE;
  at = (GdkRectangle){ (gint)(bounds.origin.x + bounds.size.width / 2),
                       (gint)(bounds.origin.y + bounds.size.height / 2), 1, 1 };
  return open_menu (self, cell, &at);
}

/* The widget. */

static void
ew_node_list_map (GtkWidget *widget)
{
  EwNodeList *self = EW_NODE_LIST (widget);

  GTK_WIDGET_CLASS (ew_node_list_parent_class)->map (widget);
  self->clock = ew_ticker_follow (on_clock, self);
  follow_selected (self, TRUE);
}

static void
ew_node_list_unmap (GtkWidget *widget)
{
  EwNodeList *self = EW_NODE_LIST (widget);

  ew_ticker_leave (&self->clock);
  stop_scrolling (self);
  GTK_WIDGET_CLASS (ew_node_list_parent_class)->unmap (widget);
}

static void
ew_node_list_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  ew_column_widths_invalidate (EW_NODE_LIST (widget)->widths);
  GTK_WIDGET_CLASS (ew_node_list_parent_class)->css_changed (widget, change);
}

static void
ew_node_list_system_setting_changed (GtkWidget *widget, GtkSystemSetting setting)
{
  ew_column_widths_invalidate (EW_NODE_LIST (widget)->widths);
  GTK_WIDGET_CLASS (ew_node_list_parent_class)->system_setting_changed (widget, setting);
}

static gboolean
ew_node_list_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (EW_NODE_LIST (widget)->view);
}

static void
ew_node_list_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwNodeList *self = EW_NODE_LIST (object);

  switch (id)
    {
    case PROP_SELECTED:
      g_value_set_object (value, self->selected);
      break;
    case PROP_SEARCH:
      g_value_set_string (value, self->search);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_search (EwNodeList *self, const gchar *search)
{
  search = search != NULL ? search : "";
  if (g_str_equal (search, self->search))
    return;
  g_free (self->search);
  self->search = g_strdup (search);
  if (self->rows != NULL)
    {
      ew_node_rows_set_search (self->rows, search);
      follow_selected (self, TRUE);
      show_page (self);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SEARCH]);
}

static void
ew_node_list_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwNodeList *self = EW_NODE_LIST (object);

  switch (id)
    {
    case PROP_SELECTED:
      set_selected (self, g_value_get_object (value));
      follow_selected (self, TRUE);
      break;
    case PROP_SEARCH:
      set_search (self, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_node_list_dispose (GObject *object)
{
  EwNodeList *self = EW_NODE_LIST (object);

  if (self->selection != NULL)
    g_signal_handlers_disconnect_by_data (self->selection, self);
  g_clear_pointer (&self->menu, gtk_widget_unparent);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->selection);
  g_clear_object (&self->rows);
  g_clear_object (&self->widths);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  g_clear_object (&self->selected);
  G_OBJECT_CLASS (ew_node_list_parent_class)->dispose (object);
}

static void
ew_node_list_finalize (GObject *object)
{
  EwNodeList *self = EW_NODE_LIST (object);

  g_hash_table_unref (self->cells);
  g_free (self->search);
  G_OBJECT_CLASS (ew_node_list_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  properties[PROP_SELECTED] = g_param_spec_object ("selected", NULL, NULL, G_TYPE_OBJECT, flags);
  properties[PROP_SEARCH] = g_param_spec_string ("search", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[ACTIVATED] = g_signal_new ("activated", G_OBJECT_CLASS_TYPE (object_class), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                     NULL, G_TYPE_NONE, 1, G_TYPE_OBJECT);
}

static void
ew_node_list_class_init (EwNodeListClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->get_property = ew_node_list_get_property;
  object_class->set_property = ew_node_list_set_property;
  object_class->dispose = ew_node_list_dispose;
  object_class->finalize = ew_node_list_finalize;
  widget_class->map = ew_node_list_map;
  widget_class->unmap = ew_node_list_unmap;
  widget_class->css_changed = ew_node_list_css_changed;
  widget_class->system_setting_changed = ew_node_list_system_setting_changed;
  widget_class->grab_focus = ew_node_list_grab_focus;
  install_properties (object_class);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Menu, 0, on_menu_key, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, on_menu_key, NULL);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/details/node-list.ui");
  gtk_widget_class_bind_template_child (widget_class, EwNodeList, stack);
  gtk_widget_class_bind_template_child (widget_class, EwNodeList, view);
  gtk_widget_class_bind_template_child (widget_class, EwNodeList, nothing);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_setup);
  gtk_widget_class_bind_template_callback (widget_class, on_bind);
  gtk_widget_class_bind_template_callback (widget_class, on_unbind);
  gtk_widget_class_bind_template_callback (widget_class, on_pressed);
  gtk_widget_class_bind_template_callback (widget_class, on_long_pressed);
}

static void
ew_node_list_init (EwNodeList *self)
{
  self->search = g_strdup ("");
  self->cells = g_hash_table_new (NULL, NULL);
  self->widths = ew_column_widths_new (GTK_WIDGET (self));
  gtk_widget_init_template (GTK_WIDGET (self));
  self->menu = gtk_popover_menu_new_from_model (NULL);
  gtk_popover_set_has_arrow (GTK_POPOVER (self->menu), FALSE);
  gtk_widget_set_halign (self->menu, GTK_ALIGN_START);
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));
}

GObject *
ew_node_list_get_first (EwNodeList *self)
{
  g_autoptr (EwNodeRow) row = g_list_model_get_item (G_LIST_MODEL (self->rows), 0);

  return row != NULL ? ew_node_row_get_object (row) : NULL;
}

GtkWidget *
ew_node_list_new (EwDaemon *daemon, EwTopology *topology)
{
  EwNodeList *self = g_object_new (EW_TYPE_NODE_LIST, NULL);

  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->rows
    = ew_node_rows_new (G_LIST_MODEL (topology), ew_topology_get_edges (topology), ew_topology_get_services (topology));
  self->selection = gtk_single_selection_new (NULL);
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  gtk_single_selection_set_model (self->selection, G_LIST_MODEL (self->rows));
  g_signal_connect_swapped (self->selection, "notify::selected-item", G_CALLBACK (on_selected_item), self);
  g_signal_connect_object (self->rows, "items-changed", G_CALLBACK (on_rows_changed), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (topology, "notify::self", G_CALLBACK (refresh_cells), self, G_CONNECT_SWAPPED);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->view), GTK_SELECTION_MODEL (self->selection));
  return GTK_WIDGET (self);
}
