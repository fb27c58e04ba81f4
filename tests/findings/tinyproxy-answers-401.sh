#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a proxy that wants Basic authentication answers 407 and Proxy-Authenticate (RFC 9110, section 11.7.1) both to a request without
# credentials and to one with wrong ones.
# Seen (tinyproxy 1.11.1): 407 to the first; to the second 401, with WWW-Authenticate, as a web server that wants a password of its own.
# What follows: a 401 to CONNECT means wrong credentials, too; a client that asks again on 407 alone tells people that the proxy "refused"
# (daemon/proxy/tunnel.c).
#
# Needs apt, dpkg and python3. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
proxy=
trap 'kill $proxy 2>/dev/null || true; rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download tinyproxy-bin=1.11.1-2.1+deb12u1 && dpkg -x tinyproxy-bin_*.deb .)
cat >"$T/configuration" <<C
Port 45398
Listen 127.0.0.1
MaxClients 10
LogLevel Error
DefaultErrorFile "$T/usr/share/tinyproxy/default.html"
BasicAuth joe secret
C
"$T/usr/bin/tinyproxy" -v
"$T/usr/bin/tinyproxy" -d -c "$T/configuration" >/dev/null 2>&1 & proxy=$!
cat >"$T/client.py" <<'P'
import base64, socket, time
for name, credentials in (("without", None), ("wrong", b"joe:wrong")):
    for _ in range(50):
        try:
            client = socket.create_connection(("127.0.0.1", 45398))
            break
        except OSError:
            time.sleep(0.1)
    header = b"Proxy-Authorization: Basic " + base64.b64encode(credentials) + b"\r\n" if credentials else b""
    client.sendall(b"CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n" + header + b"\r\n")
    answer = b""
    while part := client.recv(4096):
        answer += part
    headers = [line.split(b":")[0].decode() for line in answer.split(b"\r\n") if line.lower().split(b":")[0] in (b"proxy-authenticate", b"www-authenticate")]
    print(name, "credentials:", answer.split(b" ")[1].decode(), *headers)
P
seen=$(/usr/bin/python3 "$T/client.py")
echo "expected by a good guess: 407 Proxy-Authenticate, twice"
echo "seen:"; echo "$seen"
[ "$seen" = "without credentials: 407 Proxy-Authenticate
wrong credentials: 401 WWW-Authenticate" ]
