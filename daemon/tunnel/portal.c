/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Captive portals: networks that let nothing through before their own page has seen a login. Suspected where UDP has no
 * answer and a stream is being dialed, and then asked in plain HTTP (portal/answer.h), beside the tunnel:
 *
 *   the edge's address, port 80 ──a page──→ an address where nobody is (RFC 5737, RFC 3849) ──a page──→ a portal
 *                │                                          └──nothing──→ the edge's host has a web server: none
 *                └──nothing──→ the edge's name, if it has one ──a page, from another address──→ a portal
 *
 * or the page that the administrator has chosen. What a portal names as its page is shown, never fetched.
 *
 *   suspected   1 s after a stream is begun; without a finding not again for 10, 20, 40, … 300 s
 *   known       asked again every 5 s for 5 minutes, every 2 s for 5 minutes after a person has opened the page, then
 *               every 30 s: each time with a handshake to the edge, so that the tunnel is back when the login is done
 *   gone        the edge answers, nobody catches the question any more, or the network is another
 */
#include "tunnel/portal-private.h"
#include "common/checks.h"
#include "common/util.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define SUSPECT_AFTER SECOND
#define PAUSE (10 * SECOND)
#define PAUSE_MAX (300 * SECOND)
#define LOOK_OPEN (2 * SECOND)
#define LOOK_NEW (5 * SECOND)
#define LOOK_OLD (30 * SECOND)
#define NEW_FOR (300 * SECOND)
#define NOBODY4 "192.0.2.1"
#define NOBODY6 "2001:db8::1"

enum
{
  STEP_EDGE,   /* the edge's address */
  STEP_NAME,   /* … its name, as this network looks it up */
  STEP_NOBODY, /* an address where nobody is */
  STEP_CHOSEN  /* the administrator's page */
};

static void ask_step (EwTunnel *self, guint step);

static gboolean
is_wanted (EwTunnel *self)
{
  return self->engine && self->liveness.state != EW_LINK_CONNECTED && !self->no_route && self->peer >= 0
         && self->candidate < self->candidates->len;
}

/* The timer. */

static void
set_alarm (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  const gint64 now = ew_boottime ();
  gint64 pause = now - portal->found < NEW_FOR ? LOOK_NEW : LOOK_OLD;
  if (portal->opened && now - portal->opened < NEW_FOR)
    pause = LOOK_OPEN;
  portal->is_due = FALSE;
  ew_alarm_set (portal->alarm, portal->page ? now + pause : G_MAXINT64);
}

static void
stop_asking (EwTunnelPortal *portal)
{
  if (portal->asking)
    g_cancellable_cancel (portal->asking);
  g_clear_object (&portal->asking);
  g_clear_pointer (&portal->named, ew_portal_page_free);
  ew_portal_setting_clear (&portal->setting);
}

/* What was found. */

static gboolean
same_page (const EwPortalPage *a, const EwPortalPage *b)
{
  return a && b && g_str_equal (a->url, b->url);
}

/* Takes page. */
static void
find_portal (EwTunnel *self, EwPortalPage *page)
{
  EwTunnelPortal *portal = self->portal;
  if (!portal->page)
    {
      portal->found = ew_boottime ();
      g_message ("A captive portal: this network's own page is at %s", page->host); /* the rest may name a session */
    }
  if (same_page (portal->page, page))
    {
      ew_portal_page_free (page);
      return;
    }
  ew_portal_page_free (portal->page);
  portal->page = page;
  portal->fruitless = 0;
  ew_tunnel_https_set_obstacle (
    self, "captive-portal",
    N_ ("This network lets nothing through until someone has logged in on its own page. Open that page."));
  ew_tunnel_show (self);
}

static void
lose_portal (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  const gint64 pause = PAUSE << MIN (portal->fruitless, 5);
  const gboolean was_known = portal->page != NULL;
  portal->not_before = ew_boottime () + MIN (pause, PAUSE_MAX);
  portal->fruitless++;
  if (!was_known)
    return;
  g_message ("This network doesn't want a login any more");
  ew_tunnel_portal_close_way (self);
  portal->opened = 0;
  g_clear_pointer (&portal->page, ew_portal_page_free);
  ew_tunnel_https_set_obstacle (self, NULL, NULL);
  ew_tunnel_show (self);
}

