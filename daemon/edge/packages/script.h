/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The script that a new computer runs, made from its template.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "https://HOST" of "HOST:PORT", with the port where that isn't 443. NULL: not such a text. (transfer full) */
gchar *ew_packages_base_url (const gchar *public_endpoint);
/* NULL: a value that isn't safe in a script. (transfer full) */
gchar *ew_packages_make_script (const gchar *base_url, const gchar *mesh, const gchar *edge, const gchar *ca_pem);

G_END_DECLS
