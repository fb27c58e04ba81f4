/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Carries the bytes between callers of published names and the web server, in a thread of its own: the edge's port has
 * one listener, and whom a caller asks for is only known once the caller has said so.
 *
 *   caller ═ TCP ═ the edge's port ─ its ClientHello was looked at, and is still unread
 *     └─ ew_publish_relay_pass() ──→ ═ UNIX socket ═ nginx      first a line that says who the caller is
 *
 * Backpressure goes through: a side that doesn't take its bytes holds back the other, with at most one piece in between.
 * There is no limit of time here: those are nginx's. Connections are bounded in number, in all and for each network.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PUBLISH_RELAYED_MAX 4096
#define EW_PUBLISH_RELAYED_PER_NETWORK 512 /* of an IPv4 address or an IPv6 /64 */

typedef struct EwRelay EwRelay;

/* path: of the web server's socket. NULL with errno. */
EwRelay *ew_publish_relay_new (const gchar *path) G_GNUC_WARN_UNUSED_RESULT;
void ew_publish_relay_free (EwRelay *self); /* cuts all off */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwRelay, ew_publish_relay_free)

/* Takes a duplicate of the caller's connection; where there is no place, or nobody listens at the path, it is cut off. */
void ew_publish_relay_pass (EwRelay *self, gint fd);

/* The line that tells a proxy who is calling: "PROXY TCP4 198.51.100.7 203.0.113.5 50000 443\r\n" (haproxy's
 * proxy-protocol.txt, version 1). Returns its length; 0: the addresses aren't known. */
gsize ew_publish_format_caller (gint fd, gchar *out, gsize size);

G_END_DECLS
