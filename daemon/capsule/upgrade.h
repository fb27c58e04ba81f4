/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a connection becomes a stream of capsules: the heads of connect-udp over HTTP/1.1 (RFC 9298 sections 2 and 3.2).
 * Pure.
 *
 *   GET /.well-known/masque/udp/HOST/PORT/ HTTP/1.1          HTTP/1.1 101 Switching Protocols
 *   Connection: Upgrade                                      Connection: Upgrade
 *   Upgrade: connect-udp                                     Upgrade: connect-udp
 *   Capsule-Protocol: ?1                                     Capsule-Protocol: ?1
 */
#pragma once

#include <glib.h>
#include "common/http-head.h"

G_BEGIN_DECLS

#define EW_UPGRADE_PATH "/.well-known/masque/udp/"
#define EW_UPGRADE_TOKEN "connect-udp"

/* host: a name, or an address without brackets; the target and whom it's asked of are the same. (transfer full) */
gchar *ew_upgrade_request (const gchar *host, guint16 port);

typedef struct
{
  guint status;      /* 101, 403, … */
  gsize size;        /* of the head: what follows is the stream's */
  gboolean upgraded; /* it's a 101 to connect-udp */
} EwUpgradeAnswer;

/* As ew_head_read(); names of headers are compared without case. */
EwHeadResult ew_upgrade_read_answer (const gchar *data, gsize length, EwUpgradeAnswer *answer);

/* The path of a request, with or without the scheme and authority before it (absolute form). FALSE: another path, or
   not a host and port. *host (transfer full): without brackets. */
gboolean ew_upgrade_read_path (const gchar *path, gchar **host, guint16 *port);
/* Whether a header's value, a list of tokens, has this one. */
gboolean ew_upgrade_has_token (const gchar *list, const gchar *token);

G_END_DECLS
