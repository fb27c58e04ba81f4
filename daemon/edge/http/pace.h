/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rate of long answers, all of them together, so that whoever downloads leaves room for the mesh's own packets. One
 * network may have half of it at most, so that it isn't one network's alone. Pure: bytes and a time in, a wait out.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct EwHttpPace EwHttpPace;

/* bytes_per_s 0: no limit. */
EwHttpPace *ew_http_pace_new (guint64 bytes_per_s);
void ew_http_pace_free (EwHttpPace *self);
/* Books the next bytes of a network's answer: so many microseconds must pass before they are sent. now_us: monotonic.
   Each answer books one piece at a time, so they have turns. */
gint64 ew_http_pace_book (EwHttpPace *self, guint64 network, gsize bytes, gint64 now_us);

G_END_DECLS
