/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/special.h"

#include <string.h>

#define ZEROS_7 "0.0.0.0.0.0.0."
#define ZEROS_31 ZEROS_7 ZEROS_7 ZEROS_7 ZEROS_7 "0.0.0."

struct EwDnsKinds
{
  GHashTable *domains; /* domain → EwDnsKind */
};

/* RFC 6303, 4.2 to 4.6; fc00::/8 beside its fd00::/8, as none of it is on the internet. The 64 zones of RFC 7793 and the
   16 of 172.16.0.0/12 are added by number. */
static const gchar *const special[] = {
  "0.in-addr.arpa",
  "10.in-addr.arpa",
  "127.in-addr.arpa",
  "254.169.in-addr.arpa",
  "168.192.in-addr.arpa",
  "2.0.192.in-addr.arpa",
  "100.51.198.in-addr.arpa",
  "113.0.203.in-addr.arpa",
  "255.255.255.255.in-addr.arpa",
  "0." ZEROS_31 "ip6.arpa",
  "1." ZEROS_31 "ip6.arpa",
  "c.f.ip6.arpa",
  "d.f.ip6.arpa",
  "8.e.f.ip6.arpa",
  "9.e.f.ip6.arpa",
  "a.e.f.ip6.arpa",
  "b.e.f.ip6.arpa",
  "8.b.d.0.1.0.0.2.ip6.arpa",
  "home.arpa",
  "test",
  "invalid",
  "local",
  "onion",
  "alt",
  "internal",
  "resolver.arpa",
  "localhost",
  NULL,
};

const gchar *const *
ew_dns_special_domains (void)
{
  return special;
}

EwDnsKinds *
ew_dns_kinds_new (void)
{
  EwDnsKinds *self = g_new0 (EwDnsKinds, 1);
  self->domains = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; special[i]; i++)
    ew_dns_kinds_add (self, special[i], EW_DNS_KIND_ABSENT);
  ew_dns_kinds_add (self, "resolver.arpa", EW_DNS_KIND_EMPTY);
  ew_dns_kinds_add (self, "localhost", EW_DNS_KIND_LOCALHOST);
  for (guint i = 16; i < 128; i++)
    {
      g_autofree gchar *zone = g_strdup_printf ("%u.%s.in-addr.arpa", i, i < 32 ? "172" : "100");
      if (i < 32 || i >= 64)
        ew_dns_kinds_add (self, zone, EW_DNS_KIND_ABSENT);
    }
  return self;
}

void
ew_dns_kinds_free (EwDnsKinds *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->domains);
  g_free (self);
}

void
ew_dns_kinds_add (EwDnsKinds *self, const gchar *domain, EwDnsKind kind)
{
  g_hash_table_replace (self->domains, g_strdup (domain), GUINT_TO_POINTER (kind));
}

/* The label after the next dot that isn't part of one; NULL: not found. */
static const gchar *
next_label (const gchar *label)
{
  for (; *label; label++)
    if (*label == '\\' && label[1])
      label++;
    else if (*label == '.')
      return label[1] ? label + 1 : NULL;
  return NULL;
}

EwDnsKind
ew_dns_kinds_find (EwDnsKinds *self, const gchar *name, const gchar **domain)
{
  g_autofree gchar *lower = g_ascii_strdown (name, -1);
  gsize length = strlen (lower);
  gpointer key = NULL, kind = NULL;
  if (length > 0 && lower[length - 1] == '.')
    lower[length - 1] = '\0';
  for (const gchar *label = lower; label; label = next_label (label))
    if (g_hash_table_lookup_extended (self->domains, label, &key, &kind))
      break;
  if (domain)
    *domain = key ? key : "";
  return key ? GPOINTER_TO_UINT (kind) : EW_DNS_KIND_FOREIGN;
}
