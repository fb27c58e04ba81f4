/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's choices in the key store: lists of domains and of routes.
 */
#include "account/keystore.h"

gboolean
ew_domains_contain (const gchar *const *domains, const gchar *domain)
{
  return domains && g_strv_contains (domains, domain);
}

gboolean
ew_domains_set (GStrv *domains, const gchar *domain, gboolean present)
{
  guint n = *domains ? g_strv_length (*domains) : 0;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  if (ew_domains_contain ((const gchar *const *)*domains, domain) == present || (present && n >= EW_CHOSEN_DOMAINS_MAX))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!g_str_equal ((*domains)[i], domain))
      g_strv_builder_add (builder, (*domains)[i]);
  if (present)
    g_strv_builder_add (builder, domain);
  g_strfreev (*domains);
  *domains = g_strv_builder_end (builder);
  return TRUE;
}

gboolean
ew_prefixes_contain (GArray *prefixes, const EwPrefix *prefix)
{
  for (guint i = 0; i < prefixes->len; i++)
    if (ew_prefix_equal (&g_array_index (prefixes, EwPrefix, i), prefix))
      return TRUE;
  return FALSE;
}

gboolean
ew_prefixes_set (GArray *prefixes, const EwPrefix *prefix, gboolean present)
{
  for (guint i = 0; i < prefixes->len; i++)
    if (ew_prefix_equal (&g_array_index (prefixes, EwPrefix, i), prefix))
      {
        if (!present)
          g_array_remove_index (prefixes, i);
        return !present;
      }
  if (!present || prefixes->len >= EW_CHOSEN_ROUTES_MAX)
    return FALSE;
  g_array_append_val (prefixes, *prefix);
  return TRUE;
}
