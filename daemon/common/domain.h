/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS domains that people give to a mesh: the suffix of its names, and the search domains that its gateways offer. Both
 * are asked at the edge instead of elsewhere, so names that others depend on aren't accepted: a single label, and what
 * is special in DNS (RFC 6761, 6762, 7686, 8375). Whether anyone can register names below one is for the caller to ask
 * the public suffix list. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_DOMAIN_MAX 200 /* characters: a label of 52 still fits before it (RFC 1035 section 2.3.4) */

/* Two labels or more, each as ew_name_check() wants it, at most EW_DOMAIN_MAX characters, nothing special. FALSE with
 * EW_ERROR_NAME_INVALID: a sentence that says why and what to do. */
gboolean ew_domain_check (const gchar *domain, GError **error);
/* … and fit for a mesh's names: not below .local either, where other computers answer. */
gboolean ew_suffix_check (const gchar *suffix, GError **error);
/* Whether name is domain or below it, by whole labels. Both without a dot at the end; case is ignored. */
gboolean ew_domain_contains (const gchar *domain, const gchar *name);
/* Whether names below suffix can't be those of a domain of the internet: it's below one of the domains that are for
 * private use (RFC 9476 internal, RFC 8375 home.arpa) or that never were in the public DNS. Only such a suffix is an
 * edge's to choose by itself; a hostile one would take over any other. */
gboolean ew_suffix_is_private (const gchar *suffix);

G_END_DECLS