/* The questions. */

/* A name of the edge in use; NULL: it has none. (transfer full) */
static gchar *
find_edge_name (EwTunnel *self)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  for (gchar **text = edge ? edge->endpoints : NULL; text && *text; text++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      EwIp ip;
      if (ew_host_port_parse (*text, &host, &port, NULL) && !ew_ip_parse (host, &ip))
        return g_steal_pointer (&host);
    }
  return NULL;
}

static gboolean
is_edges (EwTunnel *self, const EwIp *ip)
{
  g_autoptr (GArray) edges = ew_edge_addresses (self->document, self->keystore);
  for (guint i = 0; i < edges->len; i++)
    if (ew_ip_equal (&g_array_index (edges, EwIp, i), ip))
      return TRUE;
  return FALSE;
}

static void
settle_portal (EwTunnel *self, EwPortalPage *page)
{
  stop_asking (self->portal);
  if (page)
    find_portal (self, page);
  else
    lose_portal (self);
  set_alarm (self);
}

/* What a person opens: where the portal names nothing, the page that was asked for, which it catches. (transfer full) */
static EwPortalPage *
choose_page (EwTunnel *self, EwPortalAnswer *answer)
{
  const EwTunnelPortal *portal = self->portal;
  if (answer->page)
    return g_steal_pointer (&answer->page);
  if (portal->setting.page)
    return ew_portal_page_parse (portal->setting.page->url, NULL);
  char address[EW_IP_STRLEN];
  const EwCandidate *candidate = &g_array_index (self->candidates, EwCandidate, self->candidate);
  g_autofree gchar *name = portal->step == STEP_NAME ? find_edge_name (self) : NULL;
  ew_ip_format (&candidate->endpoint.remote, address);
  return ew_portal_page_new (name ? name : address);
}

static void
handle_answer (EwTunnel *self, EwPortalAnswer *answer)
{
  EwTunnelPortal *portal = self->portal;
  const gboolean caught = answer && answer->verdict == EW_PORTAL_CAUGHT;
  g_autofree gchar *name = NULL;
  switch (portal->step)
    {
    case STEP_EDGE:
      name = answer ? NULL : find_edge_name (self);
      if (caught)
        portal->named = choose_page (self, answer);
      if (caught && portal->named)
        ask_step (self, STEP_NOBODY);
      else if (name)
        ask_step (self, STEP_NAME);
      else
        settle_portal (self, NULL);
      break;
    case STEP_NAME:
      settle_portal (self, caught && !is_edges (self, &answer->from) ? choose_page (self, answer) : NULL);
      break;
    case STEP_NOBODY:
      settle_portal (self, caught ? g_steal_pointer (&portal->named) : NULL);
      break;
    default:
      settle_portal (self, caught ? choose_page (self, answer) : NULL);
    }
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTunnel) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EwPortalAnswer) answer = ew_portal_probe_finish (result, &error);
  if (!self->portal || self->portal->asking == NULL || g_task_get_cancellable (G_TASK (result)) != self->portal->asking)
    return; /* nobody wants to know any more */
  g_clear_object (&self->portal->asking);
  if (error)
    g_debug ("portal: %s", error->message);
  if (is_wanted (self))
    handle_answer (self, answer);
  else
    set_alarm (self);
}

static EwPortalPage *
page_for_step (EwTunnel *self, guint step, EwPortalQuestion *question)
{
  const EwCandidate *candidate = &g_array_index (self->candidates, EwCandidate, self->candidate);
  g_autofree gchar *name = find_edge_name (self);
  char address[EW_IP_STRLEN];
  switch (step)
    {
    case STEP_CHOSEN:
      question->expected = self->portal->setting.expected;
      return ew_portal_page_parse (self->portal->setting.page->url, NULL);
    case STEP_NAME:
      return ew_portal_page_new (name);
    case STEP_NOBODY:
      (void)ew_ip_parse (candidate->endpoint.remote.family == EW_FAMILY_V6 ? NOBODY6 : NOBODY4, &question->to);
      break;
    default:
      question->to = candidate->endpoint.remote;
      question->scope = candidate->endpoint.scope;
    }
  ew_ip_format (&question->to, address);
  return ew_portal_page_new (step == STEP_EDGE && name ? name : address);
}

