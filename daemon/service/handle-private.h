/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the methods have in common: those about the mesh (handle-mesh.c), and those with options.
 */
#pragma once

#include "service/call.h"

G_BEGIN_DECLS

/* "/v1/nodes/" and the like, then what the user typed, percent-encoded. (transfer full) */
gchar *ew_handle_path (const gchar *collection, const gchar *item);
/* what: what to give instead, for "Give …." FALSE: the call has been refused. */
gboolean ew_handle_check_text (EwCall *call, const gchar *text, gsize max, const gchar *what);
/* Asks the edge's API; callback's data is the call, which it answers. */
void ew_handle_request (EwCall *call, const gchar *method, const gchar *path, JsonObject *body,
                        GAsyncReadyCallback callback);
/* … with the edge's answer, or its error. */
void ew_handle_on_json (GObject *source, GAsyncResult *result, gpointer user_data);
/* … with nothing, or the edge's error. */
void ew_handle_on_nothing (GObject *source, GAsyncResult *result, gpointer user_data);
/* A method whose one parameter names what the edge deletes below collection; max and what: as for the check. */
void ew_handle_delete (EwCall *call, GVariant *parameters, const gchar *collection, gsize max, const gchar *what);
/* Answers with success alone. Takes error. */
void ew_handle_return_done (EwCall *call, gboolean done, GError *error);
/* Answers with this JSON, as schema 1. */
void ew_handle_return_json (EwCall *call, JsonObject *reply);

/* An option that is there in another type must not be ignored: it may ask for the guard. */
gboolean ew_handle_has_type (GVariant *options, const gchar *key, const GVariantType *type);

/* What a switch under the guard has as options, beside its own. */
typedef struct
{
  guint confirm_within; /* seconds; 0: not said */
  gboolean over_ssh;
} EwGuardOptions;

/* FALSE: the call has been refused. */
gboolean ew_handle_read_guard (EwCall *call, GVariant *options, EwGuardOptions *guard);

G_END_DECLS
