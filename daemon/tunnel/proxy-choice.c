/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which HTTP proxy leads to the edge (proxy/settings.h), as its user chooses it, and what is to be asked of a person:
 *
 *   auto, not connected ── ProxyWanted ──→ a program in a desktop session asks the desktop ──→ AnswerProxy
 *   a proxy says 407    ── ProxyAsks ────→ a person types a name and a password ──→ SetProxyPassword
 *
 * A session is asked again 30 s after its answer while the edge is still away, and in each other network.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "proxy/settings.h"

#include <string.h>

#define ASK_AGAIN ((gint64)30 * G_USEC_PER_SEC)

/* Any host: only a list of exceptions asks for it. */
static gchar *
find_edge_host (EwTunnel *self)
{
  gchar *host = NULL;
  guint16 port;
  const gchar *url = self->keystore && self->keystore->api ? self->keystore->api[0] : NULL;
  if (url && g_str_has_prefix (url, "https://"))
    (void)ew_host_port_parse (url + strlen ("https://"), &host, &port, NULL);
  return host ? host : g_strdup ("");
}

gchar *
ew_tunnel_find_proxy (EwTunnel *self)
{
  g_autofree gchar *host = find_edge_host (self);
  g_autoptr (EwProxy) proxy = ew_proxy_find (self->proxy_file, host, NULL);
  return proxy ? ew_proxy_format_place (proxy) : NULL;
}

/* What the file says now: an administrator may have written it. */
static void
look_at_file (EwTunnel *self)
{
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_load (self->proxy_file, NULL);
  g_free (self->proxy);
  self->proxy = settings ? ew_proxy_settings_show (settings) : g_strdup ("");
}

void
ew_tunnel_start_proxy (EwTunnel *self)
{
  self->proxy_file = g_build_filename (self->state_dir, EW_PROXY_FILE, NULL);
  look_at_file (self);
}

void
ew_tunnel_proxy_said (EwTunnel *self, const GError *error)
{
  const gboolean asks = g_error_matches (error, EW_ERROR, EW_ERROR_PROXY_PASSWORD);
  look_at_file (self);
  if (asks || error == NULL)
    {
      g_free (self->proxy_asks);
      self->proxy_asks = asks ? ew_tunnel_find_proxy (self) : NULL;
    }
  ew_tunnel_show (self);
}

void
ew_tunnel_proxy_network_changed (EwTunnel *self)
{
  ew_proxy_take_answer (NULL);
  self->proxy_answered = 0;
  g_clear_pointer (&self->proxy_asks, g_free);
  look_at_file (self);
  ew_tunnel_show (self);
}

const gchar *
ew_tunnel_get_proxy_wanted (EwTunnel *self)
{
  if (!self->engine || self->liveness.state == EW_LINK_CONNECTED || g_strcmp0 (self->proxy, "auto") != 0
      || !self->keystore || !self->keystore->api || !self->keystore->api[0]
      || (self->proxy_answered && ew_boottime () < self->proxy_answered + ASK_AGAIN))
    return "";
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_load (self->proxy_file, NULL);
  return settings && ew_proxy_settings_asks_session (settings) ? self->keystore->api[0] : "";
}

void
ew_tunnel_add_proxy (EwTunnel *self, JsonObject *object)
{
  JsonObject *shown = json_object_new ();
  g_autofree gchar *place = ew_tunnel_find_proxy (self);
  json_object_set_string_member (shown, "choice", self->proxy ? self->proxy : "");
  if (place)
    json_object_set_string_member (shown, "in_use", place);
  else
    json_object_set_null_member (shown, "in_use");
  json_object_set_boolean_member (shown, "asks_password", self->proxy_asks != NULL);
  json_object_set_object_member (object, "proxy", shown);
}

/* Choices. */

/* Whatever waits for the edge waits no longer. */
static void
use_choice (EwTunnel *self)
{
  g_clear_pointer (&self->proxy_asks, g_free);
  look_at_file (self);
  if (self->client)
    {
      ew_client_abort_idle (self->client);
      if (self->topology)
        ew_topology_hurry (self->topology, TRUE);
    }
  if (self->engine)
    {
      ew_tunnel_https_again (self);
      self->fetch_not_before = 0;
      ew_tunnel_refresh (self);
    }
  ew_tunnel_show (self);
}

/* A file that can't be used is replaced. */
static EwProxySettings *
load_settings (EwTunnel *self)
{
  EwProxySettings *settings = ew_proxy_settings_load (self->proxy_file, NULL);
  return settings ? settings : ew_proxy_settings_parse ("", NULL);
}

static gboolean
store_settings (EwTunnel *self, const EwProxySettings *settings, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (!ew_proxy_settings_save (settings, self->proxy_file, &cause))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "The proxy can't be stored: %s", cause->message);
      return FALSE;
    }
  use_choice (self);
  return TRUE;
}

gboolean
ew_tunnel_set_proxy (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password, GError **error)
{
  g_autoptr (EwProxySettings) settings = load_settings (self);
  return ew_proxy_settings_choose (settings, proxy, user, password, error) && store_settings (self, settings, error);
}

gboolean
ew_tunnel_set_proxy_password (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password,
                              GError **error)
{
  g_autoptr (EwProxySettings) settings = load_settings (self);
  g_autofree gchar *place = *proxy ? g_strdup (proxy) : self->proxy_asks ? g_strdup (self->proxy_asks) : NULL;
  if (place == NULL)
    place = ew_tunnel_find_proxy (self);
  if (place == NULL)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "No proxy is in use here. Name one with `sudo edgewayctl proxy set URL`.");
      return FALSE;
    }
  return ew_proxy_settings_learn (settings, place, user, password, error) && store_settings (self, settings, error);
}

void
ew_tunnel_answer_proxy (EwTunnel *self, const gchar *const *proxies)
{
  g_autofree gchar *before = ew_tunnel_find_proxy (self);
  ew_proxy_take_answer (proxies);
  g_autofree gchar *after = ew_tunnel_find_proxy (self);
  self->proxy_answered = ew_boottime ();
  if (g_strcmp0 (before, after) == 0)
    ew_tunnel_show (self);
  else
    {
      g_message ("the desktop's settings lead to the edge %s%s", after ? "through the proxy " : "directly",
                 after ? after : "");
      use_choice (self);
    }
}
