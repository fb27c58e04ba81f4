/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/client-private.h"
#include "account/document.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include <string.h>

#define IDLE_SECONDS 3 /* an idle node holds no TLS connection */
#define BASES_MAX 24   /* addresses tried for one call */

G_DEFINE_FINAL_TYPE (EwClient, ew_client, G_TYPE_OBJECT)

static void
base_free (gpointer data)
{
  EwClientBase *base = data;
  g_free (base->base);
  g_free (base->name);
  g_free (base);
}

static void
add_base (GPtrArray *bases, const gchar *base, const gchar *name)
{
  for (guint i = 0; i < bases->len; i++)
    if (g_str_equal (((EwClientBase *)bases->pdata[i])->base, base))
      return;
  if (bases->len >= BASES_MAX)
    return;
  EwClientBase *item = g_new0 (EwClientBase, 1);
  item->base = g_strdup (base);
  item->name = g_strdup (name);
  g_ptr_array_add (bases, item);
}

static gchar *
base_of_ip (const EwIp *ip, guint16 port)
{
  char text[EW_IP_STRLEN];
  ew_ip_format (ip, text);
  return g_strdup_printf (ip->family == EW_FAMILY_V6 ? "https://[%s]:%u" : "https://%s:%u", text, port);
}

static GPtrArray *
make_bases (EwClient *self)
{
  GPtrArray *bases = g_ptr_array_new_with_free_func (base_free);
  for (gchar **url = self->api; url && *url; url++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      EwIp ip;
      if (!ew_api_url_check (*url) || !ew_host_port_parse (*url + strlen ("https://"), &host, &port, NULL))
        continue;
      if (ew_ip_parse (host, &ip))
        {
          g_autofree gchar *base = base_of_ip (&ip, port);
          add_base (bases, base, NULL);
          continue;
        }
      const gchar *const *known = self->cache ? ew_keystore_get_addresses (self->cache, host) : NULL;
      for (; known && *known; known++)
        if (!g_str_equal (*known, EW_NO_ADDRESS) && ew_ip_parse (*known, &ip))
          {
            g_autofree gchar *base = base_of_ip (&ip, port);
            add_base (bases, base, host);
          }
      add_base (bases, *url, host);
    }
  /* The one that worked last goes first. */
  for (guint i = 1; i < bases->len && self->last_base; i++)
    if (g_str_equal (((EwClientBase *)bases->pdata[i])->base, self->last_base))
      g_ptr_array_insert (bases, 0, g_ptr_array_steal_index (bases, i));
  if (self->inside)
    {
      EwClientBase *inside = g_new0 (EwClientBase, 1);
      inside->base = g_strdup (self->inside);
      inside->inside = TRUE;
      g_ptr_array_insert (bases, MIN (1, (gint)bases->len), inside);
    }
  return bases;
}

static void
call_start (EwClient *self, EwClientCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  call->bases = make_bases (self);
  call->knocks = g_ptr_array_new ();
  g_task_set_task_data (task, call, ew_client_call_free);
  g_task_set_check_cancellable (task, TRUE);
  if (call->bases->len > 0)
    {
      ew_client_begin (task);
      return;
    }
  ew_task_return_new_error (task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
                            "No address of the edge is known. Enroll this computer again.");
  g_object_unref (task);
}

void
ew_client_call_async (EwClient *self, const gchar *method, const gchar *path, JsonObject *body,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  EwClientCall *call = g_new0 (EwClientCall, 1);
  call->method = g_strdup (method);
  call->path = g_strdup (path);
  call->body = body ? ew_json_to_string (body, FALSE) : NULL;
  call->repeatable = !g_str_equal (method, "POST") || g_str_equal (path, "/v1/enroll");
  gboolean list = g_str_equal (method, "GET")
                  && (g_str_equal (path, "/v1/nodes") || g_str_has_prefix (path, "/v1/nodes?")
                      || g_str_equal (path, "/v1/services") || g_str_has_prefix (path, "/v1/services?")
                      || g_str_equal (path, "/v1/routes") || g_str_equal (path, "/v1/names"));
  call->max = list ? EW_CLIENT_LIST_MAX_ANSWER : EW_CLIENT_MAX_ANSWER;
  call_start (self, call, cancellable, callback, user_data);
}

