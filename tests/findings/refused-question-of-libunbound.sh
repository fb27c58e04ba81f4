#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: libunbound asks by connected sockets (udp-connect is on by default), so a resolver whose port is closed, where the kernel says
# ECONNREFUSED at once, makes a question fail within milliseconds; and with `ede: yes` the answer says so (RFC 8914).
# Seen: it takes the refusal for silence and repeats the question with its usual waits: SERVFAIL comes after 10 to 20 s. It comes without a
# message (ub_resolve_async: with a header of 12 bytes, without the question), and so without an extended error.
# Version: libunbound8 1.17.1-2+deb12u4 of Debian 12.
# What follows: the edge has its own timeout, shorter while a resolver is silent, and makes the answer to a failure itself (edge/dns/forward.c).
# Needs apt, dpkg and python3. Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 libhogweed6=3.8.1-2 libnettle8=3.8.1-2 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
cat >ask.py <<'P'
import ctypes
import socket
import time

free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
free.bind(("127.0.0.1", 0))
port = free.getsockname()[1]
free.close()
plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
plain.connect(("127.0.0.1", port))
plain.send(b"?")
try:
    plain.recv(1)
except ConnectionRefusedError:
    print("the kernel refuses at once")


class Result(ctypes.Structure):
    _fields_ = [("qname", ctypes.c_char_p), ("qtype", ctypes.c_int), ("qclass", ctypes.c_int), ("data", ctypes.c_void_p), ("len", ctypes.c_void_p),
                ("canonname", ctypes.c_char_p), ("rcode", ctypes.c_int), ("answer_packet", ctypes.c_void_p), ("answer_len", ctypes.c_int)]


library = ctypes.CDLL("libunbound.so.8")
library.ub_ctx_create.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.ub_ctx_create())
with open("conf", "w") as file:
    file.write(f'server:\n module-config: "iterator"\n do-not-query-localhost: no\n {"ed" + "e"}: yes\nforward-zone:\n name: "."\n forward-addr: 127.0.0.1@{port}\n')
assert library.ub_ctx_config(context, b"conf") == 0
library.ub_ctx_debugout(context, None)
result, begun = ctypes.POINTER(Result)(), time.monotonic()
assert library.ub_resolve(context, b"a.example", 1, 1, ctypes.byref(result)) == 0
took, answer = time.monotonic() - begun, result.contents
print("expected: SERVFAIL at once, with an extended error")
print(f"seen: rcode {answer.rcode} after {took:.1f} s, {answer.answer_len} bytes")
raise SystemExit(not (answer.rcode == 2 and took > 5 and answer.answer_len <= 12))
P
LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) /usr/bin/python3 ask.py
