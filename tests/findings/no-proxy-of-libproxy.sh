#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: GIO's proxy resolver reads http_proxy, https_proxy and no_proxy as curl and Python do: http_proxy is for http:// alone,
# no_proxy=example.org covers www.example.org, and no_proxy=* covers all.
# Seen (glib-networking 2.74.0 with libproxy 0.4.18, curl 7.88.1): none of the three. Where only http_proxy is set, https:// goes through it;
# no_proxy=example.org covers that one name (a leading dot or "*." covers those below it, and then not itself); no_proxy=* covers nothing.
# What follows: a node has to read these variables itself, as curl does, so that what an administrator has tried with curl also holds for the tunnel
# (data/doc/proxies.md).
#
# Needs apt, dpkg and python3 (and the libraries of Debian's curl). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
proxy=
trap 'kill $proxy 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 libproxy1v5=0.4.18-1.2 glib-networking=2.74.0-4 python3-gi=3.42.2-3+b1 gir1.2-glib-2.0=1.74.0-3 libgirepository-1.0-1=1.74.0-3 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
cat >"$T/look.py" <<'P'
import sys
from gi.repository import Gio
print("the proxy" if Gio.ProxyResolver.get_default().lookup(sys.argv[1], None)[0].startswith("http") else "direct")
P
# A proxy that refuses everything: curl says 97 or 56 where it has been asked, and 6 (no such host) where it hasn't.
cat >"$T/proxy.py" <<'P'
import socket
listener = socket.create_server(("127.0.0.1", 45395))
print("ready", flush=True)
while True:
    connection = listener.accept()[0]
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.close()
P
mkfifo "$T/ready"
/usr/bin/python3 "$T/proxy.py" >"$T/ready" & proxy=$!
read -r _ <"$T/ready"
gio() { env -i PATH="$PATH" LD_LIBRARY_PATH="$LIB" GIO_MODULE_DIR="$LIB/gio/modules" GI_TYPELIB_PATH="$LIB/girepository-1.0" PYTHONPATH="$T/usr/lib/python3/dist-packages" "$@" /usr/bin/python3 "$T/look.py" https://www.example.invalid; }
curls() { if env -i PATH="$PATH" LD_LIBRARY_PATH="$LIB" "$@" "$T/usr/bin/curl" -sv -o /dev/null https://www.example.invalid 2>&1 | grep -q '^> CONNECT'; then echo "the proxy"; else echo direct; fi; }
LD_LIBRARY_PATH="$LIB" "$T/usr/bin/curl" --version | head -1
P=http://127.0.0.1:45395
seen=$(for v in "http_proxy=$P" "https_proxy=$P no_proxy=example.invalid" "https_proxy=$P no_proxy=*" "https_proxy=$P no_proxy=.example.invalid"; do
  set -f
  # shellcheck disable=SC2086
  echo "${v##* }: curl $(curls $v), GIO $(gio $v)"
done | sed "s|=$P||")
echo "expected by a good guess: direct, by both, in all lines"
echo "seen:"; echo "$seen"
[ "$seen" = "http_proxy: curl direct, GIO the proxy
no_proxy=example.invalid: curl direct, GIO the proxy
no_proxy=*: curl direct, GIO the proxy
no_proxy=.example.invalid: curl direct, GIO direct" ]
