/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between api.c (who, whether) and calls.c, names.c, published.c, routes.c, services.c and status.c (what).
 */
#pragma once

#include "edge/api/api.h"
#include "edge/http/ratelimit.h"

struct EwApi
{
  EwApiParts parts;
  EwServer *server;
  EwRateLimit *failed_enrollments;
  EwRateLimit *descriptions; /* by the node's address in the mesh */
  GHashTable *waiting;       /* of EwApiCall: those that are answered later */
  gint64 started_us;         /* realtime */
};

/* One call, as its handler sees it. */
typedef struct EwApiCall EwApiCall;
struct EwApiCall
{
  EwApi *api;
  const EwServerPeer *peer;
  const gchar *node_id;  /* the caller; NULL: the edge's owner, or anyone */
  const gchar *argument; /* what follows the path's last slash, decoded; NULL: nothing */
  GHashTable *query;     /* may be NULL */
  JsonObject *body;      /* NULL if the call has no body */
  gint64 retry_after_us; /* out: for 429 */
  gchar *who, *kept;     /* the handler's, for what it does later */
  gboolean charged;      /* … an enrollment counts as one that failed until it is known not to be */
  /* What the handler has to say later. Takes answer; error where that is NULL. */
  void (*answer) (EwApiCall *call, JsonObject *answer, const GError *error);
};

/* The answer without "schema" (transfer full); NULL with EW_ERROR; NULL without: the handler has asked for a change of the
   mesh, and calls call->answer() when that is made. Then it asks first whether the call is over: the API was closed. */
typedef JsonObject *(*EwApiHandler) (EwApiCall *call, GError **error);

typedef enum
{
  EW_ACCESS_ANYONE,
  EW_ACCESS_NODE,
  EW_ACCESS_ADMINISTRATOR,
  EW_ACCESS_OWNER /* control socket */
} EwApiAccess;

typedef struct
{
  const gchar *method;
  const gchar *path; /* ends in '/' where an argument follows */
  EwApiAccess access;
  EwApiHandler handler; /* NULL: the WebSocket */
} EwApiEntry;

/* calls.c: a string member of the body. FALSE with an error where it is missing (need) or no string. */
gboolean ew_api_get_string (JsonObject *body, const gchar *member, const gchar **value, GError **error);
gboolean ew_api_need_string (JsonObject *body, const gchar *member, const gchar **value, GError **error);
/* TRUE: no caller is answered any more, and call is freed. */
gboolean ew_api_call_is_over (EwApiCall *call);

/* "NAME" or "the owner": who is calling, for the log; to be asked before the change, which may end the caller.
 * (transfer full) */
gchar *ew_api_caller_name (EwApiCall *call);

/* Two answers that the status holds, too. */
JsonObject *ew_api_get_mesh (EwApiCall *call, GError **error);
JsonObject *ew_api_get_install (EwApiCall *call, GError **error);

/* names.c */
JsonObject *ew_api_get_names (EwApiCall *call, GError **error);
JsonObject *ew_api_post_names (EwApiCall *call, GError **error);
JsonObject *ew_api_delete_name (EwApiCall *call, GError **error);

/* routes.c */
JsonObject *ew_api_get_routes (EwApiCall *call, GError **error);
JsonObject *ew_api_post_routes (EwApiCall *call, GError **error);
JsonObject *ew_api_delete_route (EwApiCall *call, GError **error);

/* services.c */
JsonObject *ew_api_get_services (EwApiCall *call, GError **error);
JsonObject *ew_api_get_service (EwApiCall *call, GError **error);
JsonObject *ew_api_post_services (EwApiCall *call, GError **error);
JsonObject *ew_api_patch_service (EwApiCall *call, GError **error);
JsonObject *ew_api_delete_service (EwApiCall *call, GError **error);

/* published.c */
JsonObject *ew_api_get_published (EwApiCall *call, GError **error);
JsonObject *ew_api_post_published (EwApiCall *call, GError **error);
JsonObject *ew_api_delete_published (EwApiCall *call, GError **error);

/* status.c */
JsonObject *ew_api_get_status (EwApiCall *call, GError **error);

extern const EwApiEntry ew_api_table[]; /* ends with method NULL */
