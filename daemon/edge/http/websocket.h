/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's half of a viewer's WebSocket (RFC 6455) after the handshake: text goes out and the sender learns when all
 * of it has been written, so that nothing queues up for a slow reader; pings find out whether it's still there. What
 * the viewer says is not needed: control frames are answered, data is ignored. (libsoup's own WebSocket does not tell
 * how much it still holds.)
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_WEBSOCKET_FRAME_MAX 4096 /* a viewer's frame; longer ones end the connection */

typedef struct EwWebsocket EwWebsocket;

typedef struct
{
  void (*drained) (gpointer user_data); /* everything sent has been written */
  void (*closed) (gpointer user_data);  /* once; free it, there or later */
} EwWebsocketHooks;

EwWebsocket *ew_http_websocket_new (GIOStream *stream, const EwWebsocketHooks *hooks,
                                    gpointer user_data); /* hooks: static */
void ew_http_websocket_free (EwWebsocket *self);         /* says goodbye where it can and closes */
/* One message; queued after what is being written. */
void ew_http_websocket_send (EwWebsocket *self, const gchar *text);
gboolean ew_http_websocket_is_drained (EwWebsocket *self);

/* The pure part. */
typedef struct
{
  guint8 opcode;   /* 0x0…0xf */
  guint8 *payload; /* inside data, unmasked in place */
  gsize length;
} EwWebsocketFrame;
/* The size of the first frame in data; 0: not all there yet; -1: no frame that a client may send. */
gssize ew_http_websocket_parse (guint8 *data, gsize length, EwWebsocketFrame *frame);

G_END_DECLS
