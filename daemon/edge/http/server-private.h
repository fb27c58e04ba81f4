/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between server.c (requests), stream.c (long answers), accept.c (who gets a place), handshake.c (whose turn it is) and listen.c (sockets).
 */
#pragma once

#include <gio/gio.h>
#include "edge/http/known-addresses.h"
#include "edge/http/server.h"

G_BEGIN_DECLS

#define EW_SERVER_REQUEST_SECONDS 15

/* What a connection waits for. */
typedef enum
{
  EW_STAGE_HELLO,     /* the caller's whole ClientHello: only a socket is held */
  EW_STAGE_TURN,      /* its turn to shake hands */
  EW_STAGE_HANDSHAKE, /* the handshake: a thread is held */
  EW_STAGE_REQUEST,   /* the caller's whole request */
  EW_STAGE_ANSWER,    /* the caller to take its answer */
  EW_STAGE_RELEASED   /* nothing here: the handler took it over */
} EwServerStage;

/* In the order in which they are served. */
typedef enum
{
  EW_STANDING_STRANGER,
  EW_STANDING_KNOWN, /* an enrolled node was seen at its address */
  EW_STANDING_MESH,  /* came through the tunnel */
  EW_STANDING_OWNER  /* through the control socket: not counted, never ended for another */
} EwServerStanding;
#define EW_STANDINGS (EW_STANDING_OWNER + 1)

struct EwServer
{
  SoupServer *soup;
  GSocketService *service;
  GSocketService *control; /* one service takes from one of its sockets at a time: a crowd at the other would have it */
  GTlsCertificate *certificate;
  EwServerHandler handler;
  gpointer user_data;
  EwServerPass pass; /* NULL: all callers are the API's */
  gpointer pass_data;
  gchar *control_path;
  EwPrefix mesh[2];
  EwKnownAddresses *known;
  GHashTable *connections; /* set of EwConnection */
  GQueue waiting;          /* EwConnection: for its turn to shake hands */
  guint hurry;             /* ends stalled handshakes while others wait */
  gint64 crowd_logged_us;  /* monotonic */
};

typedef struct
{
  EwServer *server;
  EwServerPeer peer;
  EwServerStanding standing;
  EwServerStage stage;
  gint64 since;    /* monotonic: when it was accepted; when its handshake began */
  GThread *thread; /* the server's, the only one that touches this */
  GSocket *socket;
  GIOStream *held;        /* its stream, until the handshake begins. Then others own that, and this code ends it */
  GSocketAddress *remote; /* libsoup's messages lead back here by it */
  GSource *hello;         /* until the caller's ClientHello is there */
  gsize hello_need;       /* bytes of it that are waited for */
  guint deadline;
  gboolean dropped; /* shut down here, and closing */
} EwConnection;

/* server.c */
GQuark ew_http_connection_quark (void);
EwConnection *ew_http_connection_of (SoupServerMessage *message); /* NULL: it is closed */
/* An answer's status line and headers, for a body of length bytes. */
void ew_http_append_head (GString *text, SoupServerMessage *message, guint64 length);
void ew_http_connection_set_deadline (EwConnection *connection, guint seconds); /* 0: none */
/* Closes it; it may be freed when this returns. */
void ew_http_connection_drop (EwConnection *connection);
/* From here on libsoup owns the stream. */
void ew_http_connection_hand_over (EwConnection *connection, GIOStream *stream);
void ew_http_connection_on_stream_gone (gpointer connection, GObject *stream);

/* accept.c */
gboolean ew_http_server_on_incoming (GSocketService *service, GSocketConnection *stream, GObject *source,
                                     gpointer user_data);
/* The network that a caller counts by: wider for IPv6 as places get few; in the mesh its address. */
guint64 ew_http_server_network_of (const EwConnection *connection);
/* Network (guint64, borrowed) → how many connections it has; only those in one stage, or in any: -1. */
GHashTable *ew_http_server_count_networks (EwServer *self, gint stage);
guint ew_http_server_count_of (GHashTable *counts, const EwConnection *connection);

/* handshake.c */
void ew_http_connection_await_hello (EwConnection *connection);
void ew_http_connection_forget_hello (EwConnection *connection);
void ew_http_server_start_waiting (EwServer *self);

G_END_DECLS
