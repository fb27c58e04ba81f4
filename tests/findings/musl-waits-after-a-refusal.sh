#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: where the only name server says REFUSED or SERVFAIL at once, getaddrinfo() fails at once, whichever C library it is.
# Seen (musl 1.2.3): glibc gives up after milliseconds. musl takes neither for an answer: it asks again at once after SERVFAIL, and
# then waits for a better answer until its five seconds are over.
# What follows: an edge refuses no name of others that it doesn't forward (a plain WireGuard node asks it for every name); and a
# static program in VPN mode waits 5 s for a name while the edge is away, although the node itself says SERVFAIL at once.
#
# Needs apt, dpkg, gcc, python3 and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download musl-dev=1.2.3-1 && dpkg -x musl-dev_*.deb .)
M=$T/usr/lib/x86_64-linux-musl
cat >"$T/ask.c" <<'C'
#include <netdb.h>
#include <stdio.h>
#include <time.h>
int main(void)
{
  struct addrinfo *result;
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  int error = getaddrinfo("host.example.com", 0, 0, &result);
  clock_gettime(CLOCK_MONOTONIC, &after);
  printf("error %d, %s\n", error, after.tv_sec - before.tv_sec >= 4 ? "5 s" : "at once");
  return 0;
}
C
gcc -o "$T/ask-glibc" "$T/ask.c"
gcc -nostdinc -isystem "$T/usr/include/x86_64-linux-musl" -fno-stack-protector -c -o "$T/ask.o" "$T/ask.c"
gcc -static -no-pie -nostdlib -o "$T/ask-musl" "$M/crt1.o" "$M/crti.o" "$T/ask.o" "$M/libc.a" -lgcc "$M/libc.a" "$M/crtn.o"
cat >"$T/server.py" <<'P'
import socket
import sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, asker = server.recvfrom(4096)
    server.sendto(query[:2] + bytes((0x81, 0x80 | int(sys.argv[1]))) + query[4:], asker)
P
echo "musl 1.2.3-1"; getconf GNU_LIBC_VERSION
seen=$(unshare -rnm sh -ec '
  ip link set lo up
  echo "nameserver 127.0.0.1" >"$1/resolv.conf"; mount --bind "$1/resolv.conf" /etc/resolv.conf
  echo "hosts: files dns" >"$1/nsswitch.conf"; mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
  for code in 5 2; do
    mkfifo "$1/ready$code"; python3 "$1/server.py" $code >"$1/ready$code" & read _ <"$1/ready$code"
    [ $code = 5 ] && name=REFUSED || name=SERVFAIL
    echo "$name: glibc: $("$1/ask-glibc"), musl: $("$1/ask-musl")"
    kill $!
  done' sh "$T" 2>&1)
echo "expected by a good guess: at once, all four"
echo "seen:"; echo "$seen"
[ "$seen" = 'REFUSED: glibc: error -3, at once, musl: error -3, 5 s
SERVFAIL: glibc: error -3, at once, musl: error -3, 5 s' ]
