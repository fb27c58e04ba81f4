/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/nginx-config.h"

#include <string.h>
#include "edge/mesh/published.h"

#define HTTPS 443

/* Time limits are between two pieces of a request or an answer, so an upload may take as long as it likes while it goes
   on. Answers are passed on as they come: what is held back for a while isn't an event stream. Requests are, too. */
static const gchar beginning[] = "# Written by edgeway-edge, which writes it again after each change.\n"
                                 "daemon off;\n"
                                 "worker_processes auto;\n"
                                 "worker_shutdown_timeout 24h;\n"
                                 "pid nginx.pid;\n"
                                 "error_log stderr crit;\n"
                                 "events { worker_connections 4096; }\n"
                                 "http {\n"
                                 "  access_log off;\n"
                                 "  server_tokens off;\n"
                                 "  default_type application/octet-stream;\n"
                                 "  client_body_temp_path body;\n"
                                 "  proxy_temp_path proxy;\n"
                                 "  fastcgi_temp_path fastcgi;\n"
                                 "  uwsgi_temp_path uwsgi;\n"
                                 "  scgi_temp_path scgi;\n"
                                 "  server_names_hash_bucket_size 512;\n"
                                 "  large_client_header_buffers 4 16k;\n"
                                 "  client_header_timeout 30s;\n"
                                 "  client_body_timeout 60s;\n"
                                 "  client_max_body_size 0;\n"
                                 "  send_timeout 60s;\n"
                                 "  keepalive_timeout 65s;\n"
                                 "  sendfile on;\n"
                                 "  tcp_nodelay on;\n"
                                 "  ssl_protocols TLSv1.2 TLSv1.3;\n"
                                 "  ssl_session_cache shared:tls:2m;\n"
                                 "  ssl_session_tickets off;\n"
                                 "  set_real_ip_from unix:;\n"
                                 "  real_ip_header proxy_protocol;\n"
                                 "  proxy_http_version 1.1;\n"
                                 "  proxy_connect_timeout 5s;\n"
                                 "  proxy_read_timeout 10m;\n"
                                 "  proxy_send_timeout 60s;\n"
                                 "  proxy_buffering off;\n"
                                 "  proxy_buffer_size 16k;\n"
                                 "  proxy_buffers 4 16k;\n" /* unused; but nginx refuses the line before without it */
                                 "  proxy_request_buffering off;\n"
                                 "  proxy_next_upstream off;\n"
                                 "  map $http_upgrade $edgeway_upgrade { default \"\"; \"~*^websocket$\" websocket; }\n"
                                 "  map $edgeway_upgrade $edgeway_connection { default \"\"; websocket upgrade; }\n"
                                 "  server {\n"
                                 "    listen unix:" EW_PUBLISH_SOCKET " ssl http2 proxy_protocol default_server;\n"
                                 "    ssl_reject_handshake on;\n"
                                 "    return 421;\n"
                                 "  }\n";

/* Names of a caller's making that a target could believe. */
static const gchar *const deleted[]
  = { "Forwarded",     "X-Forwarded-Server", "X-Original-URL",   "X-Original-Host", "X-Rewrite-URL",
      "X-Client-IP",   "True-Client-IP",     "CF-Connecting-IP", "Proxy",           "Edgeway-User",
      "Edgeway-Email", "Edgeway-Groups",     "Edgeway-Jwt" };

static gboolean
is_hexadecimal (const gchar *text)
{
  return *text != '\0' && strspn (text, "0123456789abcdef") == strlen (text);
}

/* A connection that is kept for the next request is soon forgotten: of one to a target that has vanished in the meantime
   only proxy_read_timeout would tell, and of a new one proxy_connect_timeout does. */
static void
append_target (GString *text, const EwPublishSite *site)
{
  gchar ip[EW_IP_STRLEN];
  ew_ip_format (&site->ip, ip);
  g_string_append_printf (text,
                          site->ip.family == EW_FAMILY_V6
                            ? "  upstream %s { server [%s]:%u; keepalive 32; keepalive_timeout 2s; }\n"
                            : "  upstream %s { server %s:%u; keepalive 32; keepalive_timeout 2s; }\n",
                          site->service, ip, site->port);
}

