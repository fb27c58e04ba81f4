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

/* (transfer full) What to call the file: its name becomes the interface's, which has at most 15 characters, and
   NetworkManager refuses others. The mesh's, so that it's the same each time. */
gchar *ew_wg_config_file_name (const gchar *mesh);

typedef enum
{
  EW_WG_CONFIG_VPN = 1 << 0, /* all traffic goes through the edge; else the mesh's ranges and routes */
  EW_WG_CONFIG_NAMES
  = 1 << 1, /* a DNS line: the machine asks the edge for every name, and looks in the mesh's suffix */
} EwWgConfigFlags;

/* Whether the edge answers names, so that EW_WG_CONFIG_NAMES can be given. config: as below. */
gboolean ew_wg_config_has_names (JsonObject *config);

/* config: the API's (POST /v1/nodes). Every
   value is checked: a hostile edge must not slip a PostUp line into a file that root runs, nor the internet into the
   mesh's ranges. What is public of the routes is listed in public_networks (transfer full, may be NULL). ::/0 and IPv6
   networks stand in it only with an IPv6 address, likewise IPv4. A port, the same for a node each time: where a file has none, `wg syncconf` draws a new one, and with it a new
   way through the machine's NAT. (transfer full, ew_free_secret); NULL with EW_ERROR_FAILED. */
gchar *ew_wg_config_format (JsonObject *config, const gchar *private_key, EwWgConfigFlags flags, GStrv *public_networks,
                            GError **error);

G_END_DECLS
