/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A viewer's WebSocket frames, one after another.
 */
#include <string.h>
#include "edge/http/websocket.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  EwWebsocketFrame frame;
  gssize taken;
  for (gsize at = 0; at < size && (taken = ew_http_websocket_parse (copy + at, size - at, &frame)) > 0;
       at += (gsize)taken)
    {
      g_assert_true ((gsize)taken <= size - at && frame.length <= EW_WEBSOCKET_FRAME_MAX);
      g_assert_true (frame.payload >= copy + at && frame.payload + frame.length == copy + at + taken);
    }
  return 0;
}
