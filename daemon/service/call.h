/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One method call on its way: authorized, then handled, then answered exactly once.
 *
 *   arrive → identify → authorize → handler → ew_call_return, ew_call_return_fd or ew_call_fail
 *
 * A caller that leaves the bus cancels its call at any step; the handler still finishes the call, and its answer is
 * dropped. A call owns itself: the three functions that answer it free it.
 */
#pragma once

#include <gio/gio.h>

#include "service/caller.h"
#include "service/told.h"
#include "tunnel/tunnel.h"

G_BEGIN_DECLS

typedef struct _EwCall EwCall;

/* parameters: borrowed, of the types in the XML, for as long as the call lives. */
typedef void (*EwCallHandler) (EwCall *call, GVariant *parameters);

/* One row of the table in methods.c. */
typedef struct
{
  const gchar *name;
  const gchar *action; /* polkit action; NULL: everyone may */
  EwCallHandler handle;
} EwMethod;

/* Called when a call is over, however it ended; the call is freed right after. */
typedef void (*EwCallDone) (EwCall *call, gpointer user_data);

/* Called before an answer leaves, so that property changes that the call made reach the caller first. */
typedef void (*EwCallBeforeReply) (gpointer user_data);

typedef struct
{
  EwCallBeforeReply before_reply;
  EwCallDone done;
  /* How many calls of this uid are being authorized or handled, this one too. */
  guint (*count_for_uid) (guint32 uid, gpointer user_data);
  /* Cancels that sender's calls of a method that wait for a password. */
  void (*cancel_prompts) (GDBusConnection *connection, const gchar *sender, const gchar *method, gpointer user_data);
  EwTold *told; /* borrowed */
  gpointer user_data;
} EwCallOwner;

/* A password prompt can stay open for long: one user's open calls are bounded, so that the others still get theirs, and
   all users' together (gate.h), so that memory stays bounded. Root's are counted apart: no other user takes a place of
   root's.
 */
#define EW_CALLS_PER_USER 16
#define EW_CALLS_OF_ROOT 256

/* Takes the invocation; borrows method, tunnel and owner, which must outlive the call. A caller on a peer-to-peer
   connection (no sender) is uid 0: the connection was refused otherwise. */
EwCall *ew_call_new (GDBusMethodInvocation *invocation, const EwMethod *method, EwTunnel *tunnel,
                     const EwCallOwner *owner);
/* Starts the journey; the call may be over when it returns. */
void ew_call_start (EwCall *call);
void ew_call_cancel (EwCall *call);

/* For the service. */
gboolean ew_call_get_uid (EwCall *call, guint32 *uid); /* FALSE: not identified yet */
GDBusConnection *ew_call_get_connection (EwCall *call);
gboolean ew_call_is_prompting (EwCall *call, const gchar *sender, const gchar *method); /* it waits for a password */

/* For handlers. */
void ew_call_cancel_prompts (EwCall *call, const gchar *method); /* of the same caller */
gboolean ew_call_was_told (EwCall *call, const gchar *sentence); /* as an error, to the same caller */
GVariant *ew_call_get_parameters (EwCall *call);                 /* borrowed */
EwTunnel *ew_call_get_tunnel (EwCall *call);
GCancellable *ew_call_get_cancellable (EwCall *call);
const EwCaller *ew_call_get_caller (EwCall *call);
gboolean ew_call_is_peer (EwCall *call); /* no message bus between: no logind to ask about sessions */

void ew_call_return (EwCall *call, GVariant *value); /* takes a floating tuple; NULL: nothing to say */
void ew_call_return_fd (EwCall *call, gint fd);      /* takes fd; the method's only out argument is that handle */
void ew_call_fail (EwCall *call, GError *error);     /* takes error; whatever is not EW_ERROR becomes it */
void ew_call_fail_literal (EwCall *call, gint code, const gchar *message);

G_END_DECLS
