#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: with TCP_NOTSENT_LOWAT of 64 KiB a socket is writable again as soon as fewer than 64 KiB are unsent, as the kernel's ip-sysctl
# says ("POLLOUT events if the amount of unsent bytes is below a per socket value"), so whoever waits and writes keeps between 60 and 64 there.
# Seen (Linux 6.18): a write stops at 64 KiB, but who has met that end is woken only below half of it. At 64 KiB the queue goes down to 32
# before the next write.
# What follows: the tunnel over TCP asks for twice the queue that it wants kept filled, and doesn't take the value for a lower bound
# (data/doc/proxies.md).
#
# Needs python3. Exits 1 where the behaviour is another.
set -eu
uname -r
exec python3 - <<'P'
import fcntl, select, socket, struct, time
LOWAT, SIOCOUTQNSD = 65536, 0x894B
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
listener.bind(("127.0.0.1", 0))
listener.listen()
sender = socket.create_connection(listener.getsockname())
receiver = listener.accept()[0]
sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, LOWAT)
sender.setblocking(False)


def unsent():
    return struct.unpack("i", fcntl.ioctl(sender, SIOCOUTQNSD, bytes(4)))[0]


try:
    while True:
        sender.send(bytes(1000))
except BlockingIOError:
    pass
full = unsent()
poller = select.poll()
poller.register(sender, select.POLLOUT)
below = full
while not poller.poll(0):
    below = unsent()  # what was there when it wasn't writable yet
    receiver.recv(500)
    time.sleep(0.002)
print("expected by a good guess: writable again just below 65536")
print("seen: a write ended at", full, "and the socket was writable again below", below, "(at", unsent(), "unsent)")
raise SystemExit(not (full >= LOWAT and LOWAT // 2 - 16384 <= unsent() < LOWAT // 2))
P
