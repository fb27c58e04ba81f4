#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: who reads 100 bytes of a TLS record of 16,000 from a pollable stream of GIO and then waits with the stream's own source is
# called at once: the stream has the rest, even though the socket under it has nothing.
# Seen (GLib 2.74, glib-networking 2.74.0, GnuTLS 3.7.9): the stream says that it isn't readable and its source stays silent, and the next
# read gives the 15,900 bytes without waiting. Only the socket is asked.
# What follows: whoever reads from such a stream reads until it would block before it waits, however much it has already
# (data/doc/proxies.md).
#
# Needs apt, dpkg, openssl and python3. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download libgnutls30=3.7.9-2+deb12u7 glib-networking=2.74.0-4 python3-gi=3.42.2-3+b1 gir1.2-glib-2.0=1.74.0-3 libgirepository-1.0-1=1.74.0-3 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key" -out "$T/certificate" -subj /CN=edge -days 2 2>/dev/null
cat >"$T/server.py" <<'P'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/certificate", sys.argv[1] + "/key")
listener = socket.create_server(("127.0.0.1", 45394))
print("ready", flush=True)
stream = context.wrap_socket(listener.accept()[0], server_side=True)
stream.sendall(bytes(16000))  # one record
stream.read(1)
P
cat >"$T/client.py" <<'P'
from gi.repository import Gio, GLib
client = Gio.SocketClient()
client.set_tls(True)
client.set_tls_validation_flags(Gio.TlsCertificateFlags(0))
connection = client.connect_to_host("127.0.0.1:45394", 45394, None)
stream = connection.get_input_stream()
print(len(stream.read_bytes(100, None).get_data()), "bytes of the record")
loop, fired = GLib.MainLoop(), []
source = stream.create_source(None)
source.set_callback(lambda *_: (fired.append(1), loop.quit(), False)[2])
source.attach(None)
GLib.timeout_add(2000, loop.quit)
loop.run()
print("readable" if stream.is_readable() else "not readable", "and the source", "called" if fired else "silent for 2 s")
print(len(stream.read_bytes(20000, None).get_data()), "bytes more")
P
mkfifo "$T/ready"
/usr/bin/python3 "$T/server.py" "$T" >"$T/ready" 2>/dev/null & server=$!
read -r _ <"$T/ready"
echo "glib-networking 2.74.0-4, GnuTLS 3.7.9"
seen=$(LD_LIBRARY_PATH="$LIB" GIO_MODULE_DIR="$LIB/gio/modules" GI_TYPELIB_PATH="$LIB/girepository-1.0" PYTHONPATH="$T/usr/lib/python3/dist-packages" /usr/bin/python3 "$T/client.py" 2>/dev/null)
echo "expected by a good guess: readable and the source called"
echo "seen:"; echo "$seen"
[ "$seen" = "100 bytes of the record
not readable and the source silent for 2 s
15900 bytes more" ]
