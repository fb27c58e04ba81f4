/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-words.h"

#include <glib/gi18n.h>
#include <math.h>

#include "map/map-services.h"
#include "model/words.h"

#define SEAT_NAME_LEAST 4.5 /* of a line's height: the width of a shortened name */

PangoLayout *
ew_map_text (EwMapView *self, gdouble scale, gboolean bold, const gchar *text)
{
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  PangoAttrList *attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  pango_attr_list_insert (attributes, pango_attr_weight_new (bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  return layout;
}

PangoLayout *
ew_map_markup (EwMapView *self, gdouble scale, const gchar *markup)
{
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), NULL);
  g_autofree gchar *number = g_malloc (G_ASCII_DTOSTR_BUF_SIZE);
  g_autofree gchar *all = NULL;

  g_ascii_formatd (number, G_ASCII_DTOSTR_BUF_SIZE, "%.0f", scale * 100);
  all = g_strdup_printf ("<span size='%s%%' font_features='tnum=1'>%s</span>", number, markup);
  pango_layout_set_markup (layout, all, -1);
  return layout;
}

static gchar *
strong (const GdkRGBA *color, const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  return g_strdup_printf ("<span weight='bold' foreground='#%02x%02x%02x'>%s</span>", (guint)lrint (color->red * 255),
                          (guint)lrint (color->green * 255), (guint)lrint (color->blue * 255), escaped);
}

/* words, and what way the node's packets take where it isn't the usual one. Takes words, which may be "". */
static gchar *
with_way (EwMapItem *item, gchar *words)
{
  g_autofree gchar *taken = words;
  const gchar *via = ew_words_via (item->node);

  if (!item->https || via == NULL)
    return g_steal_pointer (&taken);
  return *taken != '\0' ? g_strdup_printf (_ ("%s · %s"), taken, via) : g_strdup (via);
}

/* The state in a few words, as markup. "": nothing to say. brief: without the way, which the line shows too. */
static gchar *
state_markup (EwMapView *self, EwMapItem *item, EwLayoutMode mode, gboolean brief)
{
  gdouble ms = ew_words_path_ms (item->node, ew_topology_get_self (self->topology));
  gboolean selected = self->selected == G_OBJECT (item->node);
  g_autofree gchar *text = NULL;

  if (ew_node_is_self (item->node))
    {
      text = g_strdup (_ ("This computer"));
      if (!brief)
        text = with_way (item, g_steal_pointer (&text));
      return strong (&self->colors->accent_text, text);
    }
  if (ew_node_get_problem (item->node) != NULL)
    return strong (&self->colors->waiting_text, ew_words_problem (ew_node_get_problem (item->node)));
  if (item->state == EW_NODE_ONLINE)
    {
      text = ms >= 0 ? ew_words_sum_latency (ms) : g_strdup ("");
      if (!brief)
        text = with_way (item, g_steal_pointer (&text));
      if (ms < 0 || (mode == EW_LAYOUT_COMPACT && !selected)) /* there the name alone is bold */
        return g_steal_pointer (&text);
      return strong (selected ? &self->colors->accent_text : &self->colors->text, text);
    }
  text = ew_words_node_state (item->node);
  return item->state == EW_NODE_OFFLINE || !ew_map_is_current (self) ? g_markup_escape_text (text, -1)
                                                                     : strong (&self->colors->waiting_text, text);
}

static gint
width_of (PangoLayout *layout)
{
  gint width = 0;

  if (layout != NULL)
    pango_layout_get_pixel_size (layout, &width, NULL);
  return width;
}

static PangoLayout *
leaf_layout (EwMapView *self, EwNode *node)
{
  const gchar *const *routes = ew_node_get_routes (node);
  guint n = g_strv_length ((gchar **)routes);
  g_autofree gchar *markup = NULL, *more = NULL;
  PangoLayout *layout;

  if (n == 0)
    return NULL;
  if (n == 2)
    more = g_strdup (routes[1]);
  else if (n > 2)
    more = g_strdup_printf (ngettext ("and %u more network", "and %u more networks", n - 1), n - 1);
  markup = g_markup_printf_escaped ("<b>%s</b>", routes[0]);
  if (more != NULL)
    {
      g_autofree gchar *first = g_steal_pointer (&markup);
      g_autofree gchar *escaped = g_markup_escape_text (more, -1);

      markup = g_strdup_printf ("%s\n%s", first, escaped);
    }
  layout = ew_map_markup (self, EW_TEXT_DETAIL, markup);
  if (width_of (layout) > self->measures.leaf_most)
    {
      pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_MIDDLE);
      pango_layout_set_width (layout, self->measures.leaf_most * PANGO_SCALE);
    }
  return layout;
}

