/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A person wants to see a captive portal's page. Where VPN mode's or lockdown's rules would stop the browser, a way out
 * is opened (net/host.h): for that user's programs, to that page's addresses and to nothing else, until the tunnel
 * works or the time is up. Its name is looked up beside the tunnel, and answered here while the edge is silent
 * (servfail.h): in VPN mode every question for a name comes this way.
 */
#include "tunnel/portal-private.h"
#include "common/error.h"
#include <string.h>

#define LOOK_UP_SECONDS 5

typedef struct
{
  guint32 uid;
  guint seconds;
  EwPortalPage *page;
  GCancellable *step; /* the time-out, the caller's wish, or the portal is forgotten */
  gulong caller_handler;
  guint timer;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;
  g_clear_handle_id (&opening->timer, g_source_remove);
  g_clear_object (&opening->step);
  ew_portal_page_free (opening->page);
  g_free (opening);
}

static gboolean
is_blocked (EwTunnel *self)
{
  return self->vpn_active || self->held_vpn || ew_host_get_lockdown (self->host) != EW_LOCKDOWN_OFF;
}

/* The mesh's, or that of a network behind it: a portal that names one wants packets which belong in the tunnel. */
static gboolean
is_inside (EwTunnel *self, const EwIp *ip)
{
  const GArray *lists[] = { self->document->ranges, self->plan ? self->plan->routes : NULL };
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (guint j = 0; lists[i] && j < lists[i]->len; j++)
      if (ew_prefix_contains (&g_array_index (lists[i], EwPrefix, j), ip))
        return TRUE;
  return ew_ip_is_loopback (ip) || ew_ip_is_multicast (ip) || ew_ip_is_unspecified (ip);
}

static gboolean
open_way (EwTunnel *self, const Opening *opening, const GArray *addresses, GError **error)
{
  const gboolean is_name = !ew_ip_parse (opening->page->host, &(EwIp){ 0 });
  const guint16 ports[] = { 80, 443, opening->page->port };
  const gchar *const names[] = { is_name ? opening->page->host : NULL, NULL };
  const EwHostWayOut way = { .uid = opening->uid,
                             .addresses = (const EwIp *)(const void *)addresses->data,
                             .n_addresses = addresses->len,
                             .ports = ports,
                             .n_ports = ports[2] == 80 || ports[2] == 443 ? 2 : 3,
                             .names = names,
                             .seconds = opening->seconds };
  if (!ew_host_open_way (self->host, &way, error))
    return FALSE;
  if (self->router && is_name && strlen (opening->page->host) < sizeof ((EwStandInName *)0)->name)
    {
      EwStandInName known = { .n_addresses = MIN (addresses->len, EW_STAND_IN_ADDRESSES) };
      g_strlcpy (known.name, opening->page->host, sizeof known.name);
      memcpy (known.addresses, addresses->data, known.n_addresses * sizeof (EwIp));
      ew_router_set_known (self->router, self->engine, &known);
    }
  ew_names_forget_failures (self->names); /* a browser may have asked for the name already */
  return TRUE;
}

static void
on_close_alarm (gpointer user_data)
{
  EwTunnel *self = user_data;
  ew_tunnel_portal_close_way (self);
  ew_tunnel_show (self);
}

static gboolean
open_for_person (EwTunnel *self, const Opening *opening, const GArray *addresses, GError **error)
{
  EwTunnelPortal *portal = self->portal;
  if (!open_way (self, opening, addresses, error))
    return FALSE;
  if (!portal->close_alarm)
    portal->close_alarm = ew_alarm_new (on_close_alarm, self);
  portal->until = g_get_real_time () + (gint64)opening->seconds * G_USEC_PER_SEC;
  ew_alarm_set (portal->close_alarm, ew_boottime () + (gint64)opening->seconds * G_USEC_PER_SEC);
  g_message ("For %u s the programs of user %u may reach the captive portal at %s", opening->seconds, opening->uid,
             opening->page->host);
  return TRUE;
}

void
ew_tunnel_portal_close_way (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  if (portal->resolving)
    g_cancellable_cancel (portal->resolving);
  g_clear_object (&portal->resolving);
  if (portal->until == 0)
    return;
  portal->until = 0;
  ew_alarm_set (portal->close_alarm, G_MAXINT64);
  ew_host_close_way (self->host);
  if (self->router)
    ew_router_set_known (self->router, self->engine, NULL);
  g_message ("The way out to the captive portal is closed");
}

