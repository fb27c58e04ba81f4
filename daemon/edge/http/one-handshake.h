/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A TCP connection on which TLS shakes hands once. TLS 1.2 lets a caller ask for another handshake at any time (RFC 5746),
 * and glib-networking goes along, in a thread that the caller can hold for as long as it likes: none of handshake.c's
 * bounds would hold for that. Such a caller is recognized by the types of its records, which aren't encrypted (RFC 5246
 * section 6.2.1):
 *
 *   22 (handshake) …, 20 (change cipher spec), 22 (the last one), then 23 (data) and 21 (alerts) alone
 *
 * A caller with TLS 1.3 sends the same types: after 20 at most a second ClientHello (RFC 8446 appendix D.4).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* below: accepted, nothing has been read from it; it lives until what this returns is freed. (transfer full). Reading
   from that fails with G_IO_ERROR_PERMISSION_DENIED once the caller begins another handshake. */
GIOStream *ew_http_one_handshake_new (GSocketConnection *below);

/* Pure: what has come so far. Zeroed: nothing. */
typedef struct
{
  guint8 n_head;    /* bytes of a record's head */
  guint16 left;     /* bytes of a record that are still to come */
  gboolean changed; /* a "change cipher spec" has come */
  guint n_after;    /* handshake records after it */
} EwTlsRecords;

/* FALSE: these bytes begin another handshake. */
gboolean ew_http_tls_records_follow (EwTlsRecords *self, const guint8 *data, gsize length);

G_END_DECLS
