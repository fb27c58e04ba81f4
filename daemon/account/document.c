/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/document.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/json-check.h"
#include "common/phrase.h"
#include "common/pki.h"
#include "common/util.h"
#include <string.h>

#define LIST_MAX (48 * 1024) /* bytes of the signed list of edges */
#define ADDRESSES_MAX 4
#define OFFERS_MAX 256
#define MTU_MIN 1280 /* below it Linux drops IPv6 */
#define MTU_MAX 9000

static void
edge_free (gpointer data)
{
  EwDocumentEdge *edge = data;
  g_free (edge->id);
  g_free (edge->name);
  g_strfreev (edge->endpoints);
  g_strfreev (edge->api);
  g_free (edge);
}

static void
route_free (gpointer data)
{
  EwDocumentRoute *route = data;
  g_free (route->node);
  g_free (route);
}

static void
domain_free (gpointer data)
{
  EwDocumentDomain *domain = data;
  g_free (domain->domain);
  g_free (domain->node);
  g_free (domain);
}

void
ew_document_free (EwDocument *document)
{
  if (!document)
    return;
  g_free (document->mesh);
  g_free (document->suffix);
  g_free (document->id);
  g_free (document->name);
  g_free (document->kind);
  g_free (document->role);
  g_clear_pointer (&document->addresses, g_array_unref);
  g_clear_pointer (&document->ranges, g_array_unref);
  g_clear_pointer (&document->service, g_array_unref);
  g_clear_pointer (&document->offers, g_array_unref);
  g_clear_pointer (&document->edges, g_ptr_array_unref);
  g_clear_pointer (&document->routes, g_ptr_array_unref);
  g_clear_pointer (&document->domains, g_ptr_array_unref);
  g_free (document);
}

static gboolean
wrong (GError **error, const gchar *what)
{
  ew_set_error (
    error, EW_ERROR, EW_ERROR_FAILED,
    "The edge sent an invalid description of this node (%s), so nothing of it is used. Ask whoever runs the edge.",
    what);
  return FALSE;
}

gboolean
ew_id_check (const gchar *id)
{
  gsize length = id ? strlen (id) : 0;
  if (length < 1 || length > 64)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (id[i]) && id[i] != '-' && id[i] != '_')
      return FALSE;
  return TRUE;
}

gboolean
ew_api_url_check (const gchar *url)
{
  if (!url || strlen (url) > 300 || !g_str_has_prefix (url, "https://"))
    return FALSE;
  const gchar *rest = url + strlen ("https://");
  if (rest[strcspn (rest, "/?#@%\\ ")] != '\0')
    return FALSE;
  g_autofree gchar *host = NULL;
  guint16 port;
  return ew_host_port_parse (rest, &host, &port, NULL);
}