/* Opening it. */

static void
end_step (GTask *task)
{
  Opening *opening = g_task_get_task_data (task);
  GCancellable *caller = g_task_get_cancellable (task);
  g_clear_handle_id (&opening->timer, g_source_remove);
  if (caller)
    g_cancellable_disconnect (caller, opening->caller_handler);
}

static void
finish_opening (GTask *task, const GArray *addresses)
{
  EwTunnel *self = g_task_get_source_object (task);
  const Opening *opening = g_task_get_task_data (task);
  GError *error = NULL;
  if (is_blocked (self) && !open_for_person (self, opening, addresses, &error))
    {
      g_task_return_error (task, ew_tunnel_error (error));
      return;
    }
  ew_tunnel_portal_hurry (self);
  ew_tunnel_show (self);
  g_task_return_pointer (task, g_strdup (opening->page->url), g_free);
}

static GArray *
take_addresses (EwTunnel *self, GList *found)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  for (GList *each = found; each && addresses->len < EW_STAND_IN_ADDRESSES; each = each->next)
    {
      const EwFamily family
        = g_inet_address_get_family (each->data) == G_SOCKET_FAMILY_IPV6 ? EW_FAMILY_V6 : EW_FAMILY_V4;
      const EwIp ip = ew_ip_from_bytes (family, g_inet_address_to_bytes (each->data));
      if (!is_inside (self, &ip))
        g_array_append_val (addresses, ip);
    }
  return addresses;
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwTunnel *self = g_task_get_source_object (task);
  Opening *opening = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  const gboolean is_current = self->portal && self->portal->resolving == opening->step;
  end_step (task);
  if (is_current)
    g_clear_object (&self->portal->resolving);
  g_autoptr (GArray) addresses = take_addresses (self, found);
  g_resolver_free_addresses (found);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (!is_current || !ew_tunnel_portal_is_known (self))
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_NOT_FOUND,
                              "This network doesn't want a login any more, so nothing has to be opened.");
  else if (addresses->len == 0)
    ew_task_return_new_error (
      task, EW_ERROR, EW_ERROR_FAILED,
      "The name of this network's login page, %s, can't be looked up. Try again, or connect to the network again.",
      opening->page->host);
  else
    finish_opening (task, addresses);
}

static gboolean
on_timeout (gpointer user_data)
{
  Opening *opening = g_task_get_task_data (user_data);
  opening->timer = 0;
  g_cancellable_cancel (opening->step);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *caller, gpointer step)
{
  g_cancellable_cancel (step);
}

static void
look_host_up (GTask *task)
{
  EwTunnel *self = g_task_get_source_object (task);
  Opening *opening = g_task_get_task_data (task);
  GCancellable *caller = g_task_get_cancellable (task);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  ew_tunnel_portal_close_way (self); /* an earlier one, or its look-up */
  opening->step = g_cancellable_new ();
  self->portal->resolving = g_object_ref (opening->step);
  opening->timer = g_timeout_add_seconds (LOOK_UP_SECONDS, on_timeout, task);
  if (caller)
    opening->caller_handler
      = g_cancellable_connect (caller, G_CALLBACK (on_caller_cancelled), g_object_ref (opening->step), g_object_unref);
  /* An address is answered as it is. */
  g_resolver_lookup_by_name_async (resolver, opening->page->host, opening->step, on_looked_up, g_object_ref (task));
}

void
ew_tunnel_open_portal_async (EwTunnel *self, guint32 uid, guint seconds, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;
  if (!ew_tunnel_check_member (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!ew_tunnel_portal_is_known (self))
    {
      ew_task_return_new_error (task, EW_ERROR, EW_ERROR_NOT_FOUND,
                                "This network has no login page that Edgeway knows of. See `edgewayctl diagnose`.");
      return;
    }
  Opening *opening = g_new0 (Opening, 1);
  opening->uid = uid;
  opening->seconds = seconds;
  opening->page = ew_portal_page_parse (self->portal->page->url, NULL);
  g_task_set_task_data (task, opening, opening_free);
  if (is_blocked (self))
    look_host_up (task);
  else
    finish_opening (task, NULL);
}

gchar *
ew_tunnel_open_portal_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_tunnel_close_portal (EwTunnel *self)
{
  if (self->portal)
    ew_tunnel_portal_close_way (self);
  ew_tunnel_show (self);
}
