#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: what a host sends to an address of its own passes lo, as tcpdump shows, so a socket that is bound to the interface that has
# the address (SO_BINDTODEVICE) doesn't get it, and one that is bound to lo does.
# Seen (Linux 6.18, UDP and TCP, IPv4 and IPv6): the other way round. For a local route the kernel notes the interface that has the
# address as the one of arrival, and compares that; firewalls see lo all the same.
# What follows: one socket at the TUN answers nodes and the edge's own host, and tells them apart by their addresses; a second one at lo,
# as it was built first, never got a question (daemon/edge/dns/server.h).
#
# Needs root, /dev/net/tun, ip and python3. Exits 1 where the behaviour is another.
set -eu
exec unshare -n sh -c '
ip link set lo up
ip tuntap add d0 mode tun
ip link set d0 up
ip addr add 100.96.0.1/32 dev d0
ip addr add fd12::1/128 dev d0 nodad
exec python3 -' <<'P'
import socket

for family, address in ((socket.AF_INET, "100.96.0.1"), (socket.AF_INET6, "fd12::1")):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        got = []
        servers = {}
        for device in ("d0", "lo"):
            server = servers[device] = socket.socket(family, kind)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            server.bind((address, 5300))
            server.setblocking(False)
            if kind == socket.SOCK_STREAM:
                server.listen()
        client = socket.socket(family, kind)
        client.connect((address, 5300))
        if kind == socket.SOCK_DGRAM:
            client.send(b"?")
        for device, server in servers.items():
            try:
                server.recv(1) if kind == socket.SOCK_DGRAM else server.accept()
                got.append(device)
            except BlockingIOError:
                pass
        print(address, kind.name, "came to", got)
        if got != ["d0"]:
            raise SystemExit(1)
P
