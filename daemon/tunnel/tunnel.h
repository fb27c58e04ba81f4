/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The connection's life: one state machine with one door. It owns the account (edge client, keys on disk), the engine
 * and the host's network; the D-Bus service shows it to the world and owns nothing else. Inputs: the user's wishes,
 * engine events, network changes, suspend and resume, edge messages, timers. Output: the read-only properties below,
 * with "notify".
 *
 * Properties (all readable, as in data/dbus): state, reason, message, mode, guard-until (int64 µs), lockdown,
 * lockdown-until (int64 µs), portal-url, portal-until (int64 µs), role, mesh, suffix, node-name, kind, addresses (GStrv), edge-name, edge-endpoint, transport, since (int64 µs), interface, trial
 * (boolean), proxy, proxy-asks, proxy-wanted.
 *
 * Everything runs in the main context of the thread that made it; nothing blocks for longer than a netlink round trip.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define EW_TYPE_TUNNEL (ew_tunnel_get_type ())
G_DECLARE_FINAL_TYPE (EwTunnel, ew_tunnel, EW, TUNNEL, GObject)

/* state_dir exists, 0700. interface: the TUN's name. */
EwTunnel *ew_tunnel_new (const gchar *state_dir, const gchar *interface, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Undoes what a crash left on the host, then returns to the state it had: connected, if it was. */
void ew_tunnel_start (EwTunnel *self);
/* SIGTERM: goodbye to the edge, everything undone, keys zeroed; synchronous, well within 1 s. The wish to be connected
 * stays stored. */
void ew_tunnel_stop (EwTunnel *self);

void ew_tunnel_enroll_async (EwTunnel *self, const gchar *key, const gchar *name, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_tunnel_enroll_finish (EwTunnel *self, GAsyncResult *result, GError **error);
void ew_tunnel_leave_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean ew_tunnel_leave_finish (EwTunnel *self, GAsyncResult *result, gboolean *edge_told, GError **error);

gboolean ew_tunnel_connect (EwTunnel *self, GError **error);    /* idempotent; the state tells the rest */
gboolean ew_tunnel_disconnect (EwTunnel *self, GError **error); /* idempotent; undone when it returns */

/* confirm_within: seconds, 0: as the guard does (README.md: 60 s; undone unless confirmed if remote, unless a probe returned if
   local). remote: the caller is not in an active local session. Completes when the mode is active. */
void ew_tunnel_set_mode_async (EwTunnel *self, const gchar *mode, guint confirm_within, gboolean remote,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_tunnel_set_mode_finish (EwTunnel *self, GAsyncResult *result, GError **error);
/* VPN mode leaves names of the LAN's own domains to the LAN. Stored, and in force at once. */
gboolean ew_tunnel_set_lan_names (EwTunnel *self, gboolean lan_names, GError **error);
/* Lockdown: nothing leaves except through the tunnel (net/lockdown.h). On needs VPN mode; remote or confirm_within:
   undone after that time unless confirmed, as a mode is. Off works in every state. */
gboolean ew_tunnel_set_lockdown (EwTunnel *self, gboolean on, guint confirm_within, gboolean remote, GError **error);
/* What goes through the tunnel in VPN mode. action: "exclude" (outside), "include" (with one such, nothing else goes
   through) or "remove". Stored, and in force at once. */
gboolean ew_tunnel_change_split (EwTunnel *self, const gchar *action, const gchar *cidr, GError **error);
/* Whether VPN mode and lockdown leave the LAN reachable. */
gboolean ew_tunnel_set_lan (EwTunnel *self, gboolean allow, GError **error);
/* A captive portal's page may be looked at: where VPN mode or lockdown would stop that, by uid's programs for so many
   seconds. The page's URL (transfer full). NOT_FOUND: no portal is known. */
void ew_tunnel_open_portal_async (EwTunnel *self, guint32 uid, guint seconds, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gchar *ew_tunnel_open_portal_finish (EwTunnel *self, GAsyncResult *result, GError **error);
void ew_tunnel_close_portal (EwTunnel *self);
/* Which HTTP proxy leads to the edge: "auto", "off" or a URL (proxy/settings.h). user "": no credentials but those in the
   URL. Stored, and in force at once. */
gboolean ew_tunnel_set_proxy (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password,
                              GError **error);
/* What the proxy at HOST:PORT gets to hear, however it's found; "": the one that asks for it. */
gboolean ew_tunnel_set_proxy_password (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password,
                                       GError **error);
/* What a session's proxy resolver says about the edge's URL; not stored. */
void ew_tunnel_answer_proxy (EwTunnel *self, const gchar *const *proxies);
/* These two: also of lockdown, while it is tried. */
gboolean ew_tunnel_confirm_mode (EwTunnel *self, GError **error);
gboolean ew_tunnel_undo_mode (EwTunnel *self, GError **error);

gchar *ew_tunnel_get_status (EwTunnel *self); /* the JSON of `edgewayctl status --json` */

/* The read end of a pipe with JSON lines (the caller owns it); -1 with error. uid: whose program reads it. */
gint ew_tunnel_open_topology (EwTunnel *self, guint32 uid, GError **error);

void ew_tunnel_ping_async (EwTunnel *self, const gchar *target, guint timeout_ms, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
gchar *ew_tunnel_ping_finish (EwTunnel *self, GAsyncResult *result, GError **error);
void ew_tunnel_diagnose_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gchar *ew_tunnel_diagnose_finish (EwTunnel *self, GAsyncResult *result, GError **error);

/* Fixes what a check of the diagnosis has found; check "": all that Edgeway can fix. Stored: in force whenever this node
   is connected, until it is reverted. The checks whose fixes are in force, or will be from the next connect on;
   (transfer full). */
GStrv ew_tunnel_fix (EwTunnel *self, const gchar *check, GError **error);
/* … the checks whose fixes were undone. */
GStrv ew_tunnel_revert_fixes (EwTunnel *self, const gchar *check, GError **error);

/* One call to the edge's API in this node's name: "GET", "/v1/nodes", NULL. The answer is the JSON object (transfer
 * full). Errors: EW_ERROR. */
void ew_tunnel_request_async (EwTunnel *self, const gchar *method, const gchar *path, JsonObject *body,
                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
JsonObject *ew_tunnel_request_finish (EwTunnel *self, GAsyncResult *result, GError **error);

/* Routes as seen from here: the JSON of ListRoutes. */
void ew_tunnel_list_routes_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gchar *ew_tunnel_list_routes_finish (EwTunnel *self, GAsyncResult *result, GError **error);
/* accept FALSE: refuse. Stored; takes effect before it returns, where it can. ROUTE_REFUSED names the reason for a
 * route never to be taken. */
gboolean ew_tunnel_accept_route (EwTunnel *self, const gchar *cidr, gboolean accept, GError **error);

G_END_DECLS