static void
append_headers (GString *text, guint16 public_port)
{
  g_autofree gchar *port = public_port == HTTPS ? g_strdup ("") : g_strdup_printf (":%u", public_port);
  g_string_append_printf (text,
                          "      proxy_set_header Host $host%s;\n"
                          "      proxy_set_header Upgrade $edgeway_upgrade;\n"
                          "      proxy_set_header Connection $edgeway_connection;\n"
                          "      proxy_set_header X-Real-IP $remote_addr;\n"
                          "      proxy_set_header X-Forwarded-For $remote_addr;\n"
                          "      proxy_set_header X-Forwarded-Proto https;\n"
                          "      proxy_set_header X-Forwarded-Host $host%s;\n"
                          "      proxy_set_header X-Forwarded-Port %u;\n",
                          port, port, public_port);
  for (gsize i = 0; i < G_N_ELEMENTS (deleted); i++)
    g_string_append_printf (text, "      proxy_set_header %s \"\";\n", deleted[i]);
}

static void
append_site (GString *text, const EwPublishSite *site, guint16 public_port)
{
  g_string_append_printf (text,
                          "  server {\n"
                          "    listen unix:" EW_PUBLISH_SOCKET " ssl http2 proxy_protocol;\n"
                          "    server_name %s;\n"
                          "    ssl_certificate " EW_PUBLISH_CERTIFICATES "/%s.pem;\n"
                          "    ssl_certificate_key " EW_PUBLISH_CERTIFICATES "/%s.pem;\n"
                          "    error_page %s /.edgeway/page.html;\n"
                          "    location = /.edgeway/page.html {\n"
                          "      internal;\n"
                          "      default_type \"text/html; charset=utf-8\";\n"
                          "      add_header Cache-Control no-store always;\n"
                          "      alias " EW_PUBLISH_PAGES "/%s.html;\n"
                          "    }\n"
                          "    location / {\n",
                          site->host, site->certificate, site->certificate, site->closed ? "403" : "502 503 504",
                          site->closed ? "closed" : site->service);
  if (site->closed)
    g_string_append (text, "      return 403;\n");
  else if (site->ip.family == EW_FAMILY_NONE)
    g_string_append (text, "      return 503;\n");
  else
    {
      append_headers (text, public_port);
      g_string_append_printf (text, "      proxy_pass http://%s;\n", site->service);
    }
  g_string_append (text, "    }\n  }\n");
}

/* Several names may lead to one service. */
static gboolean
has_target_before (const EwPublishSite *sites, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!sites[i].closed && g_str_equal (sites[i].service, sites[n].service))
      return TRUE;
  return FALSE;
}

static gboolean
is_sound (const EwPublishSite *site)
{
  return ew_mesh_check_host (site->host, NULL) && site->service[0] == 's' && is_hexadecimal (site->service + 1)
         && is_hexadecimal (site->certificate);
}

gchar *
ew_publish_format_config (const EwPublishSite *sites, gsize n, guint16 public_port)
{
  GString *text = g_string_new (beginning);
  for (gsize i = 0; i < n; i++)
    if (is_sound (&sites[i]) && !sites[i].closed && sites[i].ip.family != EW_FAMILY_NONE
        && !has_target_before (sites, i))
      append_target (text, &sites[i]);
  for (gsize i = 0; i < n; i++)
    if (is_sound (&sites[i]))
      append_site (text, &sites[i], public_port);
  g_string_append (text, "}\n");
  return g_string_free (text, FALSE);
}

gchar *
ew_publish_format_page (const gchar *sentence)
{
  g_autofree gchar *safe = g_markup_escape_text (sentence, -1);
  return g_strdup_printf ("<!doctype html>\n"
                          "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width\">\n"
                          "<title>Not available</title>\n"
                          "<style>:root{color-scheme:light dark}body{font:1.1rem/1.5 sans-serif;margin:15vh auto;"
                          "max-width:34rem;padding:0 1rem}</style></head>\n"
                          "<body><p>%s</p></body></html>\n",
                          safe);
}
