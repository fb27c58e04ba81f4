/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses, prefixes and endpoints as text: what is accepted is written so that it means the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/address.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *text = malloc (size + 1), out[EW_ENDPOINT_STRLEN];
  memcpy (text, data, size);
  text[size] = '\0';
  EwIp ip, ip2;
  if (ew_ip_parse (text, &ip))
    {
      ew_ip_format (&ip, out);
      assert (ew_ip_parse (out, &ip2) && ew_ip_equal (&ip, &ip2));
      assert (!ew_ip_is_loopback (&ip) || ew_ip_is_private (&ip));
      assert (!ew_ip_is_link_local (&ip) || ew_ip_is_private (&ip));
    }
  EwPrefix prefix, prefix2;
  bool host_bits;
  if (ew_prefix_parse (text, &prefix, NULL))
    {
      ew_prefix_format (&prefix, out);
      assert (ew_prefix_parse (out, &prefix2, &host_bits) && !host_bits && ew_prefix_equal (&prefix, &prefix2));
      assert (ew_prefix_contains (&prefix, &prefix2.ip) && ew_prefix_overlaps (&prefix, &prefix2));
    }
  EwEndpoint endpoint, endpoint2;
  if (ew_endpoint_parse (text, &endpoint))
    {
      ew_endpoint_format (&endpoint, out);
      assert (ew_endpoint_parse (out, &endpoint2) && ew_endpoint_same_remote (&endpoint, &endpoint2));
    }
  free (text);
  return 0;
}
