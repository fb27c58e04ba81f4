/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * To whom an interface of many queues belongs. The kernel lets every user who may open /dev/net/tun (by default
 * everyone) attach a queue to one that has no owner: he would be given packets that were decrypted for this host, and
 * send in its name.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* fd: the only queue so far of the interface, just made with IFF_MULTI_QUEUE. From here on only this process's user, or
   a process with CAP_NET_ADMIN, can attach others. FALSE: that can't be done, or another program was quicker; the
   interface has been deleted then. */
gboolean ew_tun_claim (int fd, int ifindex);

G_END_DECLS
