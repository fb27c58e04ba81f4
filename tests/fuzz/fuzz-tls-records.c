/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The types of a caller's TLS records: in one piece and byte by byte they say the same.
 */
#include "edge/http/one-handshake.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *exact = g_memdup2 (data, size); /* so that a read beyond its end is noticed */
  EwTlsRecords whole = { 0 }, pieces = { 0 };
  const gboolean follows = ew_http_tls_records_follow (&whole, exact, size);
  gboolean each = TRUE;
  for (size_t i = 0; i < size && each; i++)
    each = ew_http_tls_records_follow (&pieces, exact + i, 1);
  g_assert_cmpint (each, ==, follows);
  if (follows)
    g_assert_true (whole.n_head == pieces.n_head && whole.left == pieces.left && whole.changed == pieces.changed
                   && whole.n_after == pieces.n_after && whole.n_after <= 1);
  return 0;
}
