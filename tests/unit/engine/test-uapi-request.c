/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "engine/uapi-request.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define PEER "set=1\npublic_key=" KEY "\n"

static int
parse (const char *text, EwUapiRequest **out)
{
  return ew_uapi_request_parse (text, strlen (text), out);
}

static void
test_get (void)
{
  g_autoptr (EwUapiRequest) request = NULL;

  g_assert_cmpint (parse ("get=1\n\n", &request), ==, 0);
  g_assert_false (request->set);
}

static void
test_set (void)
{
  g_autoptr (EwUapiRequest) request = NULL;

  g_assert_cmpint (
    parse ("set=1\nprivate_key=" KEY "\nlisten_port=51820\nfwmark=4294967295\nreplace_peers=true\n"
           "public_key=" KEY "\nupdate_only=true\npreshared_key=" KEY
           "\nprotocol_version=1\nendpoint=[2001:db8::1]:1\nallowed_ip=10.9.0.0/16\nreplace_allowed_ips=true\n"
           "persistent_keepalive_interval=25\nallowed_ip=10.0.0.7/24\nallowed_ip=fd00::/8\n"
           "allowed_ip=-10.1.0.0/16\npublic_key=" KEY "\nremove=true\n\n",
           &request),
    ==, 0);
  g_assert_true (request->set && request->has_private_key && request->has_listen_port && request->has_fwmark);
  g_assert_cmpuint (request->private_key[1], ==, 0x11);
  g_assert_cmpuint (request->listen_port, ==, 51820);
  g_assert_cmpuint (request->fwmark, ==, G_MAXUINT32);
  g_assert_true (request->replace_peers);
  g_assert_cmpuint (request->peers->len, ==, 2);

  const EwUapiPeer *peer = g_ptr_array_index (request->peers, 0);
  g_assert_true (peer->update_only && peer->has_preshared_key && peer->replace_allowed_ips && peer->has_keepalive);
  g_assert_false (peer->remove);
  g_assert_cmpuint (peer->public_key[31], ==, 0xff);
  g_assert_cmpuint (peer->keepalive, ==, 25);
  g_assert_cmpuint (peer->endpoint.remote_port, ==, 1);
  g_assert_cmpuint (peer->allowed_ips->len, ==, 3); /* what was set before "replace" was removed */
  const EwUapiAllowedIp *allowed = &g_array_index (peer->allowed_ips, EwUapiAllowedIp, 0);
  char text[EW_PREFIX_STRLEN];
  ew_prefix_format (&allowed[0].prefix, text);
  g_assert_cmpstr (text, ==, "10.0.0.0/24");
  g_assert_false (allowed[1].remove);
  g_assert_true (allowed[2].remove);
  g_assert_true (((EwUapiPeer *)g_ptr_array_index (request->peers, 1))->remove);
}

static void
test_zone (void)
{
  g_autoptr (EwUapiRequest) request = NULL;

  g_assert_cmpint (parse (PEER "endpoint=[fe80::1%lo]:51820\n\n", &request), ==, 0);
  const EwUapiPeer *peer = g_ptr_array_index (request->peers, 0);
  g_assert_cmpuint (peer->endpoint.scope, ==, 1);
  g_assert_cmpuint (peer->endpoint.remote_port, ==, 51820);
}

static void
test_managed (void)
{
  static const struct
  {
    const char *text;
    gboolean managed;
  } cases[] = { { "set=1\n\n", TRUE },
                { "set=1\nlisten_port=1\nfwmark=2\n\n", TRUE },
                { "set=1\nprivate_key=" KEY "\n\n", FALSE },
                { "set=1\nreplace_peers=true\n\n", FALSE },
                { PEER "remove=true\n\n", FALSE },
                { PEER "update_only=true\n\n", FALSE } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwUapiRequest) request = NULL;
      g_assert_cmpint (parse (cases[i].text, &request), ==, 0);
      g_assert_cmpint (ew_uapi_request_is_managed (request), ==, cases[i].managed);
    }
}

