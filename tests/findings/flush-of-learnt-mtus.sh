#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `ip -6 route flush cache` makes the kernel forget every path MTU that it has learnt, as `ip route flush cache` does.
# Seen (iproute2 6.1.0, Linux 6.18): no. A "Packet Too Big" for a destination whose route is in another table than main (by a
# policy rule) is kept with that route, and the flush leaves it there, with exit status 0 and no word. `ip -6 route flush cache
# table all` takes it. IPv4 keeps what it learns with the next hop and forgets all of it at once.
# What follows: the tunnel's routes are in a table of their own, so a test that tries a larger MTU names the table
# (tests/netns/test_node_mtu.py).
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
chmod 755 "$T"
(cd "$T" && apt-get -qq download iproute2=6.1.0-3 iputils-ping=3:20221126-1+deb12u1 && for p in *.deb; do dpkg -x "$p" .; done)
PATH=$T/sbin:$T/bin:$PATH
ip -V; uname -r
#   here ── a b ── router ── c (1300) d ── far
seen=$(unshare -rnm sh -ec '
  mount -t tmpfs tmpfs /run; mkdir /run/netns
  ip netns add router; ip netns add far
  ip link add name a type veth peer name b netns router
  ip -n router link add name c mtu 1300 type veth peer name d mtu 1300 netns far
  ip link set lo up; ip link set dev a up; ip -n router link set dev b up; ip -n router link set dev c up; ip -n far link set dev d up
  ip addr add fd01::1/64 dev a nodad; ip -n router addr add fd01::2/64 dev b nodad
  ip -n router addr add fd02::1/64 dev c nodad; ip -n far addr add fd02::2/64 dev d nodad
  ip netns exec router sh -c "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
  ip -n far -6 route add default via fd02::1
  ip -6 rule add priority 100 lookup 77
  known() { ip -6 route get fd02::2 | grep -o "mtu [0-9]*" || echo "mtu unknown"; }
  try() { # TABLE FLUSH…
    table=$1; shift
    ip -6 route add fd02::/64 via fd01::2 table $table
    for i in 1 2 3 4 5; do ping -6 -q -n -c1 -W1 -M do -s 1400 fd02::2 >/dev/null 2>&1 || true; [ "$(known)" = "mtu unknown" ] || break; sleep 1; done
    echo "table $table: $(known); after \"ip -6 route $*\": $(ip -6 route "$@" && known)"
    ip -6 route del fd02::/64 table $table
  }
  try main flush cache; try 77 flush cache; try 77 flush cache table all')
echo "expected by a good guess: unknown after each flush"
echo "seen:"; echo "$seen"
[ "$seen" = 'table main: mtu 1300; after "ip -6 route flush cache": mtu unknown
table 77: mtu 1300; after "ip -6 route flush cache": mtu 1300
table 77: mtu 1300; after "ip -6 route flush cache table all": mtu unknown' ]