static void
ask_step (EwTunnel *self, guint step)
{
  EwTunnelPortal *portal = self->portal;
  EwPortalQuestion question = { .mark = EW_HOST_FWMARK };
  g_autoptr (EwPortalPage) page = page_for_step (self, step, &question);
  if (!page)
    {
      settle_portal (self, NULL);
      return;
    }
  question.page = page;
  portal->step = step;
  portal->asking = g_cancellable_new ();
  ew_portal_probe_async (&question, portal->asking, on_answered, g_object_ref (self));
}

static void
ask_portal (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = g_build_filename (self->state_dir, EW_PORTAL_SETTING_FILE, NULL);
  ew_portal_setting_clear (&portal->setting);
  if (!ew_portal_setting_read (path, &portal->setting, &error))
    g_warning ("Captive portals aren't looked for: %s", error->message);
  if (error || portal->setting.off)
    settle_portal (self, NULL);
  else
    ask_step (self, portal->setting.page ? STEP_CHOSEN : STEP_EDGE);
}

/* UDP as well: after the login it passes, and is heard before anything is asked again. */
static void
on_portal_alarm (gpointer user_data)
{
  EwTunnel *self = user_data;
  EwTunnelPortal *portal = self->portal;
  portal->is_due = FALSE;
  if (!is_wanted (self))
    return;
  if (portal->page)
    {
      ew_engine_initiate (self->engine, self->peer_key, TRUE);
      ew_tunnel_race (self);
    }
  if (!portal->asking)
    ask_portal (self);
  if (portal->asking)
    set_alarm (self);
}

/* From the rest of the tunnel. */

void
ew_tunnel_portal_suspect (EwTunnel *self)
{
  if (!self->portal)
    {
      self->portal = g_new0 (EwTunnelPortal, 1);
      self->portal->alarm = ew_alarm_new (on_portal_alarm, self);
    }
  if (self->portal->page || self->portal->asking || self->portal->is_due)
    return;
  self->portal->is_due = TRUE;
  ew_alarm_set (self->portal->alarm, MAX (ew_boottime () + SUSPECT_AFTER, self->portal->not_before));
}

void
ew_tunnel_portal_hurry (EwTunnel *self)
{
  self->portal->opened = ew_boottime ();
  set_alarm (self);
}

void
ew_tunnel_portal_forget (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  if (!portal)
    return;
  const gboolean was_known = portal->page != NULL;
  stop_asking (portal);
  ew_alarm_set (portal->alarm, G_MAXINT64);
  ew_tunnel_portal_close_way (self);
  portal->is_due = FALSE;
  portal->opened = portal->not_before = 0;
  portal->fruitless = 0;
  g_clear_pointer (&portal->page, ew_portal_page_free);
  if (!was_known)
    return;
  g_clear_pointer (&self->obstacle, g_free);
  ew_tunnel_show (self);
}

gboolean
ew_tunnel_portal_is_known (EwTunnel *self)
{
  return self->portal && self->portal->page;
}

const gchar *
ew_tunnel_portal_get_url (EwTunnel *self)
{
  return ew_tunnel_portal_is_known (self) ? self->portal->page->url : "";
}

gint64
ew_tunnel_portal_get_until (EwTunnel *self)
{
  return self->portal ? self->portal->until : 0;
}

void
ew_tunnel_portal_diagnose (EwTunnel *self, JsonArray *checks)
{
  if (ew_tunnel_portal_is_known (self))
    ew_checks_add (checks, "captive-portal", EW_CHECK_BAD,
                   N_ ("Open the page: `edgewayctl portal open` prints it, and lets your browser reach it in VPN mode "
                       "and lockdown, too. Or use another network."),
                   "This network lets nothing through until someone has logged in on its own page, at %s.",
                   self->portal->page->host);
}

void
ew_tunnel_portal_free (EwTunnel *self)
{
  EwTunnelPortal *portal = self->portal;
  if (!portal)
    return;
  stop_asking (portal);
  if (portal->resolving)
    g_cancellable_cancel (portal->resolving);
  g_clear_object (&portal->resolving);
  g_clear_pointer (&portal->page, ew_portal_page_free);
  ew_alarm_free (portal->alarm);
  g_clear_pointer (&portal->close_alarm, ew_alarm_free);
  g_clear_pointer (&self->portal, g_free);
}
