/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "search.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <string.h>

static gchar *
fold (const gchar *text)
{
  g_autofree gchar *normal = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);

  return normal != NULL ? g_utf8_casefold (normal, -1) : g_strdup (""); /* NULL: no UTF-8 */
}

gchar **
ew_search_words (const gchar *search)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_autofree gchar *folded = fold (search != NULL ? search : "");
  g_auto (GStrv) parts = g_strsplit_set (folded, " \t\n", -1);

  for (gchar **part = parts; *part != NULL; part++)
    if (**part != '\0')
      g_strv_builder_add (words, *part);
  return g_strv_builder_end (words);
}

/* Lines, so that no word is found across two texts. */
static void
append (GString *texts, const gchar *text)
{
  if (text == NULL)
    return;
  g_string_append (texts, text);
  g_string_append_c (texts, '\n');
}

static void
append_all (GString *texts, const gchar *const *list)
{
  for (; list != NULL && *list != NULL; list++)
    append (texts, *list);
}

static void
append_service (GString *texts, EwService *service)
{
  append (texts, ew_service_get_name (service));
  append (texts, ew_service_get_full_name (service));
  append_all (texts, ew_service_get_addresses (service));
  for (guint i = 0; i < ew_service_get_n_targets (service); i++)
    append (texts, ew_service_get_target (service, i)->label);
}

gboolean
ew_search_matches (gchar **words, GObject *object)
{
  g_autoptr (GString) texts = NULL;
  g_autofree gchar *folded = NULL;

  if (*words == NULL)
    return TRUE;
  texts = g_string_new (NULL);
  if (EW_IS_EDGE (object))
    {
      append (texts, ew_edge_get_name (EW_EDGE (object)));
      append (texts, ew_edge_get_endpoint (EW_EDGE (object)));
    }
  else if (EW_IS_SERVICE (object))
    append_service (texts, EW_SERVICE (object));
  else
    {
      append (texts, ew_node_get_name (EW_NODE (object)));
      append_all (texts, ew_node_get_names (EW_NODE (object)));
      append_all (texts, ew_node_get_addresses (EW_NODE (object)));
      append_all (texts, ew_node_get_routes (EW_NODE (object)));
      append (texts, ew_node_get_os (EW_NODE (object)));
    }
  folded = fold (texts->str);
  for (; *words != NULL; words++)
    if (strstr (folded, *words) == NULL)
      return FALSE;
  return TRUE;
}

static guint
count_matches (gchar **words, GListModel *objects)
{
  guint found = 0;

  for (guint i = 0; i < g_list_model_get_n_items (objects); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (objects, i);

      found += ew_search_matches (words, object);
    }
  return found;
}

gchar *
ew_search_found (gchar **words, EwTopology *topology)
{
  guint found;

  if (*words == NULL)
    return NULL;
  found = count_matches (words, ew_topology_get_edges (topology)) + count_matches (words, G_LIST_MODEL (topology))
          + count_matches (words, ew_topology_get_services (topology));
  if (found == 0)
    return g_strdup (_ ("Nothing found"));
  /* Translators: of a search, over the map: "3 matches" */
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u match", "%u matches", found), found);
}
