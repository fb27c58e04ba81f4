/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd may say on the message bus. Its peers there take uid 0 for the whole of root: systemd would start any
 * program for it, logind switch the computer off, polkit's agent interface vouch for any user. Every call that this
 * program makes is in the table; whoever adds one adds it there, as others are dropped with a warning.
 */
#pragma once

#include "service/frame.h"

G_BEGIN_DECLS

#define EW_BUS_FILTER_BODY_MAX 4096 /* of a message whose body is looked at */

/* Pure. Whether the whole body is needed to decide. */
gboolean ew_bus_filter_needs_body (const EwFrame *frame);
/* Pure. Whether a message of edgewayd's goes on to the bus. body: frame->body bytes, or NULL where it isn't needed. */
gboolean ew_bus_filter_allows (const EwFrame *frame, const guint8 *body);
/* Pure. Whether a line of the handshake before the messages does, without its end. */
gboolean ew_bus_filter_allows_line (const guint8 *line, gsize length);

G_END_DECLS
