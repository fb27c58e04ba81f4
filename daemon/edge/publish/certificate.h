/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A published name's certificate of its owner's: whether it can be used, checked before it is stored, so that whoever
 * gave it hears what is wrong with it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* certificate: a PEM chain with the name's own first. key: its private key, PEM, without a password. host: what it must
 * be for; a wildcard host wants a wildcard certificate. now_us: realtime. Dates of the chain's others are the caller's
 * browser's to check. EW_ERROR_INVALID_ARGUMENT: a sentence. */
gboolean ew_publish_check_certificate (const gchar *certificate, const gchar *key, const gchar *host, gint64 now_us,
                                       GError **error);
/* When the chain's first ends, realtime; 0: unknown. */
gint64 ew_publish_get_expiry (const gchar *certificate);

G_END_DECLS
