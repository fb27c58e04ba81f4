/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/uapi-request.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

/* The longest line there is: an endpoint with an interface's name; preshared_key= and 64 digits. */
#define LINE_MAX_BYTES 128

gsize
ew_uapi_request_length (const char *text, gsize len, gsize *scanned)
{
  if (len > 0 && text[0] == '\n') /* an empty request, however much follows: its parser refuses it */
    return 1;
  for (gsize i = MAX (*scanned, 1); i < len; i++)
    if (text[i] == '\n' && text[i - 1] == '\n')
      return i + 1;
  *scanned = len;
  return 0;
}

static void
free_peer (gpointer data)
{
  EwUapiPeer *peer = data;

  g_array_unref (peer->allowed_ips);
  explicit_bzero (peer, sizeof *peer);
  g_free (peer);
}

void
ew_uapi_request_free (EwUapiRequest *request)
{
  g_ptr_array_unref (request->peers);
  explicit_bzero (request, sizeof *request);
  g_free (request);
}

gboolean
ew_uapi_request_is_managed (const EwUapiRequest *request)
{
  return !request->has_private_key && !request->replace_peers && request->peers->len == 0;
}

/* Values. Each returns FALSE for anything but exactly what it describes. */

static gboolean
parse_key (const char *value, guint8 out[EW_KEY_SIZE])
{
  if (strlen (value) != 2 * EW_KEY_SIZE)
    return FALSE;
  for (gsize i = 0; i < EW_KEY_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (value[2 * i]), low = g_ascii_xdigit_value (value[2 * i + 1]);
      if (high < 0 || low < 0)
        return FALSE;
      out[i] = (guint8)(high << 4 | low);
    }
  return TRUE;
}

static gboolean
parse_number (const char *value, guint64 max, guint64 *out)
{
  return g_ascii_isdigit (value[0]) && g_ascii_string_to_unsigned (value, 10, 0, max, out, NULL);
}

static gboolean
parse_true (const char *value, gboolean *out)
{
  *out = TRUE;
  return g_str_equal (value, "true");
}

/* `wg` writes a link-local address with its zone, [fe80::1%eth0]:51820: kept apart as the endpoint's scope. */
static gboolean
parse_endpoint (const char *value, EwEndpoint *out)
{
  const char *zone = strchr (value, '%');
  const char *end = zone != NULL ? strchr (zone, ']') : NULL;
  char plain[LINE_MAX_BYTES], name[IF_NAMESIZE] = "";
  guint64 index = 0;

  if (zone == NULL)
    return ew_endpoint_parse (value, out);
  if (value[0] != '[' || end == NULL || end - zone - 1 >= IF_NAMESIZE)
    return FALSE;
  memcpy (name, zone + 1, (gsize)(end - zone - 1));
  g_snprintf (plain, sizeof plain, "%.*s%s", (int)(zone - value), value, end);
  if (!parse_number (name, G_MAXINT32, &index))
    index = if_nametoindex (name);
  if (index == 0 || !ew_endpoint_parse (plain, out) || !ew_ip_is_link_local (&out->remote))
    return FALSE;
  out->scope = (guint32)index;
  return TRUE;
}

static gboolean
parse_allowed_ip (EwUapiPeer *peer, const char *value)
{
  EwUapiAllowedIp allowed = { .remove = value[0] == '-' };

  if (strchr (value, '/') == NULL || !ew_prefix_parse (value + (allowed.remove ? 1 : 0), &allowed.prefix, NULL))
    return FALSE;
  g_array_append_val (peer->allowed_ips, allowed);
  return TRUE;
}

/* Lines. */

static gboolean
parse_device_line (EwUapiRequest *request, const char *key, const char *value)
{
  guint64 number;

  if (g_str_equal (key, "private_key"))
    return request->has_private_key = parse_key (value, request->private_key);
  if (g_str_equal (key, "replace_peers"))
    return parse_true (value, &request->replace_peers);
  if (g_str_equal (key, "listen_port") && parse_number (value, G_MAXUINT16, &number))
    {
      request->listen_port = (guint16)number;
      return request->has_listen_port = TRUE;
    }
  if (g_str_equal (key, "fwmark") && parse_number (value, G_MAXUINT32, &number))
    {
      request->fwmark = (guint32)number;
      return request->has_fwmark = TRUE;
    }
  return FALSE;
}

