/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Published names: a host name of the internet that leads to a service of the mesh, through the edge's own HTTPS port.
 * edge/publish does that; here is what is stored.
 *
 *   /published/HOST    the service's ID, who may, and the name's certificate with its private key
 *
 * A wildcard is one name, `*.apps.example.org`, and stands for all names one label below. A removed service takes its
 * published names with it.
 *
 * Errors: EW_ERROR, a sentence each.
 */
#pragma once

#include "edge/mesh/services.h"

G_BEGIN_DECLS

#define EW_MESH_PUBLISHED_MAX 64 /* they are removed with their service in one transaction (EW_STORE_TXN_MAX) */
#define EW_MESH_CERTIFICATE_MAX (32 * 1024) /* bytes of PEM: a chain */
#define EW_MESH_CERTIFICATE_KEY_MAX (16 * 1024)

typedef struct
{
  gchar *host; /* lower case, without a dot at the end */
  gchar *service_id;
  gboolean closed;          /* nobody may for now; else everybody */
  gchar *certificate, *key; /* PEM: the chain with the name's own first, and the private key */
  gint64 created_us;        /* realtime */
  gint64 store_revision;
} EwPublished;

/* Publishes a service under a name, or changes how it is. All borrowed during the call. */
typedef struct
{
  const gchar *host;
  const gchar *service;           /* name or ID */
  const gchar *access;            /* "public" or "closed"; NULL: as it was */
  const gchar *certificate, *key; /* that fit together; both NULL: as they were */
} EwPublishRequest;

/* A host name of two labels or more, in lower case, or a wildcard in place of the first. FALSE with
 * EW_ERROR_NAME_INVALID. */
gboolean ew_mesh_check_host (const gchar *host, GError **error);
/* Whether nodes reach an edge by this name, so that it is the API's. */
gboolean ew_mesh_is_edge_host (EwMesh *self, const gchar *host);

/* NULL: it isn't published. Exactly that name: a wildcard is asked for as one. */
EwPublished *ew_mesh_get_published (EwMesh *self, const gchar *host);
/* The one with the smallest name above after (NULL: the first); NULL: no more. */
EwPublished *ew_mesh_next_published (EwMesh *self, const gchar *after);

/* NAME_INVALID, NAME_TAKEN (by another service, or it is an edge's own), NOT_FOUND, INVALID_ARGUMENT. */
void ew_mesh_publish_async (EwMesh *self, const EwPublishRequest *request, GAsyncReadyCallback callback,
                            gpointer user_data);
EwPublished *ew_mesh_publish_finish (EwMesh *self, GAsyncResult *result, GError **error);
/* NOT_FOUND */
void ew_mesh_unpublish_async (EwMesh *self, const gchar *host, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_mesh_unpublish_finish (GAsyncResult *result, GError **error);

G_END_DECLS