/* "home.internal": labels of a host name, at most 253 characters in all (RFC 1035 section 2.3.4). */
static gboolean
suffix_check (const gchar *suffix)
{
  if (!suffix || !*suffix || strlen (suffix) > 253)
    return FALSE;
  g_auto (GStrv) labels = g_strsplit (suffix, ".", -1);
  for (gchar **label = labels; *label; label++)
    if (!ew_name_check (*label, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
copy_name (JsonObject *object, const gchar *member, gchar **out, GError **error)
{
  const gchar *name = ew_json_string (object, member);
  if (!name || !ew_name_check (name, NULL))
    return wrong (error, member);
  *out = g_strdup (name);
  return TRUE;
}

static gboolean
copy_choice (JsonObject *object, const gchar *member, const gchar *one, const gchar *other, gchar **out, GError **error)
{
  const gchar *value = ew_json_string (object, member);
  if (g_strcmp0 (value, one) != 0 && g_strcmp0 (value, other) != 0)
    return wrong (error, member);
  *out = g_strdup (value);
  return TRUE;
}

static gboolean
parse_names (EwDocument *document, JsonObject *object, GError **error)
{
  gint64 revision = ew_json_int (object, "revision", -1);
  if (ew_json_int (object, "schema", 0) != 1)
    return wrong (error, "schema");
  if (revision < 0)
    return wrong (error, "revision");
  document->revision.hash = (guint64)revision;
  const gchar *id = ew_json_string (object, "id"), *suffix = ew_json_string (object, "suffix");
  if (!ew_id_check (id))
    return wrong (error, "id");
  if (!suffix_check (suffix))
    return wrong (error, "suffix");
  document->id = g_strdup (id);
  document->suffix = g_strdup (suffix);
  document->trial = ew_json_bool (object, "trial", FALSE);
  document->exit = ew_json_bool (object, "exit", TRUE);
  JsonObject *dns = ew_json_object (object, "dns");
  document->dns = dns != NULL;
  document->dns_all = dns != NULL && ew_json_bool (dns, "forward", FALSE);
  gint64 mtu = ew_json_int (object, "mtu", 0);
  if (mtu < MTU_MIN || mtu > MTU_MAX)
    return wrong (error, "mtu");
  document->mtu = (guint16)mtu;
  return copy_name (object, "mesh", &document->mesh, error) && copy_name (object, "name", &document->name, error)
         && copy_choice (object, "kind", "server", "device", &document->kind, error)
         && copy_choice (object, "role", "admin", "member", &document->role, error);
}

/* Ranges are private: an edge cannot call a piece of the internet its mesh. */
static gboolean
parse_ranges (EwDocument *document, JsonObject *object, GError **error)
{
  g_auto (GStrv) texts = ew_json_strv (object, "ranges", ADDRESSES_MAX);
  document->ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  for (gchar **text = texts; text && *text; text++)
    {
      EwPrefix range;
      bool host_bits;
      if (!strchr (*text, '/') || !ew_prefix_parse (*text, &range, &host_bits) || host_bits || ew_prefix_never (&range)
          || !ew_prefix_is_private (&range))
        return wrong (error, "ranges");
      for (guint i = 0; i < document->ranges->len; i++)
        if (ew_prefix_overlaps (&g_array_index (document->ranges, EwPrefix, i), &range))
          return wrong (error, N_ ("ranges that overlap"));
      g_array_append_val (document->ranges, range);
    }
  return document->ranges->len > 0 || wrong (error, "ranges");
}

static gboolean
inside (GArray *ranges, const EwIp *ip)
{
  for (guint i = 0; i < ranges->len; i++)
    if (ew_prefix_contains (&g_array_index (ranges, EwPrefix, i), ip))
      return TRUE;
  return FALSE;
}

static GArray *
parse_ips (EwDocument *document, JsonObject *object, const gchar *member, GError **error)
{
  g_auto (GStrv) texts = ew_json_strv (object, member, ADDRESSES_MAX);
  g_autoptr (GArray) ips = g_array_new (FALSE, FALSE, sizeof (EwIp));
  for (gchar **text = texts; text && *text; text++)
    {
      EwIp ip;
      if (!ew_ip_parse (*text, &ip) || !inside (document->ranges, &ip))
        {
          wrong (error, member);
          return NULL;
        }
      if (ip.family == EW_FAMILY_V4)
        g_array_prepend_val (ips, ip);
      else
        g_array_append_val (ips, ip);
    }
  if (ips->len == 0)
    {
      wrong (error, member);
      return NULL;
    }
  return g_steal_pointer (&ips);
}

static gboolean
parse_addresses (EwDocument *document, JsonObject *object, GError **error)
{
  if (!(document->addresses = parse_ips (document, object, "addresses", error))
      || !(document->service = parse_ips (document, object, "service", error)))
    return FALSE;
  const EwIp *own = &g_array_index (document->addresses, EwIp, 0),
             *service = &g_array_index (document->service, EwIp, 0);
  /* The link protocol speaks from the first address to the first service address. */
  if (own->family != service->family || ew_ip_equal (own, service))
    return wrong (error, "service");
  return TRUE;
}

static GStrv
parse_strings (JsonObject *object, const gchar *member, gboolean url)
{
  GStrv texts = ew_json_strv (object, member, EW_DOCUMENT_MAX_ENDPOINTS);
  for (gchar **text = texts; text && *text; text++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      if (strlen (*text) > 300 || !(url ? ew_api_url_check (*text) : ew_host_port_parse (*text, &host, &port, NULL)))
        {
          g_strfreev (texts);
          return NULL;
        }
    }
  return texts;
}

static gboolean
parse_edge (EwDocument *document, JsonObject *object, GError **error)
{
  EwDocumentEdge *edge = g_new0 (EwDocumentEdge, 1);
  g_ptr_array_add (document->edges, edge);
  const gchar *id = ew_json_string (object, "id"), *key = ew_json_string (object, "public_key");
  if (!ew_id_check (id))
    return wrong (error, N_ ("an edge's id"));
  if (!key || !ew_key_from_base64 (key, edge->public_key))
    return wrong (error, N_ ("an edge's public key"));
  edge->id = g_strdup (id);
  edge->endpoints = parse_strings (object, "endpoints", FALSE);
  edge->api = parse_strings (object, "api", TRUE);
  if (!edge->endpoints || !edge->endpoints[0] || !edge->api || !edge->api[0])
    return wrong (error, N_ ("an edge's endpoints"));
  return copy_name (object, "name", &edge->name, error);
}

static gboolean
parse_edges (EwDocument *document, JsonObject *object, const gchar *ca_pem, GError **error)
{
  JsonObject *edges = ew_json_object (object, "edges");
  const gchar *list = edges ? ew_json_string (edges, "list") : NULL;
  const gchar *signature = edges ? ew_json_string (edges, "signature") : NULL;
  if (!list || strlen (list) > LIST_MAX || !signature || strlen (signature) > 1024)
    return wrong (error, "edges");
  if (!ew_pki_verify (ca_pem, list, (gssize)strlen (list), signature, NULL))
    return wrong (error, N_ ("its list of edges isn't signed by the mesh"));
  g_autofree gchar *text = g_strdup_printf ("{\"edges\":%s}", list);
  g_autoptr (JsonObject) wrapped = ew_json_parse_object (text, strlen (text), LIST_MAX + 16, NULL);
  JsonArray *array = wrapped ? ew_json_array (wrapped, "edges") : NULL;
  guint n = array ? json_array_get_length (array) : 0;
  if (n == 0 || n > EW_DOCUMENT_MAX_EDGES)
    return wrong (error, "edges");
  document->edges = g_ptr_array_new_with_free_func (edge_free);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (!JSON_NODE_HOLDS_OBJECT (node) || !parse_edge (document, json_node_get_object (node), error))
        return error && *error ? FALSE : wrong (error, "edges");
    }
  return TRUE;
}

static gboolean
parse_cidr (const gchar *text, EwPrefix *out)
{
  bool host_bits;
  return text && ew_prefix_parse (text, out, &host_bits) && !host_bits;
}

static gboolean
parse_routes (EwDocument *document, JsonObject *object, GError **error)
{
  document->offers = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  document->routes = g_ptr_array_new_with_free_func (route_free);
  g_auto (GStrv) offers = ew_json_strv (object, "offers", OFFERS_MAX);
  if (!offers)
    return wrong (error, "offers");
  for (gchar **text = offers; *text; text++)
    {
      EwPrefix prefix;
      if (!parse_cidr (*text, &prefix))
        return wrong (error, "offers");
      g_array_append_val (document->offers, prefix);
    }
  JsonArray *array = ew_json_array (object, "routes");
  if (!array || json_array_get_length (array) > EW_DOCUMENT_MAX_ROUTES)
    return wrong (error, "routes");
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      EwDocumentRoute *route = g_new0 (EwDocumentRoute, 1);
      g_ptr_array_add (document->routes, route);
      if (!entry || !parse_cidr (ew_json_string (entry, "cidr"), &route->prefix)
          || !copy_name (entry, "node", &route->node, NULL))
        return wrong (error, "routes");
    }
  return TRUE;
}

static gboolean
parse_domains (EwDocument *document, JsonObject *object, GError **error)
{
  JsonArray *array = ew_json_array (object, "domains");
  guint n = array ? json_array_get_length (array) : 0;
  document->domains = g_ptr_array_new_with_free_func (domain_free);
  if ((!array && json_object_has_member (object, "domains")) || n > EW_DOCUMENT_MAX_DOMAINS)
    return wrong (error, "domains");
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const gchar *text = entry ? ew_json_string (entry, "domain") : NULL;
      g_autofree gchar *gateway = NULL;
      if (!text || !copy_name (entry, "node", &gateway, NULL))
        return wrong (error, "domains");
      if (!ew_domain_check (text, NULL)) /* a newer edge may know more kinds; what isn't known here is never taken */
        continue;
      EwDocumentDomain *domain = g_new0 (EwDocumentDomain, 1);
      domain->domain = g_strdup (text);
      domain->node = g_steal_pointer (&gateway);
      const gchar *resolver = ew_json_string (entry, "resolver");
      if (resolver != NULL && !ew_ip_parse (resolver, &domain->resolver))
        domain->resolver = (EwIp){ .family = EW_FAMILY_NONE };
      g_ptr_array_add (document->domains, domain);
    }
  return TRUE;
}

/* The document is stored as it came, inside account.json: one that grows when it is written (escapes, numbers), or is
   too deep two levels further down, would make a file that the next start cannot read. */
static gboolean
check_storable (JsonObject *object, GError **error)
{
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  g_autofree gchar *stored = g_strconcat ("{\"identity\":{\"document\":", text, "}}", NULL);
  gsize offset;
  return (strlen (text) <= EW_DOCUMENT_MAX && ew_json_check (stored, strlen (stored), &offset) == EW_JSON_VALID)
         || wrong (error, N_ ("it can't be stored"));
}

EwDocument *
ew_document_parse (JsonObject *object, const gchar *ca_pem, GError **error)
{
  g_autoptr (EwDocument) document = g_new0 (EwDocument, 1);
  g_autoptr (GError) local = NULL;
  if (!check_storable (object, &local) || !parse_names (document, object, &local)
      || !parse_ranges (document, object, &local) || !parse_addresses (document, object, &local)
      || !parse_routes (document, object, &local) || !parse_domains (document, object, &local)
      || !parse_edges (document, object, ca_pem, &local))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return g_steal_pointer (&document);
}
