/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Looks at what a caller has sent so far: is its whole ClientHello there (RFC 8446 sections 4.1.2 and 5.1, RFC 5246
 * section 7.4.1.2)? A handshake holds a thread from its first byte to its last, so none begins with half of one. A
 * ClientHello may be longer than a segment (1.4 KB with hybrid key shares) and be cut into several records.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_CLIENT_HELLO_MAX (17 * 1024) /* bytes with its records' headers; real ones have 0.2 to 2 KiB */

typedef enum
{
  EW_CLIENT_HELLO_MORE,  /* right so far */
  EW_CLIENT_HELLO_WHOLE, /* there */
  EW_CLIENT_HELLO_OLD,   /* of a caller that knows TLS 1.1 at most */
  EW_CLIENT_HELLO_NONE   /* not a ClientHello, or too long */
} EwClientHello;

#define EW_CLIENT_HELLO_NAME_MAX 253 /* RFC 1035 section 2.3.4 */

/* Whom a caller asks for. */
typedef struct
{
  gchar name[EW_CLIENT_HELLO_NAME_MAX + 1]; /* in lower case; "": it names nobody (RFC 6066 section 3) */
  gboolean acme;                            /* it only wants to see a certificate's challenge (RFC 8737) */
} EwClientHelloNames;

/* Pure. *need: with MORE, look again when this many bytes are there; at most EW_CLIENT_HELLO_MAX. */
EwClientHello ew_http_client_hello_check (const guint8 *data, gsize length, gsize *need);
/* Pure. data begins with a ClientHello that is WHOLE. A name or a list that isn't as it should be counts as none. */
void ew_http_client_hello_read (const guint8 *data, gsize length, EwClientHelloNames *out);

G_END_DECLS
