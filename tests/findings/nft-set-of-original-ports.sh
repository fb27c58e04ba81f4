#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: what `nft list ruleset` says can be read by `nft -f` again, as Debian's nftables.service is set up by saving it; and
# a set means what its elements mean one by one.
# Seen (nftables 1.0.6): "ct original proto-dst 80" is listed as it was written; "ct original proto-dst { 80, 443 }" is accepted
# and works, but is listed as "{ 0x50 [invalid type], 0x1bb [invalid type] }", which nft refuses, and with it the whole saved file.
# What follows: one rule for each port (daemon/edge/exit/firewall.c, format_published).
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 && for p in *.deb; do dpkg -x "$p" .; done)
libraries=$(echo "$T"/usr/lib/*-linux-gnu)
export PATH="$T/usr/sbin:$PATH" LD_LIBRARY_PATH="$libraries" T
nft --version
seen=$(unshare -rn sh -ec '
  try() {
    nft flush ruleset; nft "table inet a { chain c { meta l4proto tcp ct original proto-dst $1 accept; }; }"
    nft list ruleset >"$T/saved"; grep -o "proto-dst.*" "$T/saved"
    nft flush ruleset; nft -f "$T/saved" 2>/dev/null && echo "read again" || echo "refused"
  }
  try 80; try "{ 80, 443 }"')
echo "expected by a good guess: both are read again"
echo "seen:"; echo "$seen"
[ "$seen" = "proto-dst 80 accept
read again
proto-dst { 0x50 [invalid type], 0x1bb [invalid type] } accept
refused" ]