/* The address and the state on one line; NULL: no address. */
static PangoLayout *
detail_layout (EwMapView *self, const gchar *address, const gchar *state)
{
  g_autofree gchar *both = NULL;

  if (address == NULL)
    return NULL;
  if (*state != '\0')
    both = g_strdup_printf (/* Translators: "100.96.0.21 · ≈ 12 ms" */ _ ("%s · %s"), address, state);
  return ew_map_markup (self, EW_TEXT_DETAIL, both != NULL ? both : address);
}

gdouble
ew_map_text_width (PangoLayout *layout)
{
  return ceil (width_of (layout) / 6.0) * 6;
}

/* words: all that item's texts are made of; NULL: it has none. FALSE: they are as they were. */
static gboolean
take_words (EwMapItem *item, const gchar *words)
{
  if (g_strcmp0 (words, item->words) == 0)
    return FALSE;
  g_free (item->words);
  item->words = g_strdup (words);
  g_clear_object (&item->name);
  g_clear_object (&item->state_text);
  g_clear_object (&item->detail);
  g_clear_object (&item->leaf);
  return TRUE;
}

gboolean
ew_map_write_item (EwMapView *self, EwMapItem *item, EwLayoutMode mode)
{
  g_autofree gchar *state = NULL, *brief = NULL, *words = NULL, *routes = NULL;
  const gchar *name = ew_node_get_name (item->node), *address = ew_node_get_address (item->node);

  if (mode == EW_LAYOUT_SEATS)
    return FALSE;
  const gboolean silent = mode == EW_LAYOUT_COMPACT && ew_node_is_self (item->node);
  state = silent ? g_strdup ("") : state_markup (self, item, mode, FALSE);
  brief = silent ? g_strdup ("") : state_markup (self, item, mode, TRUE);
  routes = g_strjoinv (" ", (gchar **)ew_node_get_routes (item->node));
  words = g_strdup_printf ("%d\n%s\n%s\n%s\n%s", mode, name, address != NULL ? address : "", state, routes);
  if (!take_words (item, words))
    return FALSE;
  item->name = ew_map_text (self, mode == EW_LAYOUT_FULL ? 1 : EW_TEXT_DETAIL, TRUE, name);
  item->shortened = ew_map_shorten (item->name, name, self->measures.name_most);
  item->name_width = width_of (item->name);
  if (*brief != '\0')
    item->state_text = ew_map_markup (self, EW_TEXT_DETAIL, brief);
  if (mode == EW_LAYOUT_FULL)
    {
      item->detail = detail_layout (self, address, state);
      item->leaf = leaf_layout (self, item->node);
      return TRUE;
    }
  /* Turned letters are not snapped to whole px. */
  pango_context_set_round_glyph_positions (pango_layout_get_context (item->name), FALSE);
  if (item->state_text != NULL)
    pango_context_set_round_glyph_positions (pango_layout_get_context (item->state_text), FALSE);
  return TRUE;
}

void
ew_map_write_seat (EwMapView *self, EwMapItem *item, gint width)
{
  const gchar *name = ew_node_get_name (item->node);
  g_autofree gchar *words = width > 0 ? g_strdup_printf ("seat\n%d\n%s", width, name) : NULL;
  gint full;

  if (!take_words (item, words))
    return;
  if (width <= 0)
    return;
  item->name = ew_map_text (self, EW_TEXT_DETAIL, FALSE, name);
  pango_layout_get_pixel_size (item->name, &full, NULL);
  if (full > width && width < SEAT_NAME_LEAST * self->seat_line)
    g_clear_object (&item->name); /* what would be left of it doesn't distinguish nodes */
  else
    item->shortened = ew_map_shorten (item->name, name, width);
}

void
ew_map_fit_label (EwMapView *self, EwMapItem *item, const EwLayoutLabel *label)
{
  gdouble room = label->box.width;

  if (item->name == NULL || label->lines == 0)
    return;
  if (self->layout->mode == EW_LAYOUT_COMPACT && label->lines == 2)
    room -= EW_LABEL_GAP + ew_map_text_width (item->state_text);
  item->shortened
    = ew_map_shorten (item->name, ew_node_get_name (item->node), (gint)MIN (room, self->measures.name_most));
}

/* Sectors. */

