#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: apt's https method takes a file from any web server that says how long it is, as Debian 12's does.
# Seen (apt 3.0.4 with OpenSSL 3.5 of Debian 13; Python 3.11's http.server with its ssl module): it doesn't. Python closes the TCP
# connection without TLS's closing alert, and apt calls that "unexpected eof while reading" and fails, though it has all bytes that
# Content-Length announced. It leaves them under the file's own name, not compared with the hash that was given.
# What follows: an edge ends each answer with the alert (daemon/edge/http/stream.c), and what runs a file that apt-helper fetches is tied
# to its success by && on the same command (daemon/common/install-lines.h).
#
# Needs root, mmdebstrap, openssl, python3 and Debian's archive. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$T"' EXIT
mmdebstrap --quiet --variant=apt trixie "$T/debian"
chroot "$T/debian" dpkg-query -W -f='${Package} ${Version}\n' apt libssl3t64
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key" -out "$T/certificate" -subj /CN=edge -days 2 2>/dev/null
mkdir "$T/www"
echo hello >"$T/www/file"
cat >"$T/server.py" <<'P'
import functools, http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/certificate", sys.argv[1] + "/key")
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1] + "/www")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 45392), handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
P
/usr/bin/python3 "$T/server.py" "$T" 2>/dev/null & server=$!
sleep 1
hash=$(sha256sum "$T/www/file" | cut -d' ' -f1)
status=0
chroot "$T/debian" /usr/lib/apt/apt-helper -oAcquire::https::Verify-Peer=0 download-file https://127.0.0.1:45392/file /tmp/file "SHA256:$hash" >"$T/log" 2>&1 || status=$?
echo "expected by a good guess: 0"
echo "seen: $status"; grep -i "eof" "$T/log" | head -1
[ "$status" != 0 ] && grep -q "unexpected eof while reading" "$T/log" && cmp "$T/debian/tmp/file" "$T/www/file"
