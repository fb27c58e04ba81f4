#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `nft list tables` asks the kernel for the tables' names, and `nft list chain` for one chain; what they cost does not
# depend on a set that happens to be in the table.
# Seen (nftables 1.0.6): both fetch every element of every set first. With a block list of 100,000 addresses `list tables` takes
# most of a second and reads megabytes, to print a line a table; `add rule` does not.
# What follows: what is looked at whenever some program has changed its rules is read from the kernel without libnftables
# (daemon/host/nftables.c); libnftables only changes things.
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 && for package in *.deb; do dpkg -x "$package" .; done)
LD_LIBRARY_PATH=$(dirname "$(find "$T" -name 'libnftables.so.1')")
export LD_LIBRARY_PATH NFT="$T/usr/sbin/nft" T
"$NFT" --version; uname -r
# 20 pieces of 1,000: a user namespace may not send more at once.
printf 'table inet t {\n set block {\n type ipv4_addr\n }\n chain c { }\n}\n' >"$T/rules.0"
for i in $(seq 20); do
  { printf 'add element inet t block { 192.0.2.%d' "$i"; seq 0 999 | awk -v i="$i" '{ printf ",10.%d.%d.%d", i, $1 / 256, $1 % 256 }'; echo ' }'; } >"$T/rules.$i"
done
# --debug=netlink prints what was fetched.
unshare -rn sh -c '
for i in $(seq 0 20); do "$NFT" -f "$T/rules.$i"; done
"$NFT" --debug=netlink list tables 2>&1 | wc -c >"$T/tables"
"$NFT" --debug=netlink list chain inet t c 2>&1 | wc -c >"$T/chain"
"$NFT" --debug=netlink add rule inet t c accept 2>&1 | wc -c >"$T/add"'
echo "expected by a good guess: all of them fetch a few hundred bytes"
echo "seen: list tables $(cat "$T/tables"), list chain $(cat "$T/chain"), add rule $(cat "$T/add")"
[ "$(cat "$T/tables")" -gt 200000 ] && [ "$(cat "$T/chain")" -gt 200000 ] && [ "$(cat "$T/add")" -lt 10000 ]
