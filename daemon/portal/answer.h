/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an answer to a question in plain HTTP says. Pure: bytes in, a verdict out.
 *
 *   nothing is expected     2xx except 204, 3xx, 511 (RFC 6585 section 6): somebody answers who shouldn't be there
 *   a text is expected      the same, except a 200 whose body begins with it
 *
 * Any other status is a server's own trouble: no portal, whose whole purpose is a page.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PORTAL_ANSWER_MAX 16384  /* bytes that are read */
#define EW_PORTAL_EXPECTED_MAX 1024 /* bytes of a body's beginning */

typedef enum
{
  EW_PORTAL_MORE,   /* not said yet */
  EW_PORTAL_SILENT, /* not HTTP */
  EW_PORTAL_CLEAR,  /* not a portal's */
  EW_PORTAL_CAUGHT, /* a portal's, or that of a server which happens to be there */
} EwPortalVerdict;

/* data: what came so far; ended: nothing more will. expected: how the body begins, NULL: no answer is expected.
   *location: with CAUGHT the URL that is named, as it is; else, or with none, NULL. (transfer full) */
EwPortalVerdict ew_portal_judge (const gchar *data, gsize length, gboolean ended, const gchar *expected,
                                 gchar **location);

G_END_DECLS
