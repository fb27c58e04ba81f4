/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an address of the edge to a stream: TCP, TLS with the chain checked to the mesh's pin and to nothing else, and
 * the upgrade (capsule/upgrade.h). Asynchronous, bounded in time; nothing is sent that the upgrade's answer should come
 * before (RFC 9931).
 *
 *   connect → [CONNECT through a proxy] → TLS, ALPN http/1.1 → GET … Upgrade: connect-udp → 101 → the stream
 *
 * Errors: EW_ERROR with a sentence. EDGE_UNREACHABLE: nobody answered there, or not as an edge does, or the proxy leads
 * nowhere. PROXY_PASSWORD: it asks for one. PIN_MISMATCH: something else than the edge ended the TLS connection.
 */
#pragma once

#include <gio/gio.h>
#include "common/enrollment-key.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_STREAM_DIAL_SECONDS 10

typedef struct
{
  EwEndpoint to;           /* UDP's: the TCP port is the same */
  const gchar *name;       /* what the edge is called, for TLS and HTTP; NULL: by its address */
  const guint8 *pin;       /* EW_PIN_SIZE bytes */
  guint32 mark;            /* SO_MARK; 0: none. Best effort */
  const gchar *proxy_file; /* of ew_proxy_find(); NULL: the environment alone */
} EwStreamDial;

typedef struct
{
  GIOStream *stream;
  GSocket *socket;
  GBytes *early; /* what came after the head */
} EwStreamDialed;

typedef enum
{
  EW_STREAM_OBSTACLE_NONE,
  EW_STREAM_OBSTACLE_READER,   /* the certificate isn't one that an edge makes: something on the way reads TLS */
  EW_STREAM_OBSTACLE_PASSWORD, /* the proxy that is to be used asks for a user name and a password, or for others */
  EW_STREAM_OBSTACLE_PROXY, /* the proxy that is to be used doesn't lead to the edge, or its settings can't be used */
} EwStreamObstacle;

void ew_stream_dialed_free (EwStreamDialed *dialed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStreamDialed, ew_stream_dialed_free)

void ew_stream_dial_async (const EwStreamDial *dial, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
/* Since when, in GLib's monotonic time, the dial with this cancellable has had a TCP connection and waits for what is at
   its other end; 0: it has none yet. */
gint64 ew_stream_dial_open_since (GCancellable *cancellable);
/* (transfer full). *obstacle: what is to be shown to people, as error says it. */
EwStreamDialed *ew_stream_dial_finish (GAsyncResult *result, EwStreamObstacle *obstacle, GError **error);

G_END_DECLS
