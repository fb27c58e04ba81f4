/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests of the userspace API: framed as the server does it, then parsed.
 */
#include "engine/uapi-request.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  gsize length, scanned = 0;

  do
    {
      EwUapiRequest *request = NULL;
      length = ew_uapi_request_length (text, size, &scanned);
      g_assert (length <= size);
      /* The rest that has no end yet is parsed as well: the parser trusts nobody. */
      int result = ew_uapi_request_parse (text, length > 0 ? length : size, &request);
      g_assert ((result == 0) == (request != NULL));
      g_clear_pointer (&request, ew_uapi_request_free);
      text += length;
      size -= length;
      scanned = 0;
    }
  while (length > 0);
  return 0;
}
