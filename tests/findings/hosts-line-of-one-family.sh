#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a line in /etc/hosts wins over DNS, so with "files dns" and the line "10.0.0.9 nas", `getent hosts nas` says 10.0.0.9.
# Seen (glibc 2.36): it says the IPv6 address that DNS has. gethostbyname2(AF_INET6), which getent asks first, finds no address of that
# family in the file, takes that for "not found" and goes on to dns. getaddrinfo() for any family (`getent ahosts`, ssh) stops at the line.
# What follows: diagnose says of a name in /etc/hosts that most programs don't ask further, not that none does; tests of what wins
# there ask with `getent ahosts`; and our module doesn't answer for a name that has an address of the other family.
#
# Needs python3 and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cat >"$T/server.py" <<'P'
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, asker = server.recvfrom(4096)
    end = query.index(0, 12) + 5
    has = query[end - 4:end - 2] == b"\0\x1c"  # AAAA; there is no A
    record = b"\xc0\x0c\0\x1c\0\1\0\0\0\x05\0\x10" + socket.inet_pton(socket.AF_INET6, "2001:db8::9") if has else b""
    server.sendto(query[:2] + b"\x81\x80\0\1" + bytes((0, has)) + b"\0\0\0\0" + query[12:end] + record, asker)
P
getconf GNU_LIBC_VERSION
seen=$(unshare -rnm sh -ec '
  ip link set lo up
  echo "nameserver 127.0.0.1" >"$1/resolv.conf"; mount --bind "$1/resolv.conf" /etc/resolv.conf
  echo "hosts: files dns" >"$1/nsswitch.conf"; mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
  echo "10.0.0.9 nas" >"$1/hosts"; mount --bind "$1/hosts" /etc/hosts
  mkfifo "$1/ready"; python3 "$1/server.py" >"$1/ready" & read _ <"$1/ready"
  for database in hosts ahosts; do echo "getent $database: $(getent $database nas | sort -u | sed -n "1s/ .*//p")"; done
  kill $!' sh "$T" 2>&1)
echo "expected by a good guess: 10.0.0.9 from both"
echo "seen:"; echo "$seen"
[ "$seen" = 'getent hosts: 2001:db8::9
getent ahosts: 10.0.0.9' ]
