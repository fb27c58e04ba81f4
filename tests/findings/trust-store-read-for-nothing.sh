#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a TLS client of GIO that has been given a database of its own, before the handshake, checks the server by that one alone, and
# never reads the system's certificates.
# Seen (GLib 2.74, glib-networking 2.74.0, GnuTLS 3.7.9): it checks by its own, and reads all of the system's certificates too, as soon as the
# connection is made; each process then keeps them in memory, some megabytes.
# What follows: a program that trusts nobody but its own authority gives GIO's TLS backend an empty default database before its first
# connection (daemon/common/trust-nobody.c).
#
# Needs apt, dpkg, openssl, python3 and the system's certificates (ca-certificates). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download libgnutls30=3.7.9-2+deb12u7 glib-networking=2.74.0-4 python3-gi=3.42.2-3+b1 gir1.2-glib-2.0=1.74.0-3 libgirepository-1.0-1=1.74.0-3 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key" -out "$T/certificate" -subj /CN=edge -addext subjectAltName=DNS:edge -days 2 2>/dev/null
cat >"$T/server.py" <<'P'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/certificate", sys.argv[1] + "/key")
listener = socket.create_server(("127.0.0.1", 45395))
print("ready", flush=True)
context.wrap_socket(listener.accept()[0], server_side=True).read(1)
P
cat >"$T/client.py" <<'P'
import ctypes, os, select, sys
from gi.repository import Gio
libc, IN_OPEN = ctypes.CDLL(None), 0x20
watch = libc.inotify_init()
assert libc.inotify_add_watch(watch, b"/etc/ssl/certs/ca-certificates.crt", IN_OPEN) >= 0
socket = Gio.SocketClient().connect_to_host("127.0.0.1:45395", 45395, None)
own = Gio.TlsFileDatabase.new(sys.argv[1] + "/certificate")
assert not select.select([watch], [], [], 0)[0]
client = Gio.TlsClientConnection.new(socket, Gio.NetworkAddress.new("edge", 443))
client.set_database(own)
client.handshake(None)
print("the server is trusted by the program's own database")
print("the system's certificates were", "read" if select.select([watch], [], [], 0)[0] else "not read")
P
mkfifo "$T/ready"
/usr/bin/python3 "$T/server.py" "$T" >"$T/ready" 2>/dev/null & server=$!
read -r _ <"$T/ready"
echo "glib-networking 2.74.0-4, GnuTLS 3.7.9"
seen=$(LD_LIBRARY_PATH="$LIB" GIO_MODULE_DIR="$LIB/gio/modules" GI_TYPELIB_PATH="$LIB/girepository-1.0" PYTHONPATH="$T/usr/lib/python3/dist-packages" /usr/bin/python3 "$T/client.py" "$T" 2>/dev/null)
echo "expected by a good guess: the system's certificates were not read"
echo "seen:"; echo "$seen"
[ "$seen" = "the server is trusted by the program's own database
the system's certificates were read" ]
