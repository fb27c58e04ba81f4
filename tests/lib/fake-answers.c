/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-answers.h"

#include <string.h>

#include "common/error.h"
#include "common/util.h"

#define NODE_LAPTOP(self)                                                                                              \
  "{\"id\":\"n1\",\"name\":\"laptop\",\"kind\":\"device\",\"state\":\"online\",\"online\":true,\"addresses\":"         \
  "[\"100.96.1.1\",\"fd12:3456:789a:1::1\"],\"edge\":\"e1\",\"rtt_ms\":8.25,\"last_seen\":\"2026-01-01T00:00:00Z\","   \
  "\"rx_bytes\":1234567,\"tx_bytes\":2048,\"routes\":[],\"os\":\"Debian 12\",\"version\":\"0.1.0\",\"self\":" self "}"
#define NODE_OFFICE                                                                                                    \
  "{\"id\":\"n2\",\"name\":\"office-gw\",\"kind\":\"server\",\"state\":\"online\",\"online\":true,\"addresses\":"      \
  "[\"100.96.1.2\",\"fd12:3456:789a:1::2\"],\"edge\":\"e1\",\"rtt_ms\":12.5,\"last_seen\":\"2026-01-01T00:00:00Z\","   \
  "\"rx_bytes\":52428800,\"tx_bytes\":1048576,\"names\":[\"media\"],\"routes\":[\"10.7.0.0/24\"],\"os\":\"Debian "     \
  "12\",\"version\":\"0.1.0\","                                                                                        \
  "\"self\":false}"
#define NODE_PHONE                                                                                                     \
  "{\"id\":\"n3\",\"name\":\"phone\",\"kind\":\"device\",\"state\":\"not-joined\",\"online\":false,\"addresses\":"     \
  "[\"100.96.1.3\"],\"edge\":null,\"rtt_ms\":null,\"last_seen\":null,\"rx_bytes\":0,\"tx_bytes\":0,\"routes\":[],"     \
  "\"os\":null,\"version\":null,\"self\":false}"

const gchar *
fake_answer_snapshot (void)
{
  return "{\"type\":\"snapshot\",\"revision\":7,\"more\":false,\"map\":{\"mesh\":\"home\",\"trial\":true,\"edges\":[{"
         "\"id\":\"e1\","
         "\"name\":\"frankfurt\",\"endpoint\":\"203.0.113.5:443\",\"online\":true}],\"nodes\":[" NODE_LAPTOP (
           "true") "," NODE_OFFICE "," NODE_PHONE "]}}\n";
}

#define PUBLISHED_HA                                                                                                   \
  "{\"schema\":1,\"host\":\"ha.example.org\",\"service\":\"ha\",\"service_id\":\"s1\",\"access\":\"public\",\"url\":"  \
  "\"https://ha.example.org\",\"state\":\"published\",\"message\":null,\"warning\":\"ha.example.org has no address "   \
  "in DNS "                                                                                                            \
  "yet. Let it lead to 203.0.113.5 there.\"}"
#define SERVICE_HA                                                                                                     \
  "{\"schema\":1,\"id\":\"s1\",\"name\":\"ha\",\"fqdn\":\"ha.home.internal\",\"addresses\":[\"100.111.0.1\",\"fd12:"   \
  "3456:"                                                                                                              \
  "789a:ffff::1\"],\"outside\":false,\"ports\":[{\"protocol\":\"tcp\",\"from\":80,\"to\":80,\"target\":80,\"text\":"   \
  "\"80\"}],"                                                                                                          \
  "\"targets\":[{\"node\":\"office-gw\",\"node_id\":\"n2\",\"host\":null,\"port\":8123,\"label\":\"office-gw:8123\","  \
  "\"state\":\"answers\",\"since\":null,\"offered\":true}],\"spread\":\"first\",\"source\":\"caller\",\"check\":"      \
  "\"auto\"}"
#define SERVICE_WEB                                                                                                    \
  "{\"schema\":1,\"id\":\"s2\",\"name\":\"web\",\"fqdn\":\"web.home.internal\",\"addresses\":[\"10.128.0.5\"],"        \
  "\"outside\":"                                                                                                       \
  "true,\"ports\":[{\"protocol\":\"tcp\",\"from\":80,\"to\":80,\"target\":80,\"text\":\"80\"}],\"targets\":[{"         \
  "\"node\":"                                                                                                          \
  "\"laptop\",\"node_id\":\"n1\",\"host\":null,\"port\":80,\"label\":\"laptop:80\",\"state\":\"refuses\",\"since\":"   \
  "null,"                                                                                                              \
  "\"offered\":false},{\"node\":\"office-gw\",\"node_id\":\"n2\",\"host\":\"10.7.0.9\",\"port\":80,\"label\":"         \
  "\"office-gw/10.7.0.9:80\",\"state\":\"offline\",\"since\":\"2026-01-01T00:00:00Z\",\"offered\":false}],\"spread\":" \
  "\"spread\",\"source\":\"edge\",\"check\":\"always\"}"

