/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The API's sockets: TCP with TLS on the edge's port, and the control socket. Each accepted connection is counted,
 * given deadlines and bounds, and then handed to libsoup, which speaks HTTP/1.1 on it. What a request means
 * is api's.
 *
 *   accept ── ClientHello ── its turn ── handshake ── first bytes ── whole request ── answer ── closed
 *     └────── 5 s ─────┘└──────── 10 s ────────┘└──── 15 s ────┘└───── 15 s ────┘└── 30 s ──┘
 *
 * A caller that misses a deadline is disconnected, and sooner where places are needed (accept.c, handshake.c). A
 * connection that the handler took over (a viewer's) isn't counted here.
 */
#pragma once

#include <libsoup/soup.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_SERVER_BODY_MAX (64 * 1024)
#define EW_SERVER_HEADERS_MAX (16 * 1024)
#define EW_SERVER_RANGE "Edgeway-Range" /* the request's header Range, which libsoup doesn't get to see */

typedef struct EwServer EwServer;

/* Where a request came from. */
typedef struct
{
  gboolean control; /* through the control socket */
  EwIp ip;          /* else from here */
  gboolean repeats; /* by TLS 1.2, where the caller may ask for another handshake at any time (RFC 5746) */
} EwServerPeer;

/* Why a request must be refused, whatever it asks for. */
typedef enum
{
  EW_SERVER_FAULT_NONE,
  EW_SERVER_FAULT_TOO_LARGE, /* its body or headers are beyond the bounds and not kept */
  EW_SERVER_FAULT_BAD_LENGTH /* its Content-Length is not a number */
} EwServerFault;

/* The whole request is there, or with a fault its headers. */
typedef void (*EwServerHandler) (gpointer user_data, SoupServerMessage *message, const EwServerPeer *peer,
                                 const gchar *path, GHashTable *query, EwServerFault fault);

typedef struct EwServerStream EwServerStream;

EwServer *ew_http_server_new (EwServerHandler handler, gpointer user_data);
void ew_http_server_free (EwServer *self); /* closes everything; viewers' connections are theirs */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwServer, ew_http_server_free)

/* Binds, so that a taken port or a missing privilege is known at once; no connection is accepted yet. address NULL:
 * all, both families. */
/* later: address may be one that no interface has yet. G_IO_ERROR_ADDRESS_IN_USE: another program has the port. */
gboolean ew_http_server_bind_tcp (EwServer *self, const gchar *address, guint16 port, gboolean later, GError **error);
/* Replaces a socket that a killed edge left. */
gboolean ew_http_server_bind_control (EwServer *self, const gchar *path, GError **error);
void ew_http_server_start (EwServer *self, GTlsCertificate *certificate);
/* Asked once a caller's whole ClientHello has come and nothing has been read, for callers that give a name. TRUE: the
   name isn't the API's, and the socket was duplicated and is served elsewhere; here it is let go. acme: RFC 8737. */
typedef gboolean (*EwServerPass) (gpointer user_data, gint fd, const gchar *name, gboolean acme);
void ew_http_server_set_pass (EwServer *self, EwServerPass pass, gpointer user_data);
/* The mesh's ranges: callers from there came through the tunnel. */
void ew_http_server_set_mesh (EwServer *self, const EwPrefix *v4, const EwPrefix *v6);
/* An enrolled node is at this address: it comes before strangers when the API is crowded. */
void ew_http_server_know (EwServer *self, const EwIp *ip);
/* Answers with the first length bytes of body (transfer full), a piece at a time, after the status and the headers that
 * message has. done is called when that has ended, however it did, if the main loop still runs then; the stream that is
 * returned (borrowed) is there until done. wait_us says, before each piece of so many bytes, how long it has to wait. */
typedef gint64 (*EwServerWait) (gpointer done_data, gsize bytes);
EwServerStream *ew_http_server_stream (EwServer *self, SoupServerMessage *message, GInputStream *body, guint64 length,
                                       EwServerWait wait_us, GDestroyNotify done, gpointer done_data);
/* Cuts it off; done is called soon afterwards. */
void ew_http_server_stream_stop (EwServerStream *stream);
/* The message's connection has no deadline from here on; call it before stealing. */
void ew_http_server_release (EwServer *self, SoupServerMessage *message);

G_END_DECLS
