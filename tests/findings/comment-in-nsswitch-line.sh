#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: in nsswitch.conf, "#" begins a comment anywhere in a line, as the sources of older C libraries and common sense say.
# Seen (glibc 2.36): only a line that begins with "#" is a comment. "hosts: files # by hand" makes four services: "#", "by" and "hand"
# are looked for as libnss_#.so.2 and so on. Their absence is the outcome of every look-up that fails: getaddrinfo() says
# "System error" where it said "Name or service not known" before.
# What follows: Edgeway's words are put before a "#" (daemon/nss/nsswitch.c), where both kinds of C library find them, and tests of
# what a line means have no comment in it.
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download libc6=2.36-9+deb12u14 libc-bin=2.36-9+deb12u14 && for p in *.deb; do dpkg -x "$p" .; done)
export T
echo "hosts: files # by hand" >"$T/nsswitch.conf"
seen=$(unshare -rm sh -ec '
  mount --bind "$T/nsswitch.conf" /etc/nsswitch.conf
  lib=$(dirname "$(find "$T" -name libc.so.6)")
  LD_DEBUG=libs "$(find "$T" -name "ld-linux*" | head -n 1)" --library-path "$lib" "$T/usr/bin/getent" hosts nobody.example 2>&1 || true' |
  grep -o 'find library=libnss_[^ ]*' | sort -u)
echo "expected by a good guess: no library is looked for"
echo "seen:"; echo "$seen"
[ "$seen" = "find library=libnss_#.so.2
find library=libnss_by.so.2
find library=libnss_hand.so.2" ]
