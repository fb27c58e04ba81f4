#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: Squid's client_lifetime ("the maximum amount of time a client is allowed to remain connected to the cache process", one day by
# default) ends each connection through it at that age, a tunnel made with CONNECT too.
# Seen (Squid 5.7): a tunnel with traffic outlives it by any factor.
# What follows: a tunnel through Squid needs no new connection each day; what ends one is silence (read_timeout), and one byte in either
# direction is enough against that (data/doc/proxies.md).
#
# Needs apt, dpkg, root and python3. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
proxy=
trap 'kill $proxy 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download squid=5.7-2+deb12u6 squid-common=5.7-2+deb12u6 squid-langpack=20220130-1 libecap3=1.0.1-3.4 libdb5.3=5.3.28+dfsg2-1 libltdl7=2.4.7-7~deb12u1 libnetfilter-conntrack3=1.0.9-3 libnfnetlink0=1.0.2-2 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$(echo "$T"/usr/lib/*-linux-gnu)
mkdir "$T/run"
chmod 755 "$T"; chmod 777 "$T/run"
cat >"$T/squid.conf" <<C
http_port 127.0.0.1:45396
http_access allow all
client_lifetime 2 seconds
cache deny all
access_log none
cache_log $T/run/log
pid_filename none
coredump_dir $T/run
netdb_filename none
pinger_enable off
visible_hostname proxy
mime_table $T/usr/share/squid/mime.conf
icon_directory $T/usr/share/squid/icons
error_directory $T/usr/share/squid/errors/English
err_page_stylesheet $T/etc/squid/errorpage.css
C
LD_LIBRARY_PATH=$LIB "$T/usr/sbin/squid" -v | head -1
LD_LIBRARY_PATH=$LIB "$T/usr/sbin/squid" -N -f "$T/squid.conf" >"$T/run/out" 2>&1 & proxy=$!
cat >"$T/client.py" <<'P'
import socket, threading, time
target = socket.create_server(("127.0.0.1", 45397))


def answer():
    connection = target.accept()[0]
    while data := connection.recv(100):
        connection.sendall(data)


threading.Thread(target=answer, daemon=True).start()
for _ in range(100):
    try:
        client = socket.create_connection(("127.0.0.1", 45396))
        break
    except OSError:
        time.sleep(0.1)
client.sendall(b"CONNECT 127.0.0.1:45397 HTTP/1.1\r\nHost: 127.0.0.1:45397\r\n\r\n")
client.settimeout(5)
assert b" 200 " in client.recv(4096)
begun = time.monotonic()
while time.monotonic() - begun < 10:
    client.sendall(b"x")
    if client.recv(1) != b"x":
        break
    time.sleep(0.2)
print("ended" if time.monotonic() - begun < 10 else "alive after 10 s")
P
seen=$(/usr/bin/python3 "$T/client.py")
echo "expected by a good guess: ended, after 2 s"
echo "seen: $seen"
[ "$seen" = "alive after 10 s" ]
