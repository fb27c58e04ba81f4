/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/domains.h"

#include <libsoup/soup.h>
#include <string.h>
#include "common/domain.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "names/plan.h"
#include "tunnel/tunnel-private.h"

static gboolean
covers_host (const gchar *domain, const gchar *const *endpoints)
{
  for (; endpoints && *endpoints; endpoints++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      if (ew_host_port_parse (*endpoints, &host, &port, NULL) && ew_domain_contains (domain, host))
        return TRUE;
    }
  return FALSE;
}

/* The edge's name has to be found while the tunnel is down. */
static gboolean
covers_edge (const EwDocument *document, const gchar *domain)
{
  for (guint i = 0; i < document->edges->len; i++)
    {
      const EwDocumentEdge *edge = document->edges->pdata[i];
      if (covers_host (domain, (const gchar *const *)edge->endpoints))
        return TRUE;
      for (gchar **url = edge->api; *url; url++)
        {
          const gchar *endpoints[] = { *url + strlen ("https://"), NULL };
          if (covers_host (domain, endpoints))
            return TRUE;
        }
    }
  return FALSE;
}

/* Why this computer never asks the edge for the domain's names; NULL: it may. */
static const gchar *
never (const EwDocument *document, const gchar *domain)
{
  if (soup_tld_domain_is_public_suffix (domain))
    return N_ ("anyone can register names below it");
  if (ew_domain_contains (domain, document->suffix) || ew_domain_contains (document->suffix, domain))
    return N_ ("it overlaps the mesh's own names");
  if (covers_edge (document, domain))
    return N_ ("the edge's own name is in it, which has to be found without the tunnel");
  return NULL;
}

static const gchar *
state_of (EwTunnel *self, const gchar *domain, const gchar *node, const gchar **reason)
{
  EwKeystore *keystore = self->keystore;
  *reason = NULL;
  if (g_strcmp0 (node, self->document->name) == 0)
    return "own";
  *reason = never (self->document, domain);
  if (*reason)
    return "blocked";
  if (ew_domains_contain ((const gchar *const *)keystore->accepted_domains, domain))
    return "accepted";
  return ew_domains_contain ((const gchar *const *)keystore->refused_domains, domain) ? "refused" : "offered";
}

GStrv
ew_tunnel_get_domains (EwTunnel *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; self->document && i < self->document->domains->len; i++)
    {
      const EwDocumentDomain *domain = self->document->domains->pdata[i];
      const gchar *reason;
      if (g_str_equal (state_of (self, domain->domain, domain->node, &reason), "accepted"))
        g_strv_builder_add (builder, domain->domain);
    }
  return g_strv_builder_end (builder);
}

static gboolean
is_listed (JsonArray *domains, guint length, const gchar *domain)
{
  for (guint i = 0; i < length; i++)
    {
      JsonNode *element = json_array_get_element (domains, i);
      const gchar *listed
        = JSON_NODE_HOLDS_OBJECT (element) ? ew_json_string (json_node_get_object (element), "domain") : NULL;
      if (listed && g_ascii_strcasecmp (listed, domain) == 0)
        return TRUE;
    }
  return FALSE;
}

/* What was chosen here and isn't offered: it can be seen, and undone. */
static void
add_not_offered (JsonArray *domains, const gchar *const *chosen, const gchar *state)
{
  guint length = json_array_get_length (domains);
  for (; chosen && *chosen; chosen++)
    if (!is_listed (domains, length, *chosen))
      {
        JsonObject *entry = json_object_new ();
        json_object_set_string_member (entry, "domain", *chosen);
        for (const gchar *const *key = (const gchar *const[]){ "resolver", "node", "node_id", NULL }; *key; key++)
          json_object_set_null_member (entry, *key);
        json_object_set_boolean_member (entry, "online", FALSE);
        json_object_set_string_member (entry, "state", state);
        json_array_add_object_element (domains, entry);
      }
}

