/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Making the sockets of udp.c: their port, and every option set before the first datagram.
 */
#pragma once

#include "engine/udp.h"

G_BEGIN_DECLS

/* fds: IPv4, IPv6; -1 for a family that was not asked for or that the host does not have. Arguments and errors as
   ew_udp_open(). bound: the port, the same on both. */
gboolean ew_udp_sockets_bind (const char *address, guint16 port, guint32 mark, gboolean later, int fds[EW_UDP_FDS],
                              guint16 *bound, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From now on, other sockets of this program may share the port, or may no longer. Sockets are first bound without
   sharing, which shows whether another program has the port. */
void ew_udp_sockets_share (const int fds[EW_UDP_FDS], gboolean on);
/* More sockets with a port that is shared, for the families that the first ones are for. FALSE: they can't be
   opened. */
gboolean ew_udp_sockets_join (const char *address, guint16 port, guint32 mark, const int first[EW_UDP_FDS],
                              int fds[EW_UDP_FDS]);
/* n have joined these: data messages go to them, each to the lane that the receiver index names, and everything else
   goes to the first. FALSE: the kernel cannot. */
gboolean ew_udp_sockets_steer (const int fds[EW_UDP_FDS], guint n);
/* From now on, datagrams from this socket go as they are or not at all, whatever routers have said about the path; or
   are fragmented where that is needed, as at first. */
gboolean ew_udp_socket_set_whole (int fd, gboolean v6, gboolean whole);
gboolean ew_udp_socket_set_mark (int fd, guint32 mark, GError **error);
/* Switches UDP_GRO on or off. TRUE: it's enabled on every socket. */
gboolean ew_udp_sockets_set_gather (const int fds[EW_UDP_FDS], gboolean on);
/* Whether the kernel has UDP_SEGMENT (Linux 4.18). */
gboolean ew_udp_sockets_know_segments (const int fds[EW_UDP_FDS]);

G_END_DECLS
