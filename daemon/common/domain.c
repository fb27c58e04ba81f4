/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/domain.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define SHOWN 64 /* characters of the input */

/* Top-level names that mean something of their own. home.arpa is the one domain of .arpa that is for names of a home
 * (RFC 8375). */
typedef struct
{
  const gchar *domain;
  const gchar *reason; /* ends the sentence "… can't be used: %s." */
} Special;

static const Special special[] = {
  { "localhost", N_ ("names below .localhost always mean the computer itself") },
  { "onion", N_ ("names below .onion belong to Tor") },
  { "invalid", N_ ("names below .invalid never resolve") },
  { "arpa", N_ ("names below .arpa belong to reverse look-ups and other protocols") },
};

static const Special special_suffixes[] = {
  { "local", N_ ("names below .local are asked of the local network (mDNS)") },
  { "example", N_ ("names below .example are for documentation only") },
};

gboolean
ew_domain_contains (const gchar *domain, const gchar *name)
{
  gsize length = strlen (domain), whole = strlen (name);
  return whole >= length && g_ascii_strcasecmp (name + whole - length, domain) == 0
         && (whole == length || name[whole - length - 1] == '.');
}

static gboolean
check_special (const gchar *domain, const Special *rules, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (ew_domain_contains (rules[i].domain, domain))
      {
        ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID, "\"%s\" can't be used: %s.", domain, rules[i].reason);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_labels (const gchar *domain, GError **error)
{
  g_autofree gchar *shown = g_strndup (domain, SHOWN);
  if (strnlen (domain, EW_DOMAIN_MAX + 1) > EW_DOMAIN_MAX)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID, "A domain has at most %d characters.", EW_DOMAIN_MAX);
      return FALSE;
    }
  g_auto (GStrv) labels = g_strsplit (domain, ".", -1);
  for (gchar **label = labels; *label; label++)
    {
      g_autoptr (GError) cause = NULL;
      if (ew_name_check (*label, &cause))
        continue;
      ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID, "\"%s\" isn't a domain: %s", shown, cause->message);
      return FALSE;
    }
  if (g_strv_length (labels) > 1)
    return TRUE;
  if (!check_special (domain, special, G_N_ELEMENTS (special), error)
      || !check_special (domain, special_suffixes, G_N_ELEMENTS (special_suffixes), error))
    return FALSE; /* the better reason */
  ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                "\"%s\" has one label only, and such names are looked up elsewhere. Use two or more, for example "
                "%s.internal.",
                shown, *shown ? shown : "home");
  return FALSE;
}

gboolean
ew_domain_check (const gchar *domain, GError **error)
{
  return check_labels (domain, error)
         && (ew_domain_contains ("home.arpa", domain)
             || check_special (domain, special, G_N_ELEMENTS (special), error));
}

gboolean
ew_suffix_check (const gchar *suffix, GError **error)
{
  return ew_domain_check (suffix, error)
         && check_special (suffix, special_suffixes, G_N_ELEMENTS (special_suffixes), error);
}

gboolean
ew_suffix_is_private (const gchar *suffix)
{
  /* None of these is in the public DNS: RFC 2606 test; corp and home are kept out of it (ICANN, 2018). */
  static const gchar *const domains[] = { "internal", "home.arpa", "test", "lan", "home", "corp", "mesh", "private" };

  for (gsize i = 0; i < G_N_ELEMENTS (domains); i++)
    if (strlen (suffix) > strlen (domains[i]) + 1 && ew_domain_contains (domains[i], suffix))
      return TRUE;
  return FALSE;
}
