/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the owner of an edge should know although it runs: packages of another version, a public name that leads elsewhere.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

/* Whether what the edge hands out is of its own version. build: ew_version_text() of the edge that runs. install: that
   member of GET /v1/status; may be NULL. NULL: nothing to say. (transfer full) */
gchar *ew_edge_judge_packages (const gchar *build, JsonObject *install);

typedef struct
{
  const gchar *endpoint; /* HOST:PORT, where others look for the edge */
  const gchar *failure;  /* why the name can't be looked up; NULL: it can */
  const EwIp *led;       /* the addresses that it leads to */
  gsize n_led;
  const EwIp *own; /* this host's, without loopback, link-local and the mesh's own */
  gsize n_own;
  const EwPrefix *subnets; /* n_own: theirs */
  gboolean online;         /* some node reaches the edge */
} EwEdgePublic;

/* Whether others reach this host there, as far as that can be known here. NULL: nothing to say. (transfer full) */
gchar *ew_edge_judge_public (const EwEdgePublic *public);

/* Adds "warnings", sentences, to what GET /v1/status said. Looks names up: takes up to LOOKUP_SECONDS. */
void ew_edge_add_warnings (JsonObject *status);

G_END_DECLS