static gboolean
parse_peer_line (EwUapiPeer *peer, const char *key, const char *value)
{
  guint64 number;

  if (g_str_equal (key, "remove"))
    return parse_true (value, &peer->remove);
  if (g_str_equal (key, "update_only"))
    return parse_true (value, &peer->update_only);
  if (g_str_equal (key, "replace_allowed_ips"))
    {
      g_array_set_size (peer->allowed_ips, 0); /* they are replaced by those that follow */
      return parse_true (value, &peer->replace_allowed_ips);
    }
  if (g_str_equal (key, "allowed_ip"))
    return parse_allowed_ip (peer, value);
  if (g_str_equal (key, "endpoint"))
    return parse_endpoint (value, &peer->endpoint);
  if (g_str_equal (key, "preshared_key"))
    return peer->has_preshared_key = parse_key (value, peer->preshared_key);
  if (g_str_equal (key, "protocol_version"))
    return g_str_equal (value, "1");
  if (g_str_equal (key, "persistent_keepalive_interval") && parse_number (value, G_MAXUINT16, &number))
    {
      peer->keepalive = (guint16)number;
      return peer->has_keepalive = TRUE;
    }
  return FALSE;
}

static gboolean
parse_line (EwUapiRequest *request, const char *key, const char *value)
{
  if (g_str_equal (key, "public_key"))
    {
      EwUapiPeer *peer = g_new0 (EwUapiPeer, 1);
      peer->allowed_ips = g_array_new (FALSE, FALSE, sizeof (EwUapiAllowedIp));
      g_ptr_array_add (request->peers, peer);
      return parse_key (value, peer->public_key);
    }
  if (request->peers->len > 0)
    return parse_peer_line (g_ptr_array_index (request->peers, request->peers->len - 1), key, value);
  return parse_device_line (request, key, value);
}

/* Copies the line at text into line, without its end; returns the length with it, 0 where none ends within bounds. */
static gsize
take_line (const char *text, gsize len, char line[LINE_MAX_BYTES])
{
  const char *end = memchr (text, '\n', MIN (len, LINE_MAX_BYTES));

  if (end == NULL)
    return 0;
  memcpy (line, text, (gsize)(end - text));
  line[end - text] = '\0';
  return (gsize)(end - text) + 1;
}

/* A line that isn't key=value is of another protocol, as wireguard-go answers it; one that is, but means nothing here,
   is invalid. */
static int
parse_settings (EwUapiRequest *request, const char *text, gsize len)
{
  char line[LINE_MAX_BYTES];
  int result = 0;

  while (result == 0 && len > 0)
    {
      gsize taken = take_line (text, len, line);
      char *value = taken > 0 ? strchr (line, '=') : NULL;
      if (taken == 1 && len == 1)
        break; /* the empty line at the end */
      if (taken == 0 || strlen (line) != taken - 1)
        result = -EINVAL;
      else if (value == NULL)
        result = -EPROTO;
      else
        {
          *value++ = '\0';
          result = parse_line (request, line, value) ? 0 : -EINVAL;
        }
      text += taken;
      len -= taken;
    }
  explicit_bzero (line, sizeof line);
  return result;
}

int
ew_uapi_request_parse (const char *text, gsize len, EwUapiRequest **out)
{
  char line[LINE_MAX_BYTES];
  gsize taken = take_line (text, len, line);
  gboolean set = taken == sizeof "set=1" && g_str_equal (line, "set=1");

  if (!set && (taken != sizeof "get=1" || !g_str_equal (line, "get=1")))
    return -EPROTO;
  if (!set && (len != taken + 1 || text[taken] != '\n'))
    return -EINVAL;

  g_autoptr (EwUapiRequest) request = g_new0 (EwUapiRequest, 1);
  request->set = set;
  request->peers = g_ptr_array_new_with_free_func (free_peer);
  int result = set ? parse_settings (request, text + taken, len - taken) : 0;
  if (result == 0)
    *out = g_steal_pointer (&request);
  return result;
}