JsonObject *
ew_client_call_finish (EwClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_client_websocket_async (EwClient *self, const gchar *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  EwClientCall *call = g_new0 (EwClientCall, 1);
  call->method = g_strdup ("GET");
  call->path = g_strdup (path);
  call->websocket = call->repeatable = TRUE;
  call_start (self, call, cancellable, callback, user_data);
}

SoupWebsocketConnection *
ew_client_websocket_finish (EwClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_client_set_identity (EwClient *self, const gchar *id, const gchar *credential)
{
  g_clear_pointer (&self->authorization, ew_free_secret);
  self->authorization = g_strdup_printf ("Bearer %s.%s", id, credential);
}

void
ew_client_set_api (EwClient *self, const gchar *const *api)
{
  g_strfreev (self->api);
  self->api = g_strdupv ((gchar **)api);
}

void
ew_client_set_inside (EwClient *self, const EwIp *service, guint16 port)
{
  g_free (self->inside);
  self->inside = service ? base_of_ip (service, port) : NULL;
  if (self->proxies)
    {
      char text[EW_IP_STRLEN] = "";
      if (service)
        ew_ip_format (service, text);
      ew_proxy_resolver_set_direct (self->proxies, service ? text : NULL);
    }
}

void
ew_client_set_proxy_file (EwClient *self, const gchar *file)
{
  g_clear_object (&self->proxies);
  self->proxies = ew_proxy_resolver_new (file);
  ew_client_abort_idle (self);
}

void
ew_client_detach (EwClient *self)
{
  g_autoptr (EwKeystore) shared = g_steal_pointer (&self->cache);
  self->cache = shared ? ew_keystore_copy_addresses (shared) : NULL;
}

void
ew_client_abort_idle (EwClient *self)
{
  g_clear_object (&self->session);
  self->session = soup_session_new ();
  soup_session_set_user_agent (self->session, "edgewayd");
  soup_session_set_timeout (self->session, EW_CLIENT_TRY_SECONDS);
  soup_session_set_idle_timeout (self->session, IDLE_SECONDS);
  soup_session_set_proxy_resolver (self->session, self->proxies ? G_PROXY_RESOLVER (self->proxies) : NULL);
  /* No database: every certificate is questionable, so that accept-certificate is asked about each. */
  soup_session_set_tls_database (self->session, NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_AUTH_MANAGER);
}

const gchar *
ew_client_get_ca (EwClient *self)
{
  return self->ca_pem;
}

EwClient *
ew_client_new (const guint8 pin[EW_PIN_SIZE], const gchar *const *api, EwKeystore *cache, guint32 mark)
{
  EwClient *self = g_object_new (EW_TYPE_CLIENT, NULL);
  memcpy (self->pin, pin, EW_PIN_SIZE);
  self->api = g_strdupv ((gchar **)api);
  self->cache = cache ? ew_keystore_ref (cache) : NULL;
  self->mark = mark;
  return self;
}

static void
ew_client_init (EwClient *self)
{
  ew_client_abort_idle (self);
}

static void
ew_client_finalize (GObject *object)
{
  EwClient *self = EW_CLIENT (object);
  soup_session_abort (self->session);
  g_clear_object (&self->session);
  g_clear_object (&self->proxies);
  g_clear_pointer (&self->cache, ew_keystore_unref);
  g_strfreev (self->api);
  ew_free_secret (self->authorization);
  g_free (self->ca_pem);
  g_free (self->last_base);
  g_free (self->inside);
  G_OBJECT_CLASS (ew_client_parent_class)->finalize (object);
}

static void
ew_client_class_init (EwClientClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ew_client_finalize;
}
