#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: a library's -dev package depends on what its own .pc file requires, so that `pkg-config --cflags libunbound` works once libunbound-dev is
# installed with all that it depends on.
# Seen: libunbound.pc has "Requires.private: hogweed nettle libevent", libunbound-dev depends on libunbound8 alone. `--libs` works, `--cflags`, which
# looks at what is required in private too, fails: "Package 'libevent', required by 'libunbound', not found". A build that finds it by pkg-config works
# on a machine where libevent-dev and nettle-dev happen to be.
# Version: libunbound-dev 1.17.1-2+deb12u4, pkgconf 1.8.1 of Debian 12.
# What follows: the build looks for the header and the library themselves (meson.build).
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download libunbound-dev=1.17.1-2+deb12u4 pkgconf-bin=1.8.1-1 libpkgconf3=1.8.1-1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
dpkg -f libunbound-dev_*.deb Depends
for package in *.deb; do dpkg -x "$package" root; done
library=$(echo root/usr/lib/*-linux-gnu)
# Only what the package itself brought is there.
export LD_LIBRARY_PATH="$library" PKG_CONFIG_LIBDIR="$library/pkgconfig"
echo "expected: flags from both; seen:"
libs=0 cflags=0
root/usr/bin/pkgconf --libs libunbound || libs=$?
root/usr/bin/pkgconf --cflags libunbound || cflags=$?
echo "status of --libs $libs, of --cflags $cflags"
[ $libs = 0 ] && [ $cflags != 0 ] && [ "$(dpkg -f libunbound-dev_*.deb Depends)" = "libunbound8 (= 1.17.1-2+deb12u4)" ]