static void
test_bad (void)
{
  static const char *const bad[] = {
    "get=1\n",
    "get=1\nx=1\n\n",
    "set=1\nlisten_port=65536\n\n",
    "set=1\nlisten_port=\n\n",
    "set=1\nlisten_port=-1\n\n",
    "set=1\nlisten_port= 1\n\n",
    "set=1\nlisten_port=0x10\n\n",
    "set=1\nfwmark=4294967296\n\n",
    "set=1\nunknown=1\n\n",
    "set=1\nreplace_peers=false\n\n",
    "set=1\nprivate_key=00\n\n",
    "set=1\nprivate_key=g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n",
    "set=1\nprivate_key=" KEY "0\n\n",
    "set=1\nallowed_ip=10.0.0.0/8\n\n", /* before any peer */
    "set=1\npublic_key=\n\n",
    PEER "listen_port=1\n\n", /* behind one */
    PEER "allowed_ip=10.0.0.0/33\n\n",
    PEER "allowed_ip=10.0.0.0\n\n",
    PEER "allowed_ip=--10.0.0.0/8\n\n",
    PEER "allowed_ip=-\n\n",
    PEER "endpoint=1.2.3.4\n\n",
    PEER "endpoint=1.2.3.4:0\n\n",
    PEER "endpoint=host:1\n\n",
    PEER "endpoint=[fe80::1%]:1\n\n",
    PEER "endpoint=[fe80::1%lo:1\n\n",
    PEER "endpoint=fe80::1%lo]:1\n\n",
    PEER "endpoint=[2001:db8::1%lo]:1\n\n", /* a zone for a global address */
    PEER "endpoint=[fe80::1%no-such-if]:1\n\n",
    PEER "endpoint=[fe80::1%a-name-longer-than-any]:1\n\n",
    PEER "persistent_keepalive_interval=65536\n\n",
    PEER "persistent_keepalive_interval=off\n\n",
    PEER "protocol_version=2\n\n",
    PEER "remove=1\n\n",
    PEER "preshared_key=x\n\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      EwUapiRequest *request = NULL;
      g_test_message ("%s", bad[i]);
      g_assert_cmpint (parse (bad[i], &request), ==, -EINVAL);
      g_assert_null (request);
    }
}

static void
test_other_bytes (void)
{
  static const char nul_in_verb[] = "set=1\0\n\n", nul_in_line[] = "set=1\nlisten_port=1\0\n\n";
  g_autofree char *long_line = g_strnfill (4096, '1');
  g_autofree char *text = g_strdup_printf ("set=1\nlisten_port=%s\n\n", long_line);
  EwUapiRequest *request = NULL;

  g_assert_cmpint (parse ("", &request), ==, -EPROTO);
  g_assert_cmpint (parse ("\n", &request), ==, -EPROTO);
  g_assert_cmpint (parse ("GET / HTTP/1.1\n\n", &request), ==, -EPROTO);
  g_assert_cmpint (parse ("set=2\n\n", &request), ==, -EPROTO);
  g_assert_cmpint (parse ("get=1", &request), ==, -EPROTO);
  g_assert_cmpint (parse ("set=1\nlisten_port\n\n", &request), ==, -EPROTO);
  g_assert_cmpint (ew_uapi_request_parse (nul_in_verb, sizeof nul_in_verb - 1, &request), ==, -EPROTO);
  g_assert_cmpint (ew_uapi_request_parse (nul_in_line, sizeof nul_in_line - 1, &request), ==, -EINVAL);
  g_assert_cmpint (parse (text, &request), ==, -EINVAL);
}

static void
test_length (void)
{
  static const char text[] = "get=1\n\nset=1\n\n";
  gsize scanned = 0;

  for (gsize i = 0; i < 7; i++) /* byte by byte */
    g_assert_cmpuint (ew_uapi_request_length (text, i, &scanned), ==, 0);
  g_assert_cmpuint (ew_uapi_request_length (text, 7, &scanned), ==, 7);
  scanned = 0;
  g_assert_cmpuint (ew_uapi_request_length (text, sizeof text - 1, &scanned), ==, 7);
  scanned = 0;
  g_assert_cmpuint (ew_uapi_request_length ("\nget", 4, &scanned), ==, 1);
  scanned = 0;
  g_assert_cmpuint (ew_uapi_request_length ("\n\n\n", 3, &scanned), ==, 1); /* as when they come one by one */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uapi-request/get", test_get);
  g_test_add_func ("/uapi-request/set", test_set);
  g_test_add_func ("/uapi-request/zone", test_zone);
  g_test_add_func ("/uapi-request/managed", test_managed);
  g_test_add_func ("/uapi-request/bad", test_bad);
  g_test_add_func ("/uapi-request/other-bytes", test_other_bytes);
  g_test_add_func ("/uapi-request/length", test_length);
  return g_test_run ();
}
