/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A descriptor's JSON objects, one a line, read as they come. For the model only.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Bytes: a message has at most 1 MiB, and the daemon adds to it. */
#define EW_STREAM_LINE_MAX (1024 * 1024 + 64 * 1024)

typedef struct EwStream EwStream;

/* message: an object; borrowed. Lines that are none, or too long, are left out. The stream may be freed in it. */
typedef void (*EwStreamMessage) (JsonObject *message, gpointer user_data);
/* The other end is closed, or reading failed. The stream may be freed in it. */
typedef void (*EwStreamEnd) (gpointer user_data);

/* Takes fd. */
EwStream *ew_stream_new (gint fd, EwStreamMessage message, EwStreamEnd end, gpointer user_data);
/* Nothing is called any more; the descriptor is closed before the main loop rests. */
void ew_stream_free (EwStream *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStream, ew_stream_free)

G_END_DECLS
