#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `ip route add NET via GATEWAY` without "dev" takes the interface that `ip route get GATEWAY` names.
# Seen (iproute2 6.1.0, Linux 6.18): no. A policy rule before the main table leads to a table with a default route by
# a tunnel and "throw 192.168.0.0/16". `ip route get 192.168.55.10` goes on to the main table and says "dev lan"; the route by
# this gateway gets "dev tunnel". The kernel looks the gateway up by the policy rules, too, but with scope "link" or narrower:
# "throw" has scope "global" and is passed over, and the default route, which without a next hop has scope "link", is found.
# What follows: in a table of its own, what leads into a tunnel gets scope "global" and exceptions scope "host"; then routes that
# others add by a gateway are what they would be without (daemon/net/steps.c, route_scope).
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download iproute2=6.1.0-3 && dpkg -x iproute2_*.deb .)
PATH=$T/sbin:$T/bin:$PATH
ip -V; uname -r
seen=$(unshare -rn sh -ec '
  for pair in "lan far" "tunnel end"; do set -- $pair; ip link add $1 type veth peer name $2; ip link set $1 up; ip link set $2 up; done
  ip addr add 192.168.55.1/24 dev lan
  ip rule add priority 5200 lookup 100
  try() {
    ip route add default dev tunnel scope $1 table 100; ip route add throw 192.168.0.0/16 scope $2 table 100
    echo "$1 $2: get $(ip route get 192.168.55.10 | grep -o "dev [a-z]*"), via $(ip route add 172.29.0.0/16 via 192.168.55.10; ip route show 172.29.0.0/16 | grep -o "dev [a-z]*")"
    ip route flush table 100; ip route del 172.29.0.0/16
  }
  try link global; try global host')
echo "expected by a good guess: get dev lan, via dev lan, each time"
echo "seen:"; echo "$seen"
[ "$seen" = "link global: get dev lan, via dev tunnel
global host: get dev lan, via dev lan" ]
