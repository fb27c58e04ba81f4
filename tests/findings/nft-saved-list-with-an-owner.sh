#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `nft list ruleset`, with `flush ruleset` in front, is what `nft -f` loads: that is how rules are saved. A table that another
# program owns (`flags owner`) is left out of such a list, or skipped, as `flush ruleset` skips it.
# Seen (Linux 6.18, nftables 1.0.6): `flush ruleset` passes the owned table without a word and ends with 0. `list ruleset` lists the table
# with its flag; loading that list is refused, "Operation not permitted", and none of it is applied, the person's own tables included.
# Once the owner has ended, the same list is accepted, and the kernel removes the owned table as soon as `nft` ends.
# What follows: whoever saves rules during lockdown leaves out the tables of Edgeway (data/doc/vpn.md); what was saved with
# an owned table in it can't be loaded while lockdown is on, and does no harm later.
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 && for package in *.deb; do dpkg -x "$package" .; done)
LD_LIBRARY_PATH=$(dirname "$(find "$T" -name 'libnftables.so.1')")
export LD_LIBRARY_PATH NFT="$T/usr/sbin/nft" T
"$NFT" --version; uname -r
mkfifo "$T/owner"
unshare -rn sh -eu -c '
"$NFT" -i <"$T/owner" >/dev/null &
exec 3>"$T/owner"
echo "add table inet held { flags owner; }" >&3
tries=0
until "$NFT" list table inet held >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1; done
"$NFT" add table inet mine
{ echo "flush ruleset"; "$NFT" list ruleset; } >"$T/saved"
grep -c "flags owner" "$T/saved" >"$T/listed" || true
status=0; "$NFT" flush ruleset || status=$?; echo $status >"$T/flushed"
"$NFT" list tables >"$T/left"
status=0; "$NFT" -f "$T/saved" 2>"$T/why" || status=$?; echo $status >"$T/loaded"
"$NFT" list tables >"$T/tables"
exec 3>&-
wait
status=0; "$NFT" -f "$T/saved" || status=$?; echo $status >"$T/later"
"$NFT" list tables >"$T/after"'
echo "expected by a good guess: what nft has listed, nft loads; the flush says what it leaves"
echo "seen: flush ruleset ends with $(cat "$T/flushed") and leaves: $(cat "$T/left")"
echo "seen: the list has $(cat "$T/listed") owned table; loading it ends with $(cat "$T/loaded"): $(head -n 1 "$T/why"); then: $(cat "$T/tables")"
echo "seen, without the owner: loading ends with $(cat "$T/later"); then: $(cat "$T/after")"
[ "$(cat "$T/listed") $(cat "$T/flushed") $(cat "$T/loaded") $(cat "$T/later")" = "1 0 1 0" ] &&
  [ "$(cat "$T/left") $(cat "$T/tables") / $(cat "$T/after")" = "table inet held table inet held / table inet mine" ] && grep -q "Operation not permitted" "$T/why"
