#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: "table T; delete table T; table T { … }" in one transaction replaces a table whether it's there or not, and costs nothing
# where it isn't: what the transaction itself has made is deleted again before anyone can use it.
# Seen (Linux 6.18, nftables 1.0.6): sendmsg() is as quick as without, but close() of the socket waits: the kernel destroys
# what was deleted after a grace period of RCU, and whoever closes an nfnetlink socket waits for that (nft_rcv_nl_event() in
# net/netfilter/nf_tables_api.c). 8 to 20 ms, and up to 100 ms on a busy computer. With nothing deleted: 0.1 ms.
# What follows: a table that isn't there is made without the delete (daemon/net/firewall.c); that was up to a third of the time
# that connecting took.
#
# Needs apt, dpkg, strace and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 && for package in *.deb; do dpkg -x "$package" .; done)
LD_LIBRARY_PATH=$(dirname "$(find "$T" -name 'libnftables.so.1')")
export LD_LIBRARY_PATH NFT="$T/usr/sbin/nft" T
"$NFT" --version; uname -r
printf 'table inet t {\n chain c {\n type filter hook output priority 0\n }\n}\n' >"$T/made"
{ printf 'table inet t\ndelete table inet t\n'; cat "$T/made"; } >"$T/replaced"
# The longest close() of five runs each, in microseconds; the table is removed in between, and that has ended.
unshare -rn sh -c '
for rules in made replaced; do
  for i in 1 2 3 4 5; do
    strace -q -T -e trace=close -o "$T/trace" "$NFT" -f "$T/$rules"
    sed -n "s/.*<\([0-9.]*\)>$/\1/p" "$T/trace" | sort -n | tail -1
    "$NFT" delete table inet t
  done | sort -n | sed -n 3p | awk "{ print int(\$1 * 1000000) }" >"$T/$rules.us"
done'
echo "expected by a good guess: closing takes the same with and without the delete"
echo "seen, medians: made $(cat "$T/made.us") µs, replaced $(cat "$T/replaced.us") µs"
[ "$(cat "$T/replaced.us")" -gt $((3 * $(cat "$T/made.us"))) ]
