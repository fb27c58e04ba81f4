/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the client's files share.
 *
 *   client.c         the object, an edge's addresses, the calls
 *   client-try.c     one address after the other, or beside it
 *   client-answer.c  what came back
 */
#pragma once

#include "account/client.h"
#include "proto/address.h"
#include "proxy/connector.h"

G_BEGIN_DECLS

struct _EwClient
{
  GObject parent;
  SoupSession *session;
  EwProxyResolver *proxies; /* NULL: none are used */
  EwKeystore *cache;
  guint8 pin[EW_PIN_SIZE];
  GStrv api;
  gchar *inside; /* base of the API inside the tunnel; NULL: the tunnel is down */
  gchar *authorization;
  gchar *ca_pem;
  gchar *last_base; /* worked last */
  guint32 mark;
};

typedef struct
{
  gchar *base; /* URL without a path */
  gchar *name; /* the host name that base belongs to (base is one of its addresses, or the name itself); NULL: the edge
                  has no name */
  gboolean inside; /* led to through the tunnel: its socket isn't marked */
  gboolean tried, knocked;
} EwClientBase;

typedef struct
{
  gchar *method, *path;
  gchar *body;
  gboolean websocket, repeatable;
  GPtrArray *bases; /* EwClientBase, the best first */
  gsize max;

  /* Of the try under way. */
  EwClientBase *base;
  EwClientBase *better; /* answered a knock before base did: the next one */
  GPtrArray *knocks;    /* client-try.c */
  guint stagger;
  SoupMessage *message;
  GCancellable *cancellable;
  gulong cancel_handler;
  guint deadline;
  gboolean timed_out;
  gchar *proxy_place; /* whom it connects to in the edge's place; NULL: to nobody so far, or directly */
  gboolean direct;    /* … directly */
  gboolean reached;   /* there is a TCP connection, at least to what is behind the proxy */
  gboolean connected; /* … and TLS on it: the request may have been sent */
  GError *pin_error;
  gchar *intercepted; /* by whom the certificate was issued, if not by an edge */
  GInputStream *stream;
  GByteArray *answer;
  GError *last_error;    /* of a try before: what to say if none works */
  gboolean noted_inside; /* … which was through the tunnel */
} EwClientCall;

/* client-try.c. The task's data is an EwClientCall. */
void ew_client_begin (GTask *task); /* there is at least one base */
/* This address did not work: the next one, or the error for people. Takes cause. */
void ew_client_failed (GTask *task, GError *cause);
/* Nothing of a try is left. Tasks that are about to return call it. */
void ew_client_end_try (GTask *task);
void ew_client_call_free (gpointer call);
/* Where the edge is, for people: the host and port of its address. */
const gchar *ew_client_place (const EwClientBase *base);

/* client-answer.c: the callbacks of a try's request. */
void ew_client_on_answer (GObject *source, GAsyncResult *result, gpointer user_data);
void ew_client_on_websocket (GObject *source, GAsyncResult *result, gpointer user_data);

G_END_DECLS
