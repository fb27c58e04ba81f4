#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a GSocketService with two listening sockets takes callers from both, in turn or as they come.
# Seen (GLib 2.74.6): it takes from the socket that was added first as long as any client waits there. For each client it watches all its
# sockets again and drops the watches when the first of them has been seen to, in the same turn of the main loop.
# What follows: an edge's control socket has a service of its own; sharing the API's, its owner waited 14 seconds while callers came
# to the API without a pause (daemon/edge/http/server.c, daemon/edge/http/server-private.h).
#
# Needs apt, dpkg and python3. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download libglib2.0-0=2.74.6-2+deb12u9 python3-gi=3.42.2-3+b1 gir1.2-glib-2.0=1.74.0-3 libgirepository-1.0-1=1.74.0-3 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$LIB" GI_TYPELIB_PATH="$LIB/girepository-1.0" PYTHONPATH="$T/usr/lib/python3/dist-packages"
cat >"$T/service.py" <<'P'
import socket
import sys
from gi.repository import Gio, GLib

service, paths, order, kept = Gio.SocketService(), [sys.argv[1] + "/busy", sys.argv[1] + "/quiet"], [], []
for path in paths:
    listener = Gio.Socket.new(Gio.SocketFamily.UNIX, Gio.SocketType.STREAM, Gio.SocketProtocol.DEFAULT)
    listener.bind(Gio.UnixSocketAddress.new(path), True)
    listener.listen()
    service.add_socket(listener, None)


def call(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    kept.append(client)


def incoming(service, connection, source):
    order.append("busy" if connection.get_local_address().get_path() == paths[0] else "quiet")
    if order[-1] == "quiet" or len(order) == 300:
        loop.quit()
    else:
        call(paths[0])  # there's always another
    return True


loop = GLib.MainLoop()
service.connect("incoming", incoming)
for path in (paths[0], paths[0], paths[1]):
    call(path)
service.start()
loop.run()
print("quiet" in order)
P
echo "libglib2.0-0 2.74.6-2+deb12u9"
seen=$(/usr/bin/python3 "$T/service.py" "$T")
echo "expected by a good guess: the quiet socket's caller is served among the first few of the busy one's"
echo "seen: served within 300 callers of the busy one: $seen"
[ "$seen" = False ]
