/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a node remembers of the ways to its edge, in the key store: it can do without, but not as quickly.
 */
#include "account/keystore.h"
#include "common/util.h"
#include <string.h>

#define HOSTS_MAX 32 /* host names with cached addresses */

const gchar *const *
ew_keystore_get_addresses (EwKeystore *self, const gchar *host)
{
  return g_hash_table_lookup (self->addresses, host);
}

/* Moves the entry at index to the front. */
static void
put_first (gchar **list, guint index)
{
  gchar *first = list[index];
  memmove (list + 1, list, index * sizeof *list);
  list[0] = first;
}

gboolean
ew_keystore_set_addresses (EwKeystore *self, const gchar *host, const gchar *const *addresses)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  guint first;
  for (; addresses && *addresses && list->len < EW_CACHED_ADDRESSES_MAX; addresses++)
    {
      EwIp ip;
      if (ew_ip_parse (*addresses, &ip) && !g_ptr_array_find_with_equal_func (list, *addresses, g_str_equal, NULL))
        g_ptr_array_add (list, g_strdup (*addresses));
    }
  const gchar *const *old = g_hash_table_lookup (self->addresses, host);
  if (list->len == 0 || strlen (host) > 253 || (!old && g_hash_table_size (self->addresses) >= HOSTS_MAX))
    return FALSE;
  if (old && g_ptr_array_find_with_equal_func (list, old[0], g_str_equal, &first))
    put_first ((gchar **)list->pdata, first);
  g_ptr_array_add (list, NULL);
  if (old && g_strv_equal (old, (const gchar *const *)list->pdata))
    return FALSE;
  g_hash_table_replace (self->addresses, g_strdup (host), g_ptr_array_steal (list, NULL));
  return TRUE;
}

gboolean
ew_keystore_prefer_address (EwKeystore *self, const EwIp *ip)
{
  GHashTableIter iter;
  gpointer value;
  gboolean news = FALSE;
  g_hash_table_iter_init (&iter, self->addresses);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    for (guint i = 1; ((gchar **)value)[0] && ((gchar **)value)[i]; i++)
      {
        EwIp known;
        if (!ew_ip_parse (((gchar **)value)[i], &known) || !ew_ip_equal (&known, ip))
          continue;
        put_first (value, i);
        news = TRUE;
      }
  return news;
}

/* The rest of an entry that begins with the key, or NULL. */
static const gchar *
value_of (const gchar *entry, const gchar *key)
{
  gsize length = strlen (key);
  return strncmp (entry, key, length) == 0 && entry[length] == ' ' ? entry + length + 1 : NULL;
}

static const gchar *
find_entry (GStrv list, const gchar *key)
{
  const gchar *text = NULL;
  for (gchar **entry = list; entry && *entry && !text; entry++)
    text = value_of (*entry, key);
  return text;
}

/* The key's entry becomes the first, and those after max are dropped. */
static void
put_latest (GStrv *list, const gchar *key, const gchar *text, guint max)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree gchar *latest = g_strdup_printf ("%s %s", key, text);
  guint n = 1;
  g_strv_builder_add (builder, latest);
  for (gchar **entry = *list; entry && *entry && n < max; entry++)
    if (!value_of (*entry, key))
      {
        g_strv_builder_add (builder, *entry);
        n++;
      }
  g_strfreev (*list);
  *list = g_strv_builder_end (builder);
}

gboolean
ew_keystore_get_answered (EwKeystore *self, const guint8 public_key[32], EwEndpoint *endpoint)
{
  g_autofree gchar *key = ew_key_to_base64 (public_key);
  const gchar *text = find_entry (self->answered, key);
  return text && ew_endpoint_parse (text, endpoint);
}

gboolean
ew_keystore_set_answered (EwKeystore *self, const guint8 public_key[32], const EwEndpoint *endpoint)
{
  EwEndpoint before;
  gchar text[EW_ENDPOINT_STRLEN];
  if (ew_keystore_get_answered (self, public_key, &before) && ew_endpoint_same_remote (&before, endpoint))
    return FALSE;
  g_autofree gchar *key = ew_key_to_base64 (public_key);
  ew_endpoint_format (endpoint, text);
  put_latest (&self->answered, key, text, EW_ANSWERED_MAX);
  return TRUE;
}

gboolean
ew_keystore_get_best (EwKeystore *self, const gchar *network, EwEndpoint *endpoint)
{
  const gchar *text = find_entry (self->best, network);
  return text && ew_endpoint_parse (text, endpoint);
}

gboolean
ew_keystore_set_best (EwKeystore *self, const gchar *network, const EwEndpoint *endpoint)
{
  EwEndpoint before;
  gchar text[EW_ENDPOINT_STRLEN];
  if (ew_keystore_get_best (self, network, &before) && ew_endpoint_same_remote (&before, endpoint))
    return FALSE;
  ew_endpoint_format (endpoint, text);
  put_latest (&self->best, network, text, EW_BEST_MAX);
  return TRUE;
}

gboolean
ew_keystore_needs_https (EwKeystore *self, const gchar *network)
{
  return self->https_networks && g_strv_contains ((const gchar *const *)self->https_networks, network);
}

gboolean
ew_keystore_set_needs_https (EwKeystore *self, const gchar *network, gboolean needs)
{
  if (ew_keystore_needs_https (self, network) == needs)
    return FALSE;
  GStrvBuilder *builder = g_strv_builder_new ();
  guint n = 0;
  if (needs)
    g_strv_builder_add (builder, network);
  for (gchar **known = self->https_networks; known && *known; known++)
    if (!g_str_equal (*known, network) && ++n < EW_HTTPS_NETWORKS_MAX)
      g_strv_builder_add (builder, *known);
  g_strfreev (self->https_networks);
  self->https_networks = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return TRUE;
}
