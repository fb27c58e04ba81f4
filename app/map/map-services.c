/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/map-services.h"

#include <glib/gi18n.h>
#include <math.h>

#include "map/map-words.h"
#include "model/search.h"
#include "model/words.h"

#define ALONE_MOST 3 /* services of a node that have a capsule each; more are folded */
#define PAD_X 12.0   /* px beside its text */
#define PAD_Y 4.0
#define APART 4.0
#define DIMMED 0.25

/* One capsule. */
struct _EwMapCapsule
{
  EwMapView *map;     /* unowned */
  EwService *service; /* NULL: it stands for all of its node's */
  EwToken *token;     /* NULL: it isn't shown */
  PangoLayout *text;
  gchar *words; /* what text was made of */
};

static void
drop_token (EwMapCapsule *capsule)
{
  if (capsule->token == NULL)
    return;
  if (capsule->map->current == capsule->token)
    capsule->map->current = NULL;
  g_clear_pointer ((GtkWidget **)&capsule->token, gtk_widget_unparent);
}

static void
capsule_free (gpointer data)
{
  EwMapCapsule *capsule = data;

  drop_token (capsule);
  g_clear_object (&capsule->service);
  g_clear_object (&capsule->text);
  g_free (capsule->words);
  g_free (capsule);
}

void
ew_map_services_clear (EwMapItem *item)
{
  g_clear_pointer (&item->capsules, g_ptr_array_unref);
  g_clear_pointer (&item->services, g_ptr_array_unref);
}

/* Which there are. */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_service_get_name (*(EwService *const *)a), ew_service_get_name (*(EwService *const *)b));
}

/* The capsule that was there stays: its token may have the focus. service NULL: the folded one. */
static EwMapCapsule *
take_capsule (EwMapView *self, GPtrArray *old, EwService *service)
{
  EwMapCapsule *capsule;

  for (guint i = 0; old != NULL && i < old->len; i++)
    if (((EwMapCapsule *)old->pdata[i])->service == service)
      return g_ptr_array_steal_index (old, i);
  capsule = g_new0 (EwMapCapsule, 1);
  capsule->map = self;
  capsule->service = service != NULL ? g_object_ref (service) : NULL;
  return capsule;
}

static void
set_services (EwMapView *self, EwMapItem *item, GPtrArray *services)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&item->capsules);

  g_clear_pointer (&item->services, g_ptr_array_unref);
  if (services == NULL)
    return;
  g_ptr_array_sort (services, compare_names);
  item->services = g_ptr_array_ref (services);
  item->capsules = g_ptr_array_new_with_free_func (capsule_free);
  for (guint i = 0; i < services->len && services->len <= ALONE_MOST; i++)
    g_ptr_array_add (item->capsules, take_capsule (self, old, services->pdata[i]));
  if (services->len > 1)
    g_ptr_array_add (item->capsules, take_capsule (self, old, NULL));
}

static void
add_service (GHashTable *by_node, const gchar *node_id, EwService *service)
{
  GPtrArray *services = g_hash_table_lookup (by_node, node_id);

  if (services == NULL)
    {
      services = g_ptr_array_new_with_free_func (g_object_unref);
      g_hash_table_insert (by_node, g_strdup (node_id), services);
    }
  if (!g_ptr_array_find (services, service, NULL))
    g_ptr_array_add (services, g_object_ref (service));
}

void
ew_map_services_update (EwMapView *self)
{
  GListModel *all = ew_topology_get_services (self->topology);
  guint n = g_list_model_get_n_items (all);
  g_autoptr (GHashTable) by_node
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (all, i);

      for (guint t = 0; t < ew_service_get_n_targets (service); t++)
        if (ew_service_get_target (service, t)->node_id != NULL)
          add_service (by_node, ew_service_get_target (service, t)->node_id, service);
    }
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      set_services (self, item, g_hash_table_lookup (by_node, ew_node_get_id (item->node)));
    }
  if (EW_IS_SERVICE (self->selected)
      && ew_topology_find_service (self->topology, ew_service_get_id (EW_SERVICE (self->selected)))
           != EW_SERVICE (self->selected))
    ew_map_view_set_selected (self, NULL);
}

/* What is written. */

static const GdkRGBA *
state_color (EwMapView *self, EwServiceState state)
{
  return state == EW_SERVICE_FAILS ? &self->colors->waiting_text : &self->colors->secondary;
}

/* "ha 80", "ha doesn't work" */
static gchar *
service_markup (EwMapView *self, EwService *service)
{
  EwServiceState state = ew_service_get_state (service);
  gboolean is_wrong = state == EW_SERVICE_FAILS || state == EW_SERVICE_OFFLINE;
  const GdkRGBA *color = state_color (self, state);
  g_autofree gchar *words = is_wrong ? ew_words_service_state (service) : ew_words_service_ports (service);

  return g_markup_printf_escaped ("<b>%s</b>  <span foreground='#%02x%02x%02x'>%s</span>",
                                  ew_service_get_name (service), (guint)lrint (color->red * 255),
                                  (guint)lrint (color->green * 255), (guint)lrint (color->blue * 255), words);
}

