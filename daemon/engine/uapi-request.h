/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests of the cross-platform userspace API (https://www.wireguard.com/xplatform/): "get=1" or "set=1", then lines
 * of key=value, then an empty line. Bytes in, a request out; nothing is applied here, so a request with one bad line
 * changes nothing.
 */
#pragma once

#include <glib.h>
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_UAPI_REQUEST_MAX (4 * 1024 * 1024) /* some 15,000 peers with a key and three prefixes each */

typedef struct
{
  EwPrefix prefix;
  gboolean remove; /* "allowed_ip=-…" */
} EwUapiAllowedIp;

typedef struct
{
  guint8 public_key[EW_KEY_SIZE];
  gboolean remove, update_only, replace_allowed_ips;
  gboolean has_preshared_key;
  guint8 preshared_key[EW_KEY_SIZE]; /* zero: take it away */
  EwEndpoint endpoint;               /* kind NONE: leave as it is */
  gboolean has_keepalive;
  guint16 keepalive;   /* seconds, 0: off */
  GArray *allowed_ips; /* EwUapiAllowedIp, in the order given */
} EwUapiPeer;

typedef struct
{
  gboolean set; /* FALSE: get, and nothing below counts */
  gboolean has_private_key;
  guint8 private_key[EW_KEY_SIZE];
  gboolean has_listen_port;
  guint16 listen_port;
  gboolean has_fwmark;
  guint32 fwmark;
  gboolean replace_peers;
  GPtrArray *peers; /* EwUapiPeer, in the order given; the same key may occur twice */
} EwUapiRequest;

/* How long the request at the start of text is, its empty line included; 0: it has not arrived whole. *scanned
   remembers between calls how far the search came; 0 at first. */
gsize ew_uapi_request_length (const char *text, gsize len, gsize *scanned);

/* Parses one whole request. Returns 0, or a negative errno: -EINVAL for anything malformed or out of range, -EPROTO
   where the first line is neither "get=1" nor "set=1". *out is set only with 0. */
int ew_uapi_request_parse (const char *text, gsize len, EwUapiRequest **out);
void ew_uapi_request_free (EwUapiRequest *request); /* zeroes keys */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwUapiRequest, ew_uapi_request_free)

/* Asks for no more than listen_port and fwmark: what a managed interface allows. */
gboolean ew_uapi_request_is_managed (const EwUapiRequest *request);

G_END_DECLS
