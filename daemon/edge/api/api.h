/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control API (API.md): who a caller is, whether the caller may, and one handler a call. Authorization runs before
 * dispatch, from one table, default deny. Every refusal is an EW_ERROR's code and sentence; nothing secret is ever
 * logged.
 */
#pragma once

#include "edge/http/server.h"
#include "edge/api/viewers.h"
#include "edge/publish/publish.h"

G_BEGIN_DECLS

typedef struct EwApi EwApi;

typedef struct
{
  EwMesh *mesh;
  EwFeed *feed;
  EwServices *services;
  EwPublish *publish;
  EwApiViewers *viewers;
  const gchar *listen; /* for status: "[::]:443" */
  const gchar *build;  /* for status: the version and its commit; NULL: not known */
  /* What else is in the way, beside the switch's limits: a sentence (transfer full) or NULL. NULL: nothing ever. */
  gchar *(*dup_limits) (gpointer user_data);
  gpointer limits_data;
  /* What new computers can fetch here: the answer of GET /v1/install (transfer full). NULL: nothing. */
  JsonObject *(*describe_install) (gpointer user_data);
  gpointer install_data;
} EwApiParts;

EwApi *ew_api_new (const EwApiParts *parts); /* borrows them all; they outlive it */
void ew_api_free (EwApi *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwApi, ew_api_free)

/* An EwServerHandler; user_data is the EwApi. */
void ew_api_handle (gpointer api, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path,
                    GHashTable *query, EwServerFault fault);
/* Upgrades are taken away from this server. */
void ew_api_set_server (EwApi *self, EwServer *server);

G_END_DECLS
