/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services at work: tells the switch what to translate, from what the mesh has stored and from which targets work, and
 * knows for people what each target is like.
 *
 *   mesh (services, nodes, routes) ──┐
 *   feed (who is online) ────────────┼──→ states of targets ──→ the switch's table
 *   health.h (probes) ───────────────┘            └──→ func ──→ viewers, published names
 *
 * A service with one target always offers it: what goes wrong there, callers hear from the target itself. Of several,
 * those are offered that are online and haven't failed their last probe; all of them if none is left.
 */
#pragma once

#include "edge/feed/feed.h"
#include "edge/mesh/services.h"

G_BEGIN_DECLS

typedef enum
{
  EW_TARGET_UNKNOWN,     /* its node is online; not probed, or no sign of it yet */
  EW_TARGET_ANSWERS,     /* a TCP connection was accepted, or a UDP packet was answered */
  EW_TARGET_REACHABLE,   /* the computer is there; whether anything listens, UDP doesn't tell */
  EW_TARGET_REFUSES,     /* nothing listens on the port */
  EW_TARGET_SILENT,      /* no answer: a firewall, or the host behind the gateway is off */
  EW_TARGET_UNREACHABLE, /* the gateway says that it can't reach the host */
  EW_TARGET_OFFLINE,     /* its node is */
  EW_TARGET_NOT_JOINED,  /* its node never came */
  EW_TARGET_NO_ROUTE     /* the gateway no longer shares a network with the host */
} EwTargetState;

typedef struct
{
  EwTargetState state;
  gint64 since_us;  /* realtime; offline: when it was last seen; 0: unknown */
  gboolean offered; /* callers may be led there */
} EwTargetStatus;

typedef struct EwServices EwServices;

/* Both outlive it. */
EwServices *ew_services_new (EwMesh *mesh, EwFeed *feed) G_GNUC_WARN_UNUSED_RESULT;
void ew_services_free (EwServices *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwServices, ew_services_free)

/* func is called, from the main context, after a target's state changed. */
typedef void (*EwServicesFunc) (gpointer user_data, const gchar *id);
void ew_services_listen (EwServices *self, EwServicesFunc func, gpointer user_data);
void ew_services_unlisten (EwServices *self, EwServicesFunc func, gpointer user_data);
/* index: of service's targets. */
void ew_services_get_target (EwServices *self, const EwService *service, guint index, EwTargetStatus *out);
/* "answers", "no-route" … */
const gchar *ew_services_get_state_name (EwTargetState state);
/* Probes all targets of a service that are online now: the callback comes within 3 s. */
void ew_services_check_async (EwServices *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
/* FALSE with G_IO_ERROR_CANCELLED: it was freed. */
gboolean ew_services_check_finish (GAsyncResult *result, GError **error);

G_END_DECLS
