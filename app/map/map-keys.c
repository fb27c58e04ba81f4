/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map by keyboard: one Tab stop, arrows on the ring, letters for names.
 */
#include "map/map-services.h"

#include <string.h>

#define TYPING_US (1200 * G_TIME_SPAN_MILLISECOND)

/* What the arrows walk: tokens by their angle, each with its services after it; seats: the sectors. */
static gint
by_angle (gconstpointer a, gconstpointer b, gpointer data)
{
  EwMapView *self = data;
  gdouble left = self->layout->places[*(const guint *)a].angle, right = self->layout->places[*(const guint *)b].angle;

  return left < right ? -1 : left > right;
}

static GPtrArray *
ring_of (EwMapView *self)
{
  GPtrArray *ring = g_ptr_array_new ();
  g_autoptr (GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < self->items->len; i++)
    if (((EwMapItem *)g_ptr_array_index (self->items, i))->token != NULL)
      g_array_append_val (order, i);
  g_array_sort_with_data (order, by_angle, self);
  for (guint i = 0; i < order->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, g_array_index (order, guint, i));

      g_ptr_array_add (ring, item->token);
      ew_map_services_add_to_ring (item, ring);
    }
  for (guint s = 0; s < EW_N_SECTORS && order->len == 0; s++)
    if (self->wedges[s] != NULL)
      g_ptr_array_add (ring, self->wedges[s]);
  return ring;
}

static EwToken *
focused_token (EwMapView *self)
{
  GtkWidget *child = gtk_widget_get_focus_child (GTK_WIDGET (self));

  return EW_IS_TOKEN (child) ? EW_TOKEN (child) : NULL;
}

static gboolean
go_to (EwToken *token)
{
  return token != NULL && gtk_widget_grab_focus (GTK_WIDGET (token));
}

static void
walk (EwMapView *self, gint step)
{
  g_autoptr (GPtrArray) ring = ring_of (self);
  guint at;

  if (ring->len == 0)
    return;
  if (!g_ptr_array_find (ring, focused_token (self), &at))
    {
      go_to (ew_map_home (self));
      return;
    }
  go_to (g_ptr_array_index (ring, (at + ring->len + (guint)(step + (gint)ring->len)) % ring->len));
}

/* A service whose name begins with it, or what it is folded into, or the node that it leads to. */
static gboolean
find_service (EwMapView *self, const gchar *needle)
{
  GListModel *services = ew_topology_get_services (self->topology);

  for (guint i = 0; i < g_list_model_get_n_items (services); i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (services, i);
      g_autofree gchar *name = g_utf8_casefold (ew_service_get_name (service), -1);
      EwMapItem *item = ew_map_find_item (self, G_OBJECT (service));
      EwToken *token = ew_map_service_token (self, service);

      if (!g_str_has_prefix (name, needle))
        continue;
      if (token != NULL)
        return go_to (token);
      ew_map_view_set_selected (self, G_OBJECT (service));
      return item == NULL || go_to (item->token);
    }
  return FALSE;
}

/* The next name that begins with what was typed; the same letter again goes on to the next one. */
static gboolean
find_typed (EwMapView *self, gunichar letter)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree gchar *needle = NULL;
  gboolean again;
  guint start = 0;
  EwToken *token = focused_token (self);
  EwMapItem *item = token != NULL ? g_hash_table_lookup (self->by_token, token) : NULL;

  if (now - self->typed_at > TYPING_US)
    g_string_truncate (self->typed, 0);
  self->typed_at = now;
  again
    = self->typed->len > 0 && g_utf8_strlen (self->typed->str, -1) == 1 && g_utf8_get_char (self->typed->str) == letter;
  if (!again)
    g_string_append_unichar (self->typed, letter);
  needle = g_utf8_casefold (self->typed->str, -1);
  if (item != NULL)
    start = ew_map_index (self, item) + (g_utf8_strlen (self->typed->str, -1) == 1 ? 1 : 0);
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *candidate = g_ptr_array_index (self->items, (start + i) % self->items->len);
      g_autofree gchar *name = g_utf8_casefold (ew_node_get_name (candidate->node), -1);

      if (!g_str_has_prefix (name, needle))
        continue;
      if (candidate->token != NULL)
        return go_to (candidate->token);
      ew_map_view_set_selected (self, G_OBJECT (candidate->node)); /* a seat: its path shows where it is */
      return TRUE;
    }
  return find_service (self, needle);
}

static gboolean
is_typing (EwMapView *self)
{
  return self->typed->len > 0 && g_get_monotonic_time () - self->typed_at <= TYPING_US;
}

