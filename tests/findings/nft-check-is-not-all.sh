#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `nft --check` accepts what `nft` would load, as it sends the whole transaction to the kernel and cancels it.
# Seen (nftables 1.0.6): a rule whose expression the kernel doesn't allow at this hook ("fib daddr oif" at output) passes the
# check with exit status 0 and is refused when loaded: "Operation not supported". The kernel tells that only at the commit, which
# a check leaves out. An expression that the kernel doesn't have at all is found by the check.
# What follows: a dry run tells whether the kernel has an expression (daemon/net/answers.c, seal.c), and no more; whether rules
# can be loaded is known once they are.
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 && for package in *.deb; do dpkg -x "$package" .; done)
LD_LIBRARY_PATH=$(dirname "$(find "$T" -name 'libnftables.so.1')")
export LD_LIBRARY_PATH
"$T/usr/sbin/nft" --version; uname -r
cat >"$T/rules" <<'R'
table inet t {
  chain c {
    type filter hook output priority 0
    fib daddr oif "lo" accept
  }
}
R
check=$(unshare -rn "$T/usr/sbin/nft" --check -f "$T/rules" 2>&1 && echo accepted || echo refused)
load=$(unshare -rn "$T/usr/sbin/nft" -f "$T/rules" 2>&1 && echo accepted || echo refused)
echo "expected by a good guess: both accept, or both refuse"
echo "seen: check: $check; load: $load"
case "$check/$load" in accepted/*"not supported"*refused) ;; *) exit 1 ;; esac