/* FAKE_TUNNEL_PAGES: a mesh of so many pages of nodes, two on each; the IDs of a page hold its number. */
static JsonObject *
respond_page (const gchar *path, guint pages)
{
  const gchar *after = strstr (path, "?after=n");
  guint page = after != NULL ? (guint)g_ascii_strtoull (after + strlen ("?after=n"), NULL, 10) + 1 : 0;
  g_autofree gchar *text
    = g_strdup_printf ("{\"schema\":1,\"nodes\":[{\"id\":\"n%u-a\",\"name\":\"first-%u\"},{\"id\":\"n%u-b\",\"name\":"
                       "\"second-%u\"}],\"more\":%s}",
                       page, page, page, page, page + 1 < pages ? "true" : "false");

  return ew_json_parse_object (text, (gssize)strlen (text), 65536, NULL);
}

JsonObject *
fake_answer_request (const gchar *method, const gchar *path, JsonObject *body, GError **error)
{
  const gchar *name = body != NULL ? ew_json_string (body, "name") : NULL, *text = "{\"schema\":1}";

  if (g_strcmp0 (name, "taken") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                                "The name \"taken\" is already taken in this mesh. Choose another, or rename or remove "
                                "the node that has it."),
           NULL;
  if (g_strcmp0 (name, "forbidden") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_NOT_ADMINISTRATOR,
                                "Only an administrator of the mesh may do that; this node is a member. `edgewayctl "
                                "node list` shows who is an administrator."),
           NULL;
  if (g_str_has_suffix (path, "/nobody"))
    return g_set_error_literal (
             error, EW_ERROR, EW_ERROR_NOT_FOUND,
             "There is no node \"nobody\" in this mesh. List its nodes with `edgewayctl node list`."),
           NULL;
  if (g_str_equal (path, "/v1/names") && g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "edge-away") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE, "The edge can't be reached."), NULL;
  if (g_getenv ("FAKE_TUNNEL_PAGES") != NULL && g_str_has_prefix (path, "/v1/nodes") && g_str_equal (method, "GET"))
    return respond_page (path, (guint)g_ascii_strtoull (g_getenv ("FAKE_TUNNEL_PAGES"), NULL, 10));
  if (g_str_equal (path, "/v1/nodes") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"nodes\":[" NODE_LAPTOP ("true") "," NODE_OFFICE "," NODE_PHONE "]}";
  else if (g_str_equal (path, "/v1/nodes"))
    text = "{\"schema\":1,\"node\":" NODE_PHONE
           ",\"config\":{\"addresses\":[\"100.96.1.3\",\"fd12:3456:789a:1::3\"],\"dns\":[\"100.96.0.1\",\"fd12:3456:"
           "789a::1\"],\"search\":[\"home.internal\"],"
           "\"mtu\":1420,\"peer\":{\"public_key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"endpoint\":"
           "\"203.0.113.5:443\",\"ranges\":[\"100.96.0.0/12\",\"fd12:3456:789a::/48\"],\"routes\":[\"10.7.0.0/24\"],"
           "\"persistent_keepalive\":25}}}";
  else if (g_str_equal (path, "/v1/keys") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"keys\":[{\"id\":\"1a2b3c4d5e6f\",\"label\":null,\"kind\":\"admin\",\"renews\":false,"
           "\"maker\":\"owner\",\"maker_name\":null,\"created\":\"2026-01-01T00:00:00Z\",\"expires\":"
           "\"2099-01-01T00:00:00Z\"},{\"id\":\"abcdef012345\",\"label\":\"nas\",\"kind\":\"server\",\"renews\":true,"
           "\"maker\":\"n1\",\"maker_name\":\"laptop\",\"created\":\"2026-01-01T00:00:00Z\",\"expires\":"
           "\"2099-01-01T00:00:00Z\"},{\"id\":\"00000000aaaa\",\"label\":null,\"kind\":\"device\",\"maker\":null}]}";
  else if (g_str_equal (path, "/v1/keys"))
    text = "{\"schema\":1,\"key\":\"ew1_FAKEKEYFORTESTS\",\"name\":\"phone\",\"expires\":\"2026-01-01T01:00:00Z\"}";
  else if (g_str_equal (path, "/v1/names") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"suffix\":\"home.internal\",\"edges\":[{\"name\":\"edge\",\"addresses\":[\"100.96.0.1\"]},"
           "{\"name\":\"frankfurt\",\"addresses\":[\"100.96.0.1\"]}],\"names\":[{\"name\":\"files\",\"node\":"
           "\"office-gw\",\"node_id\":\"n2\"}],\"domains\":[{\"domain\":\"corp.example\",\"resolver\":\"10.7.0.53\","
           "\"node\":\"office-gw\",\"node_id\":\"n2\",\"online\":true}]}";
  else if (g_str_equal (path, "/v1/published"))
    text = g_str_equal (method, "GET") ? "{\"schema\":1,\"published\":[" PUBLISHED_HA "]}" : PUBLISHED_HA;
  else if (g_str_equal (path, "/v1/services") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"suffix\":\"home.internal\",\"services\":[" SERVICE_WEB "," SERVICE_HA "],\"more\":false}";
  else if (g_str_has_suffix (path, "/v1/services/nothing"))
    return g_set_error_literal (
             error, EW_ERROR, EW_ERROR_NOT_FOUND,
             "There is no service \"nothing\" in this mesh. List its services with `edgewayctl service list`."),
           NULL;
  else if (g_str_has_prefix (path, "/v1/services") && !g_str_equal (method, "DELETE"))
    text = g_str_has_suffix (path, "/web") ? SERVICE_WEB : SERVICE_HA;
  else if (g_str_equal (method, "GET"))
    text = NODE_LAPTOP ("true");
  return ew_json_parse_object (text, (gssize)strlen (text), 65536, error);
}
