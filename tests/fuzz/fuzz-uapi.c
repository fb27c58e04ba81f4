/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests of the userspace API: framed as the server does it, then parsed. However the bytes arrive, all at once, one
 * by one or in pieces of any size, the requests are the same.
 */
#include <string.h>

#include "engine/uapi-request.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* A parsed request is in range, whatever was asked. */
static void
check_request (const EwUapiRequest *request)
{
  for (guint i = 0; request->peers != NULL && i < request->peers->len; i++)
    {
      const EwUapiPeer *peer = g_ptr_array_index (request->peers, i);
      g_assert (peer->endpoint.kind == EW_ENDPOINT_NONE || peer->endpoint.remote_port > 0);
      for (guint k = 0; k < peer->allowed_ips->len; k++)
        {
          const EwPrefix *prefix = &g_array_index (peer->allowed_ips, EwUapiAllowedIp, k).prefix;
          EwPrefix again;
          char text[EW_PREFIX_STRLEN];
          bool host_bits = true;
          ew_prefix_format (prefix, text);
          g_assert (ew_prefix_parse (text, &again, &host_bits) && ew_prefix_equal (prefix, &again) && !host_bits);
        }
    }
  if (!request->set)
    g_assert (request->peers == NULL || request->peers->len == 0);
}

static int
parse (const char *text, gsize length)
{
  EwUapiRequest *request = NULL;
  char *exact = g_malloc (MAX (length, 1)); /* so that a byte read beyond the end is detected */
  if (length > 0)
    memcpy (exact, text, length);
  int result = ew_uapi_request_parse (exact, length, &request);
  g_assert ((result == 0) == (request != NULL));
  if (request != NULL)
    check_request (request);
  g_clear_pointer (&request, ew_uapi_request_free);
  g_free (exact);
  return result;
}

/* The requests' ends, as bytes come in: the next piece is as large as piece() says. */
static void
find_ends (const char *text, gsize size, gsize (*piece) (const char *text, gsize at), GArray *ends)
{
  gsize start = 0, scanned = 0;
  for (gsize there = 0; there < size;)
    {
      there = MIN (size, there + piece (text, there));
      gsize length;
      while ((length = ew_uapi_request_length (text + start, there - start, &scanned)) > 0)
        {
          g_assert (length <= there - start);
          start += length;
          scanned = 0;
          g_array_append_val (ends, start);
        }
    }
}

static gsize
all_at_once (const char *text, gsize at)
{
  return G_MAXSIZE / 2;
}

static gsize
one_by_one (const char *text, gsize at)
{
  return 1;
}

static gsize
as_it_comes (const char *text, gsize at)
{
  return 1 + (guint8)text[at] % 13;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  gsize (*const pieces[]) (const char *, gsize) = { all_at_once, one_by_one, as_it_comes };
  g_autoptr (GArray) whole = g_array_new (FALSE, FALSE, sizeof (gsize));
  gsize start = 0;

  find_ends (text, size, pieces[0], whole);
  for (guint i = 1; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (gsize));
      find_ends (text, size, pieces[i], ends);
      g_assert (ends->len == whole->len);
      g_assert (ends->len == 0 || memcmp (ends->data, whole->data, ends->len * sizeof (gsize)) == 0);
    }
  for (guint i = 0; i < whole->len; i++)
    {
      gsize end = g_array_index (whole, gsize, i);
      parse (text + start, end - start);
      start = end;
    }
  /* The rest that has no end yet is parsed as well: the parser trusts no caller. */
  parse (text + start, size - start);
  return 0;
}