static const gchar *
sector_name (EwSector sector)
{
  switch (sector)
    {
    case EW_SECTOR_DEVICES:
      return _ ("Devices");
    case EW_SECTOR_SERVERS:
      return _ ("Servers");
    case EW_SECTOR_SITES:
    default:
      return _ ("Sites");
    }
}

typedef struct
{
  guint n, offline, waiting;
  gboolean self;
} Count;

static Count
count_sector (EwMapView *self, EwSector sector)
{
  Count count = { 0 };

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      if (item->sector != sector)
        continue;
      count.n++;
      count.offline += item->state == EW_NODE_OFFLINE;
      count.waiting += item->state == EW_NODE_NOT_JOINED || item->state == EW_NODE_AWAITING_APPROVAL;
      count.self |= ew_node_is_self (item->node);
    }
  return count;
}

gboolean
ew_map_misses_edge (EwMapView *self)
{
  EwState state = ew_daemon_get_state (self->daemon);

  if (ew_topology_get_as_of (self->topology) == 0)
    return !ew_map_is_current (self);
  return state == EW_STATE_RECONNECTING || state == EW_STATE_ERROR
         || (state == EW_STATE_CONNECTING && *ew_daemon_get_reason (self->daemon) != '\0');
}

/* For the whole map, while it is only as last seen. */
static gchar *
as_of_words (EwMapView *self)
{
  return ew_words_as_of (ew_topology_get_as_of (self->topology), ew_map_misses_edge (self));
}

/* "4 offline, 3 not joined yet"; NULL: all are online. */
static gchar *
count_words (EwMapView *self, const Count *count, const gchar *between)
{
  g_autofree gchar *offline = NULL, *waiting = NULL;

  if (ew_topology_get_as_of (self->topology) != 0)
    return ew_words_as_of (ew_topology_get_as_of (self->topology), FALSE);

  if (count->offline > 0)
    offline = g_strdup_printf (ngettext ("%u offline", "%u offline", count->offline), count->offline);
  if (count->waiting > 0)
    waiting = g_strdup_printf (ngettext ("%u not joined yet", "%u not joined yet", count->waiting), count->waiting);
  if (offline != NULL && waiting != NULL)
    return g_strconcat (offline, between, waiting, NULL);
  return offline != NULL ? g_steal_pointer (&offline) : g_steal_pointer (&waiting);
}

static void
write_seats (EwMapView *self, EwSector sector)
{
  Count count = count_sector (self, sector);
  g_autofree gchar *words = count_words (self, &count, " · "), *escaped = NULL, *own = NULL, *markup = NULL;

  own = count.self ? strong (&self->colors->accent_text, _ ("This computer")) : NULL;
  markup = g_strdup_printf ("<b>%s</b> %u%s%s", sector_name (sector), count.n, own != NULL ? " · " : "",
                            own != NULL ? own : "");
  escaped = g_markup_escape_text (words != NULL ? words : _ ("All online"), -1);
  self->sector_names[sector] = ew_map_markup (self, 1, markup);
  self->sector_details[sector] = ew_map_markup (self, EW_TEXT_DETAIL, escaped);
}

void
ew_map_write_sectors (EwMapView *self, const EwLayoutNode *nodes, EwLayoutMode mode)
{
  for (guint i = 0; i < self->items->len; i++)
    ((EwMapItem *)g_ptr_array_index (self->items, i))->sector = nodes[i].sector;
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      g_clear_object (&self->sector_names[s]);
      g_clear_object (&self->sector_details[s]);
      if (mode == EW_LAYOUT_SEATS)
        write_seats (self, s);
      else
        self->sector_names[s] = ew_map_text (self, EW_TEXT_SECTOR, TRUE, sector_name (s));
    }
}

/* What is said. */

static gchar *
tooltip_of (EwMapView *self, EwMapItem *item)
{
  const gchar *address = ew_node_get_address (item->node);
  g_autofree gchar *routes = g_strjoinv (", ", (gchar **)ew_node_get_routes (item->node));
  g_autofree gchar *state = NULL, *services = ew_map_service_names (item);
  gdouble ms = ew_words_path_ms (item->node, ew_topology_get_self (self->topology));
  GString *text = g_string_new (ew_node_get_name (item->node));

  if (item->state == EW_NODE_ONLINE && ew_node_is_self (item->node))
    state = with_way (item, g_strdup (_ ("This computer")));
  else if (item->state == EW_NODE_ONLINE && ms >= 0)
    state = with_way (item, ew_words_sum_latency (ms));
  else
    state = ew_words_node_state (item->node);
  g_string_append (text, "\n");
  if (address != NULL)
    g_string_append_printf (text, "%s · ", address);
  g_string_append (text, state);
  if (*routes != '\0')
    g_string_append_printf (text, "\n%s", routes);
  if (services != NULL)
    {
      g_autofree gchar *words = g_strdup_printf (_ ("Services: %s"), services);

      g_string_append_printf (text, "\n%s", words);
    }
  return g_string_free (text, FALSE);
}