static guint
count_wrong (EwMapItem *item)
{
  guint n = 0;

  for (guint i = 0; i < item->services->len; i++)
    {
      EwServiceState state = ew_service_get_state (item->services->pdata[i]);

      n += state == EW_SERVICE_FAILS || state == EW_SERVICE_OFFLINE;
    }
  return n;
}

/* "12 services", "12 services, 2 don't work" */
static gchar *
folded_words (EwMapItem *item)
{
  guint n = item->services->len, wrong = count_wrong (item);
  g_autofree gchar *all = g_strdup_printf (ngettext ("%u service", "%u services", n), n), *failing = NULL;

  if (wrong == 0)
    return g_steal_pointer (&all);
  failing = g_strdup_printf (ngettext ("%u doesn't work", "%u don't work", wrong), wrong);
  return g_strconcat (all, _ (", "), failing, NULL);
}

static void
write_capsule (EwMapView *self, EwMapItem *item, EwMapCapsule *capsule)
{
  g_autofree gchar *folded = capsule->service == NULL ? folded_words (item) : NULL;
  g_autofree gchar *markup
    = folded != NULL ? g_markup_printf_escaped ("<b>%s</b>", folded) : service_markup (self, capsule->service);
  gint width;

  if (capsule->text != NULL && g_strcmp0 (markup, capsule->words) == 0)
    return;
  g_free (capsule->words);
  capsule->words = g_steal_pointer (&markup);
  g_clear_object (&capsule->text);
  capsule->text = ew_map_markup (self, EW_TEXT_DETAIL, capsule->words);
  pango_layout_get_pixel_size (capsule->text, &width, NULL);
  if (width > self->measures.leaf_most)
    {
      pango_layout_set_ellipsize (capsule->text, PANGO_ELLIPSIZE_MIDDLE);
      pango_layout_set_width (capsule->text, self->measures.leaf_most * PANGO_SCALE);
    }
}

void
ew_map_services_restyle (EwMapView *self)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      for (guint c = 0; item->capsules != NULL && c < item->capsules->len; c++)
        g_clear_pointer (&((EwMapCapsule *)item->capsules->pdata[c])->words, g_free);
    }
}

static gdouble
capsule_height (EwMapCapsule *capsule)
{
  gint height = 0;

  pango_layout_get_pixel_size (capsule->text, NULL, &height);
  return height + 2 * PAD_Y;
}

void
ew_map_services_describe (EwMapView *self, EwMapItem *item, EwLayoutMode mode, EwLayoutNode *out)
{
  for (guint i = 0; item->capsules != NULL && mode == EW_LAYOUT_FULL && i < item->capsules->len; i++)
    {
      EwMapCapsule *capsule = item->capsules->pdata[i];
      gdouble width;

      write_capsule (self, item, capsule);
      width = ew_map_text_width (capsule->text) + 2 * PAD_X;
      if (capsule->service == NULL)
        {
          out->folded_width = width;
          out->folded_height = capsule_height (capsule);
          continue;
        }
      out->services_width = MAX (out->services_width, width);
      out->services_height += capsule_height (capsule) + (out->services_height > 0 ? APART : 0);
    }
  if (out->services_width <= 0) /* so many that they are always folded */
    {
      out->services_width = out->folded_width;
      out->services_height = out->folded_height;
    }
}

/* Tokens. */

static gboolean
is_shown (EwMapView *self, EwMapItem *item, const EwMapCapsule *capsule, const EwLayoutPlace *place)
{
  gboolean folded = place->services_folded || item->services->len > ALONE_MOST;

  return self->layout->mode == EW_LAYOUT_FULL && place->has_services && (capsule->service == NULL) == folded;
}

static void
say_capsule (EwMapItem *item, EwMapCapsule *capsule)
{
  g_autofree gchar *name = NULL, *description = NULL, *tooltip = NULL;

  if (capsule->service != NULL)
    {
      name = ew_words_service_spoken (capsule->service);
      description = ew_words_service_description (capsule->service);
      if (pango_layout_is_ellipsized (capsule->text))
        tooltip = g_strdup (ew_service_get_name (capsule->service));
    }
  else
    {
      g_autofree gchar *words = folded_words (item);

      /* Translators: how many services, and whose: "12 services of nas" */
      name = g_strdup_printf (_ ("%s of %s"), words, ew_node_get_name (item->node));
      description = g_strdup (_ ("Press Enter for all of them."));
      tooltip = ew_map_service_names (item);
    }
  ew_token_set_words (capsule->token, name, description, tooltip);
}