static void
toggle_path (EwMapView *self, EwToken *token)
{
  GObject *object = ew_token_get_object (token);

  if (ew_token_get_role (token) == EW_TOKEN_SECTOR)
    gtk_widget_activate_action (GTK_WIDGET (token), "token.path", NULL);
  else
    ew_map_view_set_selected (self, self->selected == object ? NULL : object);
}

static gboolean
on_token_key (EwMapView *self, EwToken *token, guint key)
{
  GObject *object = ew_map_menu_object (self, token, -1, -1);

  switch (key)
    {
    case GDK_KEY_space:
    case GDK_KEY_KP_Space:
      toggle_path (self, token);
      return TRUE;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_ISO_Enter:
      gtk_widget_activate_action (GTK_WIDGET (token), "token.open", NULL);
      return TRUE;
    case GDK_KEY_Menu:
      if (object != NULL)
        ew_map_menu_open (self, token, object, -1, -1);
      return object != NULL;
    default:
      return FALSE;
    }
}

static gboolean
on_map_key (EwMapView *self, guint key)
{
  switch (key)
    {
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      walk (self, 1);
      return TRUE;
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      walk (self, -1);
      return TRUE;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      return go_to (self->hub);
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      return go_to (ew_map_home (self));
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      ew_map_view_zoom_in (self);
      return TRUE;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      if (is_typing (self))
        return FALSE;
      ew_map_view_zoom_out (self);
      return TRUE;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      if (is_typing (self))
        return FALSE;
      ew_map_view_zoom_fit (self);
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers, EwMapView *self)
{
  EwToken *token = focused_token (self);
  gunichar letter = gdk_keyval_to_unicode (key);

  if (token == NULL || self->layout == NULL)
    return FALSE;
  if (key == GDK_KEY_F10 && (modifiers & gtk_accelerator_get_default_mod_mask ()) == GDK_SHIFT_MASK)
    return on_token_key (self, token, GDK_KEY_Menu);
  if (modifiers & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK))
    return FALSE;
  if (key == GDK_KEY_Escape && self->selected != NULL)
    {
      ew_map_view_set_selected (self, NULL);
      return TRUE;
    }
  if (on_token_key (self, token, key) || on_map_key (self, key))
    {
      g_string_truncate (self->typed, 0); /* the next letter begins another name */
      return TRUE;
    }
  return letter != 0 && (g_unichar_isalnum (letter) || (letter == '-' && is_typing (self)))
         && find_typed (self, letter);
}

void
ew_map_view_go_to (EwMapView *self, GObject *object)
{
  EwMapItem *item = ew_map_find_item (self, object);

  g_return_if_fail (EW_IS_MAP_VIEW (self));
  ew_map_view_set_selected (self, object);
  if (item == NULL || self->layout == NULL)
    gtk_widget_grab_focus (GTK_WIDGET (self->hub));
  else if (item->token == NULL)
    {
      self->awaited = item;
      ew_map_zoom_to_seat (self, ew_map_index (self, item));
      gtk_widget_grab_focus (GTK_WIDGET (self->wedges[item->sector] != NULL ? self->wedges[item->sector] : self->hub));
    }
  else
    {
      EwToken *token = EW_IS_SERVICE (object) ? ew_map_service_token (self, EW_SERVICE (object)) : NULL;

      ew_map_bring_into_sight (self, ew_map_index (self, item));
      gtk_widget_grab_focus (GTK_WIDGET (token != NULL ? token : item->token));
    }
}

/* One Tab stop, then the zoom buttons. */

static gboolean
enter_ring (EwMapView *self)
{
  EwMapItem *selected = ew_map_find_item (self, self->selected);
  EwToken *token = self->current != NULL                         ? self->current
                   : selected != NULL && selected->token != NULL ? selected->token
                                                                 : ew_map_home (self);

  return gtk_widget_grab_focus (GTK_WIDGET (token != NULL ? token : self->hub));
}

gboolean
ew_map_focus (EwMapView *self, GtkDirectionType direction)
{
  GtkWidget *child = gtk_widget_get_focus_child (GTK_WIDGET (self));

  switch (direction)
    {
    case GTK_DIR_TAB_FORWARD:
      if (child == NULL)
        return enter_ring (self);
      return gtk_widget_child_focus (self->zoom_box, direction);
    case GTK_DIR_TAB_BACKWARD:
      if (child == NULL || child == self->zoom_box)
        return gtk_widget_child_focus (self->zoom_box, direction) || enter_ring (self);
      return FALSE;
    default:
      return child == self->zoom_box ? gtk_widget_child_focus (self->zoom_box, direction) : FALSE;
    }
}

void
ew_map_keys_init (EwMapView *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->typed = g_string_new (NULL);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}
