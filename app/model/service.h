/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A service of the mesh: a name and an address of its own for a port of a node, observable. No GTK.
 */
#pragma once

#include <gio/gio.h>

#include "daemon.h"

G_BEGIN_DECLS

/* A target as the edge knows it (daemon/edge/API.md, "Services"). */
typedef enum
{
  EW_TARGET_UNKNOWN, /* not probed, or a word of a newer edge */
  EW_TARGET_ANSWERS,
  EW_TARGET_REACHABLE,
  EW_TARGET_REFUSES,
  EW_TARGET_SILENT,
  EW_TARGET_UNREACHABLE,
  EW_TARGET_OFFLINE,
  EW_TARGET_NOT_JOINED,
  EW_TARGET_NO_ROUTE,
} EwTargetState;

/* All of its targets together. */
typedef enum
{
  EW_SERVICE_UNKNOWN, /* nothing is wrong that is known, but nothing has been probed */
  EW_SERVICE_WORKS,   /* at least one target is there */
  EW_SERVICE_FAILS,   /* none is, and not because all are offline */
  EW_SERVICE_OFFLINE, /* all targets' nodes are offline, or haven't joined */
} EwServiceState;

typedef struct
{
  gchar *node, *node_id;
  gchar *host;  /* behind the node; NULL: the node itself */
  gchar *label; /* as typed: "nas:8123" */
  guint16 port; /* 0: the callers' */
  EwTargetState state;
  gint64 since; /* of the state, µs since the epoch; 0: unknown */
  gboolean offered;
} EwServiceTarget;

typedef struct
{
  gchar *text; /* as typed: "80:8123", "53/udp" */
  gboolean udp;
  guint16 from, to; /* what callers use */
  guint16 target;   /* what `from` leads to; 0: the target's port, or the same */
} EwServicePortInfo;

/* Properties, read-only, with notify: id s; name s; revision u: anything has changed, the name too. */
#define EW_TYPE_SERVICE (ew_service_get_type ())
G_DECLARE_FINAL_TYPE (EwService, ew_service, EW, SERVICE, GObject)

const gchar *ew_service_get_id (EwService *self);
const gchar *ew_service_get_name (EwService *self);
const gchar *ew_service_get_full_name (EwService *self); /* with the mesh's suffix */
const gchar *const *ew_service_get_addresses (EwService *self);
const gchar *ew_service_get_address (EwService *self); /* the first one; NULL: none */
gboolean ew_service_is_outside (EwService *self);      /* its address isn't of the mesh's range */
gboolean ew_service_is_spread (EwService *self);
guint ew_service_get_n_ports (EwService *self);
const EwServicePortInfo *ew_service_get_port (EwService *self, guint index);
guint ew_service_get_n_targets (EwService *self);
const EwServiceTarget *ew_service_get_target (EwService *self, guint index);
EwServiceState ew_service_get_state (EwService *self);
gint64 ew_service_get_as_of (EwService *self); /* when that was known, µs since the epoch; 0: it is so now */

/* The ID of the node that callers are led to first; NULL: it has no targets. */
const gchar *ew_service_get_node_id (EwService *self);
gboolean ew_service_leads_to (EwService *self, const gchar *node_id);

/* A web page of it: "http://ha.home.internal", with the address in place of a name that doesn't work here; NULL: none
   of its ports is one that web pages usually have. (transfer full) */
gchar *ew_service_get_url (EwService *self, EwDaemon *daemon);

/* Has its targets probed; self is as the edge says then. FALSE: with an EW_CALL_ERROR. */
void ew_service_probe_async (EwService *self, EwDaemon *daemon, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean ew_service_probe_finish (EwService *self, GAsyncResult *result, GError **error);

/* What AddService and EditService answer: the service, on its own; NULL: it is invalid. (transfer full) */
EwService *ew_service_new_from_answer (GVariant *answer);

G_END_DECLS
