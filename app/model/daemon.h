/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgewayd as the desktop sees it: one observable object over org.edgeway.Daemon1, for the app and the tray. No GTK.
 * Nothing is polled: properties follow PropertiesChanged and the owner of the bus name; a daemon that stops and
 * returns is found again.
 */
#pragma once

#include <gio/gio.h>

#include "model-enums.h"

G_BEGIN_DECLS

/* Errors of calls, each with a sentence for people (translated where it is Edgeway's). The codes are
   org.edgeway.Error.NAME.
 */
#define EW_CALL_ERROR (ew_call_error_quark ())
GQuark ew_call_error_quark (void);
typedef enum
{
  EW_CALL_ERROR_FAILED,
  EW_CALL_ERROR_CANCELLED, /* a prompt that was dismissed, or our own cancellable: changes nothing, shown as nothing */
  EW_CALL_ERROR_UNREACHABLE, /* no daemon */
  EW_CALL_ERROR_NOT_AUTHORIZED,
  EW_CALL_ERROR_NOT_ENROLLED,
  EW_CALL_ERROR_ALREADY_ENROLLED,
  EW_CALL_ERROR_KEY_INVALID,
  EW_CALL_ERROR_KEY_USED,
  EW_CALL_ERROR_KEY_EXPIRED,
  EW_CALL_ERROR_PIN_MISMATCH,
  EW_CALL_ERROR_EDGE_UNREACHABLE,
  EW_CALL_ERROR_NAME_TAKEN,
  EW_CALL_ERROR_NAME_INVALID,
  EW_CALL_ERROR_NOT_FOUND,
  EW_CALL_ERROR_ROUTE_INVALID,
  EW_CALL_ERROR_ROUTE_OVERLAP,
  EW_CALL_ERROR_ROUTE_REFUSED,
  EW_CALL_ERROR_NOT_ADMINISTRATOR,
  EW_CALL_ERROR_HOST_CONFLICT,
  EW_CALL_ERROR_REMOVED,
  EW_CALL_ERROR_INVALID_ARGUMENT,
  EW_CALL_ERROR_TIMED_OUT,
  EW_CALL_ERROR_NOT_CONNECTED,
  EW_CALL_ERROR_PROXY_PASSWORD, /* an HTTP proxy wants a user name and a password */
} EwCallError;

/* Properties, all read-only and announced by notify; while the daemon is not there they have their empty values:
     availability  EwAvailability   is there a daemon to talk to
     unavailable-message  s  NULL or why not, a sentence
     state         EwState
     reason        s  stable code, "" for nothing to say
     message       s  reason as a sentence
     mode          EwMode
     guard-until   x  µs since the epoch; 0: no guard counts
     lockdown      s  "on", "trying" (on, until lockdown-until), "off"; "" while unknown
     lockdown-until x  µs since the epoch; 0: it isn't tried
     administrator b  this computer administers its mesh
     suffix        s  the domain of the mesh's names
     names         s  "ok": names below it work on this computer; else a stable code, "" while unknown
     names-message s  why they don't, a sentence or more; may be ""
     mesh, node-name, edge-name, edge-endpoint, transport, version  s  "" while unknown
     proxy-asks    s  HOST:PORT of the HTTP proxy that wants a user name and a password; "": none does
     proxy-wanted  s  the edge's URL, while the daemon wants to know the desktop's proxy for it; else ""
     kind          EwKind
     addresses     GStrv, IPv4 first
     since         x  when state was entered, µs since the epoch
     trial         b  the edge runs on this computer
     enrolled      b  state is neither not-enrolled nor removed nor unknown */
#define EW_TYPE_DAEMON (ew_daemon_get_type ())
G_DECLARE_FINAL_TYPE (EwDaemon, ew_daemon, EW, DAEMON, GObject)

/* bus_address: NULL: the system bus. Starts looking at once; D-Bus activation is tried first. */
EwDaemon *ew_daemon_new (const gchar *bus_address);
const gchar *ew_daemon_get_bus_address (EwDaemon *self); /* NULL: the system bus */

EwAvailability ew_daemon_get_availability (EwDaemon *self);
const gchar *ew_daemon_get_unavailable_message (EwDaemon *self);
EwState ew_daemon_get_state (EwDaemon *self);
const gchar *ew_daemon_get_reason (EwDaemon *self);
const gchar *ew_daemon_get_message (EwDaemon *self);
EwMode ew_daemon_get_mode (EwDaemon *self);
gint64 ew_daemon_get_guard_until (EwDaemon *self);
gboolean ew_daemon_get_locked_down (EwDaemon *self); /* lockdown is on, or being tried */
gint64 ew_daemon_get_lockdown_until (EwDaemon *self);
gboolean ew_daemon_get_administrator (EwDaemon *self);
const gchar *ew_daemon_get_mesh (EwDaemon *self);
const gchar *ew_daemon_get_suffix (EwDaemon *self);
const gchar *ew_daemon_get_names (EwDaemon *self);
const gchar *ew_daemon_get_names_message (EwDaemon *self);
const gchar *ew_daemon_get_node_name (EwDaemon *self);
EwKind ew_daemon_get_kind (EwDaemon *self);
const gchar *const *ew_daemon_get_addresses (EwDaemon *self);
const gchar *ew_daemon_get_edge_name (EwDaemon *self);
const gchar *ew_daemon_get_edge_endpoint (EwDaemon *self);
const gchar *ew_daemon_get_transport (EwDaemon *self);
const gchar *ew_daemon_get_proxy_asks (EwDaemon *self);
const gchar *ew_daemon_get_proxy_wanted (EwDaemon *self);
const gchar *ew_daemon_get_version (EwDaemon *self);
gint64 ew_daemon_get_since (EwDaemon *self);
gboolean ew_daemon_get_trial (EwDaemon *self);
/* What does not work although the rest does: the first of the daemon's sentences, why names don't, or that the daemon
   is of another version than this program. NULL: all works. (transfer full) */
gchar *ew_daemon_dup_problem (EwDaemon *self);
gboolean ew_daemon_get_enrolled (EwDaemon *self);

/* Tries to reach (and to start) the daemon again: for a "Try Again" button. */
void ew_daemon_retry (EwDaemon *self);

/* Any method of org.edgeway.Daemon1 by its name. Interaction is allowed and there is no timeout while a person types a
   password; cancellable stops waiting, and closes the prompt. parameters: floating or NULL. The answer is the
   method's tuple (transfer full), NULL with EW_CALL_ERROR. */
void ew_daemon_call_async (EwDaemon *self, const gchar *method, GVariant *parameters, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
/* The same in the background: where a password would be needed, it fails. */
void ew_daemon_call_quietly_async (EwDaemon *self, const gchar *method, GVariant *parameters, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
/* Closes the password prompts of this program's calls of that method. Such a call fails with
   EW_CALL_ERROR_CANCELLED; one that is past its prompt does not, and its answer contains the result. */
void ew_daemon_cancel_prompt (EwDaemon *self, const gchar *method);
GVariant *ew_daemon_call_finish (EwDaemon *self, GAsyncResult *result, GError **error);
/* For OpenTopology: the caller owns the descriptor; -1 with error. */
gint ew_daemon_call_fd_finish (EwDaemon *self, GAsyncResult *result, GError **error);

G_END_DECLS
