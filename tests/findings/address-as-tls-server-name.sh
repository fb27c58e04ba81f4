#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a TLS client of GIO that connects to an address sends no server name, as RFC 6066 section 3 forbids literal addresses
# there; or if it does, a server passes over it.
# Seen (glib-networking 2.74.0, GnuTLS 3.7.9): neither. The address goes out as the server name. GnuTLS's server takes an IPv4 one
# for a name, and ends the handshake at an IPv6 one ("A disallowed SNI server name has been received"): https://[2001:db8::1] can't
# be reached where https://192.0.2.1 can, with the same programs.
# What follows: the client sets the server name itself as soon as the TLS connection is made: the edge's host name, or a fixed one
# (daemon/account/client-try.c, prepare_tls).
#
# Needs apt, dpkg, openssl and python3. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download gnutls-bin=3.7.9-2+deb12u7 libgnutls30=3.7.9-2+deb12u7 libgnutls-dane0=3.7.9-2+deb12u7 libopts25=1:5.18.16-5 libunbound8=1.17.1-2+deb12u4 glib-networking=2.74.0-4 python3-gi=3.42.2-3+b1 gir1.2-glib-2.0=1.74.0-3 libgirepository-1.0-1=1.74.0-3 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
export PATH="$T/usr/bin:$PATH" LD_LIBRARY_PATH="$LIB" GIO_MODULE_DIR="$LIB/gio/modules" GI_TYPELIB_PATH="$LIB/girepository-1.0" PYTHONPATH="$T/usr/lib/python3/dist-packages"
gnutls-serv --version | head -1
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key" -out "$T/certificate" -subj /CN=edge -days 2 2>/dev/null
gnutls-serv --echo --port 45391 --x509keyfile "$T/key" --x509certfile "$T/certificate" >"$T/log" 2>&1 & server=$!
cat >"$T/client.py" <<'P'
import sys
from gi.repository import Gio
client = Gio.SocketClient()
client.set_tls(True)
client.set_tls_validation_flags(Gio.TlsCertificateFlags(0))
for address in ("127.0.0.1", "[::1]"):
    try:
        client.connect_to_host(f"{address}:45391", 443, None)
        print(address, "connected")
    except Exception as error:
        print(address, "failed")
P
sleep 1
seen=$(/usr/bin/python3 "$T/client.py" 2>/dev/null)
echo "expected by a good guess: both connect"
echo "seen:"; echo "$seen"; grep -i "disallowed" "$T/log" || true
[ "$seen" = "127.0.0.1 connected
[::1] failed" ]