void
ew_map_say_node (EwMapView *self, EwMapItem *item, const EwLayoutPlace *place)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);
  g_autofree gchar *name = ew_words_node_spoken (item->node, ew_topology_get_self (self->topology), edge);
  g_autofree gchar *words = ew_words_node_description (item->node);
  g_autofree gchar *services = place->has_services ? NULL : ew_map_service_names (item);
  /* Translators: a node's description, and the names of its services */
  g_autofree gchar *description
    = services != NULL ? g_strdup_printf (_ ("%s Services: %s."), words, services) : g_steal_pointer (&words);
  gboolean hidden = place->label.lines < 2 || (place->label.brief && ew_node_get_address (item->node) != NULL)
                    || (ew_node_is_gateway (item->node) && !place->has_leaf)
                    || (item->services != NULL && !place->has_services) || item->shortened
                    || (item->leaf != NULL && pango_layout_is_ellipsized (item->leaf))
                    || g_strv_length ((gchar **)ew_node_get_routes (item->node)) > 2;
  g_autofree gchar *tooltip = hidden ? tooltip_of (self, item) : NULL;

  ew_token_set_words (item->token, name, description, tooltip);
}

void
ew_map_say_edge (EwMapView *self)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);
  EwNode *node = ew_topology_get_self (self->topology);
  gdouble ms = node != NULL && ew_node_get_state (node) == EW_NODE_ONLINE ? ew_node_get_rtt_ms (node) : -1;
  g_autofree gchar *latency = ms >= 0 ? ew_words_latency (ms) : g_strdup ("");
  const gchar *edge_name = edge != NULL ? ew_edge_get_name (edge) : "";
  g_autofree gchar *subtitle = NULL, *spoken = NULL, *tooltip = NULL;

  if (ew_topology_get_as_of (self->topology) != 0)
    subtitle = as_of_words (self);
  else if (edge != NULL && !ew_edge_get_online (edge))
    subtitle = g_strdup (_ ("Offline"));
  else if (self->layout != NULL && self->layout->mode == EW_LAYOUT_SEATS)
    subtitle = g_strdup_printf (ngettext ("%u node", "%u nodes", self->items->len), self->items->len);
  else
    subtitle = g_strdup (_ ("Edge"));
  if (!ew_map_is_current (self))
    /* Translators: an edge's name, and a sentence: "Edge Frankfurt. No answer since 14:03" */
    spoken = g_strdup_printf (_ ("Edge %s. %s"), edge_name, subtitle);
  else
    spoken = *latency != '\0' ? g_strdup_printf (_ ("Edge %s, %s from this computer"), edge_name, latency)
                              : g_strdup_printf (_ ("Edge %s"), edge_name);
  ew_token_set_text (self->hub, edge_name, subtitle, latency);
  if (!ew_token_shows_all (self->hub))
    tooltip = g_strdup_printf ("%s\n%s", edge_name, subtitle);
  ew_token_set_words (self->hub, spoken, _ ("Every tunnel of the mesh ends here. Press Enter for details."), tooltip);
}

void
ew_map_say_sector (EwMapView *self, EwSector sector)
{
  Count count = count_sector (self, sector);
  g_autofree gchar *words = count_words (self, &count, _ (", "));
  g_autofree gchar *nodes = g_strdup_printf (ngettext ("%u node", "%u nodes", count.n), count.n);
  /* Translators: a sector of the map, how many nodes, and their states: "Servers, 312 nodes, 4 offline" */
  g_autofree gchar *name
    = g_strdup_printf (_ ("%s, %s, %s"), sector_name (sector), nodes, words != NULL ? words : _ ("all online"));

  if (ew_topology_get_as_of (self->topology) != 0)
    {
      g_free (name);
      /* Translators: a sector of the map, how many nodes, a sentence: "Servers, 31 nodes. As last seen at 14:03" */
      name = g_strdup_printf (_ ("%s, %s. %s"), sector_name (sector), nodes, words);
    }
  ew_token_set_words (self->wedges[sector], name, _ ("Press Enter for the list, Space to zoom."), NULL);
}
