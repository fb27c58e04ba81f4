/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/resolvers.h"

#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/dns/dns.h"

#define DOMAIN_MAX 253

static gboolean
parse_address (const gchar *text, EwDnsResolver *out)
{
  const gchar *percent = strchr (text, '%');
  g_autofree gchar *address = percent ? g_strndup (text, (gsize)(percent - text)) : g_strdup (text);
  const gchar *scope = percent ? percent + 1 : "";
  gsize length = strlen (scope);
  if (!ew_ip_parse (address, &out->ip) || (percent && (length == 0 || !ew_ip_is_link_local (&out->ip)))
      || length >= sizeof out->scope
      || strspn (scope, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != length)
    return FALSE;
  g_strlcpy (out->scope, scope, sizeof out->scope);
  return !ew_ip_is_unspecified (&out->ip) && !ew_ip_is_multicast (&out->ip);
}

gboolean
ew_dns_resolver_parse (const gchar *text, EwDnsResolver *out)
{
  g_autofree gchar *host = NULL;
  EwDnsResolver parsed = { .port = EW_DNS_PORT };
  if (!parse_address (text, &parsed)
      && (!ew_host_port_parse (text, &host, &parsed.port, NULL) || !parse_address (host, &parsed)))
    return FALSE;
  *out = parsed;
  return TRUE;
}

void
ew_dns_resolver_format (const EwDnsResolver *resolver, gchar out[EW_DNS_RESOLVER_STRLEN])
{
  gchar ip[EW_IP_STRLEN];
  ew_ip_format (&resolver->ip, ip);
  g_snprintf (out, EW_DNS_RESOLVER_STRLEN, "%s%s%s@%u", ip, *resolver->scope ? "%" : "", resolver->scope,
              resolver->port);
}

gboolean
ew_dns_resolver_equal (const EwDnsResolver *a, const EwDnsResolver *b)
{
  return ew_ip_equal (&a->ip, &b->ip) && a->port == b->port && g_str_equal (a->scope, b->scope);
}

gboolean
ew_dns_resolvers_parse (const gchar *text, GArray *resolvers, GError **error)
{
  g_auto (GStrv) parts = g_strsplit_set (text, ";, ", -1);
  for (guint i = 0; parts[i]; i++)
    {
      EwDnsResolver resolver;
      if (*parts[i] == '\0')
        continue;
      if (!ew_dns_resolver_parse (parts[i], &resolver) || resolvers->len >= EW_DNS_RESOLVERS_MAX)
        {
          g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                       "resolvers must be at most %d addresses, such as 9.9.9.9;[2620:fe::fe]:53. \"%.64s\" isn't "
                       "valid.",
                       EW_DNS_RESOLVERS_MAX, parts[i]);
          return FALSE;
        }
      g_array_append_val (resolvers, resolver);
    }
  return TRUE;
}

GArray *
ew_dns_resolvers_from_resolv_conf (const gchar *text)
{
  GArray *resolvers = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] && resolvers->len < EW_DNS_RESOLV_CONF_MAX; i++)
    {
      g_auto (GStrv) words = g_strsplit_set (lines[i], " \t\r", -1);
      EwDnsResolver resolver;
      guint at = 1;
      if (words[0] == NULL || !g_str_equal (words[0], "nameserver"))
        continue;
      while (words[at] && *words[at] == '\0')
        at++;
      /* No port: glibc takes none there. */
      memset (&resolver, 0, sizeof resolver);
      resolver.port = EW_DNS_PORT;
      if (words[at] && parse_address (words[at], &resolver))
        g_array_append_val (resolvers, resolver);
    }
  return resolvers;
}

GArray *
ew_dns_resolvers_without (const GArray *resolvers, const EwIp *own, gsize n_own, guint *dropped)
{
  GArray *others = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  *dropped = 0;
  for (guint i = 0; i < resolvers->len; i++)
    {
      const EwDnsResolver *resolver = &g_array_index (resolvers, EwDnsResolver, i);
      gboolean ours = FALSE;
      for (gsize j = 0; j < n_own; j++)
        ours = ours || ew_ip_equal (&resolver->ip, &own[j]);
      *dropped += ours;
      if (!ours)
        g_array_append_vals (others, resolver, 1);
    }
  return others;
}

gchar *
ew_dns_domain_parse (const gchar *text, GError **error)
{
  g_autofree gchar *domain = g_ascii_strdown (text, -1);
  gsize length = strlen (domain);
  if (length > 0 && domain[length - 1] == '.')
    domain[--length] = '\0';
  g_auto (GStrv) labels = g_strsplit (domain, ".", -1);
  gboolean good = length > 0 && length <= DOMAIN_MAX;
  for (guint i = 0; good && labels[i]; i++)
    {
      gsize label = strlen (labels[i]);
      good = label > 0 && label <= 63 && strspn (labels[i], "abcdefghijklmnopqrstuvwxyz0123456789-_") == label;
    }
  if (good)
    return g_steal_pointer (&domain);
  g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
               "\"%.64s\" isn't a domain. Use one such as corp.example or 77.10.in-addr.arpa.", text);
  return NULL;
}

void
ew_dns_domain_clear (EwDnsDomain *domain)
{
  g_clear_pointer (&domain->domain, g_free);
}

GArray *
ew_dns_domains_new (void)
{
  GArray *domains = g_array_new (FALSE, TRUE, sizeof (EwDnsDomain));
  g_array_set_clear_func (domains, (GDestroyNotify)ew_dns_domain_clear);
  return domains;
}

static EwDnsDomain *
find_or_add (GArray *domains, const gchar *domain)
{
  for (guint i = 0; i < domains->len; i++)
    if (g_str_equal (g_array_index (domains, EwDnsDomain, i).domain, domain))
      return &g_array_index (domains, EwDnsDomain, i);
  if (domains->len >= EW_DNS_DOMAINS_MAX)
    return NULL;
  EwDnsDomain zone = { .domain = g_strdup (domain) };
  g_array_append_val (domains, zone);
  return &g_array_index (domains, EwDnsDomain, domains->len - 1);
}

static gboolean
parse_domain (const gchar *text, GArray *domains, GError **error)
{
  const gchar *equals = strchr (text, '=');
  EwDnsResolver resolver;
  if (equals && ew_dns_resolver_parse (equals + 1, &resolver))
    {
      g_autofree gchar *left = g_strndup (text, (gsize)(equals - text));
      g_autofree gchar *domain = ew_dns_domain_parse (left, error);
      EwDnsDomain *zone = domain ? find_or_add (domains, domain) : NULL;
      if (zone && zone->n_resolvers < G_N_ELEMENTS (zone->resolvers))
        {
          zone->resolvers[zone->n_resolvers++] = resolver;
          return TRUE;
        }
      if (domain == NULL)
        return FALSE;
    }
  g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
               "domains must be at most %d domains, each with its resolver, such as corp.example=10.0.0.53. \"%.64s\" "
               "isn't valid.",
               EW_DNS_DOMAINS_MAX, text);
  return FALSE;
}

gboolean
ew_dns_domains_parse (const gchar *text, GArray *domains, GError **error)
{
  g_auto (GStrv) parts = g_strsplit_set (text, ";, ", -1);
  for (guint i = 0; parts[i]; i++)
    if (*parts[i] != '\0' && !parse_domain (parts[i], domains, error))
      return FALSE;
  return TRUE;
}
