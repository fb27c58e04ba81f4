/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A WireGuard configuration as wg-quick(8) and every WireGuard app read it: for edgewayctl and the app.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A new X25519 key pair (RFC 7748), clamped as `wg genkey` does, both in base64. */
typedef struct
{
  gchar *private_key; /* zeroed when freed */
  gchar *public_key;
} EwKeyPair;
gboolean ew_key_pair_make (EwKeyPair *pair, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_key_pair_clear (EwKeyPair *pair);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EwKeyPair, ew_key_pair_clear)

/* config: the API's (POST /v1/nodes). vpn: all traffic goes through the edge; else the mesh's ranges and routes. Every
   value is checked: a hostile edge must not slip a PostUp line into a file that root runs. No DNS line. (transfer full,
   ew_free_secret); NULL with EW_ERROR_FAILED. */
gchar *ew_wg_config_format (JsonObject *config, const gchar *private_key, gboolean vpn, GError **error);

G_END_DECLS