static gboolean
matches (EwMapItem *item, EwMapCapsule *capsule, gchar **words)
{
  if (capsule->service != NULL)
    return ew_search_matches (words, G_OBJECT (capsule->service));
  for (guint i = 0; i < item->services->len; i++)
    if (ew_search_matches (words, item->services->pdata[i]))
      return TRUE;
  return FALSE;
}

static void
retouch_capsule (EwMapView *self, EwMapItem *item, EwMapCapsule *capsule, gchar **words)
{
  GObject *object = capsule->service != NULL ? G_OBJECT (capsule->service) : G_OBJECT (item->node);
  EwServiceState state = capsule->service != NULL ? ew_service_get_state (capsule->service) : EW_SERVICE_UNKNOWN;
  gboolean is_offline = state == EW_SERVICE_OFFLINE || (capsule->service == NULL && item->state != EW_NODE_ONLINE);
  EwTokenFace face = { .selected = capsule->service != NULL && self->selected == object,
                       .dimmed = !matches (item, capsule, words),
                       .past = !ew_map_is_current (self),
                       .state = is_offline ? EW_NODE_OFFLINE : EW_NODE_ONLINE };

  if (capsule->token == NULL)
    {
      capsule->token = ew_token_new (EW_TOKEN_SERVICE, object);
      ew_map_adopt (self, capsule->token);
    }
  ew_token_set_capsule (capsule->token, capsule->text, self->layout->places[ew_map_index (self, item)].services.width,
                        capsule_height (capsule));
  ew_token_set_face (capsule->token, &face, self->colors);
  say_capsule (item, capsule);
}

void
ew_map_services_retouch (EwMapView *self)
{
  g_auto (GStrv) words = ew_search_words (self->search);

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      for (guint c = 0; item->capsules != NULL && c < item->capsules->len; c++)
        if (is_shown (self, item, item->capsules->pdata[c], &self->layout->places[i]))
          retouch_capsule (self, item, item->capsules->pdata[c], words);
        else
          drop_token (item->capsules->pdata[c]);
    }
}

void
ew_map_services_allocate (EwMapView *self, GskTransform *view)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      const EwBox *box = &self->layout->places[i].services;
      gdouble y = box->y - box->height / 2;

      for (guint c = 0; item->capsules != NULL && c < item->capsules->len; c++)
        {
          EwMapCapsule *capsule = item->capsules->pdata[c];
          gdouble height;

          if (capsule->token == NULL)
            continue;
          height = capsule_height (capsule);
          ew_map_allocate_token (capsule->token, (EwPoint){ box->x, y + height / 2 }, view);
          y += height + APART;
        }
    }
}

void
ew_map_services_draw_lines (EwMapView *self, GtkSnapshot *snapshot)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      const EwLayoutPlace *place = &self->layout->places[i];
      EwPoint from = ew_map_point (self, self->layout->radius, ew_map_angle (self, i)), to = place->services_near;
      gdouble length = hypot (to.x - from.x, to.y - from.y);
      GdkRGBA color = item->state == EW_NODE_ONLINE ? self->colors->spoke : self->colors->offline;

      if (!place->has_services || item->capsules == NULL || length < place->size / 2)
        continue;
      from.x += (to.x - from.x) * place->size / 2 / length;
      from.y += (to.y - from.y) * place->size / 2 / length;
      color.alpha *= item->dimmed ? DIMMED : 1;
      ew_map_draw_line (snapshot, from, to, 1.5, &color);
    }
}

/* For others. */

void
ew_map_services_add_to_ring (EwMapItem *item, GPtrArray *ring)
{
  for (guint i = 0; item->capsules != NULL && i < item->capsules->len; i++)
    if (((EwMapCapsule *)item->capsules->pdata[i])->token != NULL)
      g_ptr_array_add (ring, ((EwMapCapsule *)item->capsules->pdata[i])->token);
}

EwToken *
ew_map_service_token (EwMapView *self, EwService *service)
{
  EwMapItem *item = ew_map_find_item (self, G_OBJECT (service));

  for (guint i = 0; item != NULL && item->capsules != NULL && i < item->capsules->len; i++)
    {
      EwMapCapsule *capsule = item->capsules->pdata[i];

      if (capsule->token != NULL && (capsule->service == NULL || capsule->service == service))
        return capsule->token;
    }
  return NULL;
}

gchar *
ew_map_service_names (EwMapItem *item)
{
  GString *names;

  if (item->services == NULL)
    return NULL;
  names = g_string_new (NULL);
  for (guint i = 0; i < item->services->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? _ (", ") : "", ew_service_get_name (item->services->pdata[i]));
  return g_string_free (names, FALSE);
}