void
ew_tunnel_describe_domains (EwTunnel *self, JsonArray *domains)
{
  for (guint i = 0; self->document && i < json_array_get_length (domains); i++)
    {
      JsonNode *element = json_array_get_element (domains, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *domain = entry ? ew_json_string (entry, "domain") : NULL, *reason;
      if (!domain || !ew_domain_check (domain, NULL))
        continue;
      json_object_set_string_member (entry, "state", state_of (self, domain, ew_json_string (entry, "node"), &reason));
      if (!reason)
        continue;
      json_object_set_string_member (entry, "reason", reason);
      ew_phrase_add_member (entry, "reason_phrase", reason);
    }
  add_not_offered (domains, (const gchar *const *)self->keystore->accepted_domains, "accepted-not-offered");
  add_not_offered (domains, (const gchar *const *)self->keystore->refused_domains, "refused-not-offered");
}

static gboolean
choose (EwTunnel *self, const gchar *domain, gboolean accept, GError **error)
{
  EwKeystore *keystore = self->keystore;
  g_autoptr (GError) local = NULL;
  g_auto (GStrv) accepted = g_strdupv (keystore->accepted_domains), refused = g_strdupv (keystore->refused_domains);
  (void)ew_domains_set (&keystore->accepted_domains, domain, accept);
  (void)ew_domains_set (&keystore->refused_domains, domain, !accept);
  if (accept && !ew_domains_contain ((const gchar *const *)keystore->accepted_domains, domain))
    ew_set_error (&local, EW_ERROR, EW_ERROR_FAILED,
                  "This computer has accepted %d domains, the most that it can. Refuse one first.",
                  EW_CHOSEN_DOMAINS_MAX);
  else if (ew_keystore_save (keystore, &local))
    {
      ew_tunnel_set_names (self);
      return TRUE;
    }
  g_strfreev (keystore->accepted_domains);
  g_strfreev (keystore->refused_domains);
  keystore->accepted_domains = g_steal_pointer (&accepted);
  keystore->refused_domains = g_steal_pointer (&refused);
  g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
  return FALSE;
}

/* The mesh's own names, after the edge has changed their suffix to one that needs consent (names/plan.h); or no more
   than that. */
static gboolean
choose_suffix (EwTunnel *self, gboolean accept, GError **error)
{
  EwKeystore *keystore = self->keystore;
  const gchar *suffix = self->document->suffix;
  gboolean accepted = keystore->suffix && g_ascii_strcasecmp (keystore->suffix, suffix) == 0;
  if (accept == accepted)
    return TRUE;
  g_autofree gchar *before = g_steal_pointer (&keystore->suffix);
  keystore->suffix = accept ? g_strdup (suffix) : NULL;
  if (ew_keystore_save (keystore, error))
    {
      ew_tunnel_set_names (self);
      return TRUE;
    }
  g_free (keystore->suffix);
  keystore->suffix = g_steal_pointer (&before);
  return FALSE;
}

gboolean
ew_tunnel_accept_domain (EwTunnel *self, const gchar *domain, gboolean accept, GError **error)
{
  g_autofree gchar *name = g_ascii_strdown (domain, -1);
  gsize length = strlen (name);
  if (length > 1 && name[length - 1] == '.')
    name[length - 1] = '\0';
  if (!ew_tunnel_check_member (self, error) || !ew_domain_check (name, error))
    return FALSE;
  const gchar *suffix = self->document->suffix;
  if (g_ascii_strcasecmp (name, suffix) == 0 && (!accept || !soup_tld_domain_is_public_suffix (name)))
    return choose_suffix (self, accept, error);
  const gchar *why = accept ? never (self->document, name) : NULL;
  if (!why)
    return choose (self, name, accept, error);
  if (ew_domain_contains (suffix, name))
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                  "Names below %s are the mesh's own, so %s needs no acceptance of its own.", suffix, name);
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID, "This computer never asks the edge for names below %s: %s.",
                  name, why);
  return FALSE;
}
